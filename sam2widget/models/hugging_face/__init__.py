"""Video segmentation models of transformers, which is imported when one is loaded."""
