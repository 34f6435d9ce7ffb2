"""Ids of objects for those of other programs, which may count from 0 or be words."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from .entries import EntryError, as_id

LARGEST = 2**31 - 1
_LISTED = 3


class ObjectIds:
    """Ids of objects, whole numbers from 1, for ids of another program.

    Whole numbers stay what they are; where they count from 0, each is one more. Others get new
    ones after the largest.

    Parameters
    ----------
    given : ids as a file has them, in the order in which new ones are given.
    key : what the file calls them.
    """

    def __init__(self, given: Iterable[object], key: str) -> None:
        known = dict.fromkeys(map(as_id, given))
        numbers = sorted(one for one in known if isinstance(one, int) and 0 <= one < LARGEST)
        shift = 1 if numbers[:1] == [0] else 0
        self._ids: dict[Hashable, int] = {number: number + shift for number in numbers}
        others = [one for one in known if one not in self._ids]
        first = max(self._ids.values(), default=0) + 1
        self._ids |= {one: obj for obj, one in enumerate(others, first)}
        self.names = {self._ids[one]: one for one in others if isinstance(one, str)}
        """Of objects whose id was a word: that."""
        self.notes: list[str] = []
        """Which ids had to change, in sentences."""
        if shift:
            self.notes.append(f"{key} counts from 0: 0 is object 1, and so on.")
        if others:
            listed = ", ".join(f"{one!r} is object {self._ids[one]}" for one in others[:_LISTED])
            more = ", and so on" if len(others) > _LISTED else ""
            self.notes.append(f"{key} holds other than whole numbers from 1: {listed}{more}.")

    def __contains__(self, given: object) -> bool:
        try:
            return as_id(given) in self._ids
        except EntryError:
            return False

    def __getitem__(self, given: object) -> int:
        return self._ids[as_id(given)]


def number_owners(owners: Iterable[int | str], key: str) -> tuple[dict[int | str, int], list[str]]:
    """Give ids to objects that have numbers or, where a file has none, labels; and notes to say.

    Numbers become ids as `ObjectIds` has it, labels come after them.

    Raises
    ------
    EntryError
        As `ObjectIds` does.
    """
    known = list(dict.fromkeys(owners))
    numbers = ObjectIds([one for one in known if isinstance(one, int)], key)
    ids: dict[int | str, int] = {one: numbers[one] for one in known if isinstance(one, int)}
    labels = [one for one in known if isinstance(one, str)]
    ids |= {label: n for n, label in enumerate(labels, max(ids.values(), default=0) + 1)}
    return ids, numbers.notes
