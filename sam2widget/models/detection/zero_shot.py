"""The zero-shot detectors of transformers, such as OWLv2 and Grounding DINO, as a `Detector`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import SessionError
from ..hugging_face.hub import load_from_hub, require_transformers
from ..segmenter import Box
from .detector import Detection, check_detections
from .registry import DetectorFamily

TASK = "zero-shot-object-detection"
MIN_SCORE = 0.1
"""Below, a detection is not told; what the library has."""


class ZeroShotDetector:
    """A zero-shot object detection pipeline.

    Parameters
    ----------
    pipeline : from ``transformers.pipeline("zero-shot-object-detection", …)``.
    min_score : detections below are left out, 0..1.
    name : to show; the model's own if "".
    """

    def __init__(self, pipeline: Any, *, min_score: float = MIN_SCORE, name: str = "") -> None:
        self._pipeline = pipeline
        self._min_score = min_score
        self.name: str = name or pipeline.model.config.name_or_path or TASK

    def detect(
        self, image_hw3: NDArray[np.uint8], text: str, boxes: Sequence[Box]
    ) -> Sequence[Detection]:
        """Look for what a text names."""
        from PIL import Image

        if boxes or not text:
            raise SessionError(
                f"{self.name} looks for what a text names, not for what boxes show: "
                '"sam3:facebook/sam3" does.'
            )
        # In a list: a text is split at its commas.
        found = self._pipeline(
            Image.fromarray(image_hw3), candidate_labels=[text], threshold=self._min_score
        )
        size_hw = image_hw3.shape[0], image_hw3.shape[1]
        return check_detections(found, size_hw=size_hw, text=text, detector=self.name)


def _load(model: str, device: str | None, on_status: Callable[[str], None]) -> ZeroShotDetector:
    from sam2_backend.kernels.runtime import find_best_device

    transformers = require_transformers(f"The detector {model!r}")
    on_status(f"Loading {model}")
    parts = {
        "model": load_from_hub(model, "AutoModelForZeroShotObjectDetection"),
        "tokenizer": load_from_hub(model, "AutoTokenizer"),
        "image_processor": load_from_hub(model, "AutoImageProcessor"),
    }
    pipeline = transformers.pipeline(TASK, device=device or find_best_device(), **parts)
    return ZeroShotDetector(pipeline, name=model)


FAMILY = DetectorFamily(_load)
