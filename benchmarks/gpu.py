"""Everything that a GPU machine can tell, in one run of less than five minutes.

    python -m benchmarks.gpu [--budget 280] [--sections correctness speed]

From a checkout with torch, torchvision, numpy, pillow, safetensors and scipy, and nothing else of
ours; nano's weights come with it, the others are random. Prints tables in Markdown:

- correctness: masks of nano in float32 and bfloat16, eager and as graphs, against the CPU's
- speed: milliseconds a tracked frame, over whole batches of frames, encoder included; and how long
  it takes until graphs are ready
- session: frames a second of an annotation session with nano, which is what the widget runs
- launches: kernels, host waits and copies a frame, and the share of the card's peak
- memory: the most, and by how much it grows
- vos-optimized: the official variant that compiles itself, with the time that is left

Against the official implementation it compares where that can be imported, for instance from a
folder that holds these packages, made where there is a network and named by `--official`::

    pip download --no-deps sam2==1.1.0 hydra-core==1.3.2 omegaconf==2.3.0 iopath==0.1.10 \
        antlr4-python3-runtime==4.9.3 portalocker tqdm PyYAML
    pip install --no-deps --no-build-isolation --target official *.whl *.tar.gz

with SAM2_BUILD_CUDA=0 set, as sam2 is built. What there is no time for is said at the end, and a
section that fails does not hold up the others. Without a GPU the same runs on the CPU, with
`--image-size` and fewer frames, so that the script itself can be tested there.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from sam2_backend import CONFIGS

from .gpu_sections.settings import Budget, Settings

SECTIONS = {
    "correctness": "correctness:compare_with_cpu",
    "speed": "speed:compare_speed",
    "session": "session:time_session",
    "launches": "launches:count_launches",
    "memory": "launches:measure_memory",
    "vos-optimized": "",
}
"""Module and function of each, the most important first; the last is a process of its own."""
MIN_COMPILE_S = 60
"""With less time the official variant that compiles itself is not begun."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print all sections; return 1 where one of them failed."""
    given = _parse(arguments)
    warnings.filterwarnings("ignore")
    if given.official is not None:
        sys.path.append(str(given.official.resolve()))
    device = torch.device(given.device)
    settings = Settings(
        device=device,
        names=[name if name in CONFIGS else f"sam2.1-hiera-{name}" for name in given.only],
        objects=given.objects,
        size_hw=tuple(given.frame_size),
        image_size=given.image_size,
        frames=given.frames,
        batches=given.batches,
        warm_up=given.warm_up,
        budget=Budget(given.budget),
    )
    if given.in_process is not None:
        _section_of(given.in_process)(settings)
        return 0
    card = torch.cuda.get_device_name(device) if settings.is_cuda else str(device)
    height, width = settings.size_hw
    print(
        f"{card}, torch {torch.__version__}, {str(settings.runtime.dtype)[6:]}, frames of "
        f"{width} x {height}"
    )
    has_failed = False
    for name in given.sections:
        if not settings.budget.allows(name, 0):
            continue
        print(f"\n## {name}\n", flush=True)
        try:
            if name == "vos-optimized":
                _time_optimized(settings, given)
            elif _has_lost_device(settings):
                _run_apart(["--in-process", name], settings, given)
            else:
                _section_of(name)(settings)
        except Exception as error:
            has_failed = True
            traceback.print_exc()
            print(f"\n{name} failed: {type(error).__name__}: {error}", flush=True)
    if settings.budget.left_out:
        print(f"\nThere was no time for: {'; '.join(settings.budget.left_out)}.")
    print(f"\nAll of it took {settings.budget.spent_s:.0f} s.")
    return int(has_failed)


def _section_of(name: str):
    if name == "vos-optimized":
        return importlib.import_module(f"{__package__}.gpu_sections.speed").time_optimized
    module, _, function = SECTIONS[name].partition(":")
    return getattr(importlib.import_module(f"{__package__}.gpu_sections.{module}"), function)


def _has_lost_device(settings: Settings) -> bool:
    """Whether what failed before has left a GPU that answers nothing more in this process."""
    try:
        settings.synchronize()
    except RuntimeError:
        return True
    return False


def _time_optimized(settings: Settings, given: argparse.Namespace) -> None:
    """Print times of the official variant that compiles itself; it may not be ready in time."""
    from .gpu_sections.speed import has_official

    if not has_official():
        print("The official implementation is not here.")
        return
    if not settings.is_cuda:
        print("It is for CUDA devices.")
        return
    print("| ms a frame | vos_optimized |\n|---|---|", flush=True)
    for name in settings.names:
        for objects in settings.objects:
            what = f"vos_optimized {name}, {objects} objects"
            if not settings.budget.allows(what, MIN_COMPILE_S):
                continue
            limits = ["--only", name, "--objects", str(objects)]
            try:
                _run_apart(["--in-process", "vos-optimized", *limits], settings, given)
            except subprocess.TimeoutExpired as late:
                print(f"| {name}, {objects} | not ready after {late.timeout:.0f} s |", flush=True)


def _run_apart(arguments: list[str], settings: Settings, given: argparse.Namespace) -> None:
    """Run a section in a process of its own, as long as there is time.

    Raises
    ------
    subprocess.TimeoutExpired, subprocess.CalledProcessError
        When it takes longer, or fails.
    """
    size = ["--image-size", str(settings.image_size)] if settings.image_size else []
    official = ["--official", str(given.official)] if given.official else []
    command = [sys.executable, "-m", "benchmarks.gpu", "--device", str(settings.device)]
    command += ["--only", *settings.names, "--objects", *map(str, settings.objects)]
    command += ["--frame-size", *map(str, settings.size_hw), *size, *official]
    command += ["--frames", str(settings.frames), "--batches", str(settings.batches)]
    command += ["--warm-up", str(settings.warm_up), "--budget", f"{settings.budget.left_s:.0f}"]
    subprocess.run([*command, *arguments], check=True, timeout=max(settings.budget.left_s, 1))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--only", nargs="+", default=["tiny", "base-plus"], help="networks: tiny, base-plus, nano…"
    )
    parser.add_argument("--objects", nargs="+", type=int, default=[1, 8], help="tracked together")
    parser.add_argument("--image-size", type=int, help="side of the network's input")
    parser.add_argument(
        "--frame-size", nargs=2, type=int, default=[480, 854], metavar=("H", "W"), help="of frames"
    )
    parser.add_argument(
        "--frames", type=int, default=64, help="of the session and of the comparison with the CPU"
    )
    parser.add_argument("--batches", type=int, default=4, help="of eight frames, that are timed")
    parser.add_argument("--warm-up", type=int, default=3, help="batches before these")
    parser.add_argument("--budget", type=float, default=280, help="seconds, of all sections")
    parser.add_argument("--official", type=Path, help="a folder with the official packages")
    parser.add_argument("--sections", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    parser.add_argument("--in-process", choices=list(SECTIONS), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
