"""The built-in sample clips, with the true masks of their objects."""
