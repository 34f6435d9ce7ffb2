"""What the mask decoder is given on one frame, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class DecoderInputs(NamedTuple):
    """One object's inputs of `mask_decoder.onnx` on one frame. S is the side of the input."""

    image_embed_chw: NDArray[np.float32]
    """(C, S/16, S/16), conditioned on memory where the frame was tracked."""
    high_res_feats_1_chw: NDArray[np.float32]
    """(C/4, S/8, S/8)."""
    high_res_feats_0_chw: NDArray[np.float32]
    """(C/8, S/4, S/4)."""
    points_p2: NDArray[np.float32]
    """(P, 2) earlier clicks and corners (x, y) in pixels of the network's input."""
    labels_p: NDArray[np.int64]
    """(P,) 1 and 0 clicks, 2 and 3 the corners of a box."""
    logits_hw: NDArray[np.float32] | None
    """(S/4, S/4) of the mask that is refined; None where there is none."""
