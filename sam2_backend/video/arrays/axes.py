"""Which axis of an array is which: as it is said, as it is named, or by its shape."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from ..errors import VideoError
from ..options import Plane

COLORS = 1, 3, 4
"""Numbers of channels that pictures have: grey, RGB and RGBA."""
MAX_GUESSED_CHANNELS = 8
"""A last axis of so many, beside long ones, is channels: no picture is that narrow."""
LONG = 32
"""Such a long axis, in pixels."""
LETTERS = {"H": "Y", "W": "X", "S": "C"}
"""Other letters in use for the same axes."""
NAMES = {
    "T": {"t", "time", "times", "frame", "frames", "timepoint"},
    "Z": {"z", "depth", "plane", "planes", "slice", "slices"},
    "C": {"c", "ch", "channel", "channels", "band", "bands", "color", "colour", "rgb", "rgba", "s"},
    "Y": {"y", "height", "h", "row", "rows", "lat", "latitude"},
    "X": {"x", "width", "w", "col", "cols", "column", "columns", "lon", "longitude"},
}


@dataclass(frozen=True)
class Layout:
    """Where the frames of an array are, and how their axes lie."""

    axes: str
    """A letter of T, Z, C, Y, X for each axis."""
    shape: tuple[int, ...]
    time: int | None
    """The axis that counts frames."""
    fixed: dict[int, int]
    """Which index is shown of axes that are neither frames nor in a picture."""
    is_told: bool = False
    """Whether the axes were said or named, not guessed."""
    is_unusual: bool = False
    """Whether they were said, and would have been told otherwise."""
    doubts: tuple[str, ...] = ()
    """What else it might be, in sentences."""

    def size(self, letter: Literal["C", "Y", "X"]) -> int:
        """How long an axis is; 1 where there is none."""
        at = self.axes.find(letter)
        return 1 if at < 0 else self.shape[at]

    @property
    def num_frames(self) -> int:
        """How many frames there are."""
        return 1 if self.time is None else self.shape[self.time]

    @property
    def view(self) -> str:
        """What was chosen of the array: one of several planes, and which axis is which."""
        plane = self.axes.find("Z")
        is_chosen = plane in self.fixed and self.shape[plane] > 1
        chosen = [f"plane{self.fixed[plane]}"] if is_chosen else []
        return "-".join([*chosen, self.axes] if self.is_unusual else chosen)

    @property
    def is_channel_last(self) -> bool:
        """Whether channels come after height and width, or there are none."""
        return self.axes.find("C") in (-1, len(self.axes) - 1)

    def key(
        self, frames: int | slice, rows: slice = slice(None), columns: slice = slice(None)
    ) -> Any:
        """What to index the array by for a frame, or several, or a part of them."""
        inside = {"Y": rows, "X": columns}
        keys: list[int | slice] = [
            frames if at == self.time else self.fixed.get(at, inside.get(letter, slice(None)))
            for at, letter in enumerate(self.axes)
        ]
        while keys and keys[-1] == slice(None):  # Most readers take no more than a number.
            keys.pop()
        return keys[0] if len(keys) == 1 else tuple(keys)

    def shape_of(self, frames: int | slice, rows: slice, columns: slice) -> tuple[int, ...]:
        """The shape of what `key` of these gives."""
        whole = {"Y": rows, "X": columns}
        if isinstance(frames, slice):
            whole["T"] = frames
        found: list[int] = []
        for at, (letter, length) in enumerate(zip(self.axes, self.shape, strict=True)):
            name = "T" if at == self.time else letter
            if at not in self.fixed and (name != "T" or name in whole):
                found.append(len(range(length)[whole.get(name, slice(None))]))
        return tuple(found)

    def arrange(self, values: NDArray[Any], are_many: bool = False) -> NDArray[Any]:
        """(H, W, C) of a frame as the array gives it, or (T, H, W, C) of several."""
        left = "".join(
            "T" if at == self.time else letter
            for at, letter in enumerate(self.axes)
            if at not in self.fixed and (are_many or at != self.time)
        )
        values = values.transpose([left.index(letter) for letter in "TYXC" if letter in left])
        return values if "C" in left else values[..., None]


def find_layout(
    shape: Sequence[int],
    what: str,
    axes: str | None = None,
    z: Plane = None,
    *,
    names: Sequence[str] | None = None,
    are_frames: bool = False,
) -> Layout:
    """Tell the axes of an array.

    Parameters
    ----------
    shape : of the array.
    what : names it in errors.
    axes : a letter for each axis, as a user says it: of T (time), Z (planes), C (channels), Y or H,
        X or W.
    z : the plane to show.
    names : what the array's own library calls the axes; used where all of them are known.
    are_frames : the first axis is known to count frames.

    Raises
    ------
    VideoError
        When `axes` does not fit, or the axes cannot be told.
    """
    if any(length != length for length in shape):  # NaN, as dask has it
        raise VideoError(
            f"The {what} does not know how long it is: of dask, call compute_chunk_sizes() first."
        )
    shape = tuple(int(length) for length in shape)
    letters = (
        _check_axes(axes, shape, what) if axes is not None else _axes_by_name(names or (), shape)
    )
    is_told, doubts = letters is not None, list[str | None]()
    if letters is None:
        letters, doubt = _guess(shape, what, are_frames)
        doubts.append(doubt)
    if 0 in shape:
        raise VideoError(f"The {what} has no frames or no pixels: its shape is {shape}.")
    is_unusual = axes is not None and letters != _infer_axes(shape, what, names or (), are_frames)
    time, fixed, doubt = _choose_frames(letters, shape, what, z)
    found = tuple(one for one in (*doubts, doubt) if one is not None)
    return Layout(letters, shape, time, fixed, is_told, is_unusual, found)


def _infer_axes(
    shape: tuple[int, ...], what: str, names: Sequence[str], are_frames: bool
) -> str | None:
    """The axes that would be told where none are said; None where they cannot be."""
    try:
        return _axes_by_name(names, shape) or _guess(shape, what, are_frames)[0]
    except VideoError:
        return None


def _check_axes(axes: str, shape: tuple[int, ...], what: str) -> str:
    letters = "".join(LETTERS.get(letter, letter) for letter in str(axes).upper())
    if not re.fullmatch("[TZCYX]+", letters) or len(set(letters)) < len(letters):
        raise VideoError(
            f"axes must be different letters of T (time), Z (planes), C (channels), Y or H and X "
            f"or W, such as 'TCHW', got {axes!r}."
        )
    if not {"Y", "X"} <= set(letters):
        raise VideoError(f"axes must name height and width (H and W, or Y and X), got {axes!r}.")
    if len(letters) != len(shape):
        raise VideoError(
            f"axes={axes!r} names {len(letters)} axes, but the {what} has {len(shape)}: its shape "
            f"is {shape}."
        )
    return letters


def _axes_by_name(names: Sequence[str], shape: tuple[int, ...]) -> str | None:
    letters = "".join(
        next((letter for letter, known in NAMES.items() if str(name).lower() in known), "?")
        for name in names
    )
    fits = len(letters) == len(shape) == len(set(letters))
    return letters if fits and "?" not in letters and {"Y", "X"} <= set(letters) else None


def _choose_frames(
    letters: str, shape: tuple[int, ...], what: str, z: Plane
) -> tuple[int | None, dict[int, int], str | None]:
    """Choose the axis that counts frames, and the index that is shown of another axis.

    Frames are the times, or of a stack of one time its planes. Returned are the axis of frames, the
    index by axis of others, and what was chosen without being asked, as a sentence.
    """
    time, plane = letters.find("T"), letters.find("Z")
    if plane < 0:
        if z is not None:
            raise VideoError(
                f"plane={z} was given, but the {what} has no planes (Z): say its axes=."
            )
        return (None if time < 0 else time), {}, None
    if isinstance(z, str):
        raise VideoError(f"plane={z!r} is for TIFF files: of an array give a number.")
    planes = shape[plane]
    if z is not None:
        if not 0 <= z < planes:
            raise VideoError(f"There is no plane {z}: the {what} has planes 0 to {planes - 1}.")
        return (None if time < 0 else time), {plane: z}, None
    if time < 0:
        return plane, {}, None
    if planes == 1:
        return time, {plane: 0}, None
    if shape[time] == 1:
        return plane, {time: 0}, None
    middle = planes // 2
    return (
        time,
        {plane: middle},
        f"The {what} has {shape[time]} times and {planes} planes: the frames are the times, of "
        f"which plane {middle} is shown. Choose another with plane=, such as plane=0.",
    )


def _guess(shape: tuple[int, ...], what: str, are_frames: bool) -> tuple[str, str | None]:
    if len(shape) == 2 and not are_frames:
        return "YX", None
    if len(shape) == 3:
        return ("TYX", None) if are_frames else _guess_3(shape, what)
    if len(shape) == 4:
        return _guess_4(shape, what, are_frames)
    dimensions = f"{len(shape)} dimension{'s' * (len(shape) != 1)}"
    if len(shape) < 4:
        raise VideoError(
            f"An array must have shape (T, H, W, 3) or (H, W, 3), got {shape} with {dimensions}."
        )
    raise VideoError(
        f"The {what} has {dimensions}, its shape is {shape}: name them, such as axes='TZCYX', or "
        "index it first, such as array[0]."
    )


def _guess_3(shape: tuple[int, ...], what: str) -> tuple[str, str | None]:
    first, second, last = shape
    if last in COLORS:
        if last == 1 or first not in (3, 4):
            return "YXC", None
        return "YXC", _describe_guess(shape, what, "one picture, colour last", "CHW")
    if first == 3:
        return "CYX", _describe_guess(shape, what, "one picture, colour first", "THW")
    if first == 4:
        raise _ambiguity_error(shape, what, "'THW' for 4 grey frames or 'CHW' for one picture")
    if last <= MAX_GUESSED_CHANNELS and min(first, second) >= LONG:
        return "YXC", _describe_guess(shape, what, f"one picture of {last} channels", "THW")
    return "TYX", None


def _guess_4(shape: tuple[int, ...], what: str, are_frames: bool) -> tuple[str, str | None]:
    first, second, third, last = shape
    if last in COLORS:
        is_doubtful = second in COLORS
        guess = _describe_guess(shape, what, "colour last", "TCHW") if is_doubtful else None
        return "TYXC", guess
    if second in COLORS:
        is_doubtful = first == 3 and not are_frames
        guess = _describe_guess(shape, what, "3 frames", "CTHW") if is_doubtful else None
        return "TCYX", guess
    if first in (1, 3) and not are_frames and second < min(third, last):
        other = "TCHW" if first == 1 else "TZYX"
        return "CTYX", _describe_guess(shape, what, f"{second} frames, colour before time", other)
    if last <= MAX_GUESSED_CHANNELS and min(second, third) >= LONG:
        return "TYXC", _describe_guess(shape, what, f"pictures of {last} channels", "TZYX")
    raise _ambiguity_error(shape, what, "'TCHW' or 'THWC' for channels or 'TZYX' for planes")


def _describe_guess(shape: tuple[int, ...], what: str, guess: str, other: str) -> str:
    return (
        f"The {what} of shape {shape} is taken for {guess}. If that is wrong, name its axes, such "
        f"as axes={other!r}."
    )


def _ambiguity_error(shape: tuple[int, ...], what: str, choices: str) -> VideoError:
    return VideoError(
        f"The {what} has shape {shape}, which may be read in several ways: say axes={choices}."
    )
