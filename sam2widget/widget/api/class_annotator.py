"""Classes and attributes of objects, as code sets them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...annotation.classes import as_attributes
from ...annotation.records import Attribute
from ...core.read_only import ReadOnlyDict
from ..notebook.short_errors import shorten_errors
from .annotation_reader import AnnotationReader


class ClassColors(ReadOnlyDict[str, str]):
    """Colours of classes by name."""

    title = "w.classes"

    def explain_writing(self) -> str:
        """Say how classes are changed."""
        return (
            "w.classes is a copy: set all of them, such as w.classes = {**w.classes, 'cat': "
            "'#2f7ff5'}, or add one by w.set_class(obj, 'cat', add=True)."
        )


class ClassRecord(ReadOnlyDict[str, str]):
    """Name and colour of a class in ``w.class_list``."""

    title = "a class's record"

    def explain_writing(self) -> str:
        """Say how a class is changed."""
        return "A class's record is a copy: set w.classes, such as w.classes = {'cat': '#2f7ff5'}."


@shorten_errors
class ClassAnnotator(AnnotationReader):
    """What objects of a video are: of which class, and with which attributes.

    Parameters are those of `AnnotationReader`.
    """

    @property
    def classes(self) -> dict[str, str]:
        """Colours of the classes that objects may have, ``"#rrggbb"`` by name, in their order.

        Set it to a list of names, or to a dictionary of colours by name. It is one edit. Their
        order is that in which they are numbered in exports.

        >>> w.classes = ["person", "dog"]
        >>> w.classes = [*w.classes, "cat"]

        Raises
        ------
        SessionError
            When it is set to what are no classes, or an object has a class that is not among them.
        """
        return ClassColors({one.name: one.color for one in self._session.classes})

    @classes.setter
    def classes(self, classes: Iterable[str] | Mapping[str, str | None]) -> None:
        self._controller.edit(lambda: self._session.set_classes(classes))

    def set_class(
        self, objects: int | Iterable[int], class_name: str | None, *, add: bool = False
    ) -> None:
        """Say of which class objects are, as one edit.

        Parameters
        ----------
        objects : an id or several.
        class_name : one of `classes`; None takes the class away.
        add : add the class to the list, if it is not there.

        Raises
        ------
        SessionError
            When there is no such object or class.
        """
        self._controller.edit(lambda: self._session.set_class(objects, class_name, add=add))

    def set_attributes(
        self,
        obj: int,
        attributes: Mapping[str, Attribute | None] | None = None,
        /,
        **more: Attribute | None,
    ) -> None:
        """Set attributes of an object: ``w.set_attributes(1, occluded=True)``.

        Those that are not named stay.

        Parameters
        ----------
        obj : id of the object.
        attributes : truth values, numbers or texts by name; None takes one away. Names that Python
            has no keyword for go here: ``w.set_attributes(1, {"id card": 7})``.
        more : the same by keyword.

        Raises
        ------
        SessionError
            When there is no such object, or a value is something else.
        """
        given = {**as_attributes({} if attributes is None else attributes), **more}
        self._controller.edit(lambda: self._session.set_attributes(obj, given))
