"""The terminal face of training: `sam2widget train`, `finetune` and `pretrain`."""

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
FORMATS = ("davis", "youtube-vos", "sa-v", "coco", "folder", _SESSIONS)
PARTS = ("image_encoder", "prompt_encoder", "mask_decoder", "memory")


def add_training_commands(commands: Any) -> None:
    """Add the three commands to an argparse sub-parsers object."""
    finetune = commands.add_parser(
        "finetune",
        help="teach a model what you accepted in sessions, and say what it gained",
        description="Fine-tune a model on session files or a data set. It is measured before and "
        "after on videos that are held out (of a single video, on its last frames), and the best "
        "weights are kept. Interrupted, the same command goes on.",
    )
    _add_data(finetune, "data", metavar="PATH")
    finetune.add_argument("--model", default="nano", help="a name or a path (default: %(default)s)")
    finetune.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("finetuned.safetensors"),
        help="the .safetensors file to write (default: %(default)s)",
    )
    finetune.add_argument(
        "--held-out", metavar="SHARE", type=float, default=0.25, help="(default: %(default)s)"
    )
    _add_loop(finetune, steps=300, batch=2, workers=0)
    _add_clips(finetune, parts=["mask_decoder"])
    finetune.set_defaults(run=_finetune)

    train = commands.add_parser(
        "train",
        help="train a network on a data set; under torchrun too",
        description="Train a network on, or from random weights. Interrupted, the same command "
        "goes on. On several GPUs: torchrun --nproc-per-node 8 -m sam2widget train ...",
    )
    train.add_argument("model", help="a name or a path; with --from-scratch, a network's name")
    _add_data(train, "--data", metavar="PATH", required=True)
    train.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        required=True,
        help="for checkpoint.pt, log.jsonl and, in the end, model.safetensors",
    )
    train.add_argument("--from-scratch", action="store_true", help="begin with random weights")
    train.add_argument(
        "--trunk",
        metavar="FOLDER",
        type=Path,
        help="with --from-scratch: an image encoder that sam2widget pretrain left there",
    )
    _add_loop(train, steps=1000, batch=4, workers=1)
    _add_clips(train, parts=[])
    train.set_defaults(run=_train)

    pretrain = commands.add_parser(
        "pretrain",
        help="pre-train an image encoder on pictures without masks; under torchrun too",
        description="Train a network's image encoder as a masked autoencoder, on any images and "
        "videos; then give the folder to sam2widget train --from-scratch --trunk.",
    )
    pretrain.add_argument("model", help="a network's name, such as nano")
    pretrain.add_argument("--data", metavar="FOLDER", type=Path, required=True)
    pretrain.add_argument("--out", metavar="FOLDER", type=Path, required=True)
    _add_loop(pretrain, steps=1000, batch=16, workers=1)
    pretrain.set_defaults(run=_pretrain)


def _add_data(parser: argparse.ArgumentParser, name: str, **options: Any) -> None:
    parser.add_argument(
        name,
        nargs="+",
        type=Path,
        help="session files, or folders of them; or one data set's folder",
        **options,
    )
    parser.add_argument("--format", choices=FORMATS, help="(default: told by what is there)")
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


def _add_loop(parser: argparse.ArgumentParser, *, steps: int, batch: int, workers: int) -> None:
    for name, default, what in (
        ("--steps", steps, "at most"),
        ("--batch", batch, "clips or pictures a step, on each process"),
    ):
        parser.add_argument(
            name, metavar="N", type=_count, default=default, help=f"{what} (default: %(default)s)"
        )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        default=workers,
        help="processes that read data (default: %(default)s)",
    )
    parser.add_argument("--rate", metavar="RATE", type=_rate, help="learning rate at its highest")
    parser.add_argument(
        "--image-size", metavar="PIXELS", type=_count, help="of the network (default: its own)"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--device", help="cpu, cuda, … (default: the best there is)")


def _add_clips(parser: argparse.ArgumentParser, *, parts: list[str]) -> None:
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=parts,
        help=f"what learns (default: {' '.join(parts) or 'all'})",
    )
    parser.add_argument(
        "--frames", metavar="N", type=_count, help="of a clip (default: 3, of stills 1)"
    )
    parser.add_argument(
        "--targets", metavar="N", type=_count, default=4, help="objects (default: %(default)s)"
    )


# --- what they do -----------------------------------------------------------------------------


def _finetune(arguments: argparse.Namespace) -> int:
    from sam2_backend.training import finetune

    from ..training.finetuning import choose_clip_length, split_records

    source = _open(arguments)
    learned, measured = split_records(source, held_out=arguments.held_out, seed=arguments.seed)
    rate = {} if arguments.rate is None else {"learning_rate": arguments.rate}
    report = finetune(
        _load(arguments, arguments.device),
        learned,
        held_out=measured,
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


def _train(arguments: argparse.Namespace) -> int:
    from sam2_backend import save_model
    from sam2_backend.training import FROM_SCRATCH, SAM2, OptimizerConfig, Promptable, Stage

    from ..training.finetuning import choose_clip_length

    if arguments.trunk is not None and not arguments.from_scratch:
        raise ValueError("--trunk is where random weights begin from: it needs --from-scratch.")
    source = _open(arguments)
    model = _random(arguments) if arguments.from_scratch else _load(arguments, "cpu")
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
    trainer = _run(
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


def _pretrain(arguments: argparse.Namespace) -> int:
    from sam2_backend.training import MaskedAutoencoder, Pictures, Pretraining, Stage

    config = _config(arguments)
    stage = Stage(
        steps=arguments.steps,
        image_size=config.image_size,
        batch=arguments.batch,
        targets=1,
        learning_rate=arguments.rate or 1e-3,
    )
    task = Pretraining(MaskedAutoencoder(config))
    if _run(arguments, task, stage, Pictures(arguments.data)) is not None:
        print(
            f"Train from it with: sam2widget train {arguments.model} --from-scratch "
            f"--trunk {arguments.out} --data ..."
        )
    return 0


def _run(
    arguments: argparse.Namespace, task: Task, stage: Stage, source: Any, **options: Any
) -> Trainer | None:
    """Train, and say how it ended; the trainer where it is this process that has to go on."""
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


def _open(arguments: argparse.Namespace) -> VideoRecords:
    """The records of sessions, or a data set."""
    from sam2_backend.training.datasets import VideoRecords, open_dataset

    from ..training.finetuning import read_records

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


def _hold_sessions(paths: list[Path]) -> bool:
    return all(
        any(path.glob(f"*{_SUFFIX}")) if path.is_dir() else path.suffix == ".zip" for path in paths
    )


def _load(arguments: argparse.Namespace, device: str | None) -> Sam2Model:
    from sam2_backend import load_model

    return load_model(arguments.model, device, image_size=arguments.image_size)


def _random(arguments: argparse.Namespace) -> Sam2Model:
    from sam2_backend.training import load_trunk, random_model

    model = random_model(_config(arguments), seed=arguments.seed)
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


def _config(arguments: argparse.Namespace) -> ModelConfig:
    from sam2_backend import CONFIGS

    if arguments.model not in CONFIGS:
        raise ValueError(
            f"Unknown network {arguments.model!r}: random weights need a name out of "
            f"{', '.join(CONFIGS)}."
        )
    config = CONFIGS[arguments.model]
    return replace(config, image_size=arguments.image_size or config.image_size)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate above 0 and below 1, such as 5e-4")
    return rate
