"""Accuracy of a model on DAVIS 2016 footage: clicks and boxes on frames, masks through time.

    python -m benchmarks.davis --model nano
    python -m benchmarks.davis --dtype float32 bfloat16    # both, and the one beside the other

Reads `$SAM2WIDGET_DATA/davis/NAME/{frames,masks}` (by default ../shared/data). Each next click
is at the centre of the largest error, as in the SAM 2 paper; J is the mean IoU and F the
boundary measure of Perazzi et al. 2016. The footage is for evaluation only.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.machine import describe_machine
from sam2_backend import ImagePredictor, Sam2Model, VideoPredictor, load_model
from sam2_backend.training.evaluation import (
    click_repeatedly,
    compute_box,
    compute_iou,
    simulate_click,
)

Mask = NDArray[np.bool_]
CLICKS = (1, 3, 5)


@dataclass(frozen=True)
class Sequence:
    """Frames (H, W, 3) uint8 and their true masks (H, W)."""

    name: str
    frames: list[NDArray[np.uint8]]
    masks: list[Mask]


def read_sequences(folder: Path, names: Collection[str] = ()) -> list[Sequence]:
    """Sequences below a folder, in order of their names: those named, or all."""
    sequences = []
    for directory in sorted(path for path in folder.iterdir() if path.is_dir()):
        if names and directory.name not in names:
            continue
        frames = [np.asarray(Image.open(p)) for p in sorted((directory / "frames").glob("*.jpg"))]
        masks = [
            np.asarray(Image.open(p)) > 127 for p in sorted((directory / "masks").glob("*.png"))
        ]
        sequences.append(Sequence(directory.name, frames, masks))
    return sequences


def boundary_f(predicted: Mask, truth: Mask, *, tolerance: float = 0.008) -> float:
    """F measure of the boundaries, matched within a share of the picture's diagonal."""
    radius = int(np.ceil(tolerance * np.hypot(*truth.shape)))
    edges = [mask ^ ndimage.binary_erosion(mask, border_value=0) for mask in (predicted, truth)]
    if not edges[0].any() or not edges[1].any():
        return float(edges[0].any() == edges[1].any())
    near = [ndimage.distance_transform_edt(~edge) <= radius for edge in edges]
    precision, recall = near[1][edges[0]].mean(), near[0][edges[1]].mean()
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def click_ious(predictor: ImagePredictor, truth: Mask, clicks: int) -> list[float]:
    """IoU after each of a number of corrective clicks."""
    after = click_repeatedly(predictor, truth, clicks)
    return [compute_iou(masks[scores.argmax()], truth) for masks, scores in after]


def box_iou(predictor: ImagePredictor, truth: Mask) -> float:
    """IoU from the true box."""
    return compute_iou(predictor.predict(box=compute_box(truth), multimask=False)[0][0], truth)


def evaluate_images(model: Sam2Model, sequence: Sequence, frames: range) -> dict[str, float]:
    """Mean IoU after clicks and from a box, over some frames."""
    predictor = ImagePredictor(model)
    rows = []
    for frame in frames:
        truth = sequence.masks[frame]
        if not truth.any():
            continue
        predictor.set_image(sequence.frames[frame])
        after = click_ious(predictor, truth, max(CLICKS))
        rows.append([*(after[n - 1] for n in CLICKS), box_iou(predictor, truth)])
    names = [*(f"{n} click" for n in CLICKS), "box"]
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def evaluate_video(
    model: Sam2Model, sequence: Sequence, prompt: Callable[[VideoPredictor, Sequence], None]
) -> tuple[float, float, float]:
    """J and F over the frames after the first, and frames a second."""
    video = VideoPredictor(model, sequence.frames)
    prompt(video, sequence)
    started = time.perf_counter()
    results = list(video.propagate())[1:]
    seconds = time.perf_counter() - started
    pairs = [(result.masks[1], sequence.masks[result.frame]) for result in results]
    j = float(np.mean([compute_iou(*pair) for pair in pairs]))
    f = float(np.mean([boundary_f(*pair) for pair in pairs]))
    return j, f, len(results) / seconds


def three_clicks(video: VideoPredictor, sequence: Sequence) -> None:
    """Three corrective clicks on the first frame."""
    predicted = np.zeros_like(sequence.masks[0])
    for _ in range(3):
        point, label = simulate_click(predicted, sequence.masks[0])
        predicted = video.add_points(0, 1, [point], [label]).masks[1]


def true_mask(video: VideoPredictor, sequence: Sequence) -> None:
    """The true mask of the first frame."""
    video.add_mask(0, 1, sequence.masks[0])


def evaluate(
    model: Sam2Model, sequences: list[Sequence], *, every: int | None, video: bool
) -> dict[str, dict[str, float]]:
    """All figures by sequence, and their mean.

    Parameters
    ----------
    every : image prompts on every so many frames; only on the first if None.
    video : propagate too.
    """
    table: dict[str, dict[str, float]] = {}
    for sequence in sequences:
        frames = range(0, len(sequence.frames), every or len(sequence.frames))
        row = evaluate_images(model, sequence, frames)
        if video:
            row["J 3 clicks"], row["F 3 clicks"], _ = evaluate_video(model, sequence, three_clicks)
            row["J mask"], row["F mask"], row["frames/s"] = evaluate_video(
                model, sequence, true_mask
            )
        table[sequence.name] = row
    columns = next(iter(table.values()))
    table["mean"] = {c: float(np.mean([row[c] for row in table.values()])) for c in columns}
    return table


def print_table(table: dict[str, dict[str, float]]) -> None:
    """Sequences down, figures across."""
    columns = list(next(iter(table.values())))
    print(f"{'':12}" + "".join(f"{c:>11}" for c in columns))
    for name, row in table.items():
        print(f"{name:12}" + "".join(f"{row[c]:11.3f}" for c in columns))


def main() -> None:
    """Print the accuracy of a model on each sequence, and write it as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="nano", help="name or path of a checkpoint")
    parser.add_argument("--every", type=int, help="prompt every so many frames, not only the first")
    parser.add_argument("--images-only", action="store_true", help="do not propagate")
    parser.add_argument("--image-size", type=int, help="side of the network's input")
    parser.add_argument("--memory-pooling", type=int, default=1)
    parser.add_argument("--tracked-memories", type=int)
    parser.add_argument("--dtype", nargs="+", default=[None], help="precisions, as bfloat16")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    data = Path(os.environ.get("SAM2WIDGET_DATA", "../shared/data")) / "davis"
    if not data.is_dir():
        parser.exit(2, f"There is no {data}. Set SAM2WIDGET_DATA to a folder that holds davis/.\n")
    sequences = read_sequences(data)
    tables: dict[str, dict[str, dict[str, float]]] = {}
    print(describe_machine())
    for dtype in arguments.dtype:
        model = load_model(
            arguments.model,
            image_size=arguments.image_size,
            memory_pooling=arguments.memory_pooling,
            tracked_memories=arguments.tracked_memories,
            dtype=dtype,
        )
        precision = str(model.runtime.dtype).removeprefix("torch.")
        print(f"\n{arguments.model}, {precision}")
        tables[precision] = evaluate(
            model, sequences, every=arguments.every, video=not arguments.images_only
        )
        print_table(tables[precision])
    if len(tables) > 1:
        print("\nMeans")
        print_table({precision: table["mean"] for precision, table in tables.items()})
    if arguments.json:
        written = tables if len(tables) > 1 else next(iter(tables.values()))
        arguments.json.write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
