"""Masks in arrays: which axis is time, which are objects, and what the values mean."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.masks.mask_input import as_array, colours_to_grey, explain_swapped_axes
from sam2_backend.masks.values import MaskReading, MaskValues, read_values
from sam2_backend.video import Video

from ...core.errors import SessionError
from ...core.masks import Mask
from ..frame_names import FrameNames
from ..segmentation import Imported
from .object_ids import ObjectIds

Slices = Mapping[int, Callable[[], NDArray[Any]]]
"""By frame, what gives its (H, W) values, when they are needed."""

_FRAME_KEY = re.compile(r"(?:frames?|images?|img)[_\-. ]?\d+|\d{4,}", re.I)
"""What arrays of one frame each are called."""
_LABEL_EXAMPLE = "labels == 1"


def read_slices(slices: Slices, what: str) -> tuple[MaskReading, dict[tuple[int, int], Mask]]:
    """Read the values of some frames, judged all together, as masks by (label, frame).

    Raises
    ------
    SessionError
        When they are no masks; it says `what`.
    """
    if not slices:
        raise SessionError(f"{what} has no masks: an axis of it has no length.")
    try:
        found = [MaskValues.of(values(), what) for values in slices.values()]
        reading = read_values(found, what)
    except ValueError as error:
        raise SessionError(str(error)) from error
    masks = {
        (label, frame): Mask.from_array(mask_hw)
        for frame, values in slices.items()
        for label, mask_hw in reading.masks(values()).items()
    }
    return reading, masks


def read_arrays(source: Any, video: Video) -> Imported:
    """Read masks from an array, from arrays by object, or from arrays by frame and object.

    Parameters
    ----------
    source : as `import_masks` takes it, but for paths.
    video : that they are of.

    Raises
    ------
    SessionError
        When they are no masks, or do not fit the video.
    """
    if isinstance(source, Image.Image) or hasattr(source, "shape"):
        return read_volume(source, video, "The array of masks")
    if isinstance(source, Mapping):
        given = cast("Mapping[Any, Any]", source)
        if {"size", "counts"} <= given.keys():
            return read_volume(given, video, "The run lengths")
        if given and all(map(_is_mapping_of_masks, given.values())):
            return _read_by_frame(given, video)
        return read_objects(given, video, "masks")
    if not isinstance(source, Iterable) or isinstance(source, bytes):
        raise SessionError(
            f"Masks are paths, arrays, or a list or dictionary of them, got a "
            f"{type(source).__name__}."
        )
    items = list(cast("Iterable[Any]", source))
    if items and isinstance(items[0], (int, float, list, tuple)):  # an array in Python's lists
        return read_volume(_array(items), video, "The array of masks")
    found = read_objects(dict(enumerate(items, 1)), video, "masks")
    if len(items) == len(video) > 1 and all(np.ndim(_array(one)) == 2 for one in items):
        note = (
            f"A list has an array for each object: {len(items)} objects on frame 0. Give "
            "np.stack(...) of it for one object over time."
        )
        return Imported(found.masks, found.names, (note, *found.notes))
    return found


def read_volume(given: Any, video: Video, what: str) -> Imported:
    """Read masks from one array, which holds labels, or flags of one object or of several."""
    array = _array(given)
    layout = _Layout.of(tuple(array.shape), video, what)
    slices = {key: _Slice(array, index, what, layout.channels) for key, index in layout.index}
    by_place = dict(enumerate(slices.values()))
    places = list(slices)
    reading, found = read_slices(by_place, what)
    notes = [one for one in (layout.note, reading.note) if one]
    objects = len({obj for obj, _ in places})
    if len(reading.labels) > 1 and objects > 1:
        count = array.shape[0]
        raise SessionError(
            f"{what} holds labels and has the shape {tuple(array.shape)}, but labels are (T, H, "
            f"W), and the video has {len(video)} frames, not {count}; or give the mask of each "
            f"object, as in {_LABEL_EXAMPLE}."
        )
    if objects > 1 or not reading.labels:
        masks = {places[n]: mask for (_, n), mask in found.items()}
    else:
        masks = {(label, places[n][1]): mask for (label, n), mask in found.items()}
        if layout.note and len(reading.labels) > 1:
            notes.remove(layout.note)
    return Imported(masks, {}, tuple(notes))


def read_objects(
    arrays: Mapping[Any, Any],
    video: Video,
    where: str,
    frames: Sequence[int | None] | None = None,
) -> Imported:
    """Read masks from arrays (T, H, W) or (H, W) by object: by id, by ``ID/FRAME`` or by name.

    Parameters
    ----------
    where : names their place in errors.
    frames : of the T masks in an array; the first T if None. None for one that is left out.

    Raises
    ------
    SessionError
        When an array has another shape, or several objects in it.
    """
    if frames is None and _are_frames(arrays):
        found = _read_by_frame({name: {1: one} for name, one in arrays.items()}, video)
        note = f"Arrays in {where} are called as frames: they are taken for those of one object."
        return Imported(found.masks, found.names, (note, *found.notes))
    keys = {name: _key(name) for name in arrays}
    ids = _ids((obj for obj, _ in keys.values()), where)
    masks: dict[tuple[int, int], Mask] = {}
    notes = [] if ids.names else list(ids.notes)
    if len(arrays) == 1 and isinstance(next(iter(arrays)), str) and ids.names:
        (array,) = (_array(one) for one in arrays.values())
        if array.dtype.kind != "b" and frames is None:
            found = read_volume(array, video, f"The array of {where}")
            if len({obj for obj, _ in found.masks}) > 1:
                return found
    for obj in dict.fromkeys(obj for obj, _ in keys.values()):
        slices: dict[int, _Slice] = {}
        for name, (owner, first) in keys.items():
            if owner == obj:
                array = _array(arrays[name])
                slices |= _over_time(array, name, where, video, frames, first, notes)
        reading, found = read_slices(slices, f"{obj} in {where}")
        if len(reading.labels) > 1:
            listed = ", ".join(map(str, reading.labels[:4]))
            raise SessionError(
                f"{obj} in {where} holds the labels {listed}: give labels as one array, without "
                f"an object's id, or the mask of one object, as in {_LABEL_EXAMPLE}."
            )
        notes += [reading.note] if reading.note else []
        masks |= {(ids[obj], frame): mask for (_, frame), mask in found.items()}
    names = {ids[obj]: str(obj) for obj, _ in keys.values() if isinstance(obj, str)}
    names = {obj: f"Object {obj}" if obj not in ids.names else name for obj, name in names.items()}
    return Imported(masks, names, tuple(dict.fromkeys(notes)))


@dataclass(frozen=True)
class _Layout:
    """The places of the (H, W) masks in an array."""

    index: list[tuple[tuple[int, int], tuple[int, ...]]]
    """(Object, frame) and the place in the array."""
    channels: bool
    """Whether colours come last."""
    note: str | None = None

    @classmethod
    def of(cls, shape: tuple[int, ...], video: Video, what: str) -> _Layout:
        count, hw = len(video), video.size_hw(0)
        channels = shape[-2:] != hw and shape[-3:-1] == hw and shape[-1] <= 4
        if channels:
            shape = shape[:-1]
        lead, note = shape[:-2], None
        while len(lead) > 2 and 1 in lead:
            at = lead.index(1)
            return cls.of((*shape[:at], *shape[at + 1 :]), video, what)._grown(at, channels)
        turned = explain_swapped_axes(shape, hw)
        if len(shape) < 2 or len(lead) > 2 or turned:
            raise SessionError(
                f"{what} has the shape {shape}: expected (H, W) = {hw} of frame 0, (T, H, W) with "
                f"T = {count}, or (N, T, H, W) of N objects.{turned}"
            )
        if not lead:
            return cls([((1, 0), ())], channels)
        if len(lead) == 1:
            if lead[0] == count:
                if count > 1:
                    note = f"{what} of shape {shape} is taken for (T, H, W), one object over time."
                return cls([((1, t), (t,)) for t in range(count)], channels, note)
            if lead[0] > 1:
                note = (
                    f"{what} of shape {shape} is taken for (N, H, W), objects on frame 0, as the "
                    f"video has {count} frame{'s' * (count > 1)}."
                )
            return cls([((n + 1, 0), (n,)) for n in range(lead[0])], channels, note)
        a, b = lead
        if b == count:
            if a == count > 1:
                note = f"{what} of shape {shape} is taken for (N, T, H, W), objects first."
            return cls([((n + 1, t), (n, t)) for n in range(a) for t in range(b)], channels, note)
        if a == count:
            if b > 1:
                note = f"{what} of shape {shape} is taken for (T, N, H, W), objects second."
            return cls([((n + 1, t), (t, n)) for n in range(b) for t in range(a)], channels, note)
        if 1 in lead:
            places = [(n, 0) if b == 1 else (0, n) for n in range(max(a, b))]
            return cls([((n + 1, 0), place) for n, place in enumerate(places)], channels)
        raise SessionError(
            f"{what} has the shape {shape}: expected (N, T, H, W) of N objects, and T = {count} "
            "frames."
        )

    def _grown(self, at: int, channels: bool) -> _Layout:
        """Give the layout of an array with one more axis, of length 1."""
        index = [(key, (*place[:at], 0, *place[at:])) for key, place in self.index]
        return _Layout(index, channels or self.channels, self.note)


class _Slice:
    """The (H, W) values at a place of an array, which may be one that is read bit by bit."""

    def __init__(self, array: Any, index: tuple[int, ...], what: str, channels: bool) -> None:
        self._array = array
        self._index = index
        self._what = what
        self._channels = channels

    def __call__(self) -> NDArray[Any]:
        given = self._array
        for place in self._index:
            given = given[place]
        try:
            values = as_array(given, self._what)
            return colours_to_grey(values, self._what) if self._channels else values
        except ValueError as error:
            raise SessionError(str(error)) from error


def _over_time(
    array: Any,
    name: object,
    where: str,
    video: Video,
    frames: Sequence[int | None] | None,
    first: int | None,
    notes: list[str],
) -> dict[int, _Slice]:
    """Give the (H, W) masks of one object's array, by frame."""
    shape, what = tuple(array.shape), f"{name} in {where}"
    hw = video.size_hw(first or 0) if first is None or first < len(video) else shape[-2:]
    lead, index = shape[:-2], ()
    while len(lead) > 1 and 1 in lead:
        if lead[0] == 1:
            array, lead = _First(array), lead[1:]
        elif lead[-1] == 1:
            index, lead = (*index, 0), lead[:-1]
        else:
            break
    channels = shape[-2:] != hw and shape[-3:-1] == hw and shape[-1] <= 4
    if channels:
        lead = shape[:-3]
    if len(shape) < 2 or len(lead) > 1:
        raise SessionError(f"{what} has the shape {shape}: masks are (T, H, W) or (H, W).")
    if turned := explain_swapped_axes(shape, hw):
        raise SessionError(f"{what} has the shape {shape}, its frame (H, W) = {hw}.{turned}")
    if not lead:
        return {first or 0: _Slice(array, index, what, channels)}
    count = lead[0]
    if frames is not None and len(frames) == count:
        places = {t: n for n, t in enumerate(frames) if t is not None}
    else:
        places = {(first or 0) + n: n for n in range(count)}
        if count > len(video):
            raise SessionError(
                f"{what} has masks of {count} frames, but the video has {len(video)}."
            )
        if 1 < count < len(video):
            notes.append(
                f"Arrays in {where} have {count} masks for {len(video)} frames: they are taken "
                "for the first ones."
            )
    return {t: _Slice(array, (n, *index), what, channels) for t, n in places.items()}


