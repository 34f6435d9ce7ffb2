"""Objects, prompts, results and undo: what a person does to a video, without a notebook.

A frame that has prompts conditions tracking, always. Accepted frames do too, and nothing
overwrites them; rejected ones are no results. A correction makes stale only its span: outwards to
the next prompted or accepted frame of the same object. Propagation tracks what is stale or
untracked, nothing else. Nothing changes the masks of a locked object.

A session is changed from one thread. Its results may be read from any.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..core.errors import SessionError
from .imports import Importing
from .prompting import Prompting
from .propagation import Propagating
from .proposals import Proposing
from .reviewing import Reviewing
from .view import whole


class Session(Prompting, Reviewing, Proposing, Importing, Propagating):
    """One video being segmented, or some pictures; see `SessionEdits` for its parameters."""

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
        obj = max(self._objects, default=0) + 1 if obj is None else whole(obj, "An object's id")
        if obj in self._objects:
            raise SessionError(f"There is an object {obj} already: choose another id.")
        with self._edit("add object"):
            self._need_object(obj)
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
        """Change the name, the colour ("#rrggbb") or the visibility of an object, or lock it:
        nothing changes its masks then."""
        obj = self.check_object(obj)
        info = self._objects[obj]
        if name is not None:
            if not name.strip():
                raise SessionError("An object's name cannot be empty.")
            info = replace(info, name=name.strip())
        if color is not None:
            if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
                raise SessionError(f"A colour is written like '#2f7ff5', got {color!r}.")
            info = replace(info, color=color.lower())
        if visible is not None:
            info = replace(info, visible=visible)
        if locked is not None:
            info = replace(info, locked=locked)
        with self._edit("change object"):
            self._history.write("objects", obj, info)

    def remove_object(self, obj: int) -> None:
        """Remove an object with its prompts and masks; the others are not disturbed."""
        obj = self.check_unlocked(self.check_object(obj))
        with self._edit("remove object"):
            for frame in self._prompts.of(obj):
                self._history.write("prompts", (obj, frame), None)
            for frame in self._results.of(obj):
                self._write_results(frame, {obj: None}, self._history.write)
            self._history.write("objects", obj, None)
        if self._memory is not None:
            self._memory.remove(obj)

    def clear(self) -> None:
        """Remove all objects, locked ones too, and all proposals."""
        with self._edit("clear"):
            known = list(self._objects)
            for name, table in self._tables.items():
                for key in list(table) if name != "settings" else ():
                    self._history.write(name, key, None)
        if self._memory is not None:
            for obj in known:
                self._memory.remove(obj)
