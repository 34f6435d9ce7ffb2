"""Train nano; run again to go on where it stopped.

OMP_WAIT_POLICY=passive python recipes/nano/train.py DATA OUT

Threads that wait actively slow training several times where other programs run beside it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sam2_backend.config import CONFIGS
from sam2_backend.training import (
    FROM_SCRATCH,
    Assets,
    Promptable,
    Stage,
    SyntheticClips,
    Trainer,
    random_model,
)

STAGES = (
    # Pictures first; then clips, which teach memory; small, then larger.
    Stage(steps=1400, image_size=128, batch=8, targets=4, corrections=1, final_rate=0.3),
    Stage(
        steps=400,
        image_size=128,
        batch=5,
        targets=3,
        frames=3,
        learning_rate=8e-4,
        final_rate=0.2,
        warm_up=20,
    ),
    Stage(steps=180, image_size=192, batch=3, targets=3, frames=3, learning_rate=3e-4, warm_up=20),
    # Longer talks: most of what a user sees is the answer to a second, third or fourth click.
    Stage(
        steps=2400,
        image_size=128,
        batch=16,
        targets=4,
        corrections=3,
        learning_rate=8e-4,
        final_rate=0.4,
        warm_up=100,
    ),
    Stage(
        steps=500,
        image_size=192,
        batch=8,
        targets=4,
        corrections=4,
        learning_rate=4e-4,
        final_rate=0.3,
        warm_up=50,
    ),
    Stage(steps=260, image_size=192, batch=3, targets=3, frames=4, learning_rate=3e-4, warm_up=20),
    Stage(
        steps=700,
        image_size=192,
        batch=8,
        targets=4,
        corrections=5,
        learning_rate=6e-4,
        final_rate=0.15,
        warm_up=50,
    ),
    Stage(steps=300, image_size=192, batch=3, targets=3, frames=4, learning_rate=3e-4, warm_up=20),
    Stage(
        steps=4000,
        image_size=192,
        batch=8,
        targets=4,
        corrections=5,
        learning_rate=6e-4,
        final_rate=0.1,
        warm_up=50,
    ),
)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder that fetch.py and pack.py filled")
    parser.add_argument("out", type=Path, help="folder for the checkpoint and the log")
    arguments = parser.parse_args()
    Trainer(
        Promptable(random_model(CONFIGS["nano"]), FROM_SCRATCH),
        STAGES,
        source=SyntheticClips(Assets(arguments.data / "pack")),
        out=arguments.out,
        ema=0.995,
    ).run()
