"""The formats of masks, each named as its file: its writer, its reader, and what it is called.

A module in one of the folders here has a `Format` called `FORMAT`; those that begin with an
underscore are shared by several.
"""
