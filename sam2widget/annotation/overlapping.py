"""Objects of a session that do not overlap: who gets which pixel, whenever a mask changes.

A result keeps all that the model said (`Result.answer`) beside what is left of it
(`Result.mask`), which alone is shown, exported and painted on. Taking a mask away thus gives its
pixels back, and the memory of the model is not changed by what others took. Each edit that gives or
takes pixels is undone with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.mask_logits import Box, MaskLogits
from ..core.masks import Mask
from ..models.segmenter import CleansMasks, PromptSet
from .model_sync import Memory
from .overlaps import Claim, Places, divide
from .records import Result
from .view import SessionView

OWN_SOURCES = ("edit", "import")
"""Masks that a person or another program has made: they are never cut, nor cleaned."""

Write = Callable[[str, tuple[int, int], Result | None], None]
"""Sets a value of a table as part of an edit."""


class Overlaps(SessionView):
    """What decides overlaps in a session."""

    _memory: Memory | None
    _settings: dict[str, bool]

    @property
    def non_overlapping(self) -> bool:
        """Whether masks of different objects on a frame exclude each other."""
        return self._settings["non_overlapping"]

    def held_on(self, frame: int) -> dict[int, Mask]:
        """What each object holds on a frame."""
        frame = self.check_frame(frame)
        found = ((info.id, self._results.get((info.id, frame))) for info in self.objects)
        return {obj: result.mask for obj, result in found if result is not None}

    def losses(self, frame: int, obj: int, before: Mapping[int, Mask]) -> str:
        """That most of what the model said of an object on a frame is of others, in a sentence, and
        of others that an edit of it took from; "" where nothing is lost.

        Parameters
        ----------
        before : what each held before the edit, of `held_on`.
        """
        frame, obj = self.check_frame(frame), self.check_object(obj)
        now = self.held_on(frame)
        taken = [n for n in now if n != obj and n in before and now[n].area < before[n].area]
        return " ".join(filter(None, (self._loss_of(frame, n) for n in (obj, *taken))))

    def _loss_of(self, frame: int, obj: int) -> str:
        result = self._results.get((obj, frame))
        if result is None or 2 * result.mask.area >= result.answer.area:
            return ""
        whole_hw = result.answer.to_array()
        others = (info for info in self.objects if info.id != obj)
        names = [
            info.name
            for info in others
            if (mask := self.shown_mask(frame, info.id)) and (mask.to_array() & whole_hw).any()
        ]
        return (
            f"{self._name(obj)} keeps {result.mask.area:,} of {result.answer.area:,} pixels on "
            f"frame {frame}: the rest is of {', '.join(names)}. Click on what is its own, or let "
            "objects overlap."
        )

    def _divide(self, frame: int, changed: Iterable[Result | None], write: Write) -> None:
        """Give the pixels of masks that have come or gone on a frame to who should have them.

        Parameters
        ----------
        changed : those results, as they were and as they are.
        write : writes what others have now.
        """
        masks = {mask for one in changed if one is not None for mask in (one.mask, one.answer)}
        box = _around(mask.box for mask in masks)
        if not self.non_overlapping or box is None:
            return
        results = self._claimants(frame, box)
        results = {obj: one for obj, one in results.items() if _is_concerned(obj, results)}
        if not results:
            return
        claims = [self._claim(frame, obj, result, box) for obj, result in results.items()]
        y0, x0, y1, x1 = box
        region_hw = np.any([mask.to_array()[y0:y1, x0:x1] for mask in masks], axis=0)
        for (obj, result), held_hw in zip(results.items(), divide(claims, region_hw), strict=True):
            mask = _with_part(result.mask, box, held_hw)
            if mask.area < result.mask.area:
                # Also outside the box: what was joined through it.
                mask = Mask.from_array(self._without_specks(frame, obj, mask.to_array()))
            if mask != result.mask:
                write("results", (obj, frame), result.holding(mask))

    def _divide_all(self, write: Write) -> None:
        """Divide all that overlaps on any frame."""
        for frame in sorted({frame for _, frame in self._results}):
            here = [self._results.get((info.id, frame)) for info in self.objects]
            if sum(result is not None for result in here) > 1:
                self._divide(frame, here, write)

    def _join_all(self, write: Write) -> None:
        """Give every object back all that the model said, but for what a person vouches for."""
        for (obj, frame), result in list(self._results.items()):
            if result.whole is not None and not self._is_fixed(obj, result):
                write("results", (obj, frame), result.holding(result.whole))

    def _share(
        self, frame: int, obj: int, mask: Mask, logits: MaskLogits | None, prompts: PromptSet
    ) -> Mask:
        """What an object would hold on a frame that the model answered so."""
        box = mask.box
        if not self.non_overlapping or box is None:
            return mask
        results = {n: one for n, one in self._claimants(frame, box).items() if n != obj}
        results[obj] = Result(mask, 0.0, 0.0, "prompt", logits=logits)
        results = dict(sorted(results.items()))
        claims = [self._claim(frame, n, one, box) for n, one in results.items()]
        place = list(results).index(obj)
        claims[place].clicks_xy = _clicks(prompts, box)
        region_hw = np.ones((box[2] - box[0], box[3] - box[1]), bool)
        return _with_part(mask, box, divide(claims, region_hw)[place])

    def _claimants(self, frame: int, box: Box) -> dict[int, Result]:
        """Results on a frame that claim something in a box, by object, ascending."""
        found: dict[int, Result] = {}
        for info in self.objects:
            result = self._results.get((info.id, frame))
            if result is not None and result.state != "rejected":
                at = result.answer.box
                if at is not None and _meet(at, box):
                    found[info.id] = result
        return found

    def _claim(self, frame: int, obj: int, result: Result, box: Box) -> Claim:
        y0, x0, y1, x1 = box
        held_hw = result.mask.to_array()
        part_hw = held_hw[y0:y1, x0:x1]
        is_fixed = self._is_fixed(obj, result)
        claimed_hw = part_hw
        if result.whole is not None and not is_fixed:
            claimed_hw = result.whole.to_array()[y0:y1, x0:x1]
        prompts = self._prompts.get((obj, frame))
        clicked = prompts is not None and result.source == "prompt"
        sample = None
        if result.logits is not None:
            sample = partial(_logits_at, result.logits, box, result.mask.shape)
        return Claim(
            *(obj, claimed_hw, part_hw, is_fixed, result.answer.area, sample),
            clicks_xy=_clicks(prompts, box) if clicked else (),
            clean=partial(self._clean_part, frame, obj, held_hw, box),
        )

    def _is_fixed(self, obj: int, result: Result) -> bool:
        info = self._objects.get(obj)
        locked = info is not None and info.locked
        return locked or result.state == "accepted" or result.source in OWN_SOURCES

    def _clean_part(
        self,
        frame: int,
        obj: int,
        mask_hw: NDArray[np.bool_],
        box: Box,
        part_hw: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """A part of a mask without the specks that are left when it has this content."""
        y0, x0, y1, x1 = box
        left_hw = mask_hw.copy()
        left_hw[y0:y1, x0:x1] = part_hw
        return self._without_specks(frame, obj, left_hw)[y0:y1, x0:x1]

    def _without_specks(
        self, frame: int, obj: int, mask_hw: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        segmenter = None if self._memory is None else self._memory.segmenter
        if not isinstance(segmenter, CleansMasks):
            return mask_hw
        return segmenter.without_specks(mask_hw, self.prompts(frame, obj).points)


def _clicks(prompts: PromptSet | None, box: Box) -> list[tuple[int, int]]:
    """Positive clicks in a box, as pixels of it."""
    y0, x0, y1, x1 = box
    points = () if prompts is None else prompts.points
    return [
        (int(point.x) - x0, int(point.y) - y0)
        for point in points
        if point.label == 1 and x0 <= int(point.x) < x1 and y0 <= int(point.y) < y1
    ]


def _logits_at(
    logits: MaskLogits, box: Box, size_hw: tuple[int, int], places: Places
) -> NDArray[np.float32]:
    """Of pixels that are counted in a box."""
    return logits.at(places[0] + box[0], places[1] + box[1], size_hw)


def _with_part(mask: Mask, box: Box, part_hw: NDArray[np.bool_]) -> Mask:
    """A mask with another content in a box; the same one where it is no other."""
    y0, x0, y1, x1 = box
    mask_hw: NDArray[Any] = mask.to_array()
    if np.array_equal(mask_hw[y0:y1, x0:x1], part_hw):
        return mask
    mask_hw[y0:y1, x0:x1] = part_hw
    return Mask.from_array(mask_hw)


def _is_concerned(obj: int, results: dict[int, Result]) -> bool:
    """Whether an object may get or lose a pixel: it was cut before, or is near another."""
    own = results[obj]
    box = own.answer.box
    return own.whole is not None or any(
        box is not None and other.answer.box is not None and _meet(box, other.answer.box)
        for n, other in results.items()
        if n != obj
    )


def _around(boxes: Iterable[Box | None]) -> Box | None:
    known = np.array([box for box in boxes if box is not None])
    if not len(known):
        return None
    (y0, x0), (y1, x1) = known[:, :2].min(axis=0), known[:, 2:].max(axis=0)
    return int(y0), int(x0), int(y1), int(x1)


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
