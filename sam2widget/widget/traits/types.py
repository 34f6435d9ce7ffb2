"""Types of traits: what each may be, and what is said of anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast

import numpy as np
from traitlets import Bool, Dict, Enum, Float, Int, List, TraitError, Unicode

from ...core.arguments import as_int
from ...core.errors import SessionError
from ...core.masks.cleaning import as_cleaning
from ...core.read_only import ReadOnlyDict, ReadOnlyList
from ..api.object_record import ObjectList, ObjectRecord

AUTO_PROPAGATE = ("never", "corrections", "always")


class ExplainsTraits(Protocol):
    """A widget that says what a trait may be."""

    def explain_trait(self, name: str) -> str:
        """Say it in a sentence."""
        ...


class WholeNumber(Int[int, Any]):
    """A whole number, in the forms that `as_int` takes; its widget says which there are."""

    def validate(self, obj: Any, value: Any) -> int:
        """The value as an int (called by traitlets).

        Raises
        ------
        TraitError
            When it is none.
        """
        try:
            return as_int(value, str(self.name))
        except SessionError as error:
            explained = cast(ExplainsTraits, obj).explain_trait(str(self.name))
            raise TraitError(f"{error} {explained}") from None


class Name(Unicode[str, Any]):
    """A text; None is "", for none. Its widget says which there are."""

    def validate(self, obj: Any, value: Any) -> str:
        """The value as a text (called by traitlets).

        Raises
        ------
        TraitError
            When it is none.
        """
        if value is None or isinstance(value, str):
            return value or ""
        explained = cast(ExplainsTraits, obj).explain_trait(str(self.name))
        raise TraitError(f"{self.name} must be a text, got {value!r}. {explained}")


class Switch(Bool[bool, Any]):
    """True or False."""

    def validate(self, obj: Any, value: Any) -> bool:
        """The value as a bool (called by traitlets).

        Raises
        ------
        TraitError
            When it is neither.
        """
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        raise TraitError(f"{self.name} is True or False, got {value!r}.")


class Choice(Enum[str]):
    """One of a few words."""

    def validate(self, obj: Any, value: Any) -> str:
        """The word (called by traitlets).

        Raises
        ------
        TraitError
            When it is none of them.
        """
        words = list(cast("Iterable[str]", self.values))
        if isinstance(value, str) and value in words:
            return value
        *before, last = (f'"{word}"' for word in words)
        raise TraitError(f"{self.name} is {', '.join(before)} or {last}, got {value!r}.")


class AutoPropagate(Choice):
    """What is tracked without being asked; True stands for "corrections", False for "never"."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(AUTO_PROPAGATE, default_value="corrections", **kwargs)

    def validate(self, obj: Any, value: Any) -> str:
        """The value as "never", "corrections" or "always" (called by traitlets).

        Raises
        ------
        TraitError
            When it is none of these, nor True or False.
        """
        if isinstance(value, (bool, np.bool_)):
            value = "corrections" if value else "never"
        return super().validate(obj, value)


class Cleaning(Float[float, Any]):
    """Below which size specks and pinholes are dropped; True is the default size, False is 0."""

    def validate(self, obj: Any, value: Any) -> float:
        """The size as a number, in pixels from 1 up, else a share of the mask's area.

        Called by traitlets.

        Raises
        ------
        TraitError
            When it is no size.
        """
        try:
            return as_cleaning(value)
        except SessionError as error:
            raise TraitError(str(error)) from error


class Fields(ReadOnlyDict[str, Any]):
    """The value of a trait that is a dictionary.

    Parameters
    ----------
    values : of the trait.
    name : of the trait.
    """

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        super().__init__(values)
        self.title = f"w.{name}"

    def __reduce__(self) -> Any:
        return type(self), (dict(self), self.title.removeprefix("w."))


class FieldsTrait(Dict):  # pyright: ignore[reportMissingTypeArgument]
    """A dictionary that is read, and says what it has where something else is asked for."""

    def validate(self, obj: Any, value: Any) -> Any:
        """The dictionary, to be read (called by traitlets)."""
        return Fields(cast("dict[str, Any]", super().validate(obj, value)), str(self.name))


class ClassList(ReadOnlyList[Any]):
    """The classes of a widget, in their order."""

    def explain_writing(self) -> str:
        """Say how classes are changed."""
        return "w.class_list is a copy: set w.classes, such as w.classes = [*w.classes, 'cat']."


class ClassesTrait(List[Any]):
    """The classes, as a list that is read."""

    klass = ClassList  # pyright: ignore
    _cast_types = (list, tuple)


class ObjectsTrait(List[ObjectRecord]):
    """The objects, as a list that is read."""

    klass = ObjectList  # pyright: ignore
    _cast_types = (list, tuple)


class ReadOnlyTraitError(TraitError, AttributeError):
    """A trait that only says what is, and was to be set."""
