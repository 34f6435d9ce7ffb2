"""Export the averaged weights of a training run as the bundled model.

python recipes/nano/export.py OUT sam2_backend/weights/nano.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file


def export(run: Path, target: Path) -> None:
    """Write fp16 safetensors in the library's own key layout."""
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    tensors = {key: value.half().contiguous() for key, value in state["ema"].items()}
    save_file(tensors, target, metadata={"model": "nano", "licence": "Apache-2.0"})
    size = target.stat().st_size / 2**20
    print(f"{target}: {size:.1f} MiB, stage {state['stage']}, step {state['step']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder with checkpoint.pt")
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    export(arguments.run, arguments.target)
