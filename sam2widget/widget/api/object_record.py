"""Objects as the widget lists them: records that are read, and methods that change them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NoReturn

from ...annotation.records import Attribute, ObjectInfo
from ...core.read_only import ReadOnlyDict, ReadOnlyList


class Attributes(ReadOnlyDict[str, Attribute]):
    """What a person says of an object, by name."""

    title = "an object's attributes"

    def explain_writing(self) -> str:
        """Say how attributes are changed."""
        return "An object's attributes are a copy: w.set_attributes(id, name=value) changes them."


class Parents(ReadOnlyList[int]):
    """Ids of the objects that an object came from."""

    def explain_writing(self) -> str:
        """Say how parents are changed."""
        return "An object's parents are a copy: w.set_parents(id, parents) changes them."


class ObjectRecord(ReadOnlyDict[str, Any]):
    """An object in ``w.objects``: ``record.name``, or ``record["name"]``, as the browser has it.

    It is a copy: `Sam2Widget.update_object`, `set_class` and `set_attributes` change the object.
    """

    title = "an object's record"

    @classmethod
    def of(cls, info: ObjectInfo) -> ObjectRecord:
        """The record of an object of a session."""
        return cls(
            {
                **asdict(info),
                "dash": ReadOnlyList(info.dash),
                "attributes": Attributes(info.attributes),
                "parents": Parents(info.parents),
            }
        )

    @property
    def id(self) -> int:
        """From 1."""
        return self["id"]

    @property
    def name(self) -> str:
        """As it is shown."""
        return self["name"]

    @property
    def color(self) -> str:
        """``"#rrggbb"``."""
        return self["color"]

    @property
    def dash(self) -> list[int]:
        """How its lines are dashed: lengths on and off along a line that is 2 wide."""
        return self["dash"]

    @property
    def visible(self) -> bool:
        """Whether its masks are shown."""
        return self["visible"]

    @property
    def locked(self) -> bool:
        """Whether nothing changes its masks."""
        return self["locked"]

    @property
    def class_name(self) -> str:
        """Name of its class; "" for none."""
        return self["class_name"]

    @property
    def attributes(self) -> dict[str, Attribute]:
        """What a person says of it, by name."""
        return self["attributes"]

    @property
    def parents(self) -> list[int]:
        """Ids of the objects that it came from: one that divided, or several that merged."""
        return self["parents"]

    def explain_writing(self) -> str:
        """Say how an object is changed."""
        return (
            f"An object's record is a copy: change the object by w.update_object({self.id}, …), "
            "w.set_class or w.set_attributes."
        )

    if not TYPE_CHECKING:  # a type checker shall go on to see what is misspelt

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(self.explain_missing(name))

    def __setattr__(self, name: str, value: object) -> None:
        call = f"w.update_object({self.id}, {name}={value!r})"
        if name == "class_name":
            call = f"w.set_class({self.id}, {value!r})"
        if name == "attributes":
            call = f"w.set_attributes({self.id}, {value!r})"
        if name == "parents":
            call = f"w.set_parents({self.id}, {value!r})"
        raise AttributeError(f"An object's record is a copy: change the object by {call}.")


class ObjectList(ReadOnlyList[ObjectRecord]):
    """The objects of a widget by id, ascending. A place in it is no id: those begin with 1."""

    def explain_missing(self, index: object) -> str:
        """Say that no object is at a place, and which are there."""
        if not self:
            return f"There is nothing at place {index!r} of w.objects: there are no objects yet."
        ids = ", ".join(str(one.id) for one in self)
        said = f"A place in w.objects is a whole number, got {index!r}"
        if hasattr(index, "__index__"):
            said = f"There is nothing in w.objects at place {index}"
        return f"{said}: at the places 0 to {len(self) - 1} are the objects {ids}."

    def explain_writing(self) -> str:
        """Say how objects are added, changed and removed."""
        return (
            "w.objects is a copy: w.add_object(), w.update_object(id, …) and w.remove_object(id) "
            "change what there is."
        )
