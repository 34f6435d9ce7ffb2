"""The models of transformers that track what was prompted, and how they see frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...core.errors import SessionError

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HALF = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Kind:
    """A model's class, and how its frames are normalised."""

    class_name: str
    """In transformers, without its last word "Model"."""
    statistics: tuple[tuple[float, float, float], tuple[float, float, float]] = _IMAGENET

    @property
    def mean(self) -> tuple[float, float, float]:
        """Of each colour in 0..1."""
        return self.statistics[0]

    @property
    def std(self) -> tuple[float, float, float]:
        """Of each colour in 0..1."""
        return self.statistics[1]

    @property
    def model_class(self) -> str:
        """Name of the class."""
        return f"{self.class_name}Model"

    @property
    def session_class(self) -> str:
        """Name of the class of its inference sessions."""
        return f"{self.class_name}InferenceSession"

    def side_of(self, config: Any) -> int:
        """The side of the network's square input in pixels.

        Raises
        ------
        SessionError
            When it is no square.
        """
        size = config.prompt_encoder_config.image_size
        sides = {size} if isinstance(size, int) else set(size)
        if len(sides) != 1:
            raise SessionError(
                f"The model takes pictures of {size} pixels; only square ones can be used."
            )
        return sides.pop()


KINDS = {
    "sam2_video": Kind("Sam2Video"),
    "edgetam_video": Kind("EdgeTamVideo"),
    "sam3_tracker_video": Kind("Sam3TrackerVideo", _HALF),
    # What tracks in SAM 3 is a part of it.
    "sam3_video": Kind("Sam3TrackerVideo", _HALF),
}
"""By the `model_type` of a configuration."""


def kind_of(model_type: str) -> Kind:
    """The kind of a configuration.

    Raises
    ------
    SessionError
        When its models do not track what was prompted.
    """
    kind = KINDS.get(model_type)
    if kind is None:
        names = ", ".join(dict.fromkeys(one.model_class for one in KINDS.values()))
        raise SessionError(
            f"A transformers model of the type {model_type!r} does not track prompted objects in a "
            f"video. These do: {names}."
        )
    return kind
