"""The official image path and ours, given the same pictures and prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sam2_backend import ImagePredictor, Sam2Model
from tests.oracle import official as oracle
from tests.parity.figures import Figures, worst

Prompt = dict[str, Any]

PROMPTS: dict[str, Prompt] = {
    "one point": {"points": [[0.3, 0.4]], "labels": [1]},
    "one negative point": {"points": [[0.6, 0.2]], "labels": [0]},
    "points of both kinds": {
        "points": [[0.3, 0.4], [0.5, 0.55], [0.8, 0.2], [0.1, 0.9]],
        "labels": [1, 1, 0, 0],
    },
    "box": {"box": [0.2, 0.2, 0.6, 0.8]},
    "box and points": {
        "box": [0.2, 0.2, 0.6, 0.8],
        "points": [[0.4, 0.5], [0.55, 0.3]],
        "labels": [1, 0],
    },
}
"""Every kind of prompt; coordinates are shares of width and height."""


def compare_features(official: Any, model: Sam2Model, pixels_b3ss: torch.Tensor) -> Figures:
    """The three feature maps of one input tensor."""
    figures = Figures()
    with torch.inference_mode():
        reference = official.forward_image(pixels_b3ss)["backbone_fpn"]
        ours = model.encode_image(pixels_b3ss)
    for our_level, level in zip(ours, reference, strict=True):
        figures.compare_logits(our_level.numpy(), level.numpy())
    return figures


class ImagePair:
    """Both image predictors, looking at one picture."""

    def __init__(self, official: Any, model: Sam2Model, rgb_hw3: NDArray[np.uint8]) -> None:
        self.official = oracle.image_predictor(official)
        self.ours = ImagePredictor(model)
        self.official.set_image(rgb_hw3)
        self.ours.set_image(rgb_hw3)
        self._scale = np.array(rgb_hw3.shape[1::-1])

    def compare(
        self,
        prompt: Prompt,
        *,
        multimask: bool,
        mask_logits: NDArray[np.float32] | None = None,
    ) -> tuple[Figures, NDArray[np.float32]]:
        """Ask both; return how far they are apart, and the official's logits (N, S/4, S/4)."""
        full, ious, logits = self._ask_official(prompt, multimask, mask_logits)
        our_masks, our_ious, our_logits = self.ours.predict(
            **self._in_pixels(prompt), mask_logits=mask_logits, multimask=multimask
        )
        figures = Figures()
        figures.compare_logits(our_logits, logits)
        figures.compare_logits(our_ious, ious)
        for our_mask, mask in zip(our_masks, full > 0, strict=True):
            figures.compare_mask(our_mask, mask)
        return figures, logits

    def compare_all(self) -> Figures:
        """Every kind of prompt, with candidates and without, each refined once by its answer."""
        several: list[Figures] = []
        for prompt in PROMPTS.values():
            for multimask in (True, False):
                figures, logits = self.compare(prompt, multimask=multimask)
                refined, _ = self.compare(prompt, multimask=False, mask_logits=logits[0])
                several += [figures, refined]
        return worst(several)

    def single_mask_is_stable(self, prompt: Prompt) -> bool:
        """Whether the official predictor keeps the single mask, rather than a candidate."""
        _, single, _ = self._ask_official(prompt, multimask=False)
        _, candidates, _ = self._ask_official(prompt, multimask=True)
        return bool(single[0] != candidates.max())

    def _ask_official(
        self, prompt: Prompt, multimask: bool, mask_logits: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        arguments = self._in_pixels(prompt)
        return self.official.predict(
            arguments["points"],
            arguments["labels"],
            arguments["box"],
            None if mask_logits is None else mask_logits[None],
            multimask,
            return_logits=True,
        )

    def _in_pixels(self, prompt: Prompt) -> Prompt:
        return {
            "points": np.multiply(prompt["points"], self._scale) if "points" in prompt else None,
            "labels": np.array(prompt["labels"]) if "labels" in prompt else None,
            "box": np.multiply(prompt["box"], np.tile(self._scale, 2)) if "box" in prompt else None,
        }
