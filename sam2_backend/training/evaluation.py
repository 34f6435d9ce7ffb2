"""Evaluation by simulated users: mean IoU after clicks, from boxes, and when tracking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..network.sam2 import Sam2Model
from ..predictors.image import ImagePredictor
from ..predictors.video import VideoPredictor
from .data.clips import Clip, ClipSource

Mask = NDArray[np.bool_]

_CLICKS = (1, 3, 5)
_TRACKED_FROM = 3
"""Clicks on the first frame before objects are tracked."""


@dataclass(frozen=True)
class Metrics:
    """Mean IoUs over some objects; each next click is at the centre of the largest error."""

    click: float
    """Mean IoU after the first click."""
    clicks_3: float
    clicks_5: float
    box: float
    """Mean IoU from the true box."""
    tracked: float | None
    """J on the frames after the first, from three clicks on it; None for pictures."""
    objects: int
    """Number of objects that were evaluated."""

    @property
    def figures(self) -> dict[str, float]:
        """The mean IoUs by their names in tables."""
        rows = {
            "1 click": self.click,
            "3 clicks": self.clicks_3,
            "5 clicks": self.clicks_5,
            "box": self.box,
        }
        return rows if self.tracked is None else {**rows, "tracked": self.tracked}

    @property
    def mean(self) -> float:
        """The mean of all mean IoUs."""
        return float(np.mean(list(self.figures.values())))

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.3f}" for name, value in self.figures.items())


@dataclass(frozen=True)
class EvalSet:
    """Clips to evaluate on, drawn from a source: always the same ones."""

    source: ClipSource
    clips: int = 24
    """Number of draws. An object that is drawn twice is evaluated once."""
    frames: int = 1
    targets: int = 4
    """Largest number of objects of a clip."""
    seed: int = 0


def evaluate(model: Sam2Model, eval_set: EvalSet) -> Metrics:
    """Evaluate a model through `VideoPredictor`, as users find it.

    Parameters
    ----------
    model : in evaluation mode; its `config.image_size` is the side of the clips.
    eval_set : clips and objects.

    Returns
    -------
    Metrics
        Means over all objects.

    Raises
    ------
    ValueError
        When the source cannot be drawn from.
    """
    rng = np.random.default_rng(eval_set.seed)
    seen: set[int] = set()
    ious: list[list[float]] = []
    tracked: list[float] = []
    for _ in range(eval_set.clips):
        clip = eval_set.source.draw(
            rng,
            size=model.config.image_size,
            frames=eval_set.frames,
            targets=eval_set.targets,
        )
        truths = _unseen(clip, seen)
        if truths:
            _evaluate_clip(model, clip, truths, ious, tracked)
    click, clicks_3, clicks_5, box = np.mean(ious, axis=0).tolist()
    propagated = float(np.mean(tracked)) if tracked else None
    return Metrics(click, clicks_3, clicks_5, box, propagated, len(ious))


def _unseen(clip: Clip, seen: set[int]) -> list[NDArray[np.bool_]]:
    """Return masks (T, S, S) of objects that are visible at first and not yet evaluated."""
    pictures = clip.rgb_t3ss.tobytes()
    found: list[NDArray[np.bool_]] = []
    for masks_tss in clip.masks_tkss.transpose(1, 0, 2, 3):
        key = hash((pictures, masks_tss.tobytes()))
        if key not in seen and masks_tss[0].any():
            seen.add(key)
            found.append(masks_tss)
    return found


def _evaluate_clip(
    model: Sam2Model,
    clip: Clip,
    truths: list[NDArray[np.bool_]],
    ious: list[list[float]],
    tracked: list[float],
) -> None:
    """Evaluate some objects of a clip; adds to the rows of IoUs and those of tracked frames."""
    video = VideoPredictor(model, np.ascontiguousarray(clip.rgb_t3ss.transpose(0, 2, 3, 1)))
    shown = [np.zeros_like(masks_tss[0]) for masks_tss in truths]
    rows: list[list[float]] = [[] for _ in truths]
    for count in range(1, max(_CLICKS) + 1):
        for obj, masks_tss in enumerate(truths):
            point, label = simulate_click(shown[obj], masks_tss[0])
            shown[obj] = video.add_points(0, obj, [point], [label]).masks[obj]
            if count in _CLICKS:
                rows[obj].append(compute_iou(shown[obj], masks_tss[0]))
        if count == _TRACKED_FROM and len(video) > 1:
            for result in list(video.propagate())[1:]:
                for obj, masks_tss in enumerate(truths):
                    tracked.append(compute_iou(result.masks[obj], masks_tss[result.frame]))
    for obj, masks_tss in enumerate(truths, start=len(truths)):
        boxed = video.add_box(0, obj, compute_box(masks_tss[0])).masks[obj]
        rows[obj - len(truths)].append(compute_iou(boxed, masks_tss[0]))
    ious += rows


def compute_iou(predicted: Mask, truth: Mask) -> float:
    """Compute the intersection over union of two masks (H, W); 1 where both are empty."""
    union = (predicted | truth).sum()
    return float((predicted & truth).sum() / union) if union else 1.0


def simulate_click(predicted: Mask, truth: Mask) -> tuple[list[float], int]:
    """Simulate a user's next click, at the centre of the largest error.

    This is how the SAM 2 paper evaluates interactive segmentation (Ravi et al. 2024, section 6).

    Parameters
    ----------
    predicted, truth : (H, W) bool.

    Returns
    -------
    point, label : (x, y) in pixels, pixel centres at +0.5; and 1 on the object, 0 outside it.
        Where nothing is wrong, a click on the object.
    """
    wrong = (truth & ~predicted, 1), (predicted & ~truth, 0)
    if not any(error.any() for error, _ in wrong):
        wrong = ((truth, 1),)
    best: tuple[float, list[float], int] = (-1.0, [0.0, 0.0], 1)
    for error, label in wrong:
        if not error.any():
            continue
        left, top, right, bottom = compute_box(error)
        depth: NDArray[np.float64] = np.asarray(
            ndimage.distance_transform_edt(np.pad(error[top:bottom, left:right], 1))
        )[1:-1, 1:-1]
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        if depth[y, x] > best[0]:
            best = float(depth[y, x]), [float(x) + left + 0.5, float(y) + top + 0.5], label
    return best[1], best[2]


def click_repeatedly(
    predictor: ImagePredictor, truth: Mask, clicks: int
) -> Iterator[tuple[Mask, NDArray[np.float32]]]:
    """Correct a prediction click by click, each the next click of a simulated user.

    Each click refines the logits of the best mask before; the first one gives three candidates.

    Parameters
    ----------
    predictor : which has been given the image.
    truth : (H, W) bool, not empty.
    clicks : how many.

    Yields
    ------
    masks, ious : (M, H, W) bool and (M,) predicted IoU after each click, M = 3 or 1.
    """
    points: list[list[float]] = []
    labels: list[int] = []
    predicted: Mask = np.zeros_like(truth)
    logits: NDArray[np.float32] | None = None
    for _ in range(clicks):
        point, label = simulate_click(predicted, truth)
        points.append(point)
        labels.append(label)
        masks, ious, all_logits = predictor.predict(
            points, labels, mask_logits=logits, multimask=len(points) == 1
        )
        best = int(ious.argmax())
        predicted, logits = masks[best], all_logits[best]
        yield masks, ious


def compute_box(mask: Mask) -> tuple[int, int, int, int]:
    """Compute the bounding box of a mask (H, W) that is not empty.

    Returns
    -------
    tuple
        Left, top, right and bottom in pixels, the last two just outside the mask.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
