"""The page of `midlevel explain`."""
