"""How fast midlevel is, and what that costs: see `python scripts/bench --help`."""
