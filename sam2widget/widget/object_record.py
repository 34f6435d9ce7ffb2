"""Objects as the widget lists them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..annotation.records import ObjectInfo


class ObjectRecord(dict[str, Any]):
    """An object in ``w.objects``: ``record.name``, or ``record["name"]``, as the browser has it.

    It is a copy: `Sam2Widget.update_object` changes the object.
    """

    @classmethod
    def of(cls, info: ObjectInfo) -> ObjectRecord:
        """The record of an object of a session."""
        return cls({**asdict(info), "dash": list(info.dash)})

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

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"An object's record is a copy: change the object by w.update_object({self.id}, "
            f"{name}={value!r})."
        )
