"""Train nano within a budget of minutes; run again, it goes on where it stopped.

    python recipes/nano/train.py PACK OUT --minutes 12

PACK has the files that pack.py wrote. OUT gets log.jsonl, checkpoint.pt, curve.png and, in the
end, model.safetensors. On a GPU with less memory batches are computed in parts by themselves.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch
from sources import check_no_evaluation_data, read_sources

from sam2_backend import save_model
from sam2_backend.checkpoints.loading import read_state
from sam2_backend.network.config import CONFIGS
from sam2_backend.training import (
    FROM_SCRATCH,
    SAM2,
    SHARP,
    DeviceSource,
    EfficientNetLite,
    OptimizerConfig,
    Pack,
    Promptable,
    Stage,
    Trainer,
    random_model,
)
from sam2_backend.training.data.packing import PackRecord
from sam2_backend.training.loop.curve import draw_curve

SAVE_EVERY_S = 30.0
"""Seconds between two checkpoints: what a kill may cost at most."""
LEARNING_RATE = 1.5e-3

BALANCED = replace(FROM_SCRATCH, center_bias=3)
FINE = replace(SAM2, box_share=0.4, center_bias=2, mask_share=0.35, reverse_share=0.0, grouping=0.3)
SHARPENED = replace(SHARP, reverse_share=0.0)


def build_stages(size: int, *, scale: float, rate: float, from_scratch: bool) -> tuple[Stage, ...]:
    """Build the stages: pictures, then clips; small, then large; in the end sharp masks.

    Parameters
    ----------
    size : side of the network's input in the later stages, in pixels; half of it in the first.
    scale : factor on all batches.
    rate : highest learning rate.
    from_scratch : begin with the small stages, for random weights.
    """

    def count(batch: int) -> int:
        return max(round(batch * scale), 1)

    # Their length is `share` of the minutes that train.py is given.
    pictures = Stage(
        steps=0,
        image_size=size,
        batch=count(160),
        targets=3,
        corrections=(0, 4),
        final_rate=0.25,
        warm_up=40,
    )
    clips = replace(
        pictures,
        batch=count(32),
        frames=6,
        picture_share=0.5,
        picture_batch=count(134),
        corrections=(1, 3),
    )
    small = (
        replace(
            pictures,
            share=0.22,
            image_size=size // 2,
            batch=count(512),
            learning_rate=rate,
            warm_up=200,
            recipe=BALANCED,
        ),
        replace(
            clips,
            share=0.10,
            image_size=size // 2,
            batch=count(96),
            frames=5,
            picture_share=0.4,
            picture_batch=count(336),
            learning_rate=0.8 * rate,
            recipe=BALANCED,
        ),
    )
    large = (
        replace(pictures, share=0.24, learning_rate=0.6 * rate, recipe=replace(FINE, grouping=0.6)),
        replace(clips, share=0.26, learning_rate=0.4 * rate, recipe=FINE),
        replace(
            clips,
            share=0.18,
            corrections=(0, 5),
            learning_rate=0.3 * rate,
            final_rate=0.03,
            recipe=SHARPENED,
        ),
    )
    return (*small, *large) if from_scratch else large


def read_records(pack: Path) -> list[PackRecord]:
    """Read what to train on: all of the packs but what is held out.

    Raises
    ------
    DatasetError
        When there is no pack, or one has what the model is evaluated on.
    """
    held_out = {name: source.held_out for name, source in read_sources().items()}
    records = Pack.open(pack / "stills.npz").split(held_out)[0].records
    if (pack / "clips.npz").is_file():
        records += Pack.open(pack / "clips.npz").records
    check_no_evaluation_data(records)
    return records


def main() -> None:
    """Train on the packs that the command line names, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path, help="folder of stills.npz and clips.npz")
    parser.add_argument("out", type=Path, help="folder for the run")
    parser.add_argument("--minutes", type=float, default=12.0, help="of training")
    parser.add_argument("--weights", type=Path, help="begin with these, without the small stages")
    parser.add_argument("--device", help="cuda, cpu (default: the best there is)")
    parser.add_argument("--size", type=int, default=512, help="side of the network's input")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the batches")
    parser.add_argument("--rate", type=float, default=LEARNING_RATE, help="highest learning rate")
    parser.add_argument("--kept-side", type=int, default=448, help="of pictures on the device")
    parser.add_argument("--parts", nargs="*", default=[], help="what learns (default: all)")
    parser.add_argument("--no-teacher", action="store_true")
    parser.add_argument("--no-graphs", action="store_true")
    parser.add_argument("--log-every", type=int, default=20, help="steps")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_float32_matmul_precision("high")

    begun = time.monotonic()
    source = DeviceSource(
        read_records(arguments.pack),
        side=arguments.kept_side,
        weights={name: source.weight for name, source in read_sources().items()},
        device=arguments.device,
    )
    seconds = time.monotonic() - begun
    print(f"{len(source)} pictures, {source.objects} objects, {seconds:.0f} s", flush=True)

    model = random_model(replace(CONFIGS["nano"], image_size=arguments.size), seed=arguments.seed)
    if arguments.weights:
        model.load_state_dict(read_state(arguments.weights))
    trainer = Trainer(
        Promptable(
            model,
            BALANCED,  # has an auxiliary head, which later stages need
            teacher=None if arguments.no_teacher else EfficientNetLite(),
        ),
        build_stages(
            arguments.size,
            scale=arguments.scale,
            rate=arguments.rate,
            from_scratch=arguments.weights is None,
        ),
        source=source,
        out=arguments.out,
        minutes=arguments.minutes,
        optimizer_config=OptimizerConfig(parts=tuple(arguments.parts), weight_decay=0.03),
        ema=0.9985,
        log_every=arguments.log_every,
        device=source.device,
        recompute=False,
        graphs=False if arguments.no_graphs else None,
        seed=arguments.seed,
    )
    trainer.run(save_every_s=SAVE_EVERY_S)
    if trainer.stage < len(trainer.stages):
        print("Stopped: the same command goes on from there.", flush=True)
        return
    weights = arguments.out / "model.safetensors"
    config = replace(model.config, image_size=arguments.size)
    save_model(config, {key: value.half() for key, value in trainer.ema.items()}, weights)
    draw_curve(arguments.out / "log.jsonl", arguments.out / "curve.png")
    print(f"Wrote {weights}.", flush=True)


if __name__ == "__main__":
    main()
