"""Classes and attributes: which classes there are, and what is said of each object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...core.arguments import as_flag, as_objects
from ...core.errors import SessionError
from ..classes import as_attributes, as_classes, as_color, as_name, default_color, explain_unknown
from ..records import Attribute, ObjectClass
from ..store import AnnotationStore


class ClassEditor:
    """Classes of a session, and the classes and attributes of its objects.

    Parameters
    ----------
    store : that is edited.
    """

    def __init__(self, store: AnnotationStore) -> None:
        self._store = store

    def set_classes(self, classes: Any) -> None:
        """Set which classes there are, in their order.

        Parameters
        ----------
        classes : names; or colours by name, None for one of the palette. A name that there is
            already keeps its colour where none is given.

        Raises
        ------
        SessionError
            When these are none, or an object has a class that is not among them.
        """
        store = self._store
        colors = {one.name: one.color for one in store.classes}
        given = classes if isinstance(classes, Mapping) else None
        found = [
            replace(one, color=colors.get(one.name, one.color))
            if given is None or given.get(one.name) is None
            else one
            for one in as_classes(classes)
        ]
        names = {one.name for one in found}
        for info in store.objects:
            if info.class_name and info.class_name not in names:
                raise SessionError(
                    f"{info.name} (object {info.id}) is of the class {info.class_name!r}, which is "
                    "not in the new list: give that class too, or the object another one first."
                )
        with store.edit("set classes"):
            for index in range(max(len(found), len(store.classes))):
                store.write_class(index, found[index] if index < len(found) else None)

    def add_class(self, name: str, color: str | None = None) -> None:
        """Add a class after the others; without a colour it gets one of the palette.

        Raises
        ------
        SessionError
            When there is one of this name, or this is no name or no colour.
        """
        name = as_name(name, "A class's name")
        if name in self._store.class_names:
            raise SessionError(f"There is a class {name!r} already.")
        with self._store.edit("add class"):
            self._add(name, color)

    def set_class_color(self, name: str, color: str) -> None:
        """Give a class another colour, ``"#rrggbb"``.

        Raises
        ------
        SessionError
            When there is no such class, or this is no colour.
        """
        index = self._index(name)
        with self._store.edit("colour class"):
            self._store.write_class(index, ObjectClass(name, as_color(color)))

    def set_class(
        self, objects: int | Iterable[int], name: str | None, *, add: bool = False
    ) -> None:
        """Say of which class objects are; None or "" for none. One edit.

        Parameters
        ----------
        objects : an id or several.
        name : of the class.
        add : add the class, if there is none of this name.

        Raises
        ------
        SessionError
            When there is no such object or class.
        """
        store, add = self._store, as_flag(add, "add")
        chosen = [store.check_object(obj) for obj in as_objects(objects) or ()]
        name = as_name(name, "A class's name") if name else ""
        if name and not add:
            self._index(name)
        with store.edit("set class"):
            if name and name not in store.class_names:
                self._add(name)
            for obj in chosen:
                store.write_object(obj, replace(store.tables.objects[obj], class_name=name))

    def set_attributes(self, obj: int, attributes: Mapping[str, Attribute | None]) -> None:
        """Set attributes of an object by name; None takes one away, and the others stay.

        Raises
        ------
        SessionError
            When there is no such object, or a value is not one that JSON has.
        """
        store = self._store
        obj = store.check_object(obj)
        info = store.tables.objects[obj]
        values = {**info.attributes, **as_attributes(attributes)}
        kept = {name: value for name, value in values.items() if value is not None}
        with store.edit("set attributes"):
            store.write_object(obj, replace(info, attributes=kept))

    def _add(self, name: str, color: str | None = None) -> None:
        index = len(self._store.classes)
        color = default_color(index) if color is None else as_color(color)
        self._store.write_class(index, ObjectClass(name, color))

    def _index(self, name: str) -> int:
        names = self._store.class_names
        if name not in names:
            raise SessionError(explain_unknown(name, self._store.classes))
        return names.index(name)
