"""Which object has a pixel of a large picture that lies in the masks of several.

As in `overlaps`, but by run lengths: what is fixed keeps its pixels; of two other masks, what they
share goes to the object that was clicked there, if one alone was; else to the smaller mask, and of
equals to the larger id. Logits do not decide, since two windows need not be of one scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.masks import Mask
from ..core.masks.sparse import contains, intersect, subtract


@dataclass
class SparsePart:
    """The mask of one object of a large picture."""

    obj: int
    mask: Mask
    is_fixed: bool
    """Whether it keeps what it has, as what a person has made or vouched for."""
    clicks_xy: Sequence[tuple[float, float]] = ()
    """Places, in pixels, that a person clicked as on the object."""


def resolve_sparse_overlaps(parts: Sequence[SparsePart]) -> list[Mask]:
    """Decide which object has which pixel; masks are returned in the order of the parts."""
    left = [part.mask for part in parts]
    for n, part in enumerate(parts):
        for m, other in enumerate(parts[:n]):
            if part.is_fixed and other.is_fixed:
                continue
            if not _boxes_meet(part.mask, other.mask):
                continue
            shared = intersect(part.mask, other.mask)
            if shared.area:
                loser = m if _wins(part, other, shared) else n
                left[loser] = subtract(left[loser], shared)
    return left


def _wins(part: SparsePart, other: SparsePart, shared: Mask) -> bool:
    if part.is_fixed != other.is_fixed:
        return part.is_fixed
    clicked, other_clicked = (
        any(contains(shared, x, y) for x, y in one.clicks_xy) for one in (part, other)
    )
    if clicked != other_clicked:
        return clicked
    return (-part.mask.area, part.obj) > (-other.mask.area, other.obj)


def _boxes_meet(a: Mask, b: Mask) -> bool:
    if a.box is None or b.box is None:
        return False
    return all(a.box[n] < b.box[n + 2] and b.box[n] < a.box[n + 2] for n in (0, 1))
