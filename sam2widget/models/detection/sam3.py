"""SAM 3 of transformers, which finds what a text names or boxes show, as a `Detector`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hugging_face.hub import load_from_hub, require_transformers
from ..segmenter import Box
from .detector import Detection
from .registry import DetectorFamily

MIN_SCORE = 0.5
"""Below, a detection is not told (Sam3's own demonstrations)."""


class Sam3Detector:
    """A SAM 3 model for pictures.

    Parameters
    ----------
    model : a `Sam3Model`, on its device.
    processor : a `Sam3Processor`.
    min_score : detections below are left out, 0..1.
    name : to show; the model's own if "".
    """

    def __init__(
        self, model: Any, processor: Any, *, min_score: float = MIN_SCORE, name: str = ""
    ) -> None:
        self._model = model.eval().requires_grad_(False)
        self._processor = processor
        self._min_score = min_score
        self.name: str = name or model.config.name_or_path or "SAM 3"

    def detect(
        self, image_hw3: NDArray[np.uint8], text: str, boxes: Sequence[Box]
    ) -> Sequence[Detection]:
        """Look for what a text names and boxes show."""
        import torch
        from PIL import Image

        examples: dict[str, Any] = {}
        if boxes:
            examples = {
                "input_boxes": [[list(map(float, box)) for box in boxes]],
                "input_boxes_labels": [[1] * len(boxes)],
            }
        size_hw = image_hw3.shape[:2]
        inputs = self._processor(
            images=Image.fromarray(image_hw3), text=text or None, return_tensors="pt", **examples
        ).to(self._model.device)
        with torch.inference_mode():
            outputs = self._model(**inputs)
        (found,) = self._processor.post_process_instance_segmentation(
            outputs, threshold=self._min_score, target_sizes=[size_hw]
        )
        return [
            Detection(text, float(score), tuple(box.tolist()), mask.cpu().numpy().astype(bool))
            for score, box, mask in zip(
                found["scores"], found["boxes"], found["masks"], strict=True
            )
        ]


def _load(model: str, device: str | None, on_status: Callable[[str], None]) -> Sam3Detector:
    from sam2_backend.kernels.runtime import find_best_device

    require_transformers(f"The detector {model!r}")
    on_status(f"Loading {model}")
    loaded = load_from_hub(model, "Sam3Model").to(device or find_best_device())
    return Sam3Detector(loaded, load_from_hub(model, "Sam3Processor"), name=model)


FAMILY = DetectorFamily(_load)
