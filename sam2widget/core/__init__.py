"""Masks, rasterising, arguments and errors: what all the rest is written with."""
