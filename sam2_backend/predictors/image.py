"""Prompt images, one or a batch of them, as often as one likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..arguments import accept_aliases, check_flag, check_model
from ..kernels.out_of_memory import AdaptiveBatcher
from ..masks.postprocessing import MaskCleaner
from ..network.prompt_encoder import BOX_END, BOX_START
from ..network.sam2 import ImageFeatures, Sam2Model, select_single_mask
from ..network.transforms import as_rgb, image_to_input, logits_to_masks, points_to_model
from .projected_images import ProjectedImages
from .prompt_batches import prompt_batch_size
from .prompts import (
    NO_CLICKS,
    REFINEMENT_CLAMP,
    Clicks,
    as_floats,
    check_boxes,
    check_point_sets,
    check_points,
)

_OFFICIAL_NAMES = {
    "point_coords": "points",
    "point_labels": "labels",
    "mask_input": "mask_logits",
    "multimask_output": "multimask",
}
"""What the official predictor calls the arguments of a prompt set."""

R = TypeVar("R")


class _EncodedImage(NamedTuple):
    features: ImageFeatures
    """Of a batch of one; the "no memory" embedding is added."""
    hw: tuple[int, int]
    """(H, W) in pixels."""


class _PromptSets(NamedTuple):
    """N prompt sets of one image, on the model's device, in pixels of the network's input."""

    points_np2: Tensor | None
    """(N, P, 2) clicks, after the two corners of boxes."""
    labels_np: Tensor | None
    logits_n1hw: Tensor | None
    """(N, 1, S/4, S/4) mask prompts."""
    clicks: list[Clicks]
    """Clicks of each set in pixels of the image."""


class ImagePredictor:
    """Masks of images from points, boxes and earlier logits.

    Parameters
    ----------
    model : from `load_model`.
    fill_holes, remove_specks : holes and separate parts of masks that are smaller are filled and
        dropped, but never what was clicked: in pixels of the image from 1 up, below 1 as a share
        of the mask's area. 0, the default, is not at all, as in the official predictor.

    Raises
    ------
    ValueError
        When it is no loaded model, or a size is negative.

    Examples
    --------
    >>> predictor = ImagePredictor(load_model("nano"))
    >>> predictor.set_image(rgb)
    >>> masks, ious, logits = predictor.predict(points=[[320, 180]], labels=[1])
    """

    def __init__(
        self, model: Sam2Model, *, fill_holes: float = 0.0, remove_specks: float = 0.0
    ) -> None:
        check_model(model, type(self).__name__)
        self.model = model
        self.cleaner = MaskCleaner(fill_holes, remove_specks)
        self._images: list[_EncodedImage] = []
        self._projected_images = ProjectedImages(model)
        self._image_batcher = AdaptiveBatcher(model.device, max_size=model.runtime.frames_at_once)
        self._prompt_batcher = AdaptiveBatcher(model.device, max_size=prompt_batch_size(model))

    @accept_aliases(image="rgb")
    def set_image(self, rgb: ArrayLike) -> None:
        """Encode an image; later calls of `predict` are about it.

        Parameters
        ----------
        rgb : (H, W, 3) uint8, RGB.

        Raises
        ------
        ValueError
            When it is anything else.
        """
        self.set_image_batch([rgb])

    @accept_aliases(image_list="images")
    def set_image_batch(self, images: Sequence[ArrayLike]) -> None:
        """Encode several images; later calls of `predict_batch` are about them.

        Parameters
        ----------
        images : (H, W, 3) uint8, RGB each; sizes may differ.

        Raises
        ------
        ValueError
            When there is none, or one is anything else.
        """
        checked = [as_rgb(image) for image in images]
        if not checked:
            raise ValueError("There are no images to encode: give at least one.")
        model = self.model

        def encode(batch: Sequence[NDArray[np.uint8]]) -> list[ImageFeatures]:
            with model.runtime.inference():
                size = model.config.image_size
                pixels = [image_to_input(image, size, model.device) for image in batch]
                features = model.encode_image(torch.cat(pixels))
                features = features._replace(s16=model.add_no_memory_embed(features.s16))
            return [features.select(slice(i, i + 1)) for i in range(len(batch))]

        self._images = []  # their memory is free for the new ones
        self._projected_images.forget()
        several = self._image_batcher.map(encode, checked)
        features = [one for batch in several for one in batch]
        self._images = [
            _EncodedImage(one, (rgb.shape[0], rgb.shape[1]))
            for one, rgb in zip(features, checked, strict=True)
        ]

    @accept_aliases(**_OFFICIAL_NAMES)
    def predict(
        self,
        points: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_logits: ArrayLike | None = None,
        multimask: bool = True,
        return_logits: bool = False,
    ) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]:
        """Predict the masks of one prompt set, or of each of N.

        Parameters
        ----------
        points : (P, 2) clicks (x, y) in pixels of the image; (N, P, 2) of N prompt sets.
        labels : (P,) 1 on the object, 0 outside it; (N, P) of N prompt sets, and -1 where one
            has fewer points.
        box : (4,) x0, y0, x1, y1 in pixels of the image; (N, 4) of N prompt sets.
        mask_logits : (S/4, S/4) logits of an earlier prediction, or any mask prompt of that size;
            (N, 1, S/4, S/4) of N prompt sets.
        multimask : three candidates, right for one ambiguous click; otherwise one mask.
        return_logits : masks as logits of the image's size, which are not cleaned.

        Returns
        -------
        masks : (M, H, W) bool, M = 3 or 1; float32 with `return_logits`.
        ious : (M,) float32, predicted IoU, 0..1.
        logits : (M, S/4, S/4) float32, each usable as `mask_logits`.
            Of N > 1 prompt sets all three have a leading axis of N, as in the official predictor.

        Raises
        ------
        RuntimeError
            Before `set_image`.
        ValueError
            When there is no prompt or one has the wrong shape.
        """
        image = self._single_image()
        prompts = self._check_prompts(image, points, labels, box, mask_logits)
        return self._predict(image, prompts, multimask=multimask, return_logits=return_logits)

    @accept_aliases(
        point_coords_batch="points_batch",
        point_labels_batch="labels_batch",
        mask_input_batch="mask_logits_batch",
        multimask_output="multimask",
    )
    def predict_batch(
        self,
        points_batch: Sequence[ArrayLike | None] | None = None,
        labels_batch: Sequence[ArrayLike | None] | None = None,
        box_batch: Sequence[ArrayLike | None] | None = None,
        mask_logits_batch: Sequence[ArrayLike | None] | None = None,
        multimask: bool = True,
        return_logits: bool = False,
    ) -> tuple[list[NDArray[Any]], list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Predict masks on each image of `set_image_batch`.

        Parameters
        ----------
        points_batch, labels_batch, box_batch, mask_logits_batch : for each image what `predict`
            takes; None where there is nothing of the kind.
        multimask, return_logits : as in `predict`.

        Returns
        -------
        masks, ious, logits
            For each image what `predict` returns.

        Raises
        ------
        RuntimeError
            Before `set_image_batch`.
        ValueError
            When lists have another length than there are images, or prompts are wrong.
        """
        if not self._images:
            raise RuntimeError(
                "There are no images yet: call set_image_batch(images) before predict_batch()."
            )
        count = len(self._images)
        given = (points_batch, labels_batch, box_batch, mask_logits_batch)
        by_kind = [[None] * count if one is None else list(one) for one in given]
        if any(len(one) != count for one in by_kind):
            raise ValueError(
                f"There are {count} images: give {count} prompts of each kind, None where there is "
                f"none, got {[len(one) for one in by_kind]}."
            )
        masks: list[NDArray[Any]] = []
        ious: list[NDArray[np.float32]] = []
        logits: list[NDArray[np.float32]] = []
        for image, *arguments in zip(self._images, *by_kind, strict=True):
            prompts = self._check_prompts(image, *arguments)
            found = self._predict(image, prompts, multimask=multimask, return_logits=return_logits)
            for several, one in zip((masks, ious, logits), found, strict=True):
                several.append(one)
        return masks, ious, logits

    @accept_aliases(**_OFFICIAL_NAMES, boxes="box")
    def predict_torch(
        self,
        points: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_logits: ArrayLike | None = None,
        multimask: bool = True,
        return_logits: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predict as `predict` does, and leave the result on the model's device.

        Parameters are those of `predict`; coordinates are in pixels of the image here too.

        Returns
        -------
        masks : (N, M, H, W) bool, not cleaned; float32 with `return_logits`.
        ious : (N, M) float32.
        logits : (N, M, S/4, S/4) float32.
            N is 1 of one prompt set.

        Raises
        ------
        RuntimeError
            Before `set_image`.
        ValueError
            When there is no prompt or one has the wrong shape.
        """
        image = self._single_image()
        prompts = self._check_prompts(image, points, labels, box, mask_logits)
        multimask = check_flag(multimask, "multimask")
        return_logits = check_flag(return_logits, "return_logits")

        def finish(logits_nmhw: Tensor, ious_nm: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            resized = F.interpolate(logits_nmhw, image.hw, mode="bilinear", align_corners=False)
            masks = resized if return_logits else resized > 0
            return masks, ious_nm, logits_nmhw.clamp(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)

        chunks = self._decode(image, prompts, finish, multimask=multimask)
        # Concatenated out of inference mode: the result may be used with gradients.
        masks, ious, logits = (torch.cat(part) for part in zip(*chunks, strict=True))
        return masks, ious, logits

    # Inside

    def _single_image(self) -> _EncodedImage:
        if not self._images:
            raise RuntimeError("There is no image yet: call set_image(rgb) before predict().")
        if len(self._images) > 1:
            raise RuntimeError(
                f"There are {len(self._images)} images: call predict_batch(), or set_image(rgb)."
            )
        return self._images[0]

    def _check_prompts(
        self,
        image: _EncodedImage,
        points: ArrayLike | None,
        labels: ArrayLike | None,
        box: ArrayLike | None,
        mask_logits: ArrayLike | None,
    ) -> _PromptSets:
        """Check prompts, and join boxes and points as the network takes them."""
        sets = check_point_sets(points, labels)
        if sets is None:
            points_p2, labels_p = check_points(points, labels)
            sets = points_p2[None], labels_p[None]
        points_np2, labels_np = sets
        boxes_n22 = None if box is None else check_boxes(box).reshape(-1, 2, 2)
        logits = None if mask_logits is None else self._check_logits(mask_logits)
        given = {
            "points": points_np2 if points_np2.size else None,
            "box": boxes_n22,
            "mask_logits": logits,
        }
        counts = {name: len(part) for name, part in given.items() if part is not None}
        if not counts:
            raise ValueError("There is nothing to predict from: give points, a box or mask_logits.")
        if len(set(counts.values())) > 1:
            raise ValueError(f"Prompts of all kinds must be of as many sets, got {counts}.")
        n = next(iter(counts.values()))

        clicks = [NO_CLICKS] * n
        if not points_np2.size:
            points_np2, labels_np = points_np2.repeat(n, axis=0), labels_np.repeat(n, axis=0)
        else:
            clicks = [
                (p[at >= 0], at[at >= 0]) for p, at in zip(points_np2, labels_np, strict=True)
            ]
        if boxes_n22 is not None:
            corners = np.broadcast_to(np.array([BOX_START, BOX_END]), (n, 2))
            points_np2 = np.concatenate((boxes_n22, points_np2), axis=1)
            labels_np = np.concatenate((corners, labels_np), axis=1)
        coordinates = labels_t = None
        if points_np2.size:
            size, device = self.model.config.image_size, self.model.device
            coordinates = points_to_model(points_np2, image.hw, size).to(device)
            labels_t = torch.as_tensor(labels_np, device=device)
        return _PromptSets(coordinates, labels_t, logits, clicks)

    def _check_logits(self, mask_logits: ArrayLike) -> Tensor:
        """Check mask prompts: (N, 1, S/4, S/4) on the model's device."""
        logits = as_floats(mask_logits)
        side = self.model.config.mask_size
        if logits is not None and logits.shape in ((side, side), (1, side, side)):
            logits = logits.reshape(1, 1, side, side)
        if logits is None or logits.shape[1:] != (1, side, side):
            shape = np.shape(mask_logits) if logits is None else logits.shape
            raise ValueError(
                f"mask_logits must have shape ({side}, {side}), a quarter of the network's input, "
                f"or (N, 1, {side}, {side}) of N prompt sets, got {shape}. Pass one row of the "
                "logits that predict() returned."
            )
        return torch.as_tensor(logits, device=self.model.device)

    def _predict(
        self, image: _EncodedImage, prompts: _PromptSets, *, multimask: bool, return_logits: bool
    ) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]:
        """Predict as arrays; without the leading axis of a single prompt set."""
        multimask = check_flag(multimask, "multimask")
        return_logits = check_flag(return_logits, "return_logits")

        def finish(
            logits_nmhw: Tensor, ious_nm: Tensor
        ) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]:
            if return_logits:
                masks = F.interpolate(logits_nmhw, image.hw, mode="bilinear", align_corners=False)
                masks_nmhw = masks.cpu().numpy()
            else:
                masks = logits_to_masks(logits_nmhw.flatten(0, 1)[:, None], image.hw)
                masks_nmhw = masks.reshape(*ious_nm.shape, *image.hw)
            logits = logits_nmhw.clamp(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)
            return masks_nmhw, ious_nm.cpu().numpy(), logits.cpu().numpy()

        chunks = self._decode(image, prompts, finish, multimask=multimask)
        masks, ious, logits = (np.concatenate(part) for part in zip(*chunks, strict=True))
        if self.cleaner and not return_logits:
            masks = np.stack(
                [
                    np.stack([self.cleaner.clean(mask_hw, *clicks) for mask_hw in masks_mhw])
                    for masks_mhw, clicks in zip(masks, prompts.clicks, strict=True)
                ]
            )
        return (masks, ious, logits) if len(masks) > 1 else (masks[0], ious[0], logits[0])

    def _decode(
        self,
        image: _EncodedImage,
        prompts: _PromptSets,
        finish: Callable[[Tensor, Tensor], R],
        *,
        multimask: bool,
    ) -> Iterator[R]:
        """Decode prompt sets in batches; `finish` gets (n, M, h, w) logits and (n, M) IoUs."""
        model, features = self.model, image.features

        def decode(rows: Sequence[int]) -> R:
            chosen = slice(rows[0], rows[-1] + 1)
            points, labels, logits = (
                None if part is None else part[chosen] for part in prompts[:3]
            )
            with model.runtime.inference():
                projected = None
                if len(rows) == 1 and logits is None:
                    projected = self._projected_images.find(features, features.s16)
                output = model.decode_masks(
                    features.s16,
                    features.s8,
                    features.s4,
                    points_np2=points,
                    labels_np=labels,
                    mask_logits_n1hw=logits,
                    projected=projected,
                )
                if multimask:
                    return finish(output.logits_nmhw[:, 1:].float(), output.ious_nm[:, 1:].float())
                logits_n1hw, ious_n = select_single_mask(output)
                return finish(logits_n1hw.float(), ious_n[:, None].float())

        return self._prompt_batcher.map(decode, range(len(prompts.clicks)))
