"""What the mask decoder is given on one frame, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .video import VideoPredictor


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


def gather_decoder_inputs(video: VideoPredictor, frame: int, obj: int) -> DecoderInputs:
    """Get what the mask decoder would be given on a frame, for another runtime to run it.

    It is the method `decoder_inputs` of `VideoPredictor`.

    Parameters
    ----------
    video : the predictor.
    frame, obj : as in `VideoPredictor.add_points`; an object that is not known is a new one.

    Raises
    ------
    IndexError
        When the video has no such frame.
    """
    video.tracker.frames.check_frame(frame)
    bank = video.tracker.banks.get(obj) or video.tracker.new_bank()
    points, labels = video.prompts.get(frame, obj).join()
    with video.model.runtime.inference():
        features, conditioned, logits = video.prompts.prepare(frame, bank)
    arrays = (conditioned[0], features.s8[0], features.s4[0], points[0])
    return DecoderInputs(
        *(one.float().cpu().numpy() for one in arrays),
        labels_p=labels[0].cpu().numpy(),
        logits_hw=None if logits is None else logits[0, 0].float().cpu().numpy(),
    )
