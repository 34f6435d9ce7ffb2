"""Train nano; run again to go on where it stopped.

python recipes/nano/train.py DATA OUT
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sam2_backend.config import CONFIGS
from sam2_backend.training import Stage, Trainer

STAGES = (
    # Pictures, then clips, which teach memory; both small first, then at the final size.
    Stage(steps=560, image_size=128, batch=16, targets=4, corrections=1, warm_up=50, compiled=True),
    Stage(steps=220, image_size=128, batch=8, targets=2, frames=4, learning_rate=6e-4),
    Stage(steps=100, image_size=256, batch=8, targets=4, learning_rate=4e-4, warm_up=20),
    Stage(steps=60, image_size=256, batch=3, targets=2, frames=4, learning_rate=3e-4, warm_up=20),
)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder that fetch.py and pack.py filled")
    parser.add_argument("out", type=Path, help="folder for the checkpoint and the log")
    arguments = parser.parse_args()
    Trainer(CONFIGS["nano"], STAGES, assets=arguments.data / "pack", out=arguments.out, ema=0.995).run()
