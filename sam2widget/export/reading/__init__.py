"""Masks that are read: `import_masks`, and what the readers of several formats share."""
