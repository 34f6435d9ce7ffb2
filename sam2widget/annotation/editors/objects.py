"""The list of objects: added, named, locked, removed."""

from __future__ import annotations

from dataclasses import replace

from ...core.arguments import as_flag, as_int
from ...core.errors import SessionError
from ..classes import as_color
from ..model_sync import ModelSync
from ..store import AnnotationStore
from .overlap_resolver import OverlapResolver


class ObjectEditor:
    """Objects of a session.

    Parameters
    ----------
    store : that is edited.
    model : which forgets objects that are removed.
    overlaps : gives their pixels to others.
    """

    def __init__(self, store: AnnotationStore, model: ModelSync, overlaps: OverlapResolver) -> None:
        self._store = store
        self._model = model
        self._overlaps = overlaps

    def add_object(self, obj: int | None = None) -> int:
        """Add an object.

        Parameters
        ----------
        obj : its id, from 1; the next free one if None.

        Returns
        -------
        int
            The id.
        """
        store = self._store
        obj = store.next_object_id if obj is None else as_int(obj, "An object's id")
        if obj in store.tables.objects:
            raise SessionError(f"There is an object {obj} already: choose another id.")
        with store.edit("add object"):
            store.ensure_object(obj)
        return obj

    def update_object(
        self,
        obj: int,
        *,
        name: str | None = None,
        color: str | None = None,
        visible: bool | None = None,
        locked: bool | None = None,
    ) -> None:
        """Change the name, the colour ("#rrggbb") or the visibility of an object, or lock it.

        Nothing changes the masks of a locked object.
        """
        obj = self._store.check_object(obj)
        info = self._store.tables.objects[obj]
        if name is not None:
            if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise SessionError(f"An object's name is text, got {name!r}.")
            if not name.strip():
                raise SessionError("An object's name cannot be empty.")
            info = replace(info, name=name.strip())
        if color is not None:
            info = replace(info, color=as_color(color))
        if visible is not None:
            info = replace(info, visible=as_flag(visible, "visible"))
        if locked is not None:
            info = replace(info, locked=as_flag(locked, "locked"))
        with self._store.edit("change object"):
            self._store.write_object(obj, info)

    def remove_object(self, obj: int) -> None:
        """Remove an object with its prompts and masks; the others are not disturbed."""
        store = self._store
        obj = store.check_unlocked(store.check_object(obj))
        with store.edit("remove object"):
            store.write_all_prompts(obj, dict.fromkeys(store.tables.prompts.of(obj)))
            self._overlaps.write_all_results(obj, dict.fromkeys(store.results(obj)))
            store.write_object(obj, None)
            for info in store.objects:
                if obj in info.parents:
                    others = tuple(parent for parent in info.parents if parent != obj)
                    store.write_object(info.id, replace(info, parents=others))
        self._model.forget_object(obj)

    def clear(self) -> None:
        """Remove all objects, locked ones too, and all proposals."""
        store = self._store
        tables = store.tables
        known = list(tables.objects)
        with store.edit("clear"):
            for obj in known:
                store.write_object(obj, None)
            for obj, row in tables.prompts.rows():
                store.write_all_prompts(obj, dict.fromkeys(row))
            for obj, row in tables.results.rows():
                store.write_all_results(obj, dict.fromkeys(row))
            for frame in list(tables.proposals):
                store.write_proposals(frame, ())
        for obj in known:
            self._model.forget_object(obj)
