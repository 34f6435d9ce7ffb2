"""`torch.compile` for GPUs, without a new compilation for each number of clicks or objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..network.sam2 import Sam2Model
from .image import ImagePredictor
from .video import VideoPredictor

_FIXED = ("encode_image",)
"""Steps whose shapes hardly change: each shape gets a graph of its own."""
_VARYING = (
    "condition_on_memory",
    "run_transformer",
    "decode_tracked",
    "predict_masks",
    "select_mask",
    "encode_memory",
)
"""Steps whose numbers of objects, prompts, memories and pointers vary: one graph for all."""


def compile_model(model: Sam2Model, **options: Any) -> None:
    """Compile a network in place, and run it until no further shape has to be compiled.

    Parameters
    ----------
    model : in evaluation mode, on its device.
    options : of `torch.compile`, such as ``mode="max-autotune-no-cudagraphs"``.
    """
    model.runtime = replace(model.runtime, has_graphs=False)
    for step in _FIXED + _VARYING:
        varying = None if step in _VARYING else False
        compiled = torch.compile(getattr(model, step), dynamic=varying, **options)
        setattr(model, step, compiled)
    warm_up(model)


def warm_up(model: Sam2Model) -> None:
    """Run every step once: clicks, boxes, several objects, tracking forward and in reverse."""
    length = 2 * model.config.max_pointers
    frames = np.zeros((length, 64, 64, 3), np.uint8)
    image = ImagePredictor(model)
    image.set_image(frames[0])
    image.predict([[32, 32]], [1])
    for objects, are_alike in ((1, True), (2, True), (2, False)):  # more are as two
        video = VideoPredictor(model, frames)
        for obj in range(objects):
            video.add_points(1, obj, [[32, 32]], [1])
            video.add_points(1, obj, [[8, 8]], [0])
        if not are_alike:  # in what they remember
            video.add_points(5, 0, [[32, 32]], [1])
        for reverse in (False, True):
            for _ in video.propagate(reverse=reverse):
                pass
        video.add_box(4, 0, [8, 8, 48, 48])
        video.add_points(4, 0, [[32, 32]], [1])
    video.add_box(0, objects, [8, 8, 48, 48])
