"""What policies decide on, made by hand: masks of rectangles, records, histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sam2_backend import CandidateMasks, FrameHistory, FrameRecord, TrackedPath

SIDE = 64
Box = tuple[int, int, int, int]


def mask_of(*boxes: Box) -> np.ndarray:
    """Rectangles x0, y0, x1, y1 as one mask."""
    mask_hw = np.zeros((SIDE, SIDE), bool)
    for x0, y0, x1, y1 in boxes:
        mask_hw[y0:y1, x0:x1] = True
    return mask_hw


def offer(
    boxes: Sequence[Box], ious: Sequence[float], *, object_score: float = 5.0
) -> CandidateMasks:
    """Three masks of a rectangle each."""
    masks_chw = np.stack([mask_of(box) for box in boxes])
    return CandidateMasks(masks_chw, np.array(ious, np.float32), object_score)


def record(
    box: Box | None = (0, 0, 10, 10), *, iou: float = 0.9, object_score: float = 5.0
) -> FrameRecord:
    area = 0 if box is None else (box[2] - box[0]) * (box[3] - box[1])
    return FrameRecord(iou, object_score, box, area)


def history(
    frame: int,
    records: Mapping[int, FrameRecord],
    *,
    conditioning: Sequence[int] = (0,),
    reach: int = 15,
    reverse: bool = False,
) -> FrameHistory:
    """What is known before a frame: those of the records are the frames whose memory is kept."""
    step = -1 if reverse else 1
    past = [t for t in records if (t > frame if reverse else t < frame)]
    previous = {d: frame - step * d for d in range(1, reach + 1) if frame - step * d in past}
    nearest_first = sorted(past, key=lambda t: abs(t - frame))
    return FrameHistory(
        frame=frame,
        reverse=reverse,
        conditioning=conditioning,
        previous=previous,
        with_memory=set(past),
        records={t: records[t] for t in nearest_first},
    )


def path(
    candidates: CandidateMasks, before: FrameHistory | None = None, *, score: float = 0.0
) -> TrackedPath:
    return TrackedPath(before or history(1, {0: record()}), candidates, score)
