"""From labelled windows to a trained head."""
