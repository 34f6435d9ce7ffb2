"""`sam2widget finetune`: a model on accepted masks, or on a data set."""

from __future__ import annotations

import argparse
from pathlib import Path

from .checks import check_folder, check_weights
from .training_arguments import add_clips, add_data, add_loop, load_model, open_data

HELP = "fine-tune a model on what you accepted in sessions, and say what it gained"
DESCRIPTION = (
    "Fine-tune a model on session files or a data set. It is measured before and after on videos "
    "that are held out (of a single video, on its last frames), and the best weights are kept. "
    "Interrupted, the same command goes on."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the data, the model, what is held out, and how it is trained."""
    add_data(parser, "data", metavar="PATH")
    parser.add_argument("--model", default="nano", help="a name or a path (default: %(default)s)")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("finetuned.safetensors"),
        help="the .safetensors file to write (default: %(default)s)",
    )
    parser.add_argument(
        "--held-out", metavar="SHARE", type=float, default=0.25, help="(default: %(default)s)"
    )
    add_loop(parser, steps=300, batch=2, workers=0)
    add_clips(parser, parts=["mask_decoder"])


def run(arguments: argparse.Namespace) -> int:
    """Fine-tune the model, and print the report."""
    check_weights(arguments)
    check_folder(arguments.out.parent, "The folder of --out")
    from sam2_backend.training import finetune_model

    from ...training.finetuning import choose_clip_length, split_records

    source = open_data(arguments)
    train, evaluated = split_records(source, held_out=arguments.held_out, seed=arguments.seed)
    rate = {} if arguments.rate is None else {"learning_rate": arguments.rate}
    report = finetune_model(
        load_model(arguments, arguments.device),
        train,
        held_out=evaluated,
        out=arguments.out,
        parts=tuple(arguments.parts),
        steps=arguments.steps,
        batch=arguments.batch,
        frames=arguments.frames or choose_clip_length(source),
        targets=arguments.targets,
        seed=arguments.seed,
        workers=arguments.workers,
        **rate,
    )
    print(report)
    return 0
