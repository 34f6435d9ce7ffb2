"""What a tracked frame asks of the device: kernels, waits, copies, its time and its memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from sam2_backend.network.layers import CpuPaths

from .settings import Settings
from .tracking import BATCH, build, make_clip, num_frames, prompt, read_late, take_batch, warm_up

PEAK_TFLOPS = {
    "B200": 2250,
    "H100 PCIe": 756,
    "H200": 989,
    "H100": 989,
    "A100": 312,
    "L40S": 362,
    "L40": 181,
    "A10": 125,
    "4090": 165,
}
"""Dense bfloat16, by part of the card's name; the first that fits."""
_CACHE_BYTES = 128 * 2**20
"""Of features, where memory is measured: full before that begins."""
_SYNCS = "cudaStreamSynchronize", "cudaEventSynchronize", "cudaDeviceSynchronize"


def count_launches(settings: Settings) -> None:
    """Print kernels, waits and copies a frame without graphs, and the share of the peak."""
    print(
        "| eager, a frame | kernels | host waits | copies | busy, ms | 10⁹ operations "
        "| share of peak |\n|---|---|---|---|---|---|---|"
    )
    frames = make_clip(num_frames(settings, 3), settings.size_hw)
    peak = _peak_tflops(settings)
    for name in settings.names:
        for objects in settings.objects:
            if not settings.budget.allows(f"kernels of {name}, {objects} objects", 5):
                continue
            # A CPU, too, is asked what a GPU would be.
            runtime = replace(settings.runtime, has_graphs=False, frames_at_once=BATCH)
            model = build(name, runtime, settings.image_size)
            coming = read_late(prompt(model, frames, objects).propagate(1))
            warm_up(coming, settings)
            if settings.is_cuda:
                kernels, waits, copies, busy = _profile(coming, settings)
            else:
                kernels, waits, copies, busy = _count_on_cpu(coming, list(model.parameters()))
            with FlopCounterMode(display=False) as flops:
                take_batch(coming)
            total = flops.get_total_flops() / BATCH / 1e9
            share = "–" if peak is None or not busy else f"{total / busy / peak:.0%}"
            print(
                f"| {name}, {objects} | {kernels:.0f} | {waits:.1f} | {copies:.1f} | {busy:.1f} "
                f"| {total:.1f} | {share} |",
                flush=True,
            )


def measure_memory(settings: Settings) -> None:
    """Print the most memory while tracking, and by how much it grows from batch to batch."""
    if not settings.is_cuda:
        print("Memory is measured on CUDA devices; benchmarks.memory measures it on a CPU.")
        return
    print("| memory | most, MiB | graphs | growth a frame, KiB | graphs |\n|---|---|---|---|---|")
    frames = make_clip(num_frames(settings), settings.size_hw)
    for name in settings.names:
        for objects in settings.objects:
            if not settings.budget.allows(f"memory of {name}, {objects} objects", 5):
                continue
            found = [_measure(name, settings, frames, objects, graphs) for graphs in (False, True)]
            (peak, each), (graph_peak, graph_each) = found
            row = f"{peak:.0f} | {graph_peak:.0f} | {each:.1f} | {graph_each:.1f}"
            print(f"| {name}, {objects} | {row} |", flush=True)


def _measure(
    name: str, settings: Settings, frames: NDArray[np.uint8], objects: int, has_graphs: bool
) -> tuple[float, float]:
    """Get the most MiB while tracking, and by how many KiB a frame it grows."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(settings.device)
    model = build(name, replace(settings.runtime, has_graphs=has_graphs), settings.image_size)
    coming = read_late(prompt(model, frames, objects, cache_bytes=_CACHE_BYTES).propagate(1))
    warm_up(coming, settings)
    before = torch.cuda.memory_allocated(settings.device)
    for _ in range(settings.batches):
        take_batch(coming)
    settings.synchronize()
    grown = torch.cuda.memory_allocated(settings.device) - before
    peak = torch.cuda.max_memory_allocated(settings.device) / 2**20
    return peak, grown / 2**10 / BATCH / settings.batches


def _profile(coming: Iterator[Any], settings: Settings) -> tuple[float, float, float, float]:
    """Kernels, waits and copies a frame, and milliseconds that the GPU computes or copies."""
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        take_batch(coming)
    kernels = waits = copies = busy = 0.0
    for event in profiler.key_averages():
        if event.key.startswith(("cudaLaunchKernel", "cuLaunch")):
            kernels += event.count
        elif event.key in _SYNCS:
            waits += event.count
        elif event.key.startswith("cudaMemcpy"):
            copies += event.count
        if event.device_type == DeviceType.CUDA:
            busy += event.self_device_time_total / 1e3
    # The profiler waits for the device itself where it ends.
    return kernels / BATCH, max(waits - 1, 0) / BATCH, copies / BATCH, busy / BATCH


def _count_on_cpu(
    coming: Iterator[Any], weights: list[torch.Tensor]
) -> tuple[float, float, float, float]:
    """As `_profile`: operations that would be kernels, and milliseconds that a frame takes."""
    from tests.support.counting import counting

    began = time.perf_counter()
    take_batch(coming)
    took = 1e3 * (time.perf_counter() - began)
    enabled, CpuPaths.enabled = CpuPaths.enabled, False
    try:
        with counting(weights) as counts:
            take_batch(coming)
    finally:
        CpuPaths.enabled = enabled
    copies = sum(n for name, n in counts.launches.items() if "copy" in name)
    return tuple(n / BATCH for n in (counts.num_launches, counts.num_syncs, copies, took))


def _peak_tflops(settings: Settings) -> float | None:
    """Get the card's rate of products, as its maker says it; of a CPU as a trial finds it."""
    if settings.is_cuda:
        card = torch.cuda.get_device_name(settings.device)
        return next((value for part, value in PEAK_TFLOPS.items() if part in card), None)
    square = torch.ones(1024, 1024, dtype=settings.runtime.dtype)
    times: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        _ = square @ square
        times.append(time.perf_counter() - began)
    return 2 * 1024**3 / min(times) / 1e12
