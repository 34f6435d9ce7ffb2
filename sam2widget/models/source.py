"""What a user may give as a model."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from sam2_backend.video import Video

from ..core.errors import SessionError
from .registry import is_model, load_by_family
from .segmenter import Segmenter


def check_model(model: object) -> None:
    """Refuse at once what could be refused only once the model is loaded.

    Raises
    ------
    SessionError
        When it is nothing that could be a model.
    """
    known = isinstance(model, (str, os.PathLike)) or callable(model) or _segments(model)
    if not known and not is_model(model):
        raise SessionError(
            "model is a name, a path, a loaded Sam2Model, a function that returns one of these, "
            f"or a Segmenter, got {model!r}."
        )


def as_segmenter(
    model: Any, device: str | None, video: Video, say: Callable[[str], None]
) -> Segmenter:
    """A segmenter as it is, or one that a family of models loads."""
    if _segments(model):
        return cast(Segmenter, model)
    return load_by_family(model, device, video, say)


def model_source(model: object) -> str | None:
    """What a model can be loaded by again, also from another folder; None where it cannot."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    path = Path(cast("str | os.PathLike[str]", model)).expanduser()
    return str(path.absolute()) if path.is_file() else os.fspath(model)


def _segments(model: object) -> bool:
    return hasattr(model, "prompt") and hasattr(model, "track")
