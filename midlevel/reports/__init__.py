"""`midlevel report`, and what it measures: maps, windows, labels, a baseline."""
