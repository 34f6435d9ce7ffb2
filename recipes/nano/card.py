"""Write the bundled model's card from its data, its log and its measurements.

    python recipes/nano/card.py DATA OUT FIRST.json FRAMES.json sam2_backend/weights/nano.md

FIRST.json and FRAMES.json are written by `python -m benchmarks.davis --json`: on first frames
with propagation, and on every tenth frame with `--every 10 --images-only`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

from sam2_backend.config import CONFIGS
from sam2_backend.training.curve import MEASURES, draw_curve

CARD = """# nano: the bundled model

A SAM 2.1 of {parameters:.1f} M parameters with an input of {image_size} pixels, trained from \
random weights by `sam2_backend.training`. It makes demos and tests work without a download and \
is fast on a CPU. It is no match for the official models: use those for real work.

Licence of the weights: Apache-2.0. No official weights and no annotated data went into it.

## Data
Synthetic clips only (`sam2_backend/training/synthetic.py`): cut-outs, animated models of \
people, animals and buildings, pieces and regions of photographs, and textures, composed before \
photographs and grounds in perspective, and moved, bent, occluded, lit, blurred and compressed, \
with exact masks. The pictures come from these packages of Debian's main archive, \
fetched by name by `recipes/nano/fetch.py`; they are not redistributed here.

| package | version | licence of its pictures (see its copyright file) |
|---|---|---|
{packages}

## Recipe
`recipes/nano/`: `fetch.py`, `pack.py`, `film.py`, `train.py`, `export.py`, `card.py`. \
AdamW, gradients clipped, averaged weights. A first prompt (click or box), corrective clicks \
inside the error, balanced cross-entropy + Dice on the masks (the best of three candidates \
where one click is ambiguous), L1 on the predicted IoU, cross-entropy on visibility; on clips, \
half start tracking from the true mask. From stage 11 on, a dense lesson for the image encoder \
(`sam2_backend/training/grouping.py`). On 2 CPU cores, shared with other work:

| stage | input | frames | steps | click | box | corrected | tracked |
|---|---|---|---|---|---|---|---|
{stages}

Mean IoU on the last synthetic batches of each stage: after a first click or box, after the \
corrective clicks, and on the later frames of clips. `recipes/nano/curve.png` shows it \
over time, and at its end the further steps that Limits speaks of.

## Quality
DAVIS 2016, first 40 frames of six sequences, never trained on (`python -m benchmarks.davis`). \
Each next click is at the centre of the largest error. J and F: over the frames after the first, \
from three clicks or the true mask on the first frame.

First frame, and propagation:

{first}

Every tenth frame:

{frames}

## Limits
Thin limbs, busy streets and camouflage are often missed; a box or several clicks help. Parts of \
things are as likely an answer as wholes. Propagation drifts when the object turns or is hidden \
for long. More of the same training gains nothing: after 1,600 further steps with longer talks one \
click had 0.504 and three 0.583 on every tenth frame, and J from three clicks was 0.522.
"""


def main(data: Path, run: Path, first: Path, frames: Path, target: Path) -> None:
    weights = target.with_suffix(".safetensors")
    with safe_open(weights, "pt") as tensors:
        parameters = sum(tensors.get_tensor(key).numel() for key in tensors.keys())  # noqa: SIM118
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    packages = json.loads((data / "packages.json").read_text())
    target.write_text(
        CARD.format(
            parameters=parameters / 1e6,
            image_size=CONFIGS["nano"].image_size,
            packages="\n".join(
                f"| {p['package']} | {p['version']} | {p['licence']} |" for p in packages
            ),
            stages=_stages(log),
            first=_table(json.loads(first.read_text())),
            frames=_table(json.loads(frames.read_text())),
        )
    )
    draw_curve(run / "log.jsonl", Path(__file__).with_name("curve.png"))


def _stages(log: list[dict[str, Any]]) -> str:
    rows = []
    for stage in sorted({record["stage"] for record in log}):
        last = [record for record in log if record["stage"] == stage][-1]
        figures = [f"{last[key]:.2f}" if key in last else "" for key in MEASURES]
        cells = [stage + 1, last["size"], last["frames"], last["step"], *figures]
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(rows)


def _table(table: dict[str, dict[str, float]]) -> str:
    columns = [c for c in next(iter(table.values())) if c != "frames/s"]
    rows = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in table.items():
        rows.append(f"| {name} | " + " | ".join(f"{row[c]:.3f}" for c in columns) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("data", "run", "first", "frames", "target"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    main(**vars(arguments))
