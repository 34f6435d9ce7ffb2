"""Measurements, run by hand; each prints the figures that the documentation quotes."""
