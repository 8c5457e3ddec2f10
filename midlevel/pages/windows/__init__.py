"""The page of `midlevel windows`."""
