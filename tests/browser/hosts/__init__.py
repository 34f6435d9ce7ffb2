"""Apps of other hosts, which `tests/browser/test_apps.py` serves and drives."""
