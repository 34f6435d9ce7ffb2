"""A clip is tracked by ONNX Runtime alone as by `VideoPredictor`: examples/onnx_tracking.py."""

from __future__ import annotations

import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sam2_backend import VideoPredictor
from sam2widget.samples import sample_clip

EXAMPLE = Path(__file__).parents[3] / "examples" / "onnx_tracking.py"
NUM_FRAMES = 20
MIN_IOU = 0.98
"""Of each mask, in float32: pixels whose logit is about 0 may fall on either side."""


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.array(sample_clip().frames_thw3[:NUM_FRAMES])


@pytest.fixture(scope="module")
def clicks() -> dict[int, tuple[int, int]]:
    """By object, (x, y) well inside it on the first frame."""
    places = {}
    for obj in (1, 2):
        ys, xs = np.nonzero(sample_clip().masks[obj][0])
        inside = np.argmin((xs - xs.mean()) ** 2 + (ys - ys.mean()) ** 2)
        places[obj] = int(xs[inside]), int(ys[inside])
    return places


@pytest.fixture(scope="module")
def tracker(nano):
    return runpy.run_path(str(EXAMPLE))["OnnxTracker"]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def test_a_clip_is_tracked_as_by_pytorch(nano, tracker, frames, clicks):
    """Two objects together, one of them corrected, one prompted late: past what memory reaches."""
    model = nano.model
    exact = replace(model.runtime, memory_dtype=torch.float32)
    ours, theirs = tracker(nano.folder, frames), VideoPredictor(model, frames)
    before, model.runtime = model.runtime, exact
    try:

        def click(frame: int, obj: int, x: float, y: float, label: int) -> None:
            mask = ours.click(frame, obj, [(x, y)], [label])
            expected = theirs.add_points(frame, obj, [[x, y]], [label]).masks[obj]
            assert expected.any() and iou(mask, expected) >= MIN_IOU, (frame, obj)

        x1, y1 = clicks[1]
        click(0, 1, x1, y1, 1)
        click(0, 1, 5, 5, 0)
        compared = 0
        for frame in range(NUM_FRAMES):
            if frame == 2:
                ys, xs = np.nonzero(sample_clip().masks[2][frame])
                click(frame, 2, float(np.median(xs)), float(np.median(ys)), 1)
            expected = theirs.track(frame).masks
            found = ours.track(frame)
            assert found.keys() == expected.keys()
            for obj, mask in expected.items():
                assert iou(found[obj], mask) >= MIN_IOU, (frame, obj, iou(found[obj], mask))
                compared += mask.any()
    finally:
        model.runtime = before
    assert compared >= NUM_FRAMES


def test_memories_in_bfloat16_change_masks_little(nano, tracker, frames, clicks):
    """As `VideoPredictor` keeps them by default."""
    ours, theirs = tracker(nano.folder, frames[:8]), VideoPredictor(nano.model, frames[:8])
    ours.click(0, 1, [clicks[1]], [1])
    theirs.add_points(0, 1, [clicks[1]], [1])
    for frame in range(8):
        expected = theirs.track(frame).masks[1]
        assert expected.any() and iou(ours.track(frame)[1], expected) >= 0.95


def test_the_example_runs_without_pytorch(nano, tmp_path, frames, clicks):
    for n, frame in enumerate(frames[:3]):
        from PIL import Image

        Image.fromarray(frame).save(tmp_path / f"{n:03}.png")
    x, y = clicks[1]
    script = (
        "import sys, runpy; sys.modules['torch'] = None; "
        f"sys.argv[1:] = [{str(nano.folder)!r}, {str(tmp_path)!r}, '--click', '{x}', '{y}', "
        f"'--out', {str(tmp_path / 'masks.npz')!r}]; "
        f"runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    masks_thw = np.load(tmp_path / "masks.npz")["masks_thw"]
    assert masks_thw.shape == (3, *frames.shape[1:3]) and masks_thw.any(axis=(1, 2)).all()
