"""Films and pictures of the objects, which are written only."""
