"""`results.npy`, the records of masks in a session file: written and read column by column.

There may be millions: what is wrong is looked for in all of a column at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import repeat
from typing import Any, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from ..annotation.records import Result, Source, State
from ..annotation.tables import FrameTable
from ..core.masks import Mask
from ..core.masks.logits import MaskLogits
from ..core.schema import SchemaError, refuse
from .fingerprint import Fingerprint

T = TypeVar("T")

RECORD = np.dtype(
    [
        ("object", "<i8"),
        ("frame", "<i8"),
        ("score", "<f8"),
        ("iou", "<f8"),
        ("source", "S8"),
        ("state", "S8"),
        ("mask", "<i8"),
        ("corrected", "<i8"),
    ]
)

Records = NDArray[Any]
"""(R,) of `RECORD`."""

Rows = list[tuple[int, list[int], list[Result]]]
"""Each object's id, its frames, and its results there, all ascending: as in the file."""

_SOURCES: dict[bytes, Source] = {one.encode(): one for one in get_args(Source)}
_STATES: dict[bytes, State] = {one.encode(): one for one in get_args(State)}


def list_rows(results: Mapping[tuple[int, int], Result]) -> Rows:
    """List results by (object id, frame) in the order of the file."""
    rows: Rows = []
    for obj, row in FrameTable.of_mapping(results).rows():
        frames = sorted(row)
        rows.append((obj, frames, [row[frame] for frame in frames]))
    return rows


def dump_results(rows: Rows, number: Callable[[Mask | None], int]) -> Records:
    """Give the records of results, ascending.

    Parameters
    ----------
    rows : from `list_rows`.
    number : gives a mask its number in the file; -1 for None.
    """
    records = np.empty(sum(len(found) for *_, found in rows), RECORD)
    start = 0
    for obj, frames, found in rows:
        part = records[start : start + len(found)]
        part["object"] = obj
        part["frame"] = frames
        part["score"] = [one.score for one in found]
        part["iou"] = [one.iou for one in found]
        part["source"] = [one.source for one in found]
        part["state"] = [one.state for one in found]
        part["mask"] = [number(one.mask) for one in found]
        part["corrected"] = [number(one.corrected) for one in found]
        start += len(found)
    return records


def build_results(
    records: Records,
    objects: Collection[int],
    video: Fingerprint,
    masks: Sequence[Mask],
    logits: Sequence[MaskLogits | None],
) -> FrameTable[Result]:
    """Make results of records that are each checked.

    Parameters
    ----------
    objects : ids that there are.
    masks : by number.
    logits : of each record.

    Raises
    ------
    SchemaError
        When one is wrong; the message names its place.
    """
    _check_keys(records, objects, video.num_frames)
    finite = np.isfinite(records["score"]) & np.isfinite(records["iou"])
    n = _find_first(~finite)
    if n is not None:
        score, iou = records["score"][n].item(), records["iou"][n].item()
        refuse(f"results[{n}]", (score, iou), "a finite score and IoU")
    sources = _find_names(records, "source", _SOURCES, Source)
    states = _find_names(records, "state", _STATES, State)
    shown = _find_masks(records, "mask", video, masks)
    corrected = _find_masks(records, "corrected", video, masks)
    n = _find_first(records["mask"] == -1)
    if n is not None:
        raise SchemaError(f"'results[{n}]' has no mask")
    rows: dict[int, dict[int, Result]] = {}
    columns = (shown, records["score"].tolist(), records["iou"].tolist(), sources, states)
    not_kept = (repeat(()), repeat(0), repeat(None))  # candidates, chosen, and whole, set later
    found = map(
        Result,
        *columns,  # pyright: ignore[reportArgumentType]
        corrected,
        *not_kept,  # pyright: ignore[reportArgumentType]
        logits,
    )
    keys = zip(records["object"].tolist(), records["frame"].tolist(), strict=True)
    for (obj, frame), result in zip(keys, found, strict=True):
        row = rows.get(obj)
        if row is None:
            row = rows[obj] = {}
        row[frame] = result
    return FrameTable(rows=rows)


def check_key(
    obj: int, frame: int, place: str, objects: Collection[int], num_frames: int
) -> tuple[int, int]:
    """Give the key (object id, frame).

    Raises
    ------
    SchemaError
        When there is no such object or frame.
    """
    if obj not in objects:
        raise SchemaError(f"{place!r} is of object {obj}, but there is no such object")
    if not 0 <= frame < num_frames:
        raise SchemaError(
            f"{place!r} is of frame {frame}, but the video has frames 0 to {num_frames - 1}"
        )
    return obj, frame


def find_mask(number: int, place: str, size: tuple[int, int], masks: Sequence[Mask]) -> Mask | None:
    """Find the mask of a number, which has to be of the frame's size (W, H); None for -1.

    Raises
    ------
    SchemaError
        When there is no such mask.
    """
    if not -1 <= number < len(masks):
        refuse(place, number, f"a whole number from -1 to {len(masks) - 1}")
    if number == -1:
        return None
    if masks[number].shape != size[::-1]:
        refuse(place, masks[number], f"a mask of {size[0]}x{size[1]}")
    return masks[number]


def _check_keys(records: Records, objects: Collection[int], num_frames: int) -> None:
    objects_n, frames_n = records["object"], records["frame"]
    is_known_n = np.isin(objects_n, np.fromiter(objects, np.int64, len(objects)))
    is_wrong_n = ~is_known_n | (frames_n < 0) | (frames_n >= num_frames)
    n = _find_first(is_wrong_n)
    if n is not None:
        place = f"results[{n}]"
        check_key(objects_n[n].item(), frames_n[n].item(), place, objects, num_frames)
    order = np.lexsort((frames_n, objects_n))  # which is stable: the repetition comes last
    before, after = records[order[:-1]], records[order[1:]]
    is_repeated = (before["object"] == after["object"]) & (before["frame"] == after["frame"])
    repeated = order[1:][is_repeated]
    if len(repeated):
        n = int(repeated.min())
        raise SchemaError(f"'results[{n}]' repeats object {objects_n[n]} on frame {frames_n[n]}")


def _find_names(records: Records, field: str, names: Mapping[bytes, T], kind: object) -> list[T]:
    """Of each record, the word that a column has for it."""
    words, indices = np.unique(records[field], return_inverse=True)
    for word in words.tolist():
        if word not in names:
            n = _find_first(records[field] == word)
            shown = word.decode("ascii", "replace")
            refuse(f"results[{n}].{field}", shown, f"one of {get_args(kind)}")
    known = [names[word] for word in words.tolist()]
    return [known[index] for index in indices.tolist()]


def _find_masks(
    records: Records, field: str, video: Fingerprint, masks: Sequence[Mask]
) -> list[Mask | None]:
    """Of each record, the mask that a column numbers."""
    numbers_n = records[field]
    n = _find_first((numbers_n < -1) | (numbers_n >= len(masks)))
    if n is not None:
        find_mask(numbers_n[n].item(), f"results[{n}].{field}", (0, 0), masks)
    if video.sizes is None:
        # All masks are of the one size that there is.
        known = [*masks, None]
        return [known[number] for number in numbers_n.tolist()]
    frames = records["frame"].tolist()
    return [
        find_mask(number, f"results[{n}].{field}", video.size_of(frame), masks)
        for n, (number, frame) in enumerate(zip(numbers_n.tolist(), frames, strict=True))
    ]


def _find_first(is_wrong_n: NDArray[np.bool_]) -> int | None:
    """Index of the first that is wrong."""
    wrong = np.flatnonzero(is_wrong_n)
    return int(wrong[0]) if len(wrong) else None
