"""The drawing of the packages is of these sources."""

from __future__ import annotations

from tools import architecture


def test_the_drawing_shows_the_imports_as_they_are():
    drawn = architecture.DRAWING.read_text(encoding="utf-8")
    assert drawn == architecture.draw(), "run python -m tools.architecture"


def test_what_follows_over_others_is_left_out():
    direct = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}
    assert architecture.reduced(direct) == {"a": {"b"}, "b": {"c"}, "c": set()}