class _First:
    """The only item of an axis of length 1."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __getitem__(self, index: int) -> Any:
        return self._array[0][index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self._array[0], dtype)


def _read_by_frame(given: Mapping[Any, Mapping[Any, Any]], video: Video) -> Imported:
    """Read masks by frame, then by object, as SAM 2's own notebooks collect them."""
    frames = {key: key for key in given if isinstance(key, (int, np.integer))}
    notes: list[str] = []
    if len(frames) != len(given):
        matched = FrameNames(video).match(map(str, given), "The dictionary of masks")
        frames = {key: matched.frames[str(key)] for key in given if str(key) in matched.frames}
        notes += matched.notes
    by_object: dict[Any, dict[int, Any]] = {}
    for key, frame in frames.items():
        for obj, mask in given[key].items():
            by_object.setdefault(obj, {})[int(frame)] = mask
    ids = _ids(by_object, "The dictionary of masks")
    masks: dict[tuple[int, int], Mask] = {}
    for obj, by_frame in by_object.items():
        slices: dict[int, _Slice] = {}
        for frame, one in by_frame.items():
            name = f"The mask of object {obj} on frame {frame}"
            slices[frame] = _only(_array(one), video, frame, name)
        reading, found = read_slices(slices, f"Object {obj}")
        if len(reading.labels) > 1:
            raise SessionError(
                f"Object {obj} holds the labels {reading.labels[:4]}: give the mask of one "
                f"object, as in {_LABEL_EXAMPLE}."
            )
        notes += [reading.note] if reading.note else []
        masks |= {(ids[obj], frame): mask for (_, frame), mask in found.items()}
    return Imported(masks, ids.names, (*ids.notes, *notes))


