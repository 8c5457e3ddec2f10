"""From photographs to vectors, one a window, kept on disk."""
