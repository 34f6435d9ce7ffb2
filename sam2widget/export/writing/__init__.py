"""Masks that are written: `export_masks`, exports that are all there or not at all, folders."""
