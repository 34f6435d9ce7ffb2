"""A library that is not there, although other tests of this process have imported it."""

from __future__ import annotations

import sys

import pytest


def hide_library(monkeypatch: pytest.MonkeyPatch, module: str, *users: str) -> None:
    """Let every import of a library fail until the test ends.

    Parameters
    ----------
    module : what is hidden, with all its parts: a part that is imported already would still be
        found by its own name.
    users : modules of ours that import it when they are imported themselves, which they do anew.
    """
    for name in [one for one in sys.modules if one.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    for user in users:
        monkeypatch.delitem(sys.modules, user, raising=False)
