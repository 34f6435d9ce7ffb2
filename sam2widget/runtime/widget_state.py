"""What the parts of a widget need of it."""

from __future__ import annotations

from typing import Any, Protocol

from ..annotation.confidence import Review
from ..core.errors import SessionError


class WidgetState(Protocol):
    """The traits of a widget that its parts read, and how they set traits."""

    @property
    def frame(self) -> Any: ...
    @property
    def selected(self) -> Any: ...
    @property
    def auto_propagate(self) -> Any: ...
    @property
    def epoch(self) -> Any: ...
    def write_traits(self, **values: Any) -> None: ...


def show_next_unreviewed(review: Review, state: WidgetState) -> None:
    """Go to the least certain mask that nobody has reviewed.

    Raises
    ------
    SessionError
        When there is none.
    """
    found = review.next_unreviewed()
    if found is None:
        raise SessionError("Nothing is left to check: every mask was prompted or reviewed.")
    obj, frame = found
    state.write_traits(selected=obj, frame=frame)
