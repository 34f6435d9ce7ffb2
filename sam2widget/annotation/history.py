"""Undo and redo: a journal of what each edit changed in a few tables."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, Any]
"""Name of a table and a key in it."""

MAX_EDITS = 1000
"""Edits that can be taken back; the oldest are forgotten beyond that."""


@dataclass
class Edit:
    """One step of undo: what the tables held before it and after it."""

    label: str
    changes: dict[Key, tuple[Any, Any]] = field(default_factory=dict[Key, tuple[Any, Any]])
    """Value before and after, by table and key; None where there is none."""
    corrects: bool = False
    """Whether it made tracked masks stale."""


class History:
    """All writing to the tables goes through here.

    Parameters
    ----------
    tables : by name; no value is None.
    """

    def __init__(self, tables: Mapping[str, MutableMapping[Any, Any]]) -> None:
        self._tables = tables
        self._undo: list[Edit] = []
        self._redo: list[Edit] = []
        self._open: Edit | None = None

    @property
    def last(self) -> Edit | None:
        """The edit that undo would take back."""
        return self._undo[-1] if self._undo else None

    @property
    def next(self) -> Edit | None:
        """The edit that redo would do again."""
        return self._redo[-1] if self._redo else None

    @contextmanager
    def edit(self, label: str, amend: Edit | None = None) -> Generator[Edit, None, None]:
        """Group writes into one step of undo. An exception takes them all back.

        Parameters
        ----------
        label : what was done, for a person to read.
        amend : an edit to add to, if it is still the last one.
        """
        if self._open is not None:
            raise RuntimeError("An edit is already open: edits do not nest.")
        edit = self._open = Edit(label)
        try:
            yield edit
        except BaseException:
            self._apply(edit, after=False)
            raise
        finally:
            self._open = None
        self._keep(edit, amend)

    def write(self, table: str, key: Hashable, value: object | None) -> None:
        """Set a value, or delete it with None, as part of the open edit."""
        if self._open is None:
            raise RuntimeError("Tables are written inside an edit only.")
        before = self._tables[table].get(key)
        if before == value:
            return
        changes = self._open.changes
        first, _ = changes.get((table, key), (before, None))
        changes[table, key] = first, value
        self._set(table, key, value)

    def latest(self, matches: Callable[[Key, Any, Any], bool]) -> Edit | None:
        """The last edit that can be undone and has changed something that matches.

        Parameters
        ----------
        matches : is given a key, and its values before and after.
        """
        return next(
            (
                edit
                for edit in reversed(self._undo)
                if any(matches(key, *values) for key, values in edit.changes.items())
            ),
            None,
        )

    def last_change(self, key: Key) -> Edit | None:
        """The last edit that can be undone and has changed this value."""
        return next((edit for edit in reversed(self._undo) if key in edit.changes), None)

    def position(self, edit: Edit | None) -> int:
        """Which edit this is of those that can be undone, from 0; -1 where it is none."""
        return next((n for n, one in enumerate(self._undo) if one is edit), -1)

    def add(self, table: str, key: Hashable, value: object, edit: Edit | None) -> None:
        """Set a value as a consequence of an earlier edit; without one, no undo takes it back.

        What was undone can still be redone.
        """
        before = self._tables[table].get(key)
        if edit is not None:
            first, _ = edit.changes.get((table, key), (before, None))
            edit.changes[table, key] = first, value
        self._set(table, key, value)

    def undo(self) -> Edit | None:
        """Take the last edit back; None when there is none."""
        if not self._undo:
            return None
        edit = self._undo.pop()
        self._apply(edit, after=False)
        self._redo.append(edit)
        return edit

    def redo(self) -> Edit | None:
        """Do the last undone edit again; None when there is none."""
        if not self._redo:
            return None
        edit = self._redo.pop()
        self._apply(edit, after=True)
        self._undo.append(edit)
        return edit

    def clear(self) -> None:
        """Forget all edits; what they have changed stays."""
        self._undo.clear()
        self._redo.clear()

    def _keep(self, edit: Edit, amend: Edit | None) -> None:
        if not edit.changes:
            return
        if amend is not None and amend is self.last:
            for key, (before, after) in edit.changes.items():
                first, _ = amend.changes.get(key, (before, None))
                amend.changes[key] = first, after
        else:
            self._undo.append(edit)
            del self._undo[:-MAX_EDITS]
        self._redo.clear()

    def _apply(self, edit: Edit, *, after: bool) -> None:
        for (table, key), values in edit.changes.items():
            self._set(table, key, values[after])

    def _set(self, table: str, key: Hashable, value: object | None) -> None:
        if value is None:
            self._tables[table].pop(key, None)
        else:
            self._tables[table][key] = value
