"""What a run is told: every setting, read and checked."""
