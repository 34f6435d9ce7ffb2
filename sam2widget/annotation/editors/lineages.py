"""Lineages: objects that divide, and objects that merge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ...core.arguments import as_int
from ...core.errors import SessionError
from ...core.masks import Mask
from ..model_sync import ModelSync
from ..records import ObjectInfo, Result
from ..store import AnnotationStore

GONE_SCORE = -10.0
"""Object-score logit of an object that is no more."""


class LineageEditor:
    """Parents of the objects of a session.

    Parameters
    ----------
    store : that is edited.
    model : which forgets what objects no longer have.
    """

    def __init__(self, store: AnnotationStore, model: ModelSync) -> None:
        self._store = store
        self._model = model

    def set_parents(self, obj: int, parents: Iterable[int]) -> None:
        """Say which objects an object came from; none takes that away.

        Raises
        ------
        SessionError
            When there is no such object, or it would descend from itself.
        """
        store = self._store
        obj = store.check_object(obj)
        given = tuple(dict.fromkeys(store.check_object(parent) for parent in parents))
        if obj in given or any(obj in self._ancestors(parent) for parent in given):
            raise SessionError(f"{self._named(obj)} cannot descend from itself.")
        with store.edit("set parents"):
            store.write_object(obj, replace(store.tables.objects[obj], parents=given))

    def split(self, obj: int, frame: int) -> tuple[int, int]:
        """Let an object divide: two new ones begin on a frame, whose parent it is.

        The first takes over its prompts and masks from that frame on, the second has none yet. The
        object itself is rejected from there on, and the two before it, so that tracking leaves
        them alone there.

        Returns
        -------
        tuple of int
            Ids of the two.

        Raises
        ------
        SessionError
            When there is no such object or frame, it is locked, has divided or merged already, or
            has no mask before that frame.
        """
        store = self._store
        obj, frame = self._check_ending(obj, frame)
        first = store.next_object_id
        with store.edit("split"):
            self._add_child(first, (obj,), frame)
            second = store.next_object_id
            self._add_child(second, (obj,), frame)
            prompts, results = store.tables.prompts.of(obj), store.results(obj)
            store.write_all_prompts(first, {t: one for t, one in prompts.items() if t >= frame})
            store.write_all_results(first, {t: one for t, one in results.items() if t >= frame})
            self._end(obj, frame)
        self._model.forget_object(obj)
        return first, second

    def merge(self, objects: Iterable[int], frame: int) -> int:
        """Let objects merge: a new one begins on a frame, whose parents they are.

        It has their masks from that frame on in one, the first of them as an accepted frame.

        Returns
        -------
        int
            Id of the new object.

        Raises
        ------
        SessionError
            When fewer than two are given, or as `split`.
        """
        store = self._store
        given = list(dict.fromkeys(as_int(obj, "An object's id") for obj in objects))
        if len(given) < 2:
            raise SessionError(f"Two objects or more merge, got {given}.")
        parents = tuple(self._check_ending(obj, frame)[0] for obj in given)
        child = store.next_object_id
        with store.edit("merge"):
            self._add_child(child, parents, frame)
            merged: dict[int, Result] = {}
            for obj in parents:
                for t, result in store.tables.results.of(obj).items():
                    if t >= frame and result.state != "rejected":
                        merged[t] = _join(merged[t], result) if t in merged else _bare(result)
                self._end(obj, frame)
            start = min(merged, default=None)
            if start is not None:
                merged[start] = merged[start].in_state("accepted")
            store.write_all_results(child, dict(sorted(merged.items())))
        for obj in parents:
            self._model.forget_object(obj)
        return child

    def _end(self, obj: int, frame: int) -> None:
        """Take an object's prompts and masks away from a frame on.

        It is rejected there, so that tracking leaves it alone.
        """
        store = self._store
        later = [t for t in store.tables.prompts.of(obj) if t >= frame]
        store.write_all_prompts(obj, dict.fromkeys(later))
        self._reject(obj, range(frame, store.num_frames))

    def _reject(self, obj: int, frames: Iterable[int]) -> None:
        """Say of frames that an object is not on them."""
        store = self._store
        gone: dict[tuple[int, int], Result] = {}
        written: dict[int, Result | None] = {}
        for t in frames:
            hw = store.frame_hw(t)
            if hw not in gone:
                gone[hw] = Result(Mask.empty(*hw), GONE_SCORE, 1.0, "edit", "rejected")
            written[t] = gone[hw]
        store.write_all_results(obj, written)

    def _check_ending(self, obj: int, frame: int) -> tuple[int, int]:
        """Return the ids of an object that may end before a frame, and of that frame."""
        store = self._store
        obj, frame = store.check_unlocked(store.check_object(obj)), store.check_frame(frame)
        name = self._named(obj)
        children = [info.id for info in store.objects if obj in info.parents]
        if children:
            listed = " and ".join(map(str, children))
            raise SessionError(f"{name} goes on as object {listed} already.")
        frames = [t for t, one in store.tables.results.of(obj).items() if one.state != "rejected"]
        if not frames or min(frames) >= frame:
            raise SessionError(
                f"{name} has no mask before frame {frame}: it divides or merges on a later one."
            )
        return obj, frame

    def _add_child(self, obj: int, parents: tuple[int, ...], frame: int) -> None:
        """Add an object that begins on a frame, of the class that all its parents have."""
        store = self._store
        classes = {store.tables.objects[parent].class_name for parent in parents}
        info = replace(
            ObjectInfo.numbered(obj),
            parents=parents,
            class_name=classes.pop() if len(classes) == 1 else "",
        )
        store.write_object(obj, info)
        self._reject(obj, range(frame))

    def _named(self, obj: int) -> str:
        """Name an object in a sentence: with its id, where the name does not say it."""
        name = self._store.name_of(obj)
        return name if name == ObjectInfo.numbered(obj).name else f"{name} (object {obj})"

    def _ancestors(self, obj: int) -> set[int]:
        found: set[int] = set()
        waiting = [obj]
        while waiting:
            info = self._store.tables.objects.get(waiting.pop())
            for parent in () if info is None else info.parents:
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found


def _bare(result: Result) -> Result:
    """Give a mask by itself: what the model said of one parent is not of the child."""
    return Result(result.mask, result.score, result.iou, result.source, result.state)


def _join(one: Result, other: Result) -> Result:
    """Give the masks of two results in one."""
    mask_hw = np.logical_or(one.mask.to_array(), other.mask.to_array())
    is_stale = "stale" in (one.state, other.state)
    return Result(
        *(Mask.from_array(mask_hw), max(one.score, other.score), min(one.iou, other.iou)),
        *("edit", "stale" if is_stale else one.state),
    )
