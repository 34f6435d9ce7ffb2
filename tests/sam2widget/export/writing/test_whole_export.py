"""An export is all there or not at all, and replaces nothing unasked."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from errno import ENOSPC

import pytest
from PIL import Image

from sam2widget import SessionError, open_video
from sam2widget.core.user_warnings import warn
from sam2widget.export import FORMATS, Segmentation, export_masks
from sam2widget.export.writing.whole_export import (
    ExportExistsError,
    export_whole,
    pack,
    suggest_name,
    unused_path,
)
from tests.support.optional_formats import need_library_of

from ..conftest import FRAMES


class Enough(Exception):
    pass


def stop_at(at: int):
    def report(frame: int, total: int) -> None:
        if frame == at:
            raise Enough

    return report


@pytest.mark.parametrize("name", ["mp4", "coco", "png", "davis", "npz"])
def test_an_export_that_is_ended_leaves_nothing(segmentation, tmp_path, name):
    with pytest.raises(Enough):
        export_whole(segmentation, tmp_path / "out", name, on_progress=stop_at(5))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:Objects overlap")
@pytest.mark.parametrize("name", FORMATS)
def test_an_export_is_what_export_masks_writes(segmentation, tmp_path, name):
    need_library_of(name)
    path = export_whole(segmentation, tmp_path / "whole" / "out", name)
    plain = export_masks(segmentation, tmp_path / "plain" / "out", name)
    assert path.relative_to(tmp_path / "whole") == plain.relative_to(tmp_path / "plain")
    names = [
        sorted(one.relative_to(root).as_posix() for one in root.rglob("*"))
        for root in (tmp_path / "whole", tmp_path / "plain")
    ]
    assert names[0] == names[1]


def test_a_file_that_is_there_is_asked_about_and_then_replaced(segmentation, tmp_path):
    (tmp_path / "out.json").write_text("mine")
    with pytest.raises(ExportExistsError, match=r"There is a file .*out\.json already") as told:
        export_whole(segmentation, tmp_path / "out", "coco")
    assert told.value.other == tmp_path / "out-2.json"
    assert (tmp_path / "out.json").read_text() == "mine"
    with pytest.raises(Enough):
        export_whole(segmentation, tmp_path / "out", "coco", replace=True, on_progress=stop_at(3))
    assert (tmp_path / "out.json").read_text() == "mine"
    export_whole(segmentation, tmp_path / "out", "coco", replace=True)
    assert (tmp_path / "out.json").read_text() != "mine"
    assert [one.name for one in tmp_path.iterdir()] == ["out.json"]


def test_what_lies_beside_a_file_is_asked_about_too(segmentation, tmp_path):
    folder = tmp_path / "out-frames"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(ExportExistsError, match="with 1 file"):
        export_whole(segmentation, tmp_path / "out", "coco", frames=True)
    assert [one.name for one in tmp_path.iterdir()] == ["out-frames"]


def test_a_folder_that_is_there_keeps_what_is_not_replaced(segmentation, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    assert export_whole(segmentation, folder, "png") == folder  # it is empty
    (folder / "mine.txt").write_text("mine")
    (folder / "00000.png").write_text("old")
    with pytest.raises(ExportExistsError, match=f"with {FRAMES + 1} files"):
        export_whole(segmentation, folder, "png")
    export_whole(segmentation, folder, "png", replace=True)
    assert (folder / "mine.txt").read_text() == "mine"
    with Image.open(folder / "00000.png") as picture:
        assert picture.mode == "RGBA"
    with pytest.raises(SessionError, match=r"out\.json is a folder: choose another name"):
        (tmp_path / "out.json").mkdir()
        (tmp_path / "out.json" / "x").touch()
        export_whole(segmentation, tmp_path / "out.json", "coco", replace=True)


def test_the_video_is_never_written_over(segmentation, tmp_path):
    pictures = tmp_path / "walk"
    export_masks(segmentation, pictures, "png", effect="overlay")
    video = open_video(pictures)
    of_pictures = Segmentation(video, segmentation.objects, segmentation.results)
    before = {one: one.read_bytes() for one in pictures.iterdir()}
    for path, name in ((pictures, "png"), (pictures / "00000.png", "coco")):
        if name == "png":
            with pytest.raises(SessionError, match="is the video itself"):
                export_whole(of_pictures, path, name, replace=True)
    assert {one: one.read_bytes() for one in pictures.iterdir()} == before


def test_names_that_are_free_are_found(tmp_path):
    assert unused_path(tmp_path / "a.mp4") == tmp_path / "a.mp4"
    for name in ("a.mp4", "a-2.mp4", "b.sam2.zip"):
        (tmp_path / name).touch()
    assert unused_path(tmp_path / "a.mp4") == tmp_path / "a-3.mp4"
    assert unused_path(tmp_path / "b.sam2.zip") == tmp_path / "b-2.sam2.zip"


def test_what_is_suggested_says_what_it_is(segmentation):
    found = {name: suggest_name(segmentation, one) for name, one in FORMATS.items()}
    assert found["mp4"] == "walk-overlay.mp4" and found["coco"] == "walk-masks.json"
    assert found["webm"] == "walk-cutout.webm" and found["davis"] == "walk-masks"
    assert len(set(found.values()) - {"walk-masks.json", "walk-masks"}) >= 8


def test_one_file_is_fetched_as_it_is_and_several_as_a_zip(segmentation, tmp_path):
    (tmp_path / "one").mkdir()
    path = export_masks(segmentation, tmp_path / "one" / "out", "npz")
    assert pack(tmp_path / "one", "out") == path
    (tmp_path / "several").mkdir()
    export_masks(segmentation, tmp_path / "several" / "out", "coco", frames=True)
    packed = pack(tmp_path / "several", "out")
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
    assert packed.name == "out.zip" and "out.json" in names
    assert len(names) == 1 + FRAMES


# What is told


class Mine(OSError):
    pass


@pytest.mark.parametrize("fault", [Mine("my disk"), PermissionError(13, "no", "mine"), KeyError(1)])
@pytest.mark.parametrize("export", [export_masks, export_whole])
@pytest.mark.parametrize("name", ["mp4", "png", "npz", "coco", "gif", "geojson"])
def test_what_on_progress_raises_is_the_callers_own(segmentation, tmp_path, export, name, fault):
    def report(frame: int, total: int) -> None:
        if frame == 2:
            raise fault

    with pytest.raises(type(fault)) as told:
        export(segmentation, tmp_path / "out", name, on_progress=report)
    assert told.value is fault


class MySessionError(SessionError):
    pass


@pytest.mark.parametrize("export", [export_masks, export_whole])
def test_what_on_progress_raises_keeps_its_kind_and_its_cause(segmentation, tmp_path, export):
    cause = KeyError("mine")

    def report(frame: int, total: int) -> None:
        raise MySessionError("enough") from cause

    with pytest.raises(MySessionError) as told:
        export(segmentation, tmp_path / "out", "npz", on_progress=report)
    assert told.value.__cause__ is cause


@pytest.mark.parametrize("name", ["npz", "coco", "mp4", "geojson"])
@pytest.mark.parametrize("fault", [Enough, KeyboardInterrupt])
def test_a_file_is_as_it_was_until_the_new_one_is_whole(segmentation, tmp_path, name, fault):
    def report(frame: int, total: int) -> None:
        if frame == 3:
            raise fault

    with pytest.raises(fault):
        export_masks(segmentation, tmp_path / "out", name, on_progress=report)
    assert list(tmp_path.iterdir()) == []
    path = export_masks(segmentation, tmp_path / "out", name)
    before = path.read_bytes()
    with pytest.raises(fault):
        export_masks(segmentation, path, name, on_progress=report)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_link_to_a_file_stays_one(segmentation, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / "real.json"
    real.write_text("old")
    (tmp_path / "out.json").symlink_to(real)
    export_masks(segmentation, tmp_path / "out.json", "coco")
    assert (tmp_path / "out.json").is_symlink() and real.read_text().startswith("{")
    assert [one.name for one in real.parent.iterdir()] == ["real.json"]


def test_a_path_may_begin_at_home(segmentation, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert export_masks(segmentation, "~/a.npz") == tmp_path / "a.npz"
    assert (tmp_path / "a.npz").is_file()


def test_a_place_that_cannot_be_written_to_is_named_as_it_was_given(segmentation, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SessionError) as told:
        export_whole(segmentation, tmp_path / "file" / "out", "coco")
    assert str(told.value).startswith(
        f"The coco export could not be written to {tmp_path / 'file' / 'out.json'} ("
    )
    assert ".sam2widget-" not in str(told.value)


def write_half(segmentation, target, **options):
    """A format that finds no room, wherever it writes."""
    folder = target if target.is_dir() else target.parent
    (folder / "half").write_bytes(b"half")
    raise OSError(ENOSPC, "No space left on device", str(target))


@pytest.mark.parametrize("name", ["npz", "coco", "png"])
def test_a_failure_names_format_and_target_and_no_scratch_folder(
    segmentation, tmp_path, monkeypatch, name
):
    chosen = FORMATS[name]
    for module in ("exporting", "whole_export"):
        monkeypatch.setattr(
            f"sam2widget.export.writing.{module}.find_format",
            lambda _: replace(chosen, write=write_half, options={}),
        )
    target = tmp_path / f"out{chosen.suffix}"
    with pytest.raises(SessionError) as told:
        export_whole(segmentation, tmp_path / "out", name)
    assert str(told.value).startswith(
        f"The {name} export could not be written to {target} (No space left on device)."
    )
    assert ".sam2widget-" not in str(told.value) and list(tmp_path.iterdir()) == []


def test_sentences_and_warnings_of_a_format_name_the_target(segmentation, tmp_path, monkeypatch):
    def write(segmentation, target, **options):
        warn(f"{target} is long.")
        raise SessionError(f"{target} is too long: choose another name than {target.name}.")

    chosen = replace(FORMATS["npz"], write=write)
    for module in ("exporting", "whole_export"):
        monkeypatch.setattr(f"sam2widget.export.writing.{module}.find_format", lambda _: chosen)
    with pytest.raises(SessionError, match=f"^{re.escape(str(tmp_path / 'a.npz'))} is too long"):
        export_whole(segmentation, tmp_path / "a.npz", "npz")

    def only_warn(segmentation, target, **options):
        warn(f"{target} is long.")
        target.write_bytes(b"")
        return target

    chosen = replace(FORMATS["npz"], write=only_warn)
    with pytest.warns(UserWarning, match=f"^{re.escape(str(tmp_path / 'a.npz'))} is long"):
        export_whole(segmentation, tmp_path / "a.npz", "npz")
