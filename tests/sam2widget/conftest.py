"""Widgets and threads that end with the test."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest


@pytest.fixture
def closing():
    """Closes what it is given, the last one first, and returns it."""
    with ExitStack() as stack:

        def close_later(one):
            stack.callback(one.close)
            return one

        yield close_later


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as pool:
        yield pool
