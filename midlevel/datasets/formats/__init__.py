"""A module per format: `matches(place)` and `read(place)`."""
