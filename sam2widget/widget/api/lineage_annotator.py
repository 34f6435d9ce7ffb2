"""Lineages: objects that divide or merge, as cells do."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.errors import SessionError
from ..notebook.short_errors import shorten_errors
from .class_annotator import ClassAnnotator


@shorten_errors
class LineageAnnotator(ClassAnnotator):
    """What objects came from. Each call is one edit, which undo takes back, and is saved."""

    def split(self, obj: int, frame: int) -> tuple[int, int]:
        """Let an object divide: two new ones begin on a frame, whose parent it is.

        The first takes over its prompts and masks from that frame on; the second has none yet:
        prompt it there. Both have its class. The object itself is rejected from that frame on, and
        the two before it, so that tracking leaves them alone there. `parents` of ``w.objects`` says
        so, and `ctc` and the tracks of `to_napari` have it.

        Parameters
        ----------
        obj : id of the object.
        frame : the first after the division, counted from 0.

        Returns
        -------
        tuple of int
            Ids of the two.

        Raises
        ------
        SessionError
            When there is no such object or frame, it is locked, goes on as another already, or has
            no mask before that frame.

        Examples
        --------
        >>> left, right = w.split(1, 40)
        >>> w.add_point(40, 212, 88, obj=right)
        """
        return self._controller.edit(lambda: self._session.split(obj, frame))

    def merge(self, objects: Iterable[int], frame: int) -> int:
        """Let objects merge: a new one begins on a frame, whose parents they are.

        It has their masks from that frame on in one, the first of them as an accepted frame.

        Parameters
        ----------
        objects : ids of two or more.
        frame : the first after they have merged, counted from 0.

        Returns
        -------
        int
            Id of the new object.

        Raises
        ------
        SessionError
            When fewer than two are given, or as `split`.
        """
        objects = _ids(objects, "objects")
        return self._controller.edit(lambda: self._session.merge(objects, frame))

    def set_parents(self, obj: int, parents: Iterable[int]) -> None:
        """Say which objects an object came from; an empty list takes that away.

        Parameters
        ----------
        obj : id of the object.
        parents : ids; one where it came of a division, several where they merged.

        Raises
        ------
        SessionError
            When there is no such object, or it would descend from itself.
        """
        parents = _ids(parents, "parents")
        self._controller.edit(lambda: self._session.set_parents(obj, parents))


def _ids(given: Iterable[int], what: str) -> list[int]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):  # pyright: ignore
        raise SessionError(f"{what} is a list of ids, such as [1], got {given!r}.")
    return list(given)
