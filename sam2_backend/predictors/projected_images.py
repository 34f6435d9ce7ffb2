"""What clicks on the same image have in common, computed once."""

from __future__ import annotations

import torch

from ..network.layers import CpuPaths
from ..network.mask_decoder import ProjectedImage
from ..network.sam2 import ImageFeatures, Sam2Model


class ProjectedImages:
    """Projects an image for the mask decoder at the first click on it, on a CPU.

    All clicks on it take the same way, so that each gives the same bits whenever it comes. Only the
    last image is kept.

    Parameters
    ----------
    model : the network.
    """

    def __init__(self, model: Sam2Model) -> None:
        self._model = model
        self._image: tuple[ImageFeatures, torch.dtype] | None = None
        self._projected: ProjectedImage | None = None

    def find(self, features: ImageFeatures, s16_1chw: torch.Tensor) -> ProjectedImage | None:
        """Get what `decode_masks` begins with; None on other devices.

        Parameters
        ----------
        features : of the image, as they were at the click before.
        s16_1chw : (1, C, h, w), from which the clicks are decoded.
        """
        if not CpuPaths.serve(self._model.device):
            return None
        dtype = self._model.runtime.dtype
        if self._image is None or self._image[0] is not features or self._image[1] is not dtype:
            self.forget()
            self._projected = self._model.project_image(s16_1chw)
            self._image = features, dtype
        return self._projected

    def forget(self) -> None:
        """Free what is kept."""
        self._image = self._projected = None
