"""A trained model, and what it says of photographs."""
