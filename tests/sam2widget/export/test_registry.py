"""What is said of formats is true of them, and the docs say the same."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

import pytest

from sam2_backend.registry import names
from sam2widget import SessionError, export_masks
from sam2widget.export import FORMATS, Format
from sam2widget.export.effects.frame_effect import EFFECT_OPTIONS
from sam2widget.export.registry import FOLDERS, GROUP

FOLDER = Path(__file__).parents[3]
TABLE = [
    [cell.strip() for cell in line.strip("|\n").split(" |")]
    for line in (FOLDER / "docs" / "formats.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `") and line.count(" |") == 6
]


EFFECTS = [
    [cell.strip() for cell in line.strip("|\n").split(" |")]
    for line in (FOLDER / "docs" / "effects.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `") and line.count(" |") == 2
]


def of_effects(one: Format) -> set[str]:
    """The options of a format that are the same for all that have effects."""
    return set(EFFECT_OPTIONS) if EFFECT_OPTIONS.items() <= one.options.items() else set()


def described(one: Format) -> list[str]:
    """The cells that docs/formats.md must have of a format."""
    own = {name: what for name, what in one.options.items() if name not in of_effects(one)}
    options = "; ".join(f"`{name}`: {what}" for name, what in own.items())
    if of_effects(one):
        options += f"{'; ' if own else ''}those of [effects](effects.md)"
    suffix = f"`{one.suffix}`" if one.suffix else "a folder"
    return [f"`{one.name}`", suffix, one.description, options]


def test_the_table_in_the_docs_is_that_of_the_formats():
    assert [row[:4] for row in TABLE] == [described(one) for one in FORMATS.values()]


def test_the_options_of_effects_in_the_docs_are_those_that_there_are():
    assert [[f"`{name}`", what] for name, what in EFFECT_OPTIONS.items()] == EFFECTS


def test_the_docs_say_which_formats_are_written_only():
    written_only = {row[0].strip("`") for row in TABLE if row[4].startswith("written only")}
    assert written_only == {one.name for one in FORMATS.values() if one.read is None}


def test_each_module_in_formats_is_a_format_of_its_name():
    folder = FOLDER / "sam2widget" / "export" / "formats"
    assert {one.name for one in folder.iterdir() if one.name[0] not in "_."} == {*FOLDERS}
    files = {
        one.stem
        for below in FOLDERS
        for one in (folder / below).iterdir()
        if one.name[0] not in "_."
    }
    assert {name.replace("-", "_") for name in FORMATS} == files
    assert list(FORMATS) == names(GROUP)


@pytest.mark.parametrize("name", FORMATS)
def test_every_option_is_described_in_the_order_of_the_writer(name):
    written = list(signature(FORMATS[name].write).parameters)[2:]
    assert list(FORMATS[name].options) == written
    assert FORMATS[name].description


def write(segmentation: object, path: Path, *, color: str = "red") -> Path:
    return path


def test_an_option_that_is_not_described_is_refused_at_once():
    with pytest.raises(ValueError, match=r"'x' are described as \[\], but .* \['color'\]"):
        Format("x", ".x", write)
    assert Format("x", ".x", write, options={"color": "of the lines"}).read_suffixes == set()


def test_an_unknown_format_is_told_with_those_that_there_are(segmentation, tmp_path):
    with pytest.raises(SessionError) as told:
        export_masks(segmentation, tmp_path / "x", "pascal")
    assert str(told.value) == f"There is no format 'pascal'. Formats: {', '.join(FORMATS)}."
