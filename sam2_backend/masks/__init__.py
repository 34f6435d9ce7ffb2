"""Masks in the forms that people have them, and what is done to them outside the network."""
