"""Prompt one picture as often as one likes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..arguments import check_model, with_known_names
from ..masks.postprocessing import MaskCleaner
from ..network.prompt_encoder import BOX_END, BOX_START
from ..network.sam2 import ImageFeatures, Sam2Model, single_mask
from ..network.transforms import as_rgb, image_to_input, logits_to_masks, points_to_model

REFINEMENT_CLAMP = 32.0
"""Logits handed back for refinement stay within ± this (official predictors)."""


class ImagePredictor:
    """Masks of one image from points, a box and earlier logits.

    Parameters
    ----------
    model : from `load_model`.
    fill_holes, remove_specks : holes and separate parts of masks that are smaller are filled and
        dropped, but never what was clicked: in pixels of the image from 1 up, below 1 as a share
        of the mask's area. 0, the default, is not at all, as in the official predictor.

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
        self._features: ImageFeatures | None = None
        self._frame_hw = (0, 0)

    def set_image(self, rgb: ArrayLike) -> None:
        """Encode a picture; later calls of `predict` are about it.

        Parameters
        ----------
        rgb : (H, W, 3) uint8, RGB.

        Raises
        ------
        ValueError
            When it is anything else.
        """
        image = as_rgb(rgb)
        model = self.model
        with model.runtime.inference():
            pixels = image_to_input(image, model.config.image_size, model.device)
            features = model.encode_image(pixels)
            self._features = features._replace(s16=model.condition_on_nothing(features.s16))
        self._frame_hw = image.shape[0], image.shape[1]

    @with_known_names(
        point_coords="points",
        point_labels="labels",
        mask_input="mask_logits",
        multimask_output="multimask",
    )
    def predict(
        self,
        points: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_logits: ArrayLike | None = None,
        multimask: bool = True,
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]:
        """Masks for one prompt set.

        Parameters
        ----------
        points : (P, 2) clicks (x, y) in pixels of the image.
        labels : (P,) 1 on the object, 0 outside it.
        box : (4,) x0, y0, x1, y1 in pixels of the image.
        mask_logits : (S/4, S/4) logits of an earlier answer, or any mask prompt of that size.
        multimask : three candidates, right for one ambiguous click; otherwise one mask.

        Returns
        -------
        masks_nhw : (N, H, W) bool, N = 3 or 1.
        ious_n : (N,) float32, predicted IoU.
        logits_nhw : (N, S/4, S/4) float32, each usable as `mask_logits`.

        Raises
        ------
        RuntimeError
            Before `set_image`.
        ValueError
            When there is no prompt or one has the wrong shape.
        """
        if self._features is None:
            raise RuntimeError("There is no image yet: call set_image(rgb) before predict().")
        model, features = self.model, self._features
        size = model.config.image_size
        points_p2, labels_p = clicks = check_points(points, labels)
        if box is not None:
            points_p2 = np.concatenate((check_box(box).reshape(2, 2), points_p2))
            labels_p = np.concatenate(([BOX_START, BOX_END], labels_p))
        logits_hw = None if mask_logits is None else self._check_logits(mask_logits)
        if len(points_p2) == 0 and logits_hw is None:
            raise ValueError("There is nothing to predict from: give points, a box or mask_logits.")

        with model.runtime.inference():
            coordinates = labels_t = None
            if len(points_p2):
                coordinates = points_to_model(points_p2, self._frame_hw, size)
                coordinates = coordinates.to(model.device)[None]
                labels_t = torch.as_tensor(labels_p, device=model.device)[None]
            prompt = None if logits_hw is None else torch.as_tensor(logits_hw, device=model.device)
            output = model.decode_masks(
                features.s16,
                features.s8,
                features.s4,
                points_np2=coordinates,
                labels_np=labels_t,
                mask_logits_n1hw=None if prompt is None else prompt[None, None],
            )
            if multimask:
                logits, ious = output.logits_nmhw[0, 1:, None], output.ious_nm[0, 1:]
            else:
                logits, ious = single_mask(output)
            logits = logits.float()
            masks = logits_to_masks(logits, self._frame_hw)
            logits = logits[:, 0].clamp(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)
        if self.cleaner:
            masks = np.stack([self.cleaner.clean(mask_hw, *clicks) for mask_hw in masks])
        return masks, ious.float().cpu().numpy(), logits.cpu().numpy()

    def _check_logits(self, mask_logits: ArrayLike) -> NDArray[np.float32]:
        logits = np.asarray(mask_logits, dtype=np.float32)
        logits = logits[0] if logits.ndim == 3 and len(logits) == 1 else logits
        side = self.model.config.mask_size
        if logits.shape != (side, side):
            raise ValueError(
                f"mask_logits must have shape ({side}, {side}), a quarter of the network's input, "
                f"got {logits.shape}. Pass one row of the logits that predict() returned."
            )
        return logits


def check_points(
    points: ArrayLike | None, labels: ArrayLike | Sequence[int] | None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Points (P, 2) and labels (P,), checked; empty arrays for None.

    Raises
    ------
    ValueError
        When shapes disagree, a coordinate is not finite or a label is neither 0 nor 1.
    """
    if points is None and labels is None:
        return np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
    if points is None or labels is None:
        raise ValueError("points and labels go together: give one label, 0 or 1, a point.")
    points_p2, given_p = _as_floats(points), _as_floats(labels)
    if points_p2 is not None and points_p2.shape == (2,):  # one click, x and y
        points_p2 = points_p2[None]
    if points_p2 is None or points_p2.ndim != 2 or points_p2.shape[1] != 2 or not len(points_p2):
        raise ValueError(f"points must be (P, 2) finite pixel coordinates (x, y), got {points!r}.")
    labels_p = np.atleast_1d(np.zeros(0) if given_p is None else given_p)
    if labels_p.shape != (len(points_p2),) or not np.isin(labels_p, (0, 1)).all():
        raise ValueError(
            f"labels must be one 0 (outside) or 1 (on the object) a point, got {labels!r} "
            f"for {len(points_p2)} points."
        )
    return points_p2, labels_p.astype(np.int64)


def _as_floats(values: Any) -> NDArray[np.float32] | None:
    """Finite numbers of a list, an array or a tensor on any device; None if they are none."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        return None
    return array if np.isfinite(array).all() else None


def check_box(box: ArrayLike) -> NDArray[np.float32]:
    """A box (4,) x0, y0, x1, y1, checked.

    Raises
    ------
    ValueError
        When it has another shape, is not finite or is empty.
    """
    box_4 = _as_floats(box)
    box_4 = box_4.ravel() if box_4 is not None and box_4.shape in ((1, 4), (2, 2)) else box_4
    if box_4 is None or box_4.shape != (4,):
        raise ValueError(f"A box must be four numbers x0, y0, x1, y1 in pixels, got {box!r}.")
    if box_4[2] <= box_4[0] or box_4[3] <= box_4[1]:
        raise ValueError(
            f"A box needs x0 < x1 and y0 < y1, got {box_4.tolist()}: these are two corners, not a "
            "corner, a width and a height."
        )
    return box_4
