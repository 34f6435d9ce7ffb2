"""Evaluate a model on held-out pictures: prompts, predicted IoUs, automatic masks.

    python recipes/nano/evaluate.py PACK OUT/model.safetensors --json OUT/held_out.json

On footage, see `python -m benchmarks.davis`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sources import read_sources

from sam2_backend import AutomaticMaskGenerator, ImagePredictor, Sam2Model, load_model
from sam2_backend.training import Pack
from sam2_backend.training.data.packing import PackRecord, set_name
from sam2_backend.training.evaluation import click_repeatedly, compute_box, compute_iou

_CLICKS = 5
_MAX_PROPOSALS = 100
"""Number of automatic masks of a picture that count, the best ones."""


def evaluate_prompts(model: Sam2Model, records: list[PackRecord], objects: int) -> dict[str, float]:
    """Evaluate mean IoUs after clicks and from a box, and predicted IoUs.

    Parameters
    ----------
    model : from `load_model`.
    records : held-out pictures.
    objects : of a picture, at most; the largest ones.
    """
    predictor = ImagePredictor(model)
    rows: list[list[float]] = []
    pairs: list[tuple[float, float]] = []
    for record in records:
        ((rgb, masks),) = record.read([0])
        predictor.set_image(rgb)
        largest = sorted(masks.values(), key=lambda mask: -int(mask.sum()))[:objects]
        for truth in (mask for mask in largest if mask.mean() > 0.003):
            rows.append(_evaluate_object(predictor, truth, pairs))
    predicted, actual = np.array(pairs).T
    means = np.mean(rows, axis=0)
    return {
        "objects": float(len(rows)),
        "1 click": float(means[0]),
        "3 clicks": float(means[2]),
        "5 clicks": float(means[4]),
        "box": float(means[5]),
        "predicted IoU: correlation": float(np.corrcoef(predicted, actual)[0, 1]),
        "predicted IoU: mean absolute error": float(np.abs(predicted - actual).mean()),
    }


def _evaluate_object(
    predictor: ImagePredictor, truth: NDArray[np.bool_], pairs: list[tuple[float, float]]
) -> list[float]:
    """Return IoUs after each click and from the box; adds to pairs of predicted and true IoUs."""
    row: list[float] = []
    for masks, ious in click_repeatedly(predictor, truth, _CLICKS):
        actual = [compute_iou(mask, truth) for mask in masks]
        pairs += zip(map(float, ious), actual, strict=True)
        row.append(actual[int(ious.argmax())])
    masks, ious, _ = predictor.predict(box=compute_box(truth), multimask=False)
    pairs.append((float(ious[0]), compute_iou(masks[0], truth)))
    return [*row, pairs[-1][1]]


def evaluate_proposals(model: Sam2Model, records: list[PackRecord]) -> dict[str, float]:
    """Evaluate which share of labelled objects automatic masks find at IoU 0.5, with defaults."""
    generator = AutomaticMaskGenerator(model)
    found, counts = [], []
    for record in records:
        ((rgb, masks),) = record.read([0])
        proposals = sorted(generator.generate(rgb), key=lambda p: -p["predicted_iou"])[
            :_MAX_PROPOSALS
        ]
        counts.append(len(proposals))
        for truth in masks.values():
            best = max((compute_iou(p["segmentation"], truth) for p in proposals), default=0.0)
            found.append(best > 0.5)
    return {"recall at IoU 0.5": float(np.mean(found)), "masks a picture": float(np.mean(counts))}


def main() -> None:
    """Evaluate the model that the command line names, set by set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path, help="folder of stills.npz")
    parser.add_argument("model", help="a name or a path")
    parser.add_argument("--pictures", type=int, default=40, help="of each set, at most")
    parser.add_argument("--objects", type=int, default=4, help="of a picture, the largest ones")
    parser.add_argument(
        "--recall", nargs="*", default=["coco_small"], help="sets for automatic masks"
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    held_out = {name: source.held_out for name, source in read_sources().items()}
    held = Pack.open(arguments.pack / "stills.npz").split(held_out)[1]
    model = load_model(arguments.model)
    table: dict[str, Any] = {}
    for name in sorted({set_name(record) for record in held.records}):
        records = [r for r in held.records if set_name(r) == name][: arguments.pictures]
        row = evaluate_prompts(model, records, arguments.objects)
        if name in arguments.recall:
            row |= evaluate_proposals(model, records)
        table[name] = {"pictures": float(len(records)), **row}
        print(name, ", ".join(f"{k} {v:.3f}" for k, v in table[name].items()), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
