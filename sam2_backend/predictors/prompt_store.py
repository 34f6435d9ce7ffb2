"""The prompts of a video's objects, and the decoding of one prompt set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..network.mask_decoder import DecoderOutput
from ..network.sam2 import ImageFeatures, Sam2Model, SelectedMask
from ..network.transforms import points_to_model
from ..tracking.memory_bank import MemoryBank
from ..tracking.tracker import Tracker
from .projected_images import ProjectedImages
from .prompts import REFINEMENT_CLAMP, Clicks, ModelPrompts, check_box, check_points


class PromptStore:
    """Points and boxes by frame and object, and their decoding.

    Parameters
    ----------
    model : the network.
    tracker : of the video, whose memory conditions frames that were tracked before.
    """

    def __init__(self, model: Sam2Model, tracker: Tracker) -> None:
        self._model = model
        self._tracker = tracker
        self._prompts: dict[tuple[int, int], ModelPrompts] = {}
        self._projected_images = ProjectedImages(model)

    def find(self, frame: int, obj: int) -> ModelPrompts | None:
        """Get the prompts of an object on a frame; None if there are none."""
        return self._prompts.get((frame, obj))

    def get(self, frame: int, obj: int) -> ModelPrompts:
        """Get the prompts of an object on a frame; an empty set if there are none."""
        return self.find(frame, obj) or ModelPrompts.empty(self._model.device)

    def __setitem__(self, key: tuple[int, int], prompts: ModelPrompts) -> None:
        self._prompts[key] = prompts

    def clear(self, frame: int, obj: int) -> None:
        """Forget the prompts of an object on a frame, if there are any."""
        self._prompts.pop((frame, obj), None)

    def remove_object(self, obj: int) -> None:
        """Forget all prompts of an object."""
        self._prompts = {key: value for key, value in self._prompts.items() if key[1] != obj}

    def reset(self) -> None:
        """Forget all prompts."""
        self._prompts.clear()

    def extend(
        self,
        frame: int,
        prompts: ModelPrompts,
        points: ArrayLike | None,
        labels: ArrayLike | None,
        box: ArrayLike | None = None,
    ) -> ModelPrompts:
        """Make a copy of a prompt set with more points, and another box if one is given.

        Parameters
        ----------
        frame : zero-based index.
        prompts : nothing is stored of them.
        points, labels, box : as in `VideoPredictor.add_points`, in pixels of the frame.

        Raises
        ------
        ValueError
            When they have the wrong shape or values.
        """
        points_p2, labels_p = check_points(points, labels)
        if box is not None:
            corners = check_box(box).reshape(2, 2)
            prompts = replace(prompts, box_22=self._to_model(frame, corners))
        new_labels = torch.as_tensor(labels_p, device=self._model.device)
        return replace(
            prompts,
            points_p2=torch.cat((prompts.points_p2, self._to_model(frame, points_p2))),
            labels_p=torch.cat((prompts.labels_p, new_labels)),
        )

    def decode(
        self, frame: int, bank: MemoryBank, prompts: ModelPrompts, candidate: int | None = None
    ) -> tuple[SelectedMask, DecoderOutput]:
        """Decode a prompt set; the mask that the frame has is refined.

        Parameters
        ----------
        frame : zero-based index.
        bank : the object's; on a frame that was tracked its memory conditions the features.
        prompts : of the object on the frame.
        candidate : of an ambiguous click, the mask to take, 0 to 2; the best if None.

        Returns
        -------
        selected, output
            The selected mask, and all outputs of the decoder, of a batch of one.
        """
        model = self._model
        points, labels = prompts.join()
        with model.runtime.inference():
            features, conditioned, logits = self.prepare(frame, bank)
            projected = None
            if logits is None and not bank.was_tracked(frame):
                projected = self._projected_images.find(features, conditioned)
            output = model.decode_masks(
                conditioned,
                features.s8,
                features.s4,
                points_np2=points,
                labels_np=labels,
                mask_logits_n1hw=logits,
                projected=projected,
            )
            multimask = prompts.is_ambiguous
            selected = model.select_mask(output, multimask=multimask, candidate=candidate)
        return selected, output

    def prepare(self, frame: int, bank: MemoryBank) -> tuple[ImageFeatures, Tensor, Tensor | None]:
        """Prepare what a prompt set is decoded with, in inference mode.

        Parameters
        ----------
        frame, bank : as in `decode`.

        Returns
        -------
        features, conditioned, logits
            Of the frame; its stride-16 features (1, C, h, w), conditioned on memory or without any;
            and the mask (1, 1, S/4, S/4) to refine, or None.
        """
        model = self._model
        before = bank.entry(frame)
        selection = None
        if bank.was_tracked(frame):
            selection = bank.select(frame, reverse=bank.was_tracked_in_reverse(frame))
            self._tracker.encode_pending([(bank, selection)])
        features = self._tracker.frames[frame]
        if selection is None:
            conditioned = model.add_no_memory_embed(features.s16)
        else:
            conditioned = self._tracker.condition(features.s16, [(bank, selection)])
        logits = None
        if before is not None and before.logits is not None:
            logits = before.require_logits().clamp(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)
        return features, conditioned, logits

    def clicks_px(self, frame: int, prompts: ModelPrompts) -> Clicks:
        """Convert the points of a prompt set to pixels of the frame."""
        height, width = self._tracker.frames.size_of(frame)
        scale = np.array((width, height), np.float32) / self._model.config.image_size
        points_p2 = (prompts.points_p2.cpu().numpy() * scale).astype(np.float32)
        return points_p2, prompts.labels_p.cpu().numpy()

    def _to_model(self, frame: int, points_p2: NDArray[np.float32]) -> Tensor:
        size_hw = self._tracker.frames.size_of(frame)
        points = points_to_model(points_p2, size_hw, self._model.config.image_size)
        return points.to(self._model.device)
