"""Write a model's card from its data, its log and its metrics.

    python recipes/nano/card.py PACK OUT FRAMES.json HELD.json nano.md

FRAMES.json is of `python -m benchmarks.davis --every 10 --json FRAMES.json`, HELD.json of
`evaluate.py`. What only a person knows of the weights is in `notes.md`, or --notes. Draws
recipes/nano/curve.png, or --curve.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from sources import read_sources

from sam2_backend.network.config import CONFIGS
from sam2_backend.training import Pack
from sam2_backend.training.data.packing import set_name
from sam2_backend.training.loop.curve import MEASURES, draw_curve

CARD = """# nano: the bundled model

A SAM 2.1 of {parameters:.2f} M parameters with an input of {image_size} pixels, trained from \
random weights by `sam2_backend.training`. It makes demos and tests work without a download and \
is fast on a CPU. It is no match for the official models: use those for real work.

Licence of the weights: Apache-2.0. No official weights went into it; the image encoder also \
learnt to predict features of EfficientNet-Lite0 (Apache-2.0, trained on ImageNet), which is not \
part of it.

## Data
Pictures and videos with masks of objects, from the sets below; they are not redistributed here. \
`recipes/nano/sources.toml` says more of each. A share of the pictures of some sets was held back \
to measure on, and the validation sequences of DAVIS were never learnt from.

| set | used | from | licence | in its own words |
|---|---|---|---|---|
{sources}

What the photographs are:

{photographs}

## Recipe
`recipes/nano/`: `fetch.py`, `pack.py`, `train.py`, `evaluate.py`, `card.py`. AdamW, gradients \
clipped, averaged weights. First prompts are clicks, boxes or masks; corrective clicks inside the \
error; crops, another light, pasted objects and made-up motion. Balanced cross-entropy and Dice \
at first, then focal loss and Dice, in the end plain cross-entropy, heavier at outlines, and \
Dice; L1 on the predicted IoU of every mask; cross-entropy on visibility; auxiliary losses of the \
image encoder on which pixels belong together and on the teacher's features.

| stage | input | frames | steps | click | box | corrected | tracked |
|---|---|---|---|---|---|---|---|
{stages}

Mean IoU on the last batches of each stage: after a first click or box, after the corrective \
clicks, and on the later frames of clips.

## Quality
DAVIS 2016, every tenth frame of the first 40 of six sequences, never trained on \
(`python -m benchmarks.davis --every 10`). Each next click is at the centre of the largest error. \
J and F: over the frames after the first, from three clicks or the true mask on the first frame.

{frames}

Pictures that were held back (`recipes/nano/evaluate.py`):

{held}

{notes}"""


def write_card(
    pack: Path, run: Path, frames: Path, held: Path, target: Path, curve: Path, notes: Path
) -> None:
    """Write the card, and draw the training curves.

    Parameters
    ----------
    pack, run : folders that `pack.py` and `train.py` wrote.
    frames, held : JSON files with metrics on footage and on held-out pictures.
    target, curve : the Markdown file and the image to write.
    notes : Markdown that only a person can write, which ends the card.
    """
    weights = run / "model.safetensors"
    with safe_open(weights, "pt") as tensors:
        parameters = sum(tensors.get_tensor(key).numel() for key in tensors.keys())  # noqa: SIM118
    lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    log = [json.loads(line) for line in lines]
    used: dict[str, int] = {}
    for name in ("stills", "clips"):
        path = pack / f"{name}.npz"
        for record in Pack.open(path).records if path.is_file() else ():
            used[set_name(record)] = used.get(set_name(record), 0) + 1
    sources = read_sources()
    unknown = used.keys() - sources.keys()
    if unknown:
        raise ValueError(f"{sorted(unknown)} of {pack} are not in sources.toml: list them there.")
    target.write_text(
        CARD.format(
            parameters=parameters / 1e6,
            image_size=log[-1]["size"] if log else CONFIGS["nano"].image_size,
            sources="\n".join(
                f"| {s.name} | {used[s.name]} | {s.origin} | {s.licence} | {s.words} |"
                for s in sources.values()
                if s.name in used
            ),
            photographs="\n".join(
                f"- {s.name}: {s.photographs}"
                for s in sources.values()
                if s.name in used and s.photographs
            ),
            stages=_stage_table(log),
            frames=_metrics_table(json.loads(frames.read_text(encoding="utf-8"))),
            held=_metrics_table(json.loads(held.read_text(encoding="utf-8"))),
            notes=notes.read_text(encoding="utf-8"),
        ),
        encoding="utf-8",
    )
    draw_curve(run / "log.jsonl", curve)


def _stage_table(log: list[dict[str, Any]]) -> str:
    rows = []
    for stage in sorted({record["stage"] for record in log}):
        last = [record for record in log if record["stage"] == stage][-1]
        figures = [f"{last[key]:.2f}" if key in last else "" for key in MEASURES]
        cells = [stage + 1, last["size"], last["frames"], last["step"], *figures]
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(rows)


def _metrics_table(table: dict[str, dict[str, float]]) -> str:
    columns = list(dict.fromkeys(c for row in table.values() for c in row if c != "frames/s"))
    rows = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in table.items():
        cells = (f"{row[c]:.3f}".removesuffix(".000") if c in row else "" for c in columns)
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("pack", "run", "frames", "held", "target"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--curve", type=Path, default=Path(__file__).with_name("curve.png"))
    parser.add_argument("--notes", type=Path, default=Path(__file__).with_name("notes.md"))
    write_card(**vars(parser.parse_args()))
