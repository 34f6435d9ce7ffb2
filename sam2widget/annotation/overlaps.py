"""Who has a pixel that several objects claim on a frame.

What a person has made or vouched for is never cut: brushed, imported and accepted masks, and those
of locked objects, keep their pixels, and two of them may share some. What the model says has the
rest, and of several such claims

1. where a person clicked on one object, it has the part around the click that is in dispute;
2. else the larger logit wins, between cells of the network's grid as masks are made;
3. where logits of a claim are not known (of an adopted proposal, of a tracked mask that shows again
   without its correction, of a session that was opened again, of a segmenter that gives none), the
   smaller mask wins: a part lies before the whole;
4. equal claims go to the larger id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.bool_]
Places = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows and columns of some pixels."""


@dataclass
class Claim:
    """What one object claims in a part of a frame, and holds there now."""

    obj: int
    claimed_hw: Pixels
    """All that it is a mask of."""
    held_hw: Pixels
    is_fixed: bool
    """Whether it is a person's own: it holds what it holds."""
    area: int = 0
    """Of the whole mask, in pixels."""
    logits: Callable[[Places], NDArray[np.float32]] | None = None
    """Gives the mask logits of pixels of this part, where they are known."""
    clicks_xy: Sequence[tuple[int, int]] = ()
    """Pixels of this part that a person clicked as on the object."""
    clean: Callable[[Pixels], Pixels] | None = None
    """Drops specks of what it is left with, given and returned in this part of the frame."""


def divide(claims: Sequence[Claim], region_hw: Pixels) -> list[Pixels]:
    """Decide anew who holds which pixel of a region; outside it, all stay as they are.

    Parameters
    ----------
    claims : of every object that has something there, with ascending ids.
    region_hw : (h, w).

    Returns
    -------
    list of (h, w) bool
        What each holds then.
    """
    open_hw = region_hw.copy()
    for claim in claims:
        if claim.is_fixed:
            open_hw &= ~claim.held_hw
    rivals = [claim for claim in claims if not claim.is_fixed]
    dispute = _Dispute(rivals, open_hw)
    held = dispute.settle()
    again = False
    for n, claim in enumerate(rivals):
        held[n] = np.where(region_hw, held[n], claim.held_hw)
        if claim.clean is not None and (claim.claimed_hw & region_hw & ~held[n]).any():
            # Specks that are left of it go to who else claims them.
            again |= dispute.withdraw(n, held[n] & ~claim.clean(held[n]))
    if again:
        found = zip(rivals, dispute.settle(), strict=True)
        held = [np.where(region_hw, own_hw, claim.held_hw) for claim, own_hw in found]
    left = iter(held)
    return [claim.held_hw if claim.is_fixed else next(left) for claim in claims]


class _Dispute:
    """Pixels that several of some claims want.

    Parameters
    ----------
    claims : with ascending ids.
    open_hw : (h, w) what they may have.
    """

    def __init__(self, claims: Sequence[Claim], open_hw: Pixels) -> None:
        self._claims = claims
        self._free = [claim.claimed_hw & open_hw for claim in claims]
        count_hw = np.zeros(open_hw.shape, np.uint16)
        for part_hw in self._free:
            count_hw += part_hw
        rows, columns = np.nonzero(count_hw > 1)
        self._places: Places = rows, columns
        self._wanted = [part_hw[self._places] for part_hw in self._free]
        self._logits = [self._logits_of(n) for n in range(len(claims))]

    def settle(self) -> list[Pixels]:
        """(h, w) what each has of what it may have."""
        winners_k = self._winners()
        shares: list[Pixels] = []
        for n, part_hw in enumerate(self._free):
            share_hw = part_hw.copy()
            share_hw[self._places] = winners_k == n
            shares.append(share_hw)
        return shares

    def withdraw(self, n: int, pixels_hw: Pixels) -> bool:
        """A claim is given up on some pixels; whether there are any."""
        if not pixels_hw.any():
            return False
        self._free[n] &= ~pixels_hw
        self._wanted[n] &= ~pixels_hw[self._places]
        return True

    def _logits_of(self, n: int) -> NDArray[np.float32] | None:
        """(K,) of the pixels in dispute; -inf where the claim is not for them."""
        logits, wanted_k = self._claims[n].logits, self._wanted[n]
        if logits is None:
            return None
        logits_k = np.full(len(wanted_k), -np.inf, np.float32)
        rows, columns = self._places
        logits_k[wanted_k] = logits((rows[wanted_k], columns[wanted_k]))
        return logits_k

    def _winners(self) -> NDArray[np.int32]:
        """(K,) which of the claims has each pixel in dispute, -1 if none has it any more."""
        winners_k = np.full(len(self._places[0]), -1, np.int32)
        strength_k = np.full(len(winners_k), -np.inf, np.float32)
        for n, logits_k in enumerate(self._logits):
            if logits_k is not None:
                better_k = self._wanted[n] & (logits_k >= strength_k)
                winners_k[better_k] = n
                strength_k[better_k] = logits_k[better_k]
        areas = np.array([claim.area for claim in self._claims])
        for n, claim in enumerate(self._claims):
            if claim.logits is None:
                smaller_k = (winners_k < 0) | (areas[winners_k] >= claim.area)
                winners_k[self._wanted[n] & smaller_k] = n
        for n in range(len(self._claims)):
            for part_k in self._clicked_parts(n):
                winners_k[part_k] = n
        return winners_k

    def _clicked_parts(self, n: int) -> list[Pixels]:
        """(K,) parts in dispute that a person clicked for one of those who want them, and for no
        other."""
        if not self._claims[n].clicks_xy:
            return []
        wanted_hw = np.zeros(self._free[n].shape, np.bool_)
        wanted_hw[self._places] = self._wanted[n]
        clicks = [(x, y) for x, y in self._claims[n].clicks_xy if wanted_hw[y, x]]
        if not clicks:
            return []
        from scipy import ndimage

        labels_hw = np.zeros(wanted_hw.shape, np.int32)
        ndimage.label(wanted_hw, np.ones((3, 3), bool), output=labels_hw)
        others = {
            int(labels_hw[y, x])
            for m, claim in enumerate(self._claims)
            for x, y in claim.clicks_xy
            if m != n and self._free[m][y, x]
        }
        parts = {int(labels_hw[y, x]) for x, y in clicks} - others
        return [labels_hw[self._places] == part for part in parts]
