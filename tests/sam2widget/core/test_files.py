"""Names that every system takes, and files that others have open while they are replaced."""

from __future__ import annotations

import os

import pytest

from sam2widget.core import files
from sam2widget.core.files import clean_path, fold_case, make_file_name, replace_file


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ball, red", "ball_ red"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("CON", "_CON"),
        ("com1.tar", "_com1.tar"),
        ("nul .txt", "_nul .txt"),
        ("control", "control"),
        ("a:b?", "a_b_"),
        ("ends. ", "ends"),
        (" . ", "object"),
        ("x" * 999, "x" * 150),
        ("语" * 99, "语" * 50),
        ("é" * 75 + "語", "é" * 75),
    ],
)
def test_a_text_becomes_a_name_that_every_system_takes(text, name, tmp_path):
    assert make_file_name(text, default="object") == name
    (tmp_path / name).touch()


NAMES = {
    "walk/00001.jpg": "walk/00001.jpg",
    "12:30:05.png": "12_30_05.png",
    "aux.jpg": "_aux.jpg",
    "a<b>|c?.png": "a_b__c_.png",
    "dots. .": "dots___",
    "../x\\..\\y": "_/x/_/y",
    "/etc/passwd": "_/etc/passwd",
    "tab\tbell\a": "tab_bell_",
}


def test_names_of_frames_lead_nowhere_else_and_stay_as_they_are_where_they_may():
    kept = {name: clean_path(name) for name in NAMES}
    assert kept["12:30:05.png"] == "12:30:05.png" and kept["aux.jpg"] == "aux.jpg"
    assert kept["../x\\..\\y"] == "_/x/_/y" and kept["/etc/passwd"] == "_/etc/passwd"
    assert kept["tab\tbell\a"] == "tab_bell_"


def test_on_windows_no_name_means_a_device_or_a_stream(monkeypatch):
    monkeypatch.setattr(files, "_IS_WINDOWS", True)
    assert {name: clean_path(name) for name in NAMES} == NAMES


def test_names_are_compared_composed_and_without_case():
    assert fold_case("CAFE\u0301.PNG") == fold_case("café.png")


class InUseError(PermissionError):
    """What Windows raises while another program has a file open."""

    winerror = 32


@pytest.mark.parametrize("times", [0, 1, 5])
def test_a_file_that_another_program_has_open_is_replaced_a_little_later(
    tmp_path, monkeypatch, times
):
    made, target = tmp_path / "made", tmp_path / "target"
    made.write_text("new")
    target.write_text("old")
    refusals = [InUseError()] * times
    real = os.replace

    def replace(*places):
        if refusals:
            raise refusals.pop()
        real(*places)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(files, "_PAUSES_S", (0,) * 5)
    replace_file(made, target)
    assert target.read_text() == "new" and not made.exists()


@pytest.mark.parametrize(("error", "tries"), [(InUseError, 6), (PermissionError, 1), (OSError, 1)])
def test_what_will_not_pass_is_raised(tmp_path, monkeypatch, error, tries):
    tried = []

    def replace(*places):
        tried.append(places)
        raise error("no")

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(files, "_PAUSES_S", (0,) * 5)
    with pytest.raises(error, match="no"):
        replace_file(tmp_path / "made", tmp_path / "target")
    assert len(tried) == tries
