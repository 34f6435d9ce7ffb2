"""Arguments that `finetune`, `train` and `pretrain` share, and what they are turned into."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sam2_backend import ModelConfig, Sam2Model
    from sam2_backend.training import Stage, Task, Trainer
    from sam2_backend.training.datasets import VideoRecords

_SESSIONS = "sessions"
_SUFFIX = ".sam2.zip"
# As in sam2_backend.training, which would bring torch in: a test compares them.
DATA_FORMATS = ("davis", "youtube-vos", "sa-v", "coco", "folder", _SESSIONS)
PARTS = ("image_encoder", "prompt_encoder", "mask_decoder", "memory")


def add_data(parser: argparse.ArgumentParser, name: str, **options: Any) -> None:
    """Add the paths of sessions or of a data set, and how they are read."""
    parser.add_argument(
        name,
        nargs="+",
        type=Path,
        help="session files, or folders of them; or one data set's folder",
        **options,
    )
    parser.add_argument("--format", choices=DATA_FORMATS, help="(default: told by what is there)")
    parser.add_argument("--annotations", metavar="JSON", type=Path, help="of COCO")
    parser.add_argument(
        "--indexed",
        action="store_true",
        help="each value of a mask of --format folder is an object of its own",
    )
    parser.add_argument(
        "--include-prompted",
        action="store_true",
        help="frames of sessions that have prompts count as right, as accepted ones do",
    )


def add_loop(parser: argparse.ArgumentParser, *, steps: int, batch: int, workers: int) -> None:
    """Add steps, batch, learning rate and what else the training loop takes, with defaults."""
    for name, default, what in (
        ("--steps", steps, "at most"),
        ("--batch", batch, "clips or pictures a step, on each process"),
    ):
        parser.add_argument(
            name,
            metavar="N",
            type=_parse_count,
            default=default,
            help=f"{what} (default: %(default)s)",
        )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        default=workers,
        help="processes that read data (default: %(default)s)",
    )
    parser.add_argument(
        "--rate", metavar="RATE", type=_parse_rate, help="learning rate at its highest"
    )
    parser.add_argument(
        "--image-size",
        metavar="PIXELS",
        type=_parse_count,
        help="of the network (default: its own)",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--device", help="cpu, cuda, … (default: the best there is)")


def add_clips(parser: argparse.ArgumentParser, *, parts: list[str]) -> None:
    """Add the parts that are trained, by default `parts`, and the length of clips."""
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=parts,
        help=f"what learns (default: {' '.join(parts) or 'all'})",
    )
    parser.add_argument(
        "--frames", metavar="N", type=_parse_count, help="of a clip (default: 3, of stills 1)"
    )
    parser.add_argument(
        "--targets",
        metavar="N",
        type=_parse_count,
        default=4,
        help="objects (default: %(default)s)",
    )


def open_data(arguments: argparse.Namespace) -> VideoRecords:
    """Open the sessions or the data set that `add_data` asked for."""
    from sam2_backend.training.datasets import VideoRecords, open_dataset

    from ...training.finetuning import read_records

    paths: list[Path] = arguments.data
    if arguments.format == _SESSIONS or (arguments.format is None and _hold_sessions(paths)):
        return VideoRecords(read_records(paths, include_prompted=arguments.include_prompted))
    if len(paths) > 1:
        raise ValueError(
            f"Several paths are for session files (*{_SUFFIX}); of a data set, give one folder, "
            f"got {' '.join(map(str, paths))}."
        )
    return open_dataset(
        paths[0],
        arguments.format,
        annotations=arguments.annotations,
        indexed=arguments.indexed,
    )


def load_model(arguments: argparse.Namespace, device: str | None) -> Sam2Model:
    """Load the model that is named, at the size that is asked for."""
    from sam2_backend import load_model

    return load_model(arguments.model, device, image_size=arguments.image_size)


def read_config(arguments: argparse.Namespace) -> ModelConfig:
    """Return the configuration of the network that is named, at the size that is asked for."""
    from sam2_backend import CONFIGS

    if arguments.model not in CONFIGS:
        raise ValueError(
            f"Unknown network {arguments.model!r}: random weights need a name out of "
            f"{', '.join(CONFIGS)}."
        )
    config = CONFIGS[arguments.model]
    return replace(config, image_size=arguments.image_size or config.image_size)


def run_trainer(
    arguments: argparse.Namespace, task: Task, stage: Stage, source: Any, **options: Any
) -> Trainer | None:
    """Train for a stage, and say where it stopped.

    Returns
    -------
    Trainer or None
        The finished trainer, in the process that has to go on.
    """
    from sam2_backend.training import Trainer

    trainer = Trainer(
        task,
        (stage,),
        source=source,
        out=arguments.out,
        seed=arguments.seed,
        workers=arguments.workers,
        device=arguments.device,
        **options,
    )
    trainer.run()
    if trainer.context.rank:
        return None
    if trainer.stage == 0:
        print(
            f"Stopped after step {trainer.step} of {stage.steps}: the same command goes on from "
            "there."
        )
        return None
    return trainer


def _hold_sessions(paths: list[Path]) -> bool:
    return all(
        any(path.glob(f"*{_SUFFIX}")) if path.is_dir() else path.suffix == ".zip" for path in paths
    )


def _parse_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _parse_rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate above 0 and below 1, such as 5e-4")
    return rate
