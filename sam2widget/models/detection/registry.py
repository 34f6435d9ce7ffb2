"""Families of detectors, by name: ours, and those of other packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeAlias, cast

from sam2_backend.registry import RegistryError, find, names, origin, register

from ...core.errors import SessionError
from ..hugging_face.hub import INSTALL
from .callable_detector import CallableDetector
from .detector import Detector
from .video_detector import VideoDetector

GROUP = "sam2widget.detectors"
"""Of entry points."""

register(GROUP, "zero-shot", f"{__package__}.zero_shot", "FAMILY")
register(GROUP, "sam3", f"{__package__}.sam3", "FAMILY")

SUGGESTED = "zero-shot:google/owlv2-base-patch16-ensemble"
KNOWN = (
    "sam3:facebook/sam3",
    SUGGESTED,
    "zero-shot:google/owlvit-base-patch32",
    "zero-shot:IDEA-Research/grounding-dino-tiny",
)
"""What is taken where no detector was chosen, if it is on this machine: the first of these."""

LoadDetector: TypeAlias = Callable[
    [str, "str | None", Callable[[str], None]], "Detector | VideoDetector"
]
"""``load(model, device, on_status)`` gives a detector; `on_status` shows a sentence while that
takes long."""


@dataclass(frozen=True)
class DetectorFamily:
    """Detectors of one kind: a user asks for its model X as ``detector="name:X"``."""

    load: LoadDetector


def load_detector(
    detector: Any, device: str | None, on_status: Callable[[str], None]
) -> Detector | VideoDetector:
    """Load a detector, or take one as it is.

    Parameters
    ----------
    detector : a `Detector`, a `VideoDetector`, or both; a function of a picture and a text; a
        pipeline of transformers; the name of a family and a model, such as
        "zero-shot:google/owlv2-base-patch16-ensemble"; or None for one that is on this machine.
    device : to run on; the best there is if None.
    on_status : shows a sentence while that takes long.

    Raises
    ------
    SessionError
        When there is none, or it cannot be had, with what to do.
    """
    if detector is None:
        detector = _find_cached()
    if isinstance(detector, str):
        return _load_by_name(detector, device, on_status)
    check_detector(detector)
    if isinstance(detector, (Detector, VideoDetector)):
        return detector
    if getattr(detector, "task", None) == "zero-shot-object-detection":
        from .zero_shot import ZeroShotDetector

        return ZeroShotDetector(detector)
    return CallableDetector(detector)


def check_detector(detector: object) -> None:
    """Refuse at once what could be refused only once it is needed.

    Raises
    ------
    SessionError
        When it is nothing that could be a detector.
    """
    if isinstance(detector, type):
        raise SessionError(f"detector is a class, {detector.__name__}: give an instance of it.")
    if isinstance(detector, str):
        _check_name(detector)
    if detector is None or isinstance(detector, (str, Detector, VideoDetector)):
        return
    if hasattr(detector, "detect") or hasattr(detector, "detect_video"):
        raise SessionError(
            f"The detector is a {type(detector).__name__}, which has no name: a Detector has name "
            "and detect, a VideoDetector name and detect_video."
        )
    if not callable(detector):
        raise SessionError(
            "detector is a Detector, a function of a picture and a text, or a name such as "
            f"{SUGGESTED!r}, got {detector!r}."
        )


def _check_name(detector: str) -> tuple[str, str]:
    """Give the family and the model of a name.

    Raises
    ------
    SessionError
        When it is no such name.
    """
    name, _, model = detector.partition(":")
    known = names(GROUP)
    if not model or name not in known:
        raise SessionError(
            f"There is no detector {detector!r}: a family and a model, such as {SUGGESTED!r}. "
            f"Families: {', '.join(known)}."
        )
    return name, model


def _load_by_name(
    detector: str, device: str | None, on_status: Callable[[str], None]
) -> Detector | VideoDetector:
    name, model = _check_name(detector)
    try:
        family = find(GROUP, name)
    except RegistryError as error:
        raise SessionError(str(error)) from error
    if not isinstance(family, DetectorFamily):
        raise SessionError(f"{name!r} of {GROUP} in {origin(GROUP, name)} is no DetectorFamily.")
    loaded = cast(object, family.load(model, device, on_status))
    if not isinstance(loaded, (Detector, VideoDetector)):
        raise SessionError(
            f"{name!r} of {GROUP} in {origin(GROUP, name)} gave a {type(loaded).__name__}, which "
            "is no Detector."
        )
    return loaded


def _find_cached() -> str:
    """The first of the known detectors that is on this machine."""
    if find_spec("transformers") is None:
        raise SessionError(
            f"To find things by words install a detector: {INSTALL}, restart the kernel, and "
            f'choose one, w.detector = "{SUGGESTED}". A function of yours is one, too.'
        )
    from huggingface_hub import try_to_load_from_cache

    for detector in KNOWN:
        repository = detector.partition(":")[2]
        for file in ("model.safetensors", "pytorch_model.bin"):
            if isinstance(try_to_load_from_cache(repository, file), str):
                return detector
    raise SessionError(
        f'To find things by words choose a detector: w.detector = "{SUGGESTED}" downloads one '
        f'(620 MB), "{KNOWN[0]}" is the best one and needs access. A function of yours is one, too.'
    )
