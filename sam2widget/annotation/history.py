"""Undo and redo: a journal of what each edit changed in a few tables."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .records import FrameKeys
from .tables import FrameTable

Row = tuple[str, "int | None"]
"""Name of a table and an object's id; None in a table that is not by object and frame."""

MAX_EDITS = 1000
"""Edits that can be taken back; the oldest are forgotten beyond that."""


@dataclass
class RowChange:
    """What an edit changed in a row: values by frame, or by key of a table; None for no value."""

    before: dict[Any, Any] = field(default_factory=dict[Any, Any])
    after: dict[Any, Any] = field(default_factory=dict[Any, Any])
    """Of the same keys as `before`."""

    def add(self, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> None:
        """Note a change that came after this one."""
        for key, value in before.items():
            self.before.setdefault(key, value)
        self.after.update(after)


@dataclass
class Edit:
    """One step of undo: what the tables held before it and after it."""

    label: str
    changes: dict[Row, RowChange] = field(default_factory=dict[Row, RowChange])
    corrects: bool = False
    """Whether it made tracked masks stale."""

    def change_of(self, table: str, obj: int | None = None) -> RowChange:
        """What it changed in a row; an empty change where it is nothing."""
        return self.changes.get((table, obj)) or RowChange()

    def keys_of(self, table: str) -> FrameKeys:
        """(object id, frame) of what it changed in a table by object and frame."""
        return FrameKeys(
            {
                obj: frozenset(change.after)
                for (name, obj), change in self.changes.items()
                if name == table and obj is not None
            }
        )

    def add(self, row: Row, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> None:
        """Note what was changed in a row."""
        self.changes.setdefault(row, RowChange()).add(before, after)


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

    def write(self, table: str, obj: int | None, values: Mapping[Any, Any]) -> None:
        """Set values of a row, or delete them with None, as part of the open edit.

        Parameters
        ----------
        table : its name.
        obj : whose row it is, where `values` are by frame; None where they are by key.
        """
        if self._open is None:
            raise RuntimeError("Tables are written inside an edit only.")
        row = self._row(table, obj)
        others = {key: value for key, value in values.items() if row.get(key) != value}
        if others:
            self._open.add((table, obj), {key: row.get(key) for key in others}, others)
            self._set((table, obj), others)

    def latest(self, matches: Callable[[Edit], bool]) -> Edit | None:
        """The last edit that can be undone and matches."""
        return next(filter(matches, reversed(self._undo)), None)

    def position(self, edit: Edit | None) -> int:
        """Which edit this is of those that can be undone, from 0; -1 where it is none."""
        return next((n for n, one in enumerate(self._undo) if one is edit), -1)

    def add(self, table: str, obj: int, values: Mapping[int, Any], edit: Edit | None) -> None:
        """Set values as a consequence of an earlier edit; without one, no undo takes them back.

        What was undone can still be redone.
        """
        if edit is not None:
            row = self._row(table, obj)
            edit.add((table, obj), {key: row.get(key) for key in values}, values)
        self._set((table, obj), values)

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
            for row, change in edit.changes.items():
                amend.add(row, change.before, change.after)
        else:
            self._undo.append(edit)
            del self._undo[:-MAX_EDITS]
        self._redo.clear()

    def _apply(self, edit: Edit, *, after: bool) -> None:
        for row, change in edit.changes.items():
            self._set(row, change.after if after else change.before)

    def _row(self, table: str, obj: int | None) -> Mapping[Any, Any]:
        rows = self._tables[table]
        return rows.row(obj) if isinstance(rows, FrameTable) and obj is not None else rows

    def _set(self, row: Row, values: Mapping[Any, Any]) -> None:
        table, obj = self._tables[row[0]], row[1]
        if isinstance(table, FrameTable) and obj is not None:
            table.write_row(obj, values)
            return
        for key, value in values.items():
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value
