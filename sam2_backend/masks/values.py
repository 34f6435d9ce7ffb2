"""Interpretation of mask values: flags, labels, antialiased grey, probabilities, logits.

Values are judged by type and range over all arrays that belong together, then each is cut alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["bool", "integer", "float"]
VOID = 255
"""Label of pixels that are undefined in DAVIS' label images."""
_DARK, _BRIGHT = 16, 240
"""Grey levels up to the one and from the other on are background and object."""
_LARGEST_VOID_NEIGHBOUR = 63
"""Larger labels beside 255 are levels of grey, chosen to be told apart."""
_GREY = "has grey edges between 0 and 255: what is 128 or more is the object."
_ROUNDING = 1e-6
"""By so much of it, what was computed may go beyond a range: blurred 1 is 1 + 2e-16."""
_WHITE = VOID * (1 + _ROUNDING)
_MANY = 32
"""More values than these, each on few pixels next to each other, are a picture."""


@dataclass(frozen=True)
class MaskValues:
    """Statistics of the values of (H, W) arrays that are masks of the same objects."""

    kind: Kind
    low: float
    high: float
    labels: frozenset[int] = frozenset()
    """Whole numbers that occur, but for 0; empty for real ones."""
    between: int = 0
    """Pixels of grey levels between background and object."""
    flat_between: int = 0
    """Of them those in the middle of a patch of 3 x 3 alike, as edges have none."""
    bright: int = 0
    neighbours: int = 0
    """Pairs of pixels next to each other in a row that are not both 0."""
    equal_neighbours: int = 0

    @classmethod
    def of(cls, values_hw: NDArray[Any], what: str) -> MaskValues:
        """Compute the statistics of one array.

        Raises
        ------
        ValueError
            When it holds NaN or infinity, negative whole numbers, or no numbers; the message
            names `what`.
        """
        kind = values_hw.dtype.kind
        if kind == "b" or not values_hw.size:
            return cls("bool", 0, 1)
        if kind not in "uif":
            raise ValueError(
                f"{what} has values of type {values_hw.dtype}: expected bool, whole numbers or "
                "floats."
            )
        low, high = float(values_hw.min()), float(values_hw.max())
        if not np.isfinite(low + high):
            raise ValueError(
                f"{what} holds NaN or infinity: replace them first, for instance with "
                "np.nan_to_num."
            )
        if kind == "i" and low < 0:
            raise ValueError(
                f"{what} holds whole numbers from {low:g} to {high:g}: labels are 0 or larger. "
                "Give a mask, as in values > 0."
            )
        if kind == "f":
            if low < 0 or not (values_hw == np.floor(values_hw)).all():
                grey_hw = (
                    np.rint(values_hw) if low >= 0 and _BRIGHT <= high <= _WHITE else values_hw[:0]
                )
                return cls("float", low, high, frozenset(), *_texture(grey_hw, high))
            values_hw = values_hw.astype(np.int64)
        return cls("integer", low, high, _distinct(values_hw), *_texture(values_hw, high))

    @property
    def is_grey(self) -> bool:
        """Whether values are those of an antialiased mask, not labels: its grey is on edges."""
        return (
            _BRIGHT <= self.high <= _WHITE
            and 0 < self.between <= 4 * self.bright
            and 500 * self.flat_between <= self.bright
        )

    def __or__(self, other: MaskValues) -> MaskValues:
        kind: Kind = "bool" if self.kind == other.kind == "bool" else "integer"
        if "float" in (self.kind, other.kind):
            kind = "float"
        counts = ("between", "flat_between", "bright", "neighbours", "equal_neighbours")
        return MaskValues(
            kind,
            min(self.low, other.low),
            max(self.high, other.high),
            self.labels | other.labels,
            **{name: getattr(self, name) + getattr(other, name) for name in counts},
        )


@dataclass(frozen=True)
class MaskReading:
    """How values are converted to masks."""

    labels: tuple[int, ...] = ()
    """Values that are objects; empty where a cut or flags make one object of all."""
    cut: float | None = None
    """Above it is the object."""
    note: str | None = None
    """A sentence on what had to be guessed."""

    def masks(self, values_hw: NDArray[Any]) -> dict[int, NDArray[np.bool_]]:
        """Convert (H, W) values to masks by object; without labels the object is 1."""
        if not self.labels:
            mask_hw = values_hw > (self.cut or 0)
            return {1: mask_hw} if mask_hw.any() else {}
        present = _distinct(values_hw).intersection(self.labels)
        return {label: values_hw == label for label in sorted(present)}


