"""From photographs to vectors, one a window and one a level, kept on disk."""
