"""Pages for people: `explain`, `windows`, `units` and `report`."""
