"""Train nano; run again to go on where it stopped.

OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 recipes/nano/train.py DATA OUT

A process on each of two cores trains nearly twice as fast as one process on both. Where other
programs run beside it, OMP_WAIT_POLICY=passive keeps it several times faster.
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
        steps=161,
        image_size=192,
        batch=8,
        targets=4,
        corrections=5,
        learning_rate=6e-4,
        final_rate=1.0,
        warm_up=50,
    ),
    # From here on with actors and grounds, and in two processes: batches are of each.
    Stage(
        steps=597,
        image_size=192,
        batch=8,
        targets=3,
        corrections=4,
        learning_rate=7e-4,
        final_rate=0.9,
        warm_up=50,
    ),
    # From here on with the dense lesson, and short talks: more pictures in the same time.
    Stage(
        steps=1332,
        image_size=192,
        batch=8,
        targets=4,
        corrections=1,
        learning_rate=7e-4,
        final_rate=0.5,
        warm_up=50,
    ),
    Stage(steps=160, image_size=192, batch=2, targets=3, frames=4, learning_rate=3e-4, warm_up=20),
    Stage(
        steps=1400,
        image_size=192,
        batch=8,
        targets=4,
        corrections=2,
        learning_rate=6e-4,
        final_rate=0.2,
        warm_up=50,
    ),
    # Clips alone were measured to unlearn boxes: pictures in between keep them.
    Stage(
        steps=600,
        image_size=192,
        batch=4,
        targets=3,
        frames=4,
        picture_share=0.5,
        learning_rate=3e-4,
        warm_up=20,
    ),
    # At the size that it works at.
    Stage(
        steps=300,
        image_size=256,
        batch=3,
        targets=3,
        frames=4,
        picture_share=0.6,
        learning_rate=2.5e-4,
        warm_up=20,
    ),
    # From here on pictures of all forms, squeezed into the square.
    Stage(
        steps=1250,
        image_size=256,
        batch=3,
        targets=3,
        frames=4,
        picture_share=0.7,
        learning_rate=4e-4,
        warm_up=40,
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
