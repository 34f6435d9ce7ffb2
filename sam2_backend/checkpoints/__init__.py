"""Weights: bundled, from files and from the hub, in the layouts of Meta and Hugging Face."""
