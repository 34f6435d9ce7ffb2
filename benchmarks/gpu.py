"""Everything that a GPU machine can tell, in one run of a few minutes.

    python -m benchmarks.gpu [--only tiny] [--vos-optimized]

From a checkout with torch, torchvision, numpy, pillow, safetensors and scipy, and nothing else of
ours; nano's weights come with it, the others are random. Against the official implementation it
compares where these wheels are there too: sam2==1.1.0 (built without isolation, or its sdist
unpacked on the path), hydra-core, omegaconf, antlr4-python3-runtime, iopath, portalocker, tqdm and
PyYAML. Prints tables in Markdown:

- correctness: masks in float32 and bfloat16, eager and as graphs, against the CPU's in float32
- milliseconds a tracked frame, over whole batches of frames, encoder included; and until graphs are
  ready
- kernels, host synchronisations and copies a frame, share of the card's peak, memory
- frames a second of an annotation session with nano, which is what the widget runs

Without a GPU the same runs on the CPU, smaller, so that the script itself can be tested there.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sam2_backend import CONFIGS, FrameResult, Sam2Model, VideoPredictor, load_model
from sam2_backend.kernels.runtime import Runtime

HEIGHT, WIDTH = 480, 854
BATCH = 8
"""Frames that the encoder takes at once: times are of whole multiples."""
PEAK_TFLOPS = {"H200": 989, "H100": 989, "A100": 312, "L40": 181, "A10": 125, "4090": 165}
"""Dense bfloat16, by part of the card's name."""


def clip(num_frames: int) -> NDArray[np.uint8]:
    """Make frames (T, H, W, 3) of textures that drift over each other."""
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8 + 1, 3), dtype=np.uint8)
    still = tile.repeat(8, 0).repeat(8, 1)[:HEIGHT, :WIDTH]
    moving = np.ascontiguousarray(still[::-1])
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    frames = []
    for t in range(num_frames):
        inside = (y - HEIGHT / 2) ** 2 + (x - 150 - 3 * t) ** 2 < 120**2
        frames.append(np.where(inside[..., None], np.roll(moving, 2 * t, 1), still))
    return np.stack(frames)


