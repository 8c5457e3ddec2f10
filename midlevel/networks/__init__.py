"""What an engine runs: backbones, heads, and the engines."""
