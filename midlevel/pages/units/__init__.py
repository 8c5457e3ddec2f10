"""The page of `midlevel units`."""
