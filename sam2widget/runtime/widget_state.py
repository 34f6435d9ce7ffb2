"""What the parts of a widget need of it."""

from __future__ import annotations

from typing import Any, Protocol


class WidgetState(Protocol):
    """The traits of a widget that its parts read, and how they set traits."""

    @property
    def frame(self) -> Any: ...
    @property
    def selected(self) -> Any: ...
    @property
    def auto_propagate(self) -> Any: ...
    def write_traits(self, **values: Any) -> None: ...
