"""Nothing that is exported or saved costs the user a file."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2widget import Sam2Widget, SessionError, open_video
from sam2widget.annotation.records import ObjectInfo
from sam2widget.cli import demo
from sam2widget.cli.main import main
from sam2widget.export import FORMATS, Segmentation, export_masks, import_masks, plots
from tests.support.fakes import DiscSegmenter
from tests.support.films import write_film

from .conftest import FRAMES, HEIGHT, WIDTH

FOLDERS = ["davis", "youtube-vos", "yolo", "cutouts", "coco"]


def movie(path: Path) -> Path:
    greys = [np.full((HEIGHT, WIDTH, 3), 20 * n, np.uint8) for n in range(FRAMES)]
    return write_film(path, greys, rate=12)


def pictures(folder: Path, suffix: str = "jpg") -> Path:
    folder.mkdir(parents=True)
    for n in range(FRAMES):
        Image.new("RGB", (WIDTH, HEIGHT), (20 * n, 0, 0)).save(folder / f"{n:05}.{suffix}")
    return folder


def of(segmentation: Segmentation, source) -> Segmentation:
    return replace(segmentation, video=open_video(source))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(sentence: str):
    return pytest.raises(SessionError, match=re.escape(sentence))


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_a_video_is_never_written_over(segmentation, tmp_path, link):
    path = target = movie(tmp_path / "dog.mp4")
    if link is not None:
        target = tmp_path / "link.mp4"
        link(path, target)
    before = contents(tmp_path)
    one = of(segmentation, path)
    sentence = f"{target} is the video itself, or a part of it, and would be written over"
    with refused(f"{sentence}: choose another name, such as {target.stem}-masks.mp4."):
        export_masks(one, target)
    with refused(sentence):
        export_masks(one, target.with_suffix(""), "mp4")
    with refused(sentence):
        plots.overlay(one, 0).savefig(target)
    assert contents(tmp_path) == before
    assert export_masks(one, tmp_path / "dog-masks.mp4").is_file()


def test_no_file_of_arrays_that_is_the_video_is_written_over(segmentation, tmp_path):
    path = tmp_path / "stack.npz"
    np.savez(path, np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8))
    before = path.read_bytes()
    with refused("such as stack-masks.npz"):
        export_masks(of(segmentation, path), path)
    assert path.read_bytes() == before


def test_nothing_is_written_into_a_store_that_is_the_video(segmentation, tmp_path):
    zarr = pytest.importorskip("zarr", reason="zarr stores need zarr")
    path = tmp_path / "stack.zarr"
    zarr.save(str(path), np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8))
    before, one = contents(tmp_path), of(segmentation, path)
    with refused("is the video itself: choose another folder, such as stack.zarr-masks."):
        export_masks(one, path, "cutouts")
    with refused("lies in the video itself"):
        export_masks(one, path / "zarr.json", "coco")
    assert contents(tmp_path) == before
    assert export_masks(one, tmp_path / "stack.json", "coco").is_file()


def test_neither_a_folder_of_pictures_nor_a_list_of_them_is_written_over(segmentation, tmp_path):
    # As DAVIS has them, so that frames would be written over themselves.
    folder = pictures(tmp_path / "JPEGImages" / "Full-Resolution" / "walk")
    before = contents(tmp_path)
    for source in folder, sorted(folder.iterdir()):
        one = of(segmentation, source)
        one.video.name = "walk"
        with refused("00000.jpg is the video itself, or a part of it"):
            export_masks(one, tmp_path, "davis", frames=True)
        with refused("00003.jpg is the video itself"):
            plots.overlay(one, 0).savefig(folder / "00003.jpg")
        assert contents(tmp_path) == before
    one = of(segmentation, folder)
    for name in FOLDERS[:-1]:
        with refused(f"{folder} is the video itself: choose another folder, such as walk-masks."):
            export_masks(one, folder, name)
    with refused("would be one of them: choose another place, such as ../walk-masks.gif"):
        export_masks(one, folder / "walk.gif")
    with refused("would be one of them"):
        plots.over_time(one).savefig(folder / "areas")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_coco_writes_frames_beside_itself_and_never_to_the_source(segmentation, tmp_path, suffix):
    folder = pictures(tmp_path / "walk", suffix)
    before, one = contents(folder), of(segmentation, folder)
    path = export_masks(one, tmp_path / "walk", "coco", frames=True)
    assert path == tmp_path / "walk.json" and contents(folder) == before
    written = tmp_path / "walk-frames"
    assert sorted(file.name for file in written.iterdir()) == [f"{n:05}.jpg" for n in range(FRAMES)]
    assert import_masks(path, one.video).masks.keys() == import_masks(path, written).masks.keys()
    # And where the source is called so.
    source = contents(written)
    with refused("is the video itself"):
        export_masks(of(segmentation, written), path, frames=True, format="coco")
    assert contents(written) == source


@pytest.mark.parametrize("name", FOLDERS)
def test_what_an_earlier_export_left_in_a_folder_is_named(segmentation, tmp_path, name):
    options = {} if name == "cutouts" else {"frames": True}
    half = replace(
        segmentation, results={k: r for k, r in segmentation.results.items() if k[1] < 4}
    )
    if name in ("davis", "coco"):  # they write every frame
        half = replace(half, video=open_video(np.zeros((4, HEIGHT, WIDTH, 3), np.uint8)))
        half.video.name = segmentation.video.name
    out = tmp_path / "out"
    export_masks(segmentation, out, name, **options)
    (tmp_path / "mine.txt").write_text("of the user")
    before = contents(tmp_path).keys()
    for again in segmentation, half:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            export_masks(again, out, name, **options)
        said = [str(one.message) for one in caught if "from before" in str(one.message)]
        assert len(said) == (again is half)
    assert "00004" in said[0] or "5 files" in said[0]
    assert "mine" not in said[0] and contents(tmp_path).keys() == before


def test_cutouts_of_an_object_that_is_gone_are_named(segmentation, tmp_path):
    export_masks(segmentation, tmp_path, "cutouts")
    left = replace(
        segmentation,
        objects=(ObjectInfo.numbered(1),),
        results={key: one for key, one in segmentation.results.items() if key[0] == 1},
    )
    with pytest.warns(UserWarning, match=re.escape("stay: 1_ball_ red/ (9 files), 2_the _car_/")):
        export_masks(left, tmp_path, "cutouts")


@pytest.fixture
def widget(tmp_path):
    made = Sam2Widget(str(movie(tmp_path / "dog.mp4")), DiscSegmenter(HEIGHT, WIDTH))
    made.add_point(0, 10, 5)
    yield made
    made.close()


def test_a_session_replaces_sessions_alone(widget, tmp_path):
    other = tmp_path / "thesis.zip"
    other.write_bytes(b"of the user")
    before = contents(tmp_path)
    with refused("dog.mp4 is the video itself, or a part of it, and would be written over"):
        widget.save(tmp_path / "dog.mp4")
    with refused("A session file is no .mp4: save it as x.sam2.zip. w.export("):
        widget.save(tmp_path / "x.mp4")
    with refused(f"{other} is there already, and is no session file, so it is not written over"):
        widget.save(other)
    with refused("choose another name, such as dog.sam2.zip."):
        path = tmp_path / "dog.mp4"
        Sam2Widget(str(path), DiscSegmenter(HEIGHT, WIDTH), autosave=path)
    assert contents(tmp_path) == before
    for _ in range(2):
        widget.save(tmp_path / "dog.sam2.zip")
    widget.close()
    with refused("is the video itself"):
        widget.export(tmp_path / "dog.mp4")


def test_commands_do_not_write_over_the_video(widget, tmp_path, capsys):
    session = tmp_path / "dog.sam2.zip"
    widget.save(session)
    before = contents(tmp_path)
    assert main(["export", str(session), str(tmp_path / "dog.mp4")]) != 0
    assert "dog.mp4 is the video itself" in capsys.readouterr().err
    assert contents(tmp_path) == before
    (tmp_path / "dog.mp4").rename(tmp_path / demo.OVERLAY)
    before = contents(tmp_path)
    where = tmp_path / demo.OVERLAY
    assert main(["demo", "--video", str(where), "--click", "0,9,9", "--out", str(tmp_path)]) != 0
    assert "overlay.mp4 is the video itself" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_what_cannot_be_read_is_refused_with_what_can(segmentation, tmp_path):
    (tmp_path / "q1.py").write_text("")
    readable = ", ".join(name for name, one in FORMATS.items() if one.read is not None)
    with refused(f"can be read: {readable}. Say which"):
        import_masks(tmp_path / "q1.py", segmentation.video)
    path = export_masks(segmentation, tmp_path / "ds", "coco")
    with refused(f"There is no {tmp_path / 'ds'}: did you mean {path}?"):
        import_masks(tmp_path / "ds", segmentation.video)
    with refused("nothing: check the path."):
        import_masks(tmp_path / "nothing", segmentation.video)


def test_only_where_overlaps_are_let_are_they_said_to_be_avoidable(segmentation, tmp_path):
    for on, advice in (False, "with w.non_overlapping = True."), (True, "or locked may overlap."):
        one = replace(segmentation, non_overlapping=on)
        with pytest.warns(UserWarning, match=re.escape(advice)):
            export_masks(one, tmp_path / str(on), "davis")
