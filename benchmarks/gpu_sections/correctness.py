"""Masks of the device against those of the CPU in float32."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from sam2_backend import FrameResult, VideoPredictor
from sam2_backend.kernels.runtime import Runtime

from .settings import Settings
from .tracking import build


def compare_with_cpu(settings: Settings) -> None:
    """Print how far masks of nano are from those of the CPU in float32."""
    from sam2widget.samples import sample_clip

    sample = np.array(sample_clip().frames_thw3[: settings.frames])
    expected = _track(sample, Runtime.choose("cpu", torch.float32), settings.image_size)
    print("| nano, against the CPU in float32 | differing pixels | mean IoU | least |")
    print("|---|---|---|---|")
    for dtype in (torch.float32, torch.bfloat16):
        runtime = Runtime.choose(settings.device, dtype)
        for has_graphs in (False, True) if settings.is_cuda else (False,):
            name = f"{str(dtype)[6:]}, {'graphs' if has_graphs else 'eager'}"
            if not settings.budget.allows(f"correctness in {name}"):
                continue
            ours = _track(sample, replace(runtime, has_graphs=has_graphs), settings.image_size)
            pairs = [
                (a.masks[obj], b.masks[obj])
                for a, b in zip(ours, expected, strict=True)
                for obj in b.masks
            ]
            differing = max(float((a != b).mean()) for a, b in pairs)
            ious = [_iou(a, b) for a, b in pairs if min(a.sum(), b.sum()) > 50] or [1.0]
            mean = sum(ious) / len(ious)
            print(f"| {name} | {differing:.1e} | {mean:.3f} | {min(ious):.3f} |", flush=True)


def _track(
    sample: NDArray[np.uint8], runtime: Runtime, image_size: int | None
) -> list[FrameResult]:
    video = VideoPredictor(build("nano", runtime, image_size), sample)
    for obj in (1, 2, 3):
        video.add_points(0, obj, [[60 + 40 * obj, 90]], [1])
    return list(video.propagate())


def _iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union; 1 where both are empty."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0
