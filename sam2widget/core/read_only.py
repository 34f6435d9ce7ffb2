"""Dictionaries and lists that a person reads: what is not there, and what changes nothing, is told.

They are copies of what a session holds. Writing to one would be lost without a word.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, NoReturn, TypeVar

from .errors import SessionError

K = TypeVar("K")
V = TypeVar("V")


class UnknownKeyError(SessionError, KeyError):
    """A key that a dictionary does not have."""

    __str__ = SessionError.__str__


class ReadOnlyDict(dict[K, V]):
    """A dictionary that is only read. ``dict(it)`` is one that may be changed."""

    title = "this dictionary"
    """What sentences call it."""

    def explain_missing(self, key: object) -> str:
        """Say in a sentence that a key is not there, and which are."""
        near = get_close_matches(str(key), map(str, self), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return (
            f"There is no {key!r} in {self.title}.{hint} There is: "
            f"{', '.join(map(str, self)) or 'nothing yet'}."
        )

    def explain_writing(self) -> str:
        """Say in a sentence that writing would be lost, and what to do instead."""
        return f"Writing to {self.title} changes nothing: it is a copy, and dict(…) makes your own."

    def __getitem__(self, key: Any) -> V:
        try:
            return super().__getitem__(key)
        except (KeyError, TypeError):  # a list is no key
            raise UnknownKeyError(self.explain_missing(key)) from None

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(self.explain_writing())

    __setitem__ = __delitem__ = __ior__ = _refuse  # type: ignore[assignment]
    clear = pop = popitem = setdefault = update = _refuse  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return type(self), (dict(self),)


class ReadOnlyList(list[V]):
    """A list that is only read. ``list(it)`` is one that may be changed."""

    def explain_missing(self, index: object) -> str:
        """Say in a sentence that there is nothing at a place, and what is."""
        places = f"it has the places 0 to {len(self) - 1}" if self else "it is empty"
        if hasattr(index, "__index__"):
            return f"There is nothing at place {index} of this list: {places}."
        return f"A place in this list is a whole number, got {index!r}: {places}."

    def explain_writing(self) -> str:
        """Say in a sentence that writing would be lost, and what to do instead."""
        return "Writing to this list changes nothing: it is a copy, and list(…) makes your own."

    def __getitem__(self, index: Any) -> Any:
        try:
            return super().__getitem__(index)
        except (IndexError, TypeError) as error:
            raise type(error)(self.explain_missing(index)) from None

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(self.explain_writing())

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse  # type: ignore[assignment]
    append = clear = extend = insert = pop = remove = _refuse  # type: ignore[assignment]
    reverse = sort = _refuse  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return type(self), (list(self),)
