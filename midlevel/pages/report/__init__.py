"""The page of `midlevel report`."""
