"""The page that says what to train."""