def synchronize(device: torch.device) -> None:
    """Wait for a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


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


def prompted(model: Sam2Model, frames: NDArray[np.uint8], num_objects: int) -> VideoPredictor:
    """Open a clip and click on so many objects on its first frame."""
    video = VideoPredictor(model, frames)
    for obj in range(num_objects):
        video.add_points(0, obj, [[150 + 80.0 * obj, HEIGHT / 2]], [1])
    return video


def one_frame_late(results: Iterable[FrameResult]) -> Iterator[FrameResult]:
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


def seconds_a_frame(coming: Iterator[Any], device: torch.device, *, batches: int) -> float:
    """Median time a frame of whole batches of frames, masks on the host included."""
    times: list[float] = []
    for _ in range(batches):
        synchronize(device)
        began = time.perf_counter()
        for _ in range(BATCH):
            next(coming)
        times.append((time.perf_counter() - began) / BATCH)
    return statistics.median(times)


# Correctness


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union; 1 where both are empty."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0


def compare_with_cpu(device: torch.device, num_frames: int) -> None:
    """Print how far masks of nano are from those of the CPU in float32."""
    from sam2widget.samples import sample_clip

    sample = np.array(sample_clip().frames_thw3[:num_frames])

    def track(runtime: Runtime) -> list[FrameResult]:
        video = VideoPredictor(build("nano", runtime), sample)
        for obj in (1, 2, 3):
            video.add_points(0, obj, [[60 + 40 * obj, 90]], [1])
        return list(video.propagate())

    expected = track(Runtime.choose("cpu", torch.float32))
    print("\n| nano, against the CPU in float32 | differing pixels | least IoU |\n|---|---|---|")
    kinds = {
        "float32": Runtime.choose(device, torch.float32),
        "bfloat16": Runtime.choose(device, torch.bfloat16),
    }
    for name, runtime in kinds.items():
        for has_graphs in (False, True) if device.type == "cuda" else (False,):
            ours = track(replace(runtime, has_graphs=has_graphs))
            pairs = [
                (a.masks[obj], b.masks[obj])
                for a, b in zip(ours, expected, strict=True)
                for obj in b.masks
            ]
            differing = max(float((a != b).mean()) for a, b in pairs)
            large = [iou(a, b) for a, b in pairs if min(a.sum(), b.sum()) > 50]
            way = "graphs" if has_graphs else "eager"
            print(
                f"| {name}, {way} | {differing:.1e} | {min(large, default=1.0):.3f} |", flush=True
            )


# Speed


def time_ours(
    name: str, runtime: Runtime, frames: NDArray[np.uint8], objects: int, size: int | None
) -> tuple[float, float]:
    """Get milliseconds a frame, and seconds until graphs are ready."""
    model = build(name, runtime, size)
    began = time.perf_counter()
    coming = one_frame_late(prompted(model, frames, objects).propagate(1))
    # Memories and pointers fill up; then the shapes recur, and are captured.
    for _ in range(3 * BATCH):
        next(coming)
    synchronize(runtime.device)
    ready_s = time.perf_counter() - began
    return 1e3 * seconds_a_frame(coming, runtime.device, batches=4), ready_s


class Official:
    """The `sam2` of PyPI under autocast."""

    def __init__(self, name: str, size: int, device: torch.device, *, optimized: bool) -> None:
        from tests.oracle import official as oracle

        self._device = device
        self.model = oracle.build(name, size, vos_optimized=optimized).to(device)
        is_cuda = device.type == "cuda"
        self._precision: Callable[[], Any] = (
            (lambda: torch.autocast("cuda", torch.bfloat16)) if is_cuda else nullcontext
        )

    def time(self, frames: NDArray[np.uint8], objects: int, *, limit_s: float) -> float | None:
        """Get milliseconds a frame; None where it is not ready in time."""
        from tests.oracle import official as oracle

        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder, self._precision():
            oracle.save_video(frames, Path(folder))
            state = self.model.init_state(folder)
            for obj in range(objects):
                click = np.array([[150 + 80.0 * obj, HEIGHT / 2]], np.float32)
                self.model.add_new_points_or_box(state, 0, obj, points=click, labels=[1])
            coming = self._masks(state)
            for _ in range(3 * BATCH):
                next(coming)
                if time.perf_counter() - began > limit_s:
                    return None
            return 1e3 * seconds_a_frame(coming, self._device, batches=2)

    def _masks(self, state: Any) -> Iterator[Any]:
        for _, _, logits in self.model.propagate_in_video(state):
            yield (logits > 0).cpu().numpy()


def compare_speed(
    names: list[str], device: torch.device, size: int | None, *, optimized: bool
) -> None:
    """Print times a frame: ours eager and as graphs, and the official ones."""
    has_official = importlib.util.find_spec("sam2") is not None
    print(
        "\n| ms a frame | ours, eager | ours, graphs | ready, s | official | ours/official |"
        + (" vos_optimized |" if optimized else "")
    )
    print("|---|---|---|---|---|---|" + ("---|" if optimized else ""))
    frames = clip(8 * BATCH)
    runtime = Runtime.choose(device)
    for name in names:
        for objects in (1, 8):
            eager, _ = time_ours(name, replace(runtime, has_graphs=False), frames, objects, size)
            graphs, ready_s = eager, 0.0
            if device.type == "cuda":
                graphs, ready_s = time_ours(name, runtime, frames, objects, size)
            row = f"| {name}, {objects} | {eager:.1f} | {graphs:.1f} | {ready_s:.1f} |"
            if has_official and name != "nano":
                side = size or CONFIGS[name].image_size
                found = Official(name, side, device, optimized=False)
                other = found.time(frames, objects, limit_s=60)
                row += " – | – |" if other is None else f" {other:.1f} | {graphs / other:.2f} |"
                if optimized:
                    other = Official(name, side, device, optimized=True).time(
                        frames, objects, limit_s=120
                    )
                    row += " not ready |" if other is None else f" {other:.1f} |"
            else:
                row += " – | – |" + (" – |" if optimized else "")
            print(row, flush=True)


# What is launched


def count(names: list[str], device: torch.device, size: int | None) -> None:
    """Print kernels, synchronisations and copies a frame, the share of peak, and memory."""
    from torch.profiler import ProfilerActivity, profile
    from torch.utils.flop_counter import FlopCounterMode

    if device.type != "cuda":
        return
    card = torch.cuda.get_device_name(device)
    peak = next((value for part, value in PEAK_TFLOPS.items() if part in card), None)
    print(
        "\n| eager, a frame | kernels | synchronisations | copies | GPU busy, ms | 10⁹ operations "
        "| share of peak | memory, MiB |\n|---|---|---|---|---|---|---|---|"
    )
    frames = clip(6 * BATCH)
    for name in names:
        for objects in (1, 8):
            torch.cuda.reset_peak_memory_stats(device)
            runtime = replace(Runtime.choose(device), has_graphs=False)
            video = prompted(build(name, runtime, size), frames, objects)
            coming = one_frame_late(video.propagate(1))
            for _ in range(3 * BATCH):
                next(coming)
            with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
                for _ in range(BATCH):
                    next(coming)
                torch.cuda.synchronize(device)
            with FlopCounterMode(display=False) as flops:
                for _ in range(BATCH):
                    next(coming)
            seen = {"kernels": 0.0, "syncs": 0.0, "copies": 0.0, "busy": 0.0}
            for event in profiler.key_averages():
                if event.key.startswith("cudaLaunchKernel") or event.key.startswith("cuLaunch"):
                    seen["kernels"] += event.count
                elif event.key in ("cudaStreamSynchronize", "cudaEventSynchronize"):
                    seen["syncs"] += event.count
                elif event.key.startswith("cudaMemcpy"):
                    seen["copies"] += event.count
                seen["busy"] += event.self_device_time_total / 1e3
            kernels, syncs, copies, busy = (value / BATCH for value in seen.values())
            total = flops.get_total_flops() / BATCH / 1e9
            share = "–" if peak is None or not busy else f"{total / busy / peak:.0%}"
            memory = torch.cuda.max_memory_allocated(device) / 2**20
            print(
                f"| {name}, {objects} | {kernels:.0f} | {syncs:.1f} | {copies:.1f} | {busy:.1f} "
                f"| {total:.0f} | {share} | {memory:.0f} |",
                flush=True,
            )


# The widget


def time_session(device: torch.device, num_frames: int) -> None:
    """Print frames a second of a session with nano and two objects, as the widget runs it."""
    from sam2_backend.video import open_video
    from sam2widget.annotation.session import Session
    from sam2widget.models.sam2 import Sam2Segmenter

    frames = clip(num_frames)
    model = build("nano", Runtime.choose(device))
    video = open_video(frames)
    session = Session(num_frames, HEIGHT, WIDTH, Sam2Segmenter(model, video))
    for obj in (1, 2):
        session.add_point(0, 150 + 80 * obj, HEIGHT // 2, obj=obj)
    began = time.perf_counter()
    steps = sum(1 for _ in session.propagate())
    took = time.perf_counter() - began
    print(f"\nA session with nano, two objects at 480p: {steps / took:.1f} frames a second")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--only", nargs="+", default=["sam2.1-hiera-tiny", "sam2.1-hiera-base-plus"]
    )
    parser.add_argument("--image-size", type=int, help="side of the network's input")
    parser.add_argument("--frames", type=int, default=24, help="of the comparison with the CPU")
    parser.add_argument("--vos-optimized", action="store_true", help="minutes more")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    device = torch.device(arguments.device)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{card}, torch {torch.__version__}, {Runtime.choose(device).dtype}")
    names = [name if name in CONFIGS else f"sam2.1-hiera-{name}" for name in arguments.only]
    began = time.perf_counter()
    compare_with_cpu(device, arguments.frames)
    compare_speed(names, device, arguments.image_size, optimized=arguments.vos_optimized)
    count(names, device, arguments.image_size)
    time_session(device, 8 * BATCH)
    print(f"\nAll of it took {time.perf_counter() - began:.0f} s.")


if __name__ == "__main__":
    main()