def read_values(found: Iterable[MaskValues], what: str) -> MaskReading:
    """Decide how values of arrays that belong together are converted to masks.

    Raises
    ------
    ValueError
        When they are no masks, or it is doubtful what they mean; the message names `what`.
    """
    values = reduce(lambda one, other: one | other, found)
    if values.kind == "bool":
        return MaskReading()
    if values.kind == "float":
        return _read_floats(values, what)
    if not values.labels:
        return MaskReading()
    if len(values.labels) > _MANY and 2 * values.equal_neighbours < values.neighbours:
        raise ValueError(
            f"{what} has the {len(values.labels)} levels of a picture, which few pixels share "
            "with their neighbours: expected a mask, or labels."
        )
    if values.is_grey:
        return MaskReading(
            cut=127,
            note=f"{what} {_GREY}",
        )
    if values.labels in (frozenset({VOID}), frozenset({0xFFFF})):
        return MaskReading()
    if VOID in values.labels and values.high == VOID and VOID - 1 not in values.labels:
        others = values.labels - {VOID}
        if max(others) <= _LARGEST_VOID_NEIGHBOUR:
            return MaskReading(
                tuple(sorted(others)),
                note=f"{what} has labels and 255, which is taken for void, as in DAVIS.",
            )
        note = f"{what} has labels and 255, which is taken for a label as well."
        return MaskReading(tuple(sorted(values.labels)), note=note)
    return MaskReading(tuple(sorted(values.labels)))


def _read_floats(values: MaskValues, what: str) -> MaskReading:
    low, high = values.low, values.high
    if -_ROUNDING <= low < 0 and high <= 1 + _ROUNDING:
        low = 0.0
    span = f"{what} holds values from {low:g} to {high:g}"
    if -0.25 <= low < 0 and 0.5 < high <= 1.25:
        raise ValueError(
            f"{span}, which may be probabilities that were resized, or logits: cut them "
            "yourself, as in values > 0.5 or values > 0."
        )
    if low < 0:
        return MaskReading(cut=0, note=f"{span}, taken for logits: what is above 0 is the object.")
    if values.is_grey:
        return MaskReading(cut=127.5, note=f"{what} {_GREY}")
    if high <= 1 + _ROUNDING:
        return MaskReading(
            cut=0.5, note=f"{span}, taken for probabilities: what is above 0.5 is the object."
        )
    raise ValueError(
        f"{span}, which are neither a mask (0 and 1, or 0 and 255) nor labels nor probabilities "
        "(0 to 1) nor logits (below and above 0): cut them yourself, as in values > 0.5."
    )


def _distinct(values_hw: NDArray[Any]) -> frozenset[int]:
    """Values that occur, but for 0."""
    if values_hw.dtype.kind == "u" and values_hw.dtype.itemsize <= 2:
        found = np.flatnonzero(np.bincount(values_hw.ravel()))
    else:
        found = np.unique(values_hw)
    return frozenset(int(value) for value in found if value)


def _texture(values_hw: NDArray[Any], high: float) -> tuple[int, int, int, int, int]:
    """The counts of `MaskValues`, in their order."""
    may_be_grey = _BRIGHT <= high <= _WHITE and min(values_hw.shape) >= 3
    if may_be_grey:  # JPEG's noise about black and white does not count
        flat_hw = np.where(values_hw >= _BRIGHT, VOID, np.where(values_hw > _DARK, values_hw, 0))
    else:
        flat_hw = values_hw
    left, right = flat_hw[:, :-1], flat_hw[:, 1:]
    inside = (left != 0) | (right != 0)
    pairs = int(inside.sum()), int((inside & (left == right)).sum())
    if not may_be_grey:
        return 0, 0, 0, *pairs
    bright = int((values_hw >= _BRIGHT).sum())
    between = int(((values_hw > _DARK) & (values_hw < VOID)).sum())
    centre = values_hw[1:-1, 1:-1]
    flat = (centre > _DARK) & (centre < _BRIGHT)
    height, width = values_hw.shape
    for y in range(3):
        for x in range(3):
            flat &= values_hw[y : height - 2 + y, x : width - 2 + x] == centre
    return between, int(flat.sum()), bright, *pairs
