"""Milliseconds a tracked frame: ours eager and as graphs, and the official ones."""

from __future__ import annotations

import importlib.util
import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, redirect_stderr
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sam2_backend import CONFIGS

from .settings import Settings
from .tracking import (
    build,
    click_of,
    make_clip,
    milliseconds_a_frame,
    num_frames,
    prompt,
    read_late,
    warm_up,
)


def has_official() -> bool:
    """Whether the official implementation can be imported."""
    return all(importlib.util.find_spec(name) for name in ("sam2", "hydra", "iopath"))


def compare_speed(settings: Settings) -> None:
    """Print times a frame, encoder included, of which the official ones are optional."""
    print(
        "| ms a frame | ours, eager | ours, graphs | until ready, s | official | ours/official |\n"
        "|---|---|---|---|---|---|"
    )
    frames = make_clip(num_frames(settings), settings.size_hw)
    for name in settings.names:
        for objects in settings.objects:
            if not settings.budget.allows(f"speed of {name}, {objects} objects", 5):
                continue
            eager, _ = _time_ours(name, settings, frames, objects, has_graphs=False)
            best, row = eager, f"| {name}, {objects} | {eager:.1f} | – | – |"
            if settings.is_cuda:
                best, ready_s = _time_ours(name, settings, frames, objects, has_graphs=True)
                row = f"| {name}, {objects} | {eager:.1f} | {best:.1f} | {ready_s:.1f} |"
            row += _official_cells(name, settings, frames, objects, best)
            print(row, flush=True)


def _official_cells(
    name: str, settings: Settings, frames: NDArray[np.uint8], objects: int, ours: float
) -> str:
    if name == "nano" or not has_official():
        return " – | – |"
    if not settings.budget.allows(f"the official {name}, {objects} objects", 15):
        return " no time | – |"
    try:
        official = time_official(name, settings, frames, objects)
    except Exception as error:
        return f" {type(error).__name__}: {str(error).splitlines()[0][:80]} | – |"
    return f" {official:.1f} | {ours / official:.2f} |"


def _time_ours(
    name: str, settings: Settings, frames: NDArray[np.uint8], objects: int, *, has_graphs: bool
) -> tuple[float, float]:
    """Get milliseconds a frame, and seconds until all shapes recurred and graphs are ready."""
    runtime = replace(settings.runtime, has_graphs=has_graphs)
    model = build(name, runtime, settings.image_size)
    began = time.perf_counter()
    coming = read_late(prompt(model, frames, objects).propagate(1))
    warm_up(coming, settings)
    ready_s = time.perf_counter() - began
    return milliseconds_a_frame(coming, settings), ready_s


def time_official(
    name: str,
    settings: Settings,
    frames: NDArray[np.uint8],
    objects: int,
    *,
    is_optimized: bool = False,
) -> float:
    """Get milliseconds a frame of the `sam2` of PyPI, under autocast on a GPU.

    Parameters
    ----------
    is_optimized : take the variant that compiles itself.
    """
    from tests.oracle import official as oracle

    side = settings.image_size or CONFIGS[name].image_size
    model = oracle.build(name, side, vos_optimized=is_optimized).to(settings.device)
    precision: AbstractContextManager[Any] = nullcontext()
    if settings.is_cuda:
        precision = torch.autocast("cuda", torch.bfloat16)
    # It shows its progress there.
    with tempfile.TemporaryDirectory() as folder, precision, redirect_stderr(io.StringIO()):
        oracle.save_video(frames, Path(folder))
        state = model.init_state(folder)
        for obj in range(objects):
            points = np.array([click_of(obj, settings.size_hw)], np.float32)
            model.add_new_points_or_box(state, 0, obj, points=points, labels=[1])
        coming = _official_masks(model, state)
        warm_up(coming, settings)
        return milliseconds_a_frame(coming, settings)


def _official_masks(model: Any, state: Any) -> Iterator[Any]:
    for _, _, logits in model.propagate_in_video(state):
        yield (logits > 0).cpu().numpy()


def time_optimized(settings: Settings) -> None:
    """Print times of the official variant that compiles itself, in this process."""
    frames = make_clip(num_frames(settings), settings.size_hw)
    for name in settings.names:
        for objects in settings.objects:
            took = time_official(name, settings, frames, objects, is_optimized=True)
            print(f"| {name}, {objects} | {took:.1f} |", flush=True)
