"""A small job of each extra, which `tools.extras` runs where nothing but that extra is installed.

Each is run in an empty folder, with the tests of the checkout beside it.
"""
