"""Looking at what a model sees: `explain`, `windows`, `units`."""