def _only(array: Any, video: Video, frame: int, what: str) -> _Slice:
    lead = tuple(array.shape)[:-2]
    if any(side != 1 for side in lead):
        raise SessionError(f"{what} has the shape {tuple(array.shape)}: expected (H, W).")
    if 0 <= frame < len(video) and (
        turned := explain_swapped_axes(array.shape, video.size_hw(frame))
    ):
        raise SessionError(f"{what} has the shape {tuple(array.shape)}.{turned}")
    return _Slice(array, (0,) * len(lead), what, channels=False)


def _are_frames(arrays: Mapping[Any, Any]) -> bool:
    """Whether arrays by name are (H, W) masks of one frame each."""
    return len(arrays) > 1 and all(
        isinstance(name, str) and _FRAME_KEY.fullmatch(name) and len(_array(one).shape) == 2
        for name, one in arrays.items()
    )


def _is_mapping_of_masks(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    return not ({"size", "counts"} <= value.keys() or "segmentation" in value)


def _key(name: object) -> tuple[Any, int | None]:
    """Give the object and the frame that an array's name says; the frame is None if it has none."""
    if not isinstance(name, str):
        return name, None
    obj, _, frame = name.partition("/")
    if frame.isdecimal() and obj:
        return obj, int(frame)
    return name, None


def _ids(given: Iterable[object], where: str) -> ObjectIds:
    try:
        return ObjectIds(given, f"The numbering of objects in {where}")
    except ValueError as error:
        raise SessionError(f"{where} has an id that cannot be read: {error}.") from error


def _array(given: Any) -> Any:
    """Give what is given as an array that can be asked for its shape and for a part."""
    if isinstance(given, Image.Image) or not hasattr(given, "shape") or hasattr(given, "toarray"):
        if isinstance(given, (str, os.PathLike)):
            raise SessionError(f"{given} is a path among arrays: give paths alone, or arrays.")
        try:
            return as_array(given, "An array of masks")
        except ValueError as error:
            raise SessionError(str(error)) from error
    return given
