"""Export the averaged weights of a training run as the bundled model.

    python recipes/nano/export.py OUT/checkpoint.pt sam2_backend/weights/nano.safetensors

Of several checkpoints, such as copies made at the ends of the last stages, the mean is taken
(Wortsman et al. 2022).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file


def export(checkpoints: Sequence[Path], target: Path) -> None:
    """Write fp16 safetensors in the library's own key layout."""
    states = [torch.load(path, weights_only=True) for path in checkpoints]
    tensors = {
        key: torch.stack([state["ema"][key] for state in states]).mean(dim=0).half().contiguous()
        for key in states[0]["ema"]
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target, metadata={"model": "nano", "licence": "Apache-2.0"})
    target.chmod(0o644)  # safetensors writes for the owner alone
    size = target.stat().st_size / 2**20
    ends = ", ".join(f"stage {state['stage']}, step {state['step']}" for state in states)
    print(f"{target}: {size:.1f} MiB, {ends}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", type=Path, nargs="+", help="checkpoint.pt of runs")
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    export(arguments.checkpoints, arguments.target)
