"""What the parts of a widget need of it."""

from __future__ import annotations

from typing import Any, Protocol

from ..annotation.confidence import Review
from ..core.errors import SessionError


class WidgetState(Protocol):
    """The traits of a widget that its parts read, and how they set traits."""

    @property
    def frame(self) -> Any:
        """Index of the frame that is shown, from 0."""
        ...

    @property
    def selected(self) -> Any:
        """Id of the selected object, 0 for none."""
        ...

    @property
    def auto_propagate(self) -> Any:
        """What an edit in the browser tracks by itself: "never", "corrections" or "always"."""
        ...

    @property
    def epoch(self) -> Any:
        """Number of the session; messages of another one are dropped."""
        ...

    def write_traits(self, **values: Any) -> None:
        """Set traits by name, from any thread."""
        ...


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
