"""Settings that are changed as traits: the session takes them, and they are saved with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ...annotation.records import ColorBy
from ...annotation.session import Session
from ...runtime.controller import Controller
from .session_traits import SessionTraits


class SettingsObserver:
    """Hands what a person or code sets to the session.

    Parameters
    ----------
    traits : that are observed.
    session : that takes them.
    controller : in whose thread masks are changed.
    """

    def __init__(
        self, traits: SessionTraits, session: Session, controller: Controller[Any]
    ) -> None:
        self._traits = traits
        self._session = session
        self._controller = controller
        self.on_changed: Callable[[], object] = lambda: None
        """Called when there is something to save."""
        for observe, name in (
            (self._set_cleaning, "clean_masks"),
            (self._set_non_overlapping, "non_overlapping"),
            (self._set_color_by, "color_by"),
            (self._set_current_class, "current_class"),
        ):
            traits.observe(observe, name)

    def _set_cleaning(self, _: object) -> None:
        if self._traits.clean_masks != self._session.clean_masks:
            self._session.set_cleaning(self._traits.clean_masks)
            self.on_changed()

    def _set_non_overlapping(self, change: Any) -> None:
        # Where it is the session's already, the session has said so.
        on = bool(change["new"])
        if on != self._session.non_overlapping:
            self._controller.edit(lambda: self._session.set_non_overlapping(on))

    def _set_color_by(self, _: object) -> None:
        if self._traits.color_by != self._session.color_by:
            self._session.set_color_by(cast("ColorBy", self._traits.color_by))
            self.on_changed()

    def _set_current_class(self, _: object) -> None:
        if self._traits.current_class != self._session.current_class:
            self._session.set_current_class(self._traits.current_class)
            self.on_changed()
