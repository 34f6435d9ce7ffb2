"""A function of a user's as a `Detector`, such as one that runs a YOLO."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import SessionError
from ..segmenter import Box
from .detector import Detection


class CallableDetector:
    """What is called with a picture and a text, and returns detections.

    Parameters
    ----------
    function : called as ``function(image_hw3, text)``, and where it has a third parameter with
        the boxes of examples.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self._takes_boxes = _can_call(function, 3)

    def detect(
        self, image_hw3: NDArray[np.uint8], text: str, boxes: Sequence[Box]
    ) -> Sequence[Detection]:
        """Call the function."""
        if self._takes_boxes:
            return self._function(image_hw3, text, boxes)
        if boxes:
            raise SessionError(
                f"The detector {self.name} does not look for what boxes show: it takes a picture "
                "and a text."
            )
        return self._function(image_hw3, text)


def _can_call(function: Callable[..., Any], count: int) -> bool:
    """Whether a function needs, or takes, so many arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True
