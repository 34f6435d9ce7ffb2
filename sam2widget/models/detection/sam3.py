"""SAM 3 of transformers, which finds what a text names or boxes show, as a `Detector`.

The same weights find it through a whole video: see `sam3_video`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Video

from ...core.errors import SessionError
from ..hugging_face.hub import load_from_hub, require_transformers
from ..segmenter import Box
from .detector import Detection
from .registry import DetectorFamily
from .sam3_video import Sam3VideoDetector
from .video_detector import FrameDetections

MIN_SCORE = 0.5
"""Below, a detection is not told (Sam3's own demonstrations)."""


class Sam3Detector:
    """A SAM 3 model for pictures, and for videos where it is said how to load one.

    Parameters
    ----------
    model : a `Sam3Model`, on its device.
    processor : a `Sam3Processor`.
    min_score : detections below are left out, 0..1.
    name : to show; the model's own if "".
    load_video : loads what finds through a video, when it is first asked.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        min_score: float = MIN_SCORE,
        name: str = "",
        load_video: Callable[[], Sam3VideoDetector] | None = None,
    ) -> None:
        self._model = model.eval().requires_grad_(False)
        self._processor = processor
        self._min_score = min_score
        self._load_video = load_video
        self._video: Sam3VideoDetector | None = None
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

    def detect_video(self, video: Video, text: str) -> Iterator[FrameDetections | None]:
        """Look for what a text names through a video; see `VideoDetector`."""
        if self._video is None:
            if self._load_video is None:
                raise SessionError(
                    f"{self.name} was given as a model for pictures: give a Sam3VideoDetector, or "
                    'a name such as "sam3:facebook/sam3".'
                )
            self._video = self._load_video()
            # It has a model for pictures in it: one of them is enough.
            self._model = self._video.model.detector_model
        return self._video.detect_video(video, text)


def _load(model: str, device: str | None, on_status: Callable[[str], None]) -> Sam3Detector:
    from sam2_backend.kernels.runtime import find_best_device

    require_transformers(f"The detector {model!r}")
    device = device or find_best_device()

    def load_video() -> Sam3VideoDetector:
        on_status(f"Loading {model} for videos")
        loaded = load_from_hub(model, "Sam3VideoModel").to(device)
        return Sam3VideoDetector(loaded, load_from_hub(model, "Sam3VideoProcessor"), name=model)

    on_status(f"Loading {model}")
    loaded = load_from_hub(model, "Sam3Model").to(device)
    processor = load_from_hub(model, "Sam3Processor")
    return Sam3Detector(loaded, processor, name=model, load_video=load_video)


FAMILY = DetectorFamily(_load)
