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
        When it is nothing that could be a model, or a segmenter that lacks something.
    """
    if (
        is_segmenter(model)
        or isinstance(model, (str, os.PathLike))
        or callable(model)
        or is_model(model)
    ):
        return
    raise SessionError(
        "model is a name, a path, a loaded Sam2Model, a function that returns one of these, "
        f"or a Segmenter, got {model!r}."
    )


def is_segmenter(model: object) -> bool:
    """Whether an object is a `Segmenter`, not something to load one by.

    Raises
    ------
    SessionError
        When it is meant as one, having `prompt` or `track`, and lacks something.
    """
    if isinstance(model, type) or not (hasattr(model, "prompt") or hasattr(model, "track")):
        return False
    needed = [name for name in vars(Segmenter) if not name.startswith("_")]
    missing = [name for name in needed if not hasattr(model, name)]
    if missing:
        raise SessionError(
            f"The model is a {type(model).__name__}, which has no {' and no '.join(missing)}: a "
            f"Segmenter has {', '.join(needed[:-1])} and {needed[-1]}."
        )
    return True


def as_segmenter(
    model: Any,
    device: str | None,
    video: Video,
    on_status: Callable[[str], None],
    on_download: Callable[[int, int], bool] | None = None,
) -> Segmenter:
    """A segmenter as it is, or one that a family of models loads.

    Parameters
    ----------
    on_download : told of a download some times a second, by the bytes that are there and those in
        all, 0 where that is not known; False ends it.
    """
    if is_segmenter(model):
        return cast(Segmenter, model)
    if on_download is None:
        return load_by_family(model, device, video, on_status)
    from sam2_backend.checkpoints.hub import watch_downloads

    with watch_downloads(on_download):
        return load_by_family(model, device, video, on_status)


def model_source(model: object) -> str | None:
    """What a model can be loaded by again, also from another folder; None where it cannot."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    path = Path(cast("str | os.PathLike[str]", model)).expanduser()
    return str(path.absolute()) if path.is_file() else os.fspath(model)
