"""Families of models: SAM 2, and those of other packages."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from sam2_backend.registry import RegistryError, find, is_built_in, names, origin, register
from sam2_backend.video import Video

from ..core.errors import SessionError
from ..core.user_warnings import warn
from .segmenter import Segmenter

GROUP = "sam2widget.models"
"""Of entry points."""

# First: SAM 2 takes whatever can be called, and a loaded model of transformers can be.
register(GROUP, "hf", f"{__package__}.hugging_face.family", "FAMILY")
register(GROUP, "sam2", __name__, "SAM2")

LoadSegmenter: TypeAlias = Callable[[Any, str | None, Video, Callable[[str], None]], Segmenter]
"""``load(model, device, video, on_status)`` gives the segmenter of a video; `on_status` shows a
sentence while that takes long."""


@dataclass(frozen=True)
class ModelFamily:
    """Models of one kind, and how they are loaded.

    The name that it is registered by is a prefix: a user asks for its model X as
    ``model="name:X"``.
    """

    load: LoadSegmenter
    """It is given what comes after the prefix, or what `accepts` has accepted."""
    accepts: Callable[[Any], bool] | None = None
    """Whether what a user gave, without a prefix, is a model of this family; None where it never
    is."""


def load_by_family(
    model: Any, device: str | None, video: Video, on_status: Callable[[str], None]
) -> Segmenter:
    """Load a model by the family whose prefix it has, or which accepts it; else as SAM 2.

    Raises
    ------
    SessionError
        When the package of a family cannot be used.
    """
    name, model = _choose(model)
    segmenter = _family(name).load(model, device, video, on_status)
    if not (hasattr(segmenter, "prompt") and hasattr(segmenter, "track")):
        raise SessionError(
            f"{name!r} of {GROUP} in {origin(GROUP, name)} gave a {type(segmenter).__name__}, "
            "which is no Segmenter."
        )
    return segmenter


def check_name(model: str | os.PathLike[str]) -> None:
    """Refuse a name or a path that no family could load a model by. Nothing is loaded.

    Families are asked about what was given, be it a text or a path.

    Raises
    ------
    SessionError
        When it is so; the sentence has the names that are like it.
    """
    from sam2_backend.checkpoints.hub import CheckpointError
    from sam2_backend.checkpoints.names import check_name

    name, rest = _split(model) if isinstance(model, str) else (None, os.fspath(model))
    if name not in (None, "sam2"):
        return
    others = [one for one in names(GROUP) if not is_built_in(GROUP, one)]
    try:
        check_name(rest, ("auto", "hf:owner/name", *(f"{one}:" for one in others)))
    except CheckpointError as error:
        if not any(_accepts(one, model) for one in others):
            raise SessionError(str(error)) from None


def is_model(model: Any) -> bool:
    """Whether a family accepts what a user gave."""
    return any(_accepts(name, model) for name in names(GROUP))


def _choose(model: Any) -> tuple[str, Any]:
    """The name of a family, and the model without its prefix."""
    if isinstance(model, str):
        prefix, rest = _split(model)
        if prefix is not None:
            return prefix, rest
    return next((name for name in names(GROUP) if _accepts(name, model)), "sam2"), model


def _split(model: str) -> tuple[str | None, str]:
    """The name of the family whose prefix a text has, None if it has none; and the rest."""
    prefix, _, rest = model.partition(":")
    return (prefix, rest) if rest and prefix in names(GROUP) else (None, model)


def _family(name: str) -> ModelFamily:
    try:
        family = find(GROUP, name)
    except RegistryError as error:
        raise SessionError(str(error)) from error
    if not isinstance(family, ModelFamily):
        raise SessionError(f"{name!r} of {GROUP} in {origin(GROUP, name)} is no ModelFamily.")
    return family


def _accepts(name: str, model: Any) -> bool:
    """Whether a family accepts a model. One of another package that cannot tell does not."""
    try:
        accepts = _family(name).accepts
        return accepts is not None and bool(accepts(model))
    except Exception as error:
        if is_built_in(GROUP, name):
            raise
        known = isinstance(error, SessionError)
        warn(
            str(error)
            if known
            else f"{name!r} of {GROUP} in {origin(GROUP, name)} cannot tell whether {model!r} is "
            f"its own ({type(error).__name__}: {error}): it is passed over."
        )
        return False


def _load_sam2(
    model: Any, device: str | None, video: Video, on_status: Callable[[str], None]
) -> Segmenter:
    from .loading import load_segmenter

    return load_segmenter(model, device, video, on_status)


def _is_sam2(model: Any) -> bool:
    """Whether it is one without a doubt; a name that nobody else knows is tried as one, too."""
    if not isinstance(model, (str, os.PathLike)):
        return callable(model)
    from sam2_backend.checkpoints.names import SUFFIXES
    from sam2_backend.network.config import CONFIGS

    text = os.fspath(cast("str | os.PathLike[str]", model))
    path = Path(text).expanduser()
    return text in (*CONFIGS, "auto") or path.suffix.lower() in SUFFIXES or path.is_dir()


SAM2 = ModelFamily(_load_sam2, _is_sam2)
