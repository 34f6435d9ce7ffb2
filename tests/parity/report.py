"""Print the figures of parity, also at full size, which is too slow for the test suite.

python -m tests.parity.report --size tiny --image-size 1024
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from sam2_backend.network.transforms import frame_to_input
from tests.oracle import official as oracle
from tests.parity.figures import Figures
from tests.parity.image_pair import ImagePair, compare_features
from tests.parity.scenarios import NUM_FRAMES, SCENARIOS
from tests.parity.scene import drifting_texture
from tests.parity.video_pair import VideoPair


def main() -> None:
    """Compare one model with the official one, scenario after scenario."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="tiny", choices=["tiny", "small", "base-plus", "large"])
    parser.add_argument("--version", default="2.1", choices=["2.1", "2"])
    parser.add_argument("--image-size", type=int, default=1024, help="input side in pixels")
    parser.add_argument("--frame-size", type=int, nargs=2, default=(480, 854), metavar=("H", "W"))
    parser.add_argument("--only", choices=["features", "prompts", *SCENARIOS], help="one of them")
    arguments = parser.parse_args()

    warnings.filterwarnings("ignore")
    name = f"sam{arguments.version}-hiera-{arguments.size}"
    official = oracle.build(name, arguments.image_size)
    model = oracle.twin(official, name)
    frames = drifting_texture(NUM_FRAMES, *arguments.frame_size)
    print(f"{name}, input {arguments.image_size}, frames {arguments.frame_size}")

    def features() -> Figures:
        pixels = frame_to_input(frames[0], arguments.image_size, torch.device("cpu"))
        return compare_features(official, model, pixels)

    def prompts() -> Figures:
        return ImagePair(official, model, frames[0]).compare_all()

    def session(scenario: Callable[[VideoPair], None]) -> Figures:
        with tempfile.TemporaryDirectory() as folder:
            pair = VideoPair(official, model, frames, Path(folder), same_tensor=False)
            scenario(pair)
        return pair.figures

    comparisons: dict[str, Callable[[], Figures]] = {"features": features, "prompts": prompts}
    for title, scenario in SCENARIOS.items():
        comparisons[title] = lambda scenario=scenario: session(scenario)
    for title, compare in comparisons.items():
        if arguments.only in (None, title):
            begun = time.perf_counter()
            figures = compare()
            print(f"  {title:26} {figures}  ({time.perf_counter() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
