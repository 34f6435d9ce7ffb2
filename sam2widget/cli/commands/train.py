"""`sam2widget train`: a network on a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .checks import check_folder, check_weights
from .training_arguments import (
    add_clips,
    add_data,
    add_loop,
    load_model,
    open_data,
    read_config,
    run_trainer,
)

if TYPE_CHECKING:
    from sam2_backend import Sam2Model

HELP = "train a network on a data set; under torchrun too"
DESCRIPTION = (
    "Train a network on, or from random weights. Interrupted, the same command goes on. On several "
    "GPUs: torchrun --nproc-per-node 8 -m sam2widget train ..."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, the data, what it begins with, and how it is trained."""
    parser.add_argument("model", help="a name or a path; with --from-scratch, a network's name")
    add_data(parser, "--data", metavar="PATH", required=True)
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        required=True,
        help="for checkpoint.pt, log.jsonl and, in the end, model.safetensors",
    )
    parser.add_argument("--from-scratch", action="store_true", help="begin with random weights")
    parser.add_argument(
        "--trunk",
        metavar="FOLDER",
        type=Path,
        help="with --from-scratch: an image encoder that sam2widget pretrain left there",
    )
    add_loop(parser, steps=1000, batch=4, workers=1)
    add_clips(parser, parts=[])


def run(arguments: argparse.Namespace) -> int:
    """Train the network, and write its weights."""
    from sam2_backend import save_model
    from sam2_backend.training import FROM_SCRATCH, SAM2, OptimizerConfig, Promptable, Stage

    from ...training.finetuning import choose_clip_length

    if arguments.trunk is not None and not arguments.from_scratch:
        raise ValueError("--trunk is where random weights begin from: it needs --from-scratch.")
    if arguments.from_scratch:
        read_config(arguments)
    else:
        check_weights(arguments)
    check_folder(arguments.out, "--out")
    source = open_data(arguments)
    model = _make_model(arguments) if arguments.from_scratch else load_model(arguments, "cpu")
    frames = arguments.frames or choose_clip_length(source)
    stage = Stage(
        steps=arguments.steps,
        image_size=model.config.image_size,
        batch=arguments.batch,
        targets=arguments.targets,
        frames=frames,
        picture_share=0.5 if frames > 1 else 0.0,
        learning_rate=arguments.rate or (1e-3 if arguments.from_scratch else 1e-4),
    )
    trainer = run_trainer(
        arguments,
        Promptable(model, FROM_SCRATCH if arguments.from_scratch else SAM2),
        stage,
        source,
        optimizer_config=OptimizerConfig(parts=tuple(arguments.parts)),
    )
    if trainer is not None:
        weights = arguments.out / "model.safetensors"
        save_model(model.config, trainer.ema, weights)
        print(f"Wrote {weights}: Sam2Widget(video, model={str(weights)!r}).")
    return 0


def _make_model(arguments: argparse.Namespace) -> Sam2Model:
    """Make a network of random weights, or of a pre-trained trunk."""
    from sam2_backend.training import load_trunk, random_model

    model = random_model(read_config(arguments), seed=arguments.seed)
    trunk: Path | None = arguments.trunk
    if trunk is not None:
        if not (trunk / "checkpoint.pt").is_file():
            raise ValueError(
                f"There is no {trunk / 'checkpoint.pt'}: --trunk is what --out was of sam2widget "
                "pretrain."
            )
        try:
            load_trunk(model, trunk)
        except (KeyError, RuntimeError) as error:
            raise ValueError(
                f"The image encoder in {trunk} is not one of {arguments.model}: pre-train this "
                "network, or train the other."
            ) from error
    return model
