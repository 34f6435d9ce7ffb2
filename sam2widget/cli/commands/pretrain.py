"""`sam2widget pretrain`: an image encoder on pictures without masks."""

from __future__ import annotations

import argparse
from pathlib import Path

from .checks import check_folder
from .training_arguments import add_loop, read_config, run_trainer

HELP = "pre-train an image encoder on pictures without masks; under torchrun too"
DESCRIPTION = (
    "Train a network's image encoder as a masked autoencoder, on any images and videos; then give "
    "the folder to sam2widget train --from-scratch --trunk."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the network, the pictures, and how it is trained."""
    parser.add_argument("model", help="a network's name, such as nano")
    parser.add_argument("--data", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--out", metavar="FOLDER", type=Path, required=True)
    add_loop(parser, steps=1000, batch=16, workers=1)


def run(arguments: argparse.Namespace) -> int:
    """Pre-train the encoder, and say how to train from it."""
    from sam2_backend.training import MaskedAutoencoder, Pictures, Pretraining, Stage

    config = read_config(arguments)
    check_folder(arguments.out, "--out")
    stage = Stage(
        steps=arguments.steps,
        image_size=config.image_size,
        batch=arguments.batch,
        targets=1,
        learning_rate=arguments.rate or 1e-3,
    )
    task = Pretraining(MaskedAutoencoder(config))
    if run_trainer(arguments, task, stage, Pictures(arguments.data)) is not None:
        print(
            f"Train from it with: sam2widget train {arguments.model} --from-scratch "
            f"--trunk {arguments.out} --data ..."
        )
    return 0
