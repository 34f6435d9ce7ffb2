"""Masks and scores of a frame's objects, packed to be brought to the host in one piece."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..kernels.transfer import HostCopy
from ..network.layers import CpuPaths
from ..network.transforms import logits_to_masks, pack_bits, unpack_bits

_SCORE_BYTES = 8
"""Of two numbers in float32."""


class PackedMasks:
    """N masks, each with an object score and a predicted IoU, which may still be computed.

    A bit a pixel and two numbers are all that is copied off a GPU.

    Parameters
    ----------
    logits_n1hw : (N, 1, h, w) mask logits.
    object_score_n, iou_n : (N,).
    size_hw : (H, W) of the frame in pixels.
    """

    def __init__(
        self, logits_n1hw: Tensor, object_score_n: Tensor, iou_n: Tensor, size_hw: tuple[int, int]
    ) -> None:
        self._size_hw = size_hw
        scores_n2 = torch.stack((object_score_n.float(), iou_n.float()), dim=1)
        if CpuPaths.serve(logits_n1hw.device):
            self._masks_nhw = logits_to_masks(logits_n1hw, size_hw)
            self._packed = HostCopy(scores_n2.view(torch.uint8))
            return
        self._masks_nhw = None
        resized = F.interpolate(logits_n1hw, size_hw, mode="bilinear", align_corners=False)
        bits = pack_bits(resized[:, 0] > 0)
        self._packed = HostCopy(torch.cat((bits, scores_n2.view(torch.uint8)), dim=1))

    def load(self) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Wait for all of it.

        Returns
        -------
        masks_nhw, scores_n2
            (N, H, W) bool, and (N, 2) object scores and predicted IoUs.
        """
        packed = self._packed.wait().numpy()
        scores_n2 = np.ascontiguousarray(packed[:, -_SCORE_BYTES:]).view(np.float32)
        if self._masks_nhw is None:
            self._masks_nhw = unpack_bits(packed[:, :-_SCORE_BYTES], self._size_hw)
        return self._masks_nhw, scores_n2
