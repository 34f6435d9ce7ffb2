"""Video files, by any frame and exact."""
