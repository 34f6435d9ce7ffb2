"""Apps of Solara and Panel, which `tests/browser/test_apps.py` serves and drives."""
