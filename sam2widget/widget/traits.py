"""Synced traits that several threads may write."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, cast

import anywidget
import numpy as np
from ipywidgets.widgets.widget import _instances  # pyright: ignore
from traitlets import Bool, Dict, Enum, Float, Int, List, TraitError, Unicode

from ..core.arguments import as_int
from ..core.cleaning import as_cleaning
from ..core.errors import SessionError
from ..core.read_only import ReadOnlyDict, ReadOnlyList
from .api.object_record import ObjectList, ObjectRecord

_log = logging.getLogger(__name__)

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


class ThreadSafeTraits(anywidget.AnyWidget):
    """A widget whose own traits are written from any thread, while the front end writes its.

    Trait synchronisation of ipywidgets is not made for several threads: an update of the front
    end and a write of ours at the same time can lose the write. Here one lock serialises them.
    Nobody waits for it while user code runs: whoever finds it taken leaves the values to its
    holder, and of several values of one trait the last wins.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._trait_lock = threading.RLock()
        self._unwritten: dict[str, Any] = {}
        self._unwritten_lock = threading.Lock()
        super().__init__(**kwargs)

    def open(self) -> None:
        """Open the comm to the front end (called by ipywidgets)."""
        super().open()  # pyright: ignore[reportUnknownMemberType]
        # ipywidgets keeps every widget for ever; one that no page shows goes when nobody uses it.
        _instances.pop(self.model_id, None)
        self.comm.on_msg(_weakly(self._handle_msg))  # pyright: ignore
        # From 7.4 on, ipykernel hands the front end's messages to whichever subshell it was
        # serving when we last published something. Published by a thread of ours, that is one
        # picked by chance, and once it has ended the messages are lost. The front end itself
        # names the right one.
        vars(self.comm)["_reply_subshell_for"] = _as_addressed

    def keep(self) -> None:
        """Live as long as the kernel, or until `close`: a page shows it, also after a reload."""
        if self.comm is not None:
            _instances[self.model_id] = self

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self.keep()
        return super()._repr_mimebundle_(**kwargs)

    def write_traits(self, **values: Any) -> None:
        """Set traits, now or as soon as the thread that sets some is through.

        An observer that fails is logged: what is told must reach the others, and must not end what
        goes on.
        """
        with self._unwritten_lock:
            self._unwritten.update(values)
        self._write_out()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the front end has written (called by ipywidgets)."""
        try:
            with self._trait_lock:
                super().set_state(sync_data)  # pyright: ignore[reportUnknownMemberType]
        finally:
            self._write_out()

    def _write_out(self) -> None:
        while self._unwritten and self._trait_lock.acquire(blocking=False):
            try:
                with self._unwritten_lock:
                    values, self._unwritten = self._unwritten, {}
                for name, value in values.items():
                    try:
                        super().set_trait(name, value)
                    except Exception as error:
                        _log.error("An observer of %r failed", name, exc_info=error)
            finally:
                self._trait_lock.release()


def _weakly(method: Callable[[Any], object]) -> Callable[[Any], object]:
    """The same method, without holding the object that it is of."""
    held = weakref.WeakMethod(method)

    def call(message: Any) -> object:
        found = held()
        return None if found is None else found(message)

    return call


def _as_addressed(data: object, subshell_id: str | None) -> str | None:
    """The subshell that the front end has named."""
    return subshell_id
