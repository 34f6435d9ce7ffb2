"""Who has a pixel that several objects claim on a frame.

What a person has made or vouched for is never cut: brushed, imported and accepted masks, and those
of locked objects, keep their pixels, and two of them may share some. What the model says has the
rest, and of several such claims

1. where a person clicked on one object, it has the part around the click that is in dispute;
2. else the larger logit wins, between cells of the network's grid as masks are made;
3. where logits of a claim are not known (of an adopted proposal, of a session that was opened
   again, of a segmenter that gives none), the smaller mask wins: a part lies before the whole;
4. equal claims go to the larger id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.bool_]


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
    logits: Callable[[], NDArray[np.float32]] | None = None
    """Gives (h, w) mask logits in this part of the frame, where they are known."""
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
    fixed_hw = np.zeros_like(region_hw)
    for claim in claims:
        if claim.is_fixed:
            fixed_hw |= claim.held_hw
    open_hw = region_hw & ~fixed_hw
    # What is outside the region is not asked for, and what a person made not disputed.
    free = [claim.claimed_hw & open_hw & (not claim.is_fixed) for claim in claims]
    held = _shares(claims, free, region_hw)
    dropped = False
    for n, claim in enumerate(claims):
        lost_hw = claim.claimed_hw & region_hw & ~held[n]
        if claim.clean is None or claim.is_fixed or not lost_hw.any():
            continue
        specks_hw = held[n] & ~claim.clean(held[n])
        if specks_hw.any():
            # They go to who else claims them.
            dropped = True
            free[n] &= ~specks_hw
    return _shares(claims, free, region_hw) if dropped else held


def _shares(claims: Sequence[Claim], free: Sequence[Pixels], region_hw: Pixels) -> list[Pixels]:
    disputed_hw: Pixels = np.asarray(np.sum(free, axis=0, dtype=np.uint16) > 1)
    winners_hw = _winners(claims, free, disputed_hw) if disputed_hw.any() else None
    shares: list[Pixels] = []
    for n, claim in enumerate(claims):
        if claim.is_fixed:
            shares.append(claim.held_hw)
            continue
        share_hw = free[n]
        if winners_hw is not None:
            share_hw = share_hw & (~disputed_hw | (winners_hw == n))
        shares.append(np.where(region_hw, share_hw, claim.held_hw))
    return shares


def _winners(
    claims: Sequence[Claim], free: Sequence[Pixels], disputed_hw: Pixels
) -> NDArray[np.int32]:
    """(h, w) which of the claims has each pixel in dispute; -1 elsewhere."""
    winners_hw = np.full(disputed_hw.shape, -1, np.int32)
    areas = np.array([claim.area for claim in claims])
    wanted = [part_hw & disputed_hw for part_hw in free]
    strength_hw = np.full(disputed_hw.shape, -np.inf, np.float32)
    for n, claim in enumerate(claims):
        if claim.logits is not None and wanted[n].any():
            logits_hw = claim.logits()
            better_hw = wanted[n] & (logits_hw >= strength_hw)
            winners_hw[better_hw] = n
            strength_hw[better_hw] = logits_hw[better_hw]
    for n, claim in enumerate(claims):
        if claim.logits is None and wanted[n].any():
            winners_hw[wanted[n] & ((winners_hw < 0) | (areas[winners_hw] >= claim.area))] = n
    for n, part_hw in _clicked_parts(claims, wanted):
        winners_hw[part_hw] = n
    return winners_hw


def _clicked_parts(claims: Sequence[Claim], wanted: Sequence[Pixels]) -> list[tuple[int, Pixels]]:
    """Parts in dispute that a person clicked for one of those who want them, and which of them."""
    found: list[tuple[int, Pixels]] = []
    for n, claim in enumerate(claims):
        clicks = [(x, y) for x, y in claim.clicks_xy if wanted[n][y, x]]
        if not clicks:
            continue
        from scipy import ndimage

        parts_hw, _ = ndimage.label(wanted[n], np.ones((3, 3), bool))  # pyright: ignore
        for part in {int(parts_hw[y, x]) for x, y in clicks}:
            part_hw = parts_hw == part
            others = (other for m, other in enumerate(claims) if m != n and wanted[m].any())
            if not any(part_hw[y, x] for other in others for x, y in other.clicks_xy):
                found.append((n, part_hw))
    return found
