"""What the readers of several formats share: entries of files, pictures, arrays, ids of objects."""
