"""Masks and scores of a frame's objects, packed to be brought to the host in one piece."""

from __future__ import annotations

from typing import NamedTuple

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


class LoadedMasks(NamedTuple):
    """What was brought to the host of N objects."""

    masks_nhw: NDArray[np.bool_]
    """(N, H, W)."""
    scores_n2: NDArray[np.float32]
    """(N, 2) object scores and predicted IoUs."""
    logits_nhw: NDArray[np.float32] | None
    """(N, h, w) mask logits, where they were packed too."""


class PackedMasks:
    """N masks, each with an object score and a predicted IoU, which may still be computed.

    A bit a pixel and two numbers are all that is copied off a GPU, and the logits where a caller
    wants them.

    Parameters
    ----------
    logits_n1hw : (N, 1, h, w) mask logits, float32.
    object_score_n, iou_n : (N,).
    size_hw : (H, W) of the frame in pixels.
    has_logits : whether the logits are packed too.
    """

    def __init__(
        self,
        logits_n1hw: Tensor,
        object_score_n: Tensor,
        iou_n: Tensor,
        size_hw: tuple[int, int],
        *,
        has_logits: bool = False,
    ) -> None:
        self._size_hw = size_hw
        self._logits_hw = tuple(logits_n1hw.shape[2:]) if has_logits else None
        parts = [torch.stack((object_score_n.float(), iou_n.float()), dim=1).view(torch.uint8)]
        if has_logits:
            parts.append(logits_n1hw.contiguous().flatten(1).view(torch.uint8))
        self._masks_nhw = None
        if CpuPaths.serve(logits_n1hw.device):
            self._masks_nhw = logits_to_masks(logits_n1hw, size_hw)
        else:
            resized = F.interpolate(logits_n1hw, size_hw, mode="bilinear", align_corners=False)
            parts.append(pack_bits(resized[:, 0] > 0))
        self._packed = HostCopy(torch.cat(parts, dim=1))

    def load(self) -> LoadedMasks:
        """Wait for all of it."""
        packed = self._packed.wait().numpy()
        scores_n2 = np.ascontiguousarray(packed[:, :_SCORE_BYTES]).view(np.float32)
        logits_nhw, end = None, _SCORE_BYTES
        if self._logits_hw is not None:
            end += 4 * self._logits_hw[0] * self._logits_hw[1]
            flat = np.ascontiguousarray(packed[:, _SCORE_BYTES:end]).view(np.float32)
            logits_nhw = flat.reshape(-1, *self._logits_hw)
        if self._masks_nhw is None:
            self._masks_nhw = unpack_bits(packed[:, end:], self._size_hw)
        return LoadedMasks(self._masks_nhw, scores_n2, logits_nhw)
