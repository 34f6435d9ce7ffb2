"""Paths, as people give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sam2widget import SessionError
from sam2widget.core.arguments import as_path, as_paths


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("given", ["~/a.sam2.zip", Path("~/a.sam2.zip")])
def test_a_path_may_begin_at_home(home, given):
    assert as_path(given, "It") == home / "a.sam2.zip"
    assert as_paths(given, "sources") == {home / "a.sam2.zip": None}
    assert as_paths({given: "video"}, "sources") == {home / "a.sam2.zip": "video"}


def test_a_name_that_begins_so_is_left_as_it_is():
    assert as_path("~$draft.sam2.zip", "It") == Path("~$draft.sam2.zip")


@pytest.mark.parametrize("given", [[["a"]], [{}], [3]])
def test_what_is_no_path_among_several_is_told(given):
    with pytest.raises(SessionError, match=r"^One of sources is text or a Path, got "):
        as_paths(given, "sources")
