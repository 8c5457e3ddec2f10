"""`midlevel advise`: which strategy and which backbone, by trying them."""
