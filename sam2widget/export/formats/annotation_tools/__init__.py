"""Formats of programs in which people annotate."""
