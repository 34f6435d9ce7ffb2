"""Clips, networks and tracking that several sections time or count."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sam2_backend import CONFIGS, FrameResult, Sam2Model, VideoPredictor, load_model
from sam2_backend.kernels.runtime import Runtime

from .settings import Settings

BATCH = 8
"""Frames that the encoder takes at once on a GPU: times are of whole multiples."""


def make_clip(num_frames: int, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Make frames (T, H, W, 3) of textures that drift over each other."""
    rng = np.random.default_rng(0)
    height, width = size_hw
    tile = rng.integers(0, 256, (-(-height // 8), -(-width // 8), 3), dtype=np.uint8)
    still = tile.repeat(8, 0).repeat(8, 1)[:height, :width]
    moving = np.ascontiguousarray(still[::-1])
    y, x = np.mgrid[:height, :width]
    frames = []
    for t in range(num_frames):
        center = 0.2 * width + 3 * t
        inside = (y - height / 2) ** 2 + (x - center) ** 2 < (height / 4) ** 2
        frames.append(np.where(inside[..., None], np.roll(moving, 2 * t, 1), still))
    return np.stack(frames)


def click_of(obj: int, size_hw: tuple[int, int]) -> tuple[float, float]:
    """(x, y) of the click on an object on the first frame, in pixels."""
    height, width = size_hw
    return width * (0.15 + 0.09 * (obj % 8)), height / 2


def build(name: str, runtime: Runtime, image_size: int | None = None) -> Sam2Model:
    """Build a network: nano with its weights, others with random ones that see their objects."""
    if name == "nano":
        model = load_model("nano", runtime.device, runtime.dtype, image_size=image_size)
    else:
        torch.manual_seed(0)
        config = CONFIGS[name]
        model = Sam2Model(replace(config, image_size=image_size or config.image_size))
        with torch.no_grad():
            model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(2.0)
            model.maskmem_tpos_enc.normal_(std=0.02)
        model = model.eval().requires_grad_(False).to(runtime.device)
    model.runtime = runtime
    return model


def prompt(
    model: Sam2Model, frames: NDArray[np.uint8], num_objects: int, **options: Any
) -> VideoPredictor:
    """Open a clip and click on so many objects on its first frame; options are the predictor's."""
    video = VideoPredictor(model, frames, **options)
    for obj in range(num_objects):
        video.add_points(0, obj, [click_of(obj, video.frame_hw)], [1])
    return video


def read_late(results: Iterable[FrameResult]) -> Iterator[FrameResult]:
    """Give results when the next is on its way, and read their masks."""
    before: FrameResult | None = None
    for result in results:
        if before is not None:
            dict(before.masks)
            yield before
        before = result
    if before is not None:
        dict(before.masks)
        yield before


def take_batch(coming: Iterator[Any]) -> None:
    """Track as many frames as the encoder takes at once."""
    for _ in range(BATCH):
        next(coming)


def warm_up(coming: Iterator[Any], settings: Settings) -> None:
    """Track until shapes recur."""
    for _ in range(settings.warm_up):
        take_batch(coming)
    settings.synchronize()


def milliseconds_a_frame(coming: Iterator[Any], settings: Settings) -> float:
    """Median time a frame of whole batches of frames, masks on the host included."""
    times: list[float] = []
    for _ in range(settings.batches):
        settings.synchronize()
        began = time.perf_counter()
        take_batch(coming)
        times.append((time.perf_counter() - began) / BATCH)
    return 1e3 * statistics.median(times)


def num_frames(settings: Settings, batches: int | None = None) -> int:
    """Frames of a clip that suffices for warming up and so many batches, those timed if None."""
    return BATCH * (settings.warm_up + (settings.batches if batches is None else batches) + 1)
