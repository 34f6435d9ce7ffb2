"""Session files as something to learn from: what a person vouched for, and nothing else."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_backend.training.datasets import VideoRecords, split_by_video
from sam2widget import Sam2Widget, SessionError
from sam2widget.training.session_data import read_session_records
from tests.support.data import ROOT
from tests.support.fakes import DiscSegmenter

FRAMES, SIZE = 10, 32
CLIP = np.random.default_rng(0).integers(0, 200, (FRAMES, SIZE, SIZE, 3), dtype=np.uint8)
CLIP[:, :4, :4] = 20 * np.arange(FRAMES, dtype=np.uint8)[:, None, None, None]


def frame_of(rgb_3ss: np.ndarray) -> int:
    return round(float(rgb_3ss[:, :4, :4].mean()) / 20)


@pytest.fixture
def widget(tmp_path):
    """Objects 1 and 2, tracked everywhere, on a folder of frames; nothing is accepted yet."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for n, rgb in enumerate(CLIP):
        Image.fromarray(rgb).save(folder / f"{n:03}.png")
    widget = Sam2Widget(folder, DiscSegmenter(SIZE, SIZE))
    widget.add_point(0, 8, 10)
    widget.add_box(5, 12, 18, 20, 28, obj=2)
    widget.propagate()
    yield widget
    widget.close()


def saved(widget: Sam2Widget, folder: Path, name: str = "a") -> Path:
    path = folder / f"{name}.sam2.zip"
    widget.save(path)
    return path


def clips(records, **options):
    source = VideoRecords(records, augment=False)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        yield source.draw(rng, size=SIZE, frames=options.get("frames", 3), targets=2)


def test_clips_hold_accepted_masks_only(widget, tmp_path) -> None:
    widget.accept(0, 6, obj=1)
    widget.accept(3, 9, obj=2)
    truth = {obj: np.asarray(widget.masks[obj]) for obj in (1, 2)}
    allowed = {1: range(6), 2: range(3, 9)}
    together = set()
    for clip in clips(read_session_records(saved(widget, tmp_path))):
        frames = [frame_of(rgb) for rgb in clip.rgb_t3ss]
        assert np.array_equal(clip.rgb_t3ss, CLIP[frames].transpose(0, 3, 1, 2))
        objects = [
            next(o for o in (1, 2) if np.array_equal(truth[o][frames], clip.masks_tkss[:, k]))
            for k in range(2)
        ]
        assert all(frame in allowed[obj] for obj in objects for frame in frames)
        together.add(frozenset(objects))
    assert together == {frozenset({1}), frozenset({2}), frozenset({1, 2})}


def test_objects_whose_frames_alternate_are_both_drawn(widget, tmp_path) -> None:
    for frame in range(FRAMES):
        widget.accept(frame, frame + 1, obj=1 + frame % 2)
    drawn = {
        frame_of(clip.rgb_t3ss[0]) % 2
        for clip in clips(read_session_records(saved(widget, tmp_path)))
    }
    assert drawn == {0, 1}


def test_prompted_frames_count_where_they_are_asked_for(widget, tmp_path) -> None:
    widget.accept(3, 4, obj=1)
    path = saved(widget, tmp_path)
    assert [record.frames for record in read_session_records(path)] == [[3]]
    records = read_session_records(path, include_prompted=True)
    assert [record.frames for record in records] == [[0, 3], [5]]


def test_nothing_accepted_is_said(widget, tmp_path) -> None:
    with pytest.raises(SessionError, match=r"Nothing is accepted in .*a\.sam2\.zip.*accept masks"):
        read_session_records(saved(widget, tmp_path))


def test_an_object_that_is_accepted_as_hidden_teaches_that_it_is_hidden(widget, tmp_path) -> None:
    widget.add_mask(4, np.zeros((SIZE, SIZE), bool))
    widget.accept(0, 5, obj=1)
    path = saved(widget, tmp_path)
    hidden = [
        clip.masks_tkss[[frame_of(rgb) for rgb in clip.rgb_t3ss].index(4)].any()
        for clip in clips(read_session_records(path))
        if 4 in [frame_of(rgb) for rgb in clip.rgb_t3ss]
    ]
    assert hidden
    assert not any(hidden)


def test_sessions_on_one_video_stay_together_in_a_split(widget, tmp_path) -> None:
    widget.accept(0, 6, obj=1)
    widget.accept(0, 6, obj=2)
    records = read_session_records(saved(widget, tmp_path)) + read_session_records(
        saved(widget, tmp_path, "again")
    )
    other = Sam2Widget(255 - CLIP, DiscSegmenter(SIZE, SIZE))
    other.add_point(0, 8, 10)
    other.accept(0, 1, obj=1)
    records += read_session_records(saved(other, tmp_path, "other"), video=255 - CLIP)
    other.close()
    train, held_out = split_by_video(VideoRecords(records))
    assert {len(train), len(held_out)} == {4, 1}


def test_records_travel_to_another_process(widget, tmp_path) -> None:
    widget.accept(0, 6, obj=1)
    (record,) = read_session_records(saved(widget, tmp_path))
    record.read([0])
    again = pickle.loads(pickle.dumps(record))
    assert np.array_equal(again.read([2])[0][0], CLIP[2])


def test_another_video_is_refused(widget, tmp_path) -> None:
    widget.accept(0, 6, obj=1)
    (record,) = read_session_records(saved(widget, tmp_path), video=255 - CLIP)
    with pytest.raises(SessionError, match="another video"):
        record.read([0])


def test_reading_needs_neither_torch_nor_a_notebook(widget, tmp_path) -> None:
    widget.accept(0, 6, obj=1)
    code = (
        "import sys; from sam2widget.training.session_data import read_session_records; "
        f"read_session_records({str(saved(widget, tmp_path))!r})[0].read([1]); "
        "sys.exit(bool({'torch', 'ipywidgets', 'sam2_backend.network.sam2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
