"""What a user may give as a model."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from sam2_backend.video import LargeImage, Video
from sam2_backend.video.large import WindowFrames

from ..core.errors import SessionError
from ..core.user_warnings import warn
from .capabilities import SupportsMemoryPolicies
from .registry import check_name, is_model, load_by_family
from .segmenter import Segmenter
from .windowed import WindowedSegmenter, make_windowed

USUAL_DEVICES = ("cpu", "cuda", "mps", "xpu")
"""Kinds of devices that are taken without asking PyTorch, whose import takes long."""
DEFAULT_MEMORY = "plain"
"""The memory policy of SAM 2."""


def check_model(model: object) -> None:
    """Refuse at once what could be refused only once the model is loaded.

    Raises
    ------
    SessionError
        When it is nothing that could be a model, a name or a path that none has, or a segmenter
        that lacks something.
    """
    if is_segmenter(model):
        return
    if isinstance(model, (str, os.PathLike)):
        check_name(cast("str | os.PathLike[str]", model))
        return
    if callable(model) or is_model(model):
        return
    raise SessionError(
        "model is a name, a path, a loaded Sam2Model, a function that returns one of these, "
        f"or a Segmenter, got {model!r}."
    )


def check_device(device: object) -> None:
    """Refuse a device that PyTorch does not know, or that is an unusual one and not here.

    Whether one of `USUAL_DEVICES` is in this machine is told where a model is loaded.

    Raises
    ------
    SessionError
        When it is so.
    """
    if device is None or str(device).partition(":")[0] in USUAL_DEVICES:
        return
    from sam2_backend.kernels.runtime import Runtime  # which brings in torch

    try:
        Runtime.choose(cast(Any, device))
    except ValueError as error:
        raise SessionError(str(error)) from None


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
    *,
    memory: object = None,
    needs_memory: bool = True,
) -> Segmenter:
    """A segmenter as it is, or one that a family of models loads.

    Parameters
    ----------
    memory, needs_memory : see `apply_memory`.
    on_download : told of a download some times a second, by the bytes that are there and those in
        all, 0 where that is not known; False ends it.
    """
    if isinstance(video, LargeImage):
        return _as_windowed(
            *(model, device, video, on_status, on_download),
            memory=memory,
            needs_memory=needs_memory,
        )
    if is_segmenter(model):
        return apply_memory(cast(Segmenter, model), memory, needs_memory=needs_memory)
    if on_download is None:
        segmenter = load_by_family(model, device, video, on_status)
        return apply_memory(segmenter, memory, needs_memory=needs_memory)
    from sam2_backend.checkpoints.hub import watch_downloads

    with watch_downloads(on_download):
        segmenter = load_by_family(model, device, video, on_status)
    return apply_memory(segmenter, memory, needs_memory=needs_memory)


def _as_windowed(
    model: Any,
    device: str | None,
    image: LargeImage,
    on_status: Callable[[str], None],
    on_download: Callable[[int, int], bool] | None,
    *,
    memory: object,
    needs_memory: bool,
) -> Segmenter:
    """A segmenter of a large picture; its parameters are as of `as_segmenter`."""
    if isinstance(model, WindowedSegmenter):
        return model
    if is_segmenter(model):
        raise SessionError(
            f"{image.name} is {image.width}x{image.height}, so a model sees windows of it: give a "
            "name, a path or a loaded model, or wrap your Segmenter, made of the frames "
            "WindowFrames(image), as make_windowed(segmenter, frames)."
        )
    frames = WindowFrames(image)
    segmenter = as_segmenter(
        *(model, device, frames, on_status, on_download), memory=memory, needs_memory=needs_memory
    )
    return make_windowed(segmenter, frames)


def apply_memory(segmenter: Segmenter, memory: object, *, needs_memory: bool = True) -> Segmenter:
    """Give a segmenter a memory policy; as it is where it has that one already.

    Parameters
    ----------
    memory : as `Sam2Widget` takes it; None for the model's own.
    needs_memory : whether a segmenter without policies is refused, or taken as it is.

    Raises
    ------
    SessionError
        When the segmenter knows no policies, and another than SAM 2's is asked for.
    ValueError
        When there is no such policy.
    """
    if memory is None:
        return segmenter
    name = memory_source(memory)
    if isinstance(segmenter, SupportsMemoryPolicies):
        is_known = name is not None and name == segmenter.memory
        return segmenter if is_known else segmenter.with_memory(memory)
    if name == DEFAULT_MEMORY or not needs_memory:
        return segmenter
    raise SessionError(
        f"The model {segmenter.name} has no memory policies, so memory={memory!r} cannot be: leave "
        "it out, or take a SAM 2 model."
    )


def memory_of(segmenter: object) -> str | None:
    """Name of the memory policy that a segmenter follows; None where there is none."""
    return segmenter.memory if isinstance(segmenter, SupportsMemoryPolicies) else None


def usable_memory(memory: str | None) -> str | None:
    """The name of a memory policy that is saved; None, with a warning, where it is not there."""
    try:
        return memory_source(memory)
    except SessionError as error:
        warn(f"The session was tracked with another memory policy than the model's own. {error}")
        return None


def usable_model(name: str, source: str | None) -> str:
    """By what the model of a saved session is loaded again.

    Parameters
    ----------
    name : of the model that the session was made with; "" where there was none.
    source : as `model_source` gave it.

    Raises
    ------
    SessionError
        When it was given as an object, or is not there any more.
    """
    if source is None:
        raise SessionError(
            f"The model of this session, {name or 'none'!r}, was given as an object, which a "
            "session file does not hold: give one with model=, for instance model='auto'."
        )
    try:
        check_name(source)
    except SessionError as error:
        raise SessionError(
            f"The model of this session cannot be had again: give one with model=, for instance "
            f"model='auto'. {error}"
        ) from None
    return source


def memory_source(memory: object) -> str | None:
    """By what a memory policy is made again; None of an object, or where nothing is given.

    Raises
    ------
    SessionError
        When there is no such policy.
    """
    if memory is None:
        return None
    from sam2_backend.tracking.policies import name_policy

    try:
        return name_policy(memory)
    except ValueError as error:
        raise SessionError(str(error)) from error


def model_source(model: object) -> str | None:
    """What a model can be loaded by again, also from another folder; None where it cannot."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    path = Path(os.path.expanduser(cast("str | os.PathLike[str]", model)))
    return str(path.absolute()) if os.path.isfile(path) else os.fspath(model)
