"""From accepted masks in session files to a model that a widget loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sam2widget
from sam2_backend import load_model
from sam2_backend.training import FinetuneReport
from sam2_backend.training.datasets import VideoRecords
from sam2widget import Sam2Widget, SessionError, finetune, read_session
from sam2widget.training.finetuning import read_records, split_records
from sam2widget.training.session_data import read_session_records, split_in_time
from tests.support.fakes import DiscSegmenter

FRAMES, SIZE = 8, 48


def disc(frame: int, obj: int) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE]
    return (x - 12 - 20 * (obj - 1) - frame) ** 2 + (y - 10 - 24 * (obj - 1)) ** 2 < 64


def clip(seed: int) -> np.ndarray:
    frames = np.random.default_rng(seed).integers(60, 120, (FRAMES, SIZE, SIZE, 3), np.uint8)
    for frame in range(FRAMES):
        for obj in (1, 2):
            frames[frame][disc(frame, obj)] += 60
    return frames


def session(
    folder: Path, name: str, frames: tuple[int, ...], *, seed: int = 0, kind: Any = None
) -> Path:
    """A session file with two discs accepted on some frames of a video beside it."""
    pictures = folder / name
    pictures.mkdir()
    for n, rgb in enumerate(clip(seed)):
        Image.fromarray(rgb).save(pictures / f"{n:03}.png")
    widget = Sam2Widget(pictures, DiscSegmenter(SIZE, SIZE), kind=kind, autosave=False)
    for frame in frames:
        for obj in (1, 2):
            widget.add_mask(frame, disc(frame, obj), obj)
        widget.accept(frame)
    path = folder / f"{name}.sam2.zip"
    widget.save(path)
    widget.close()
    return path


def tune(sessions: Any, out: Path | str, **options: Any) -> FinetuneReport:
    model = load_model("nano", "cpu", image_size=64)
    quick: dict[str, Any] = {
        "steps": 2,
        "evaluations": 1,
        "eval_clips": 2,
        "on_status": lambda _: None,
    }
    return finetune(sessions, model, out=out, **{**quick, **options})


def names(source: VideoRecords) -> set[str]:
    return {record.name for record in source.records}


@pytest.mark.slow
def test_a_widget_takes_the_model_that_its_sessions_made(tmp_path: Path) -> None:
    sessions = [session(tmp_path, name, (0, 3, 6), seed=n) for n, name in enumerate("ab")]
    report = tune(sessions, tmp_path / "discs.safetensors")
    assert report.before.tracked is not None and 0 <= report.before.tracked <= 1
    assert report.before.objects > 0

    widget = Sam2Widget(clip(5), model=report.weights, autosave=False)
    widget.add_point(0, 12, 10)
    assert widget.masks[1][0].shape == (SIZE, SIZE) and np.isfinite(widget.scores[1][0])
    widget.save(tmp_path / "made.sam2.zip")
    widget.close()
    assert read_session(tmp_path / "made.sam2.zip").model_source == str(report.weights)


def test_one_part_is_trained_in_silence_and_written_at_home(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    session(tmp_path, "a", (0, 1, 2, 3, 5, 6, 7))
    report = tune("~/a.sam2.zip", "~/of.safetensors", parts="mask_decoder", on_status=None)
    assert report.weights == tmp_path / "of.safetensors" and report.weights.is_file()
    assert not capsys.readouterr().out


def test_the_same_seed_holds_the_same_videos_out(tmp_path: Path) -> None:
    paths = [session(tmp_path, name, (0, 4), seed=n) for n, name in enumerate("abcd")]
    source = VideoRecords(read_records(paths, include_prompted=False))
    learned, measured = split_records(source, held_out=0.25, seed=3)
    again = split_records(VideoRecords(source.records[::-1]), held_out=0.25, seed=3)
    assert len(names(measured)) == 1
    assert names(learned) | names(measured) == names(source)
    assert not names(learned) & names(measured)
    assert (names(learned), names(measured)) == tuple(map(names, again))
    assert not measured.augment


def test_of_one_video_the_last_frames_are_held_out(tmp_path: Path) -> None:
    path = session(tmp_path, "a", (0, 1, 2, 3, 5, 6, 7))
    source = VideoRecords(read_records(path, include_prompted=False))
    learned, measured = split_records(source, held_out=0.3, seed=0)
    assert [record.frames for record in learned.records] == [[0, 1, 2, 3, 5]] * 2
    assert [record.frames for record in measured.records] == [[6, 7]] * 2
    assert not measured.augment


def test_two_sessions_on_one_video_are_split_in_time(tmp_path: Path) -> None:
    first = session(tmp_path, "a", (0, 1, 2))
    second = session(tmp_path, "b", (5, 6))
    source = VideoRecords(read_records([first, second], include_prompted=False))
    learned, measured = split_records(source, held_out=0.25, seed=0)
    assert {frame for record in learned.records for frame in record.frames} == {0, 1, 2, 5}
    assert {frame for record in measured.records for frame in record.frames} == {6}


def test_pictures_of_their_own_make_stills(tmp_path: Path) -> None:
    records = read_session_records(session(tmp_path, "a", (1, 4), kind="images"))
    assert [record.frames for record in records] == [[1], [4]]
    ((rgb, masks),) = records[1].read([0])
    assert np.array_equal(rgb, clip(0)[4])
    assert {obj: np.array_equal(mask, disc(4, obj)) for obj, mask in masks.items()} == {
        1: True,
        2: True,
    }
    report = tune(tmp_path / "a.sam2.zip", tmp_path / "x.safetensors")
    assert report.before.tracked is None


def test_a_folder_stands_for_the_sessions_in_it(tmp_path: Path) -> None:
    for name in "ab":
        session(tmp_path, name, (0,))
    assert len(read_records(tmp_path, include_prompted=False)) == 4


def test_a_video_that_is_elsewhere_can_be_given(tmp_path: Path) -> None:
    path = session(tmp_path, "a", (0, 1))
    for picture in (tmp_path / "a").iterdir():
        picture.unlink()
    (tmp_path / "a").rmdir()
    (record, _) = read_records({path: clip(0)}, include_prompted=False)
    assert np.array_equal(record.read([1])[0][0], clip(0)[1])


def test_too_little_to_learn_from_is_said(tmp_path: Path) -> None:
    single = session(tmp_path, "a", (3,))
    with pytest.raises(SessionError, match=r"Only frame 3 .*accept masks on two frames"):
        tune(single, tmp_path / "x.safetensors")
    with pytest.raises(SessionError, match="no sessions to learn from"):
        tune([], tmp_path / "x.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SessionError, match=r"no session file \*\.sam2\.zip in the folder .*empty"):
        tune(tmp_path / "empty", tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="above 0 and below 1, got 1"):
        tune(session(tmp_path, "b", (0, 1)), tmp_path / "x.safetensors", held_out=1)
    assert not (tmp_path / "x.safetensors").exists()


def test_a_side_of_the_split_on_which_nothing_is_seen_is_said(tmp_path: Path) -> None:
    path = session(tmp_path, "a", (0, 1))
    saved = Sam2Widget.load(path, model=DiscSegmenter(SIZE, SIZE))
    for obj in (1, 2):
        saved.add_mask(7, np.zeros((SIZE, SIZE), bool), obj)
    saved.accept(7)
    saved.save(path)
    saved.close()
    with pytest.raises(SessionError, match="No object is visible on the frames from 7 on"):
        split_in_time(read_session_records(path), 0.3)


def test_asking_for_it_brings_torch_in_only_when_it_is_called() -> None:
    assert "finetune" in sam2widget.__all__
    code = "import sys; from sam2widget import finetune; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
