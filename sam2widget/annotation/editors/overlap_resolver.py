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

from ...core.masks import Mask
from ...core.masks.logits import Box, MaskLogits
from ...models.segmenter import PromptSet
from ..overlaps import MaskPart, Places, intersection_area, resolve_overlaps
from ..records import Result
from ..sparse_overlaps import SparsePart, resolve_sparse_overlaps
from ..store import AnnotationStore

OWN_SOURCES = ("edit", "import")
"""Masks that a person or another program has made: they are never cut, nor cleaned."""

WriteResult = Callable[[int, int, "Result | None"], None]
"""Sets the result of (frame, object id)."""

RemoveSpecks = Callable[[int, int, NDArray[np.bool_]], NDArray[np.bool_]]
"""Gives an (H, W) mask of (frame, object id) without specks."""


class OverlapResolver:
    """Writes results, and gives each pixel to one of the objects in whose mask it lies.

    Parameters
    ----------
    store : that is written.
    remove_specks : applied to what is left of a mask that was cut.
    """

    def __init__(self, store: AnnotationStore, remove_specks: RemoveSpecks) -> None:
        self._store = store
        self._remove_specks = remove_specks

    def write_results(
        self, frame: int, results: Mapping[int, Result | None], write: WriteResult | None = None
    ) -> None:
        """Write results of a frame, and what other objects have left by them.

        Parameters
        ----------
        results : by object id; None takes one away.
        write : sets a result; that of the open edit if None.
        """
        write = write or self._store.write_result
        before = [self._store.result(frame, obj) for obj in results]
        for obj, result in results.items():
            write(frame, obj, result)
        kept = [one for one in before if one is not None and one.state != "rejected"]
        self.resolve(frame, [*kept, *results.values()], write)

    def write_all_results(self, obj: int, results: Mapping[int, Result | None]) -> None:
        """Write results of an object by frame, and what other objects have left by them."""
        row = self._store.tables.results.row(obj)
        before = {frame: row.get(frame) for frame in results}
        self._store.write_all_results(obj, results)
        if self._store.non_overlapping:
            for frame, result in results.items():
                was = before[frame]
                kept = None if was is None or was.state == "rejected" else was
                self.resolve(frame, [kept, result])

    def resolve(
        self,
        frame: int,
        changed: Iterable[Result | None],
        write: WriteResult | None = None,
    ) -> None:
        """Give the pixels of masks that have come or gone on a frame to who should have them.

        Parameters
        ----------
        changed : those results, as they were and as they are.
        write : sets what others have now; that of the open edit if None.
        """
        if not self._store.non_overlapping:
            return
        if self._store.tables.is_windowed:
            self._resolve_sparsely(frame, write or self._store.write_result)
            return
        masks = {mask for one in changed if one is not None for mask in (one.mask, one.answer)}
        box = _around(mask.box for mask in masks)
        if box is None:
            return
        write = write or self._store.write_result
        results = self._results_in(frame, box)
        results = {obj: one for obj, one in results.items() if _is_concerned(obj, results)}
        if not results:
            return
        parts = [self._part(frame, obj, result, box) for obj, result in results.items()]
        y0, x0, y1, x1 = box
        region_hw = np.any([mask.to_array()[y0:y1, x0:x1] for mask in masks], axis=0)
        resolved = resolve_overlaps(parts, region_hw)
        for (obj, result), part_hw in zip(results.items(), resolved, strict=True):
            mask = _with_part(result.mask, box, part_hw)
            if mask.area < result.mask.area:
                # Also outside the box: what was joined through it.
                mask = Mask.from_array(self._remove_specks(frame, obj, mask.to_array()))
            if mask != result.mask:
                write(frame, obj, result.holding(mask))

    def _resolve_sparsely(self, frame: int, write: WriteResult) -> None:
        """Give the pixels of all masks of a large picture to who should have them."""
        shown = {
            info.id: result
            for info in self._store.objects
            if (result := self._store.result(frame, info.id)) is not None
            and result.state != "rejected"
        }
        parts = [
            SparsePart(
                *(obj, result.mask if self._is_fixed(obj, result) else result.answer),
                self._is_fixed(obj, result),
                [(p.x, p.y) for p in self._store.prompts(frame, obj).points if p.label == 1],
            )
            for obj, result in shown.items()
        ]
        resolved = resolve_sparse_overlaps(parts)
        for (obj, result), mask in zip(shown.items(), resolved, strict=True):
            if mask != result.mask:
                write(frame, obj, result.holding(mask))

    def set_non_overlapping(self, on: bool) -> None:
        """Let masks of different objects exclude each other, or overlap, as one edit.

        Those so far follow, but for what a person has made or vouched for.
        """
        if on == self._store.non_overlapping:
            return
        with self._store.edit("keep objects apart" if on else "let objects overlap"):
            self._store.write_setting("non_overlapping", on)
            if on:
                self._resolve_all()
            else:
                self._restore_all()

    def visible_part(
        self, frame: int, obj: int, mask: Mask, logits: MaskLogits | None, prompts: PromptSet
    ) -> Mask:
        """What an object would have on a frame if the model answered so. Nothing changes."""
        box = mask.box
        if not self._store.non_overlapping or box is None or self._store.tables.is_windowed:
            return mask
        results = {n: one for n, one in self._results_in(frame, box).items() if n != obj}
        results[obj] = Result(mask, 0.0, 0.0, "prompt", logits=logits)
        results = dict(sorted(results.items()))
        parts = [self._part(frame, n, one, box) for n, one in results.items()]
        place = list(results).index(obj)
        parts[place].clicks_xy = _clicks(prompts, box)
        region_hw = np.ones((box[2] - box[0], box[3] - box[1]), bool)
        return _with_part(mask, box, resolve_overlaps(parts, region_hw)[place])

    def losses(self, frame: int, edited: Iterable[int], before: Mapping[int, Mask]) -> str:
        """A sentence where an object has lost most of what the model said of it; "" otherwise.

        It also names those that an edit of these objects took most of theirs from.

        Parameters
        ----------
        before : what each held before the edit, of `SessionView.held_on`.
        """
        store = self._store
        frame, objects = store.check_frame(frame), [store.check_object(obj) for obj in edited]
        now = store.held_on(frame)
        objects += [
            n for n in now if n not in objects and n in before and now[n].area < before[n].area
        ]
        return " ".join(filter(None, (self._loss_of(frame, n) for n in objects)))

    def _loss_of(self, frame: int, obj: int) -> str:
        store = self._store
        result = store.result(frame, obj)
        if result is None or 2 * result.mask.area >= result.answer.area:
            return ""
        others = ((one, store.shown_mask(frame, one.id)) for one in store.objects if one.id != obj)
        names = [
            info.name
            for info, mask in others
            if mask is not None and intersection_area(mask, result.answer)
        ]
        return (
            f"{store.name_of(obj)} keeps {result.mask.area:,} of {result.answer.area:,} pixels on "
            f"frame {frame}: the rest is of {', '.join(names)}. Click on what is its own, or let "
            "objects overlap."
        )

    def _resolve_all(self) -> None:
        """Resolve what overlaps on any frame."""
        for frame in sorted({frame for _, frame in self._store.tables.results}):
            here = [self._store.result(frame, info.id) for info in self._store.objects]
            if sum(result is not None for result in here) > 1:
                self.resolve(frame, here)

    def _restore_all(self) -> None:
        """Give every object back all that the model said, but for what a person vouches for."""
        for obj, row in self._store.tables.results.rows():
            whole = {
                frame: result.holding(result.whole)
                for frame, result in row.items()
                if result.whole is not None and not self._is_fixed(obj, result)
            }
            self._store.write_all_results(obj, whole)

    def _results_in(self, frame: int, box: Box) -> dict[int, Result]:
        """Results on a frame with something in a box, by object, ascending."""
        found: dict[int, Result] = {}
        for info in self._store.objects:
            result = self._store.result(frame, info.id)
            if result is not None and result.state != "rejected":
                at = result.answer.box
                if at is not None and _meet(at, box):
                    found[info.id] = result
        return found

    def _part(self, frame: int, obj: int, result: Result, box: Box) -> MaskPart:
        """What a result has in a box."""
        y0, x0, y1, x1 = box
        mask_hw = result.mask.to_array()
        current_hw = mask_hw[y0:y1, x0:x1]
        is_fixed = self._is_fixed(obj, result)
        full_hw = current_hw
        if result.whole is not None and not is_fixed:
            full_hw = result.whole.to_array()[y0:y1, x0:x1]
        prompts = self._store.prompts(frame, obj)
        sample = None
        if result.logits is not None:
            sample = partial(_logits_at, result.logits, box, result.mask.shape)
        return MaskPart(
            *(obj, full_hw, current_hw, is_fixed, result.answer.area, sample),
            clicks_xy=_clicks(prompts, box) if result.source == "prompt" else (),
            remove_specks=partial(self._remove_specks_of_part, frame, obj, mask_hw, box),
        )

    def _is_fixed(self, obj: int, result: Result) -> bool:
        info = self._store.tables.objects.get(obj)
        locked = info is not None and info.locked
        return locked or result.state == "accepted" or result.source in OWN_SOURCES

    def _remove_specks_of_part(
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
        return self._remove_specks(frame, obj, left_hw)[y0:y1, x0:x1]


def _clicks(prompts: PromptSet, box: Box) -> list[tuple[int, int]]:
    """Positive clicks in a box, as pixels of it."""
    y0, x0, y1, x1 = box
    return [
        (int(point.x) - x0, int(point.y) - y0)
        for point in prompts.points
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
