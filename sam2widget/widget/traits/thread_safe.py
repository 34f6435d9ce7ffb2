"""Synced traits that several threads may write."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

import anywidget
from ipywidgets.widgets.widget import _instances  # pyright: ignore

_log = logging.getLogger(__name__)


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
