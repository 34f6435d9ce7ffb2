"""What a segmenter may be able to besides: a session asks for each of these and does without.

Each is a protocol: a segmenter that has its methods supports it, and need not say so.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .segmenter import Point, Prediction, Proposed, Segmenter


@runtime_checkable
class SupportsPreview(Protocol):
    """A segmenter that can say what a click would give: masks follow the pointer then."""

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        """Answer one more click on an object (None: a new one) without remembering it."""
        ...


class DecoderInputs(Protocol):
    """What a mask decoder is given on a frame; see `sam2_backend.predictors.decoder_inputs`."""

    @property
    def image_embed_chw(self) -> NDArray[np.float32]:
        """(C, S/16, S/16) features, where S is the side of the network's input."""
        ...

    @property
    def high_res_feats_1_chw(self) -> NDArray[np.float32]:
        """(C/4, S/8, S/8) features."""
        ...

    @property
    def high_res_feats_0_chw(self) -> NDArray[np.float32]:
        """(C/8, S/4, S/4) features."""
        ...

    @property
    def points_p2(self) -> NDArray[np.float32]:
        """(P, 2) earlier clicks and corners (x, y) in pixels of the network's input."""
        ...

    @property
    def labels_p(self) -> NDArray[np.int64]:
        """(P,) 1 and 0 clicks, 2 and 3 the corners of a box."""
        ...

    @property
    def logits_hw(self) -> NDArray[np.float32] | None:
        """(S/4, S/4) of the mask that is refined; None where there is none."""
        ...


@runtime_checkable
class SupportsBrowserDecoder(Protocol):
    """A segmenter whose mask decoder can run in the browser, too."""

    def decoder_inputs(self, frame: int, obj: int | None) -> DecoderInputs:
        """Get what its decoder is given before a further click on an object (None: a new one)."""
        ...

    def read_decoder(self) -> bytes:
        """Read the decoder as ONNX; the first time it takes a while. Any thread."""
        ...


@runtime_checkable
class SupportsProposals(Protocol):
    """A segmenter that finds masks without a prompt."""

    def propose(self, frame: int) -> Generator[None, None, Sequence[Proposed]]:
        """Find what there is on a frame, the best first, in steps that leave others their turn."""
        ...


@runtime_checkable
class SupportsProposalThresholds(Protocol):
    """A segmenter that knows from which on its proposals are worth something."""

    @property
    def proposal_thresholds(self) -> tuple[float, float]:
        """Predicted IoU and stability, 0..1."""
        ...


@runtime_checkable
class SupportsExclusiveMemory(Protocol):
    """A segmenter that can remember objects without what others have more of."""

    def set_exclusive_memory(self, on: bool) -> None:
        """Do so from now on where it tracks, or not.

        It keeps an object from sliding onto another.
        """
        ...

    def remember_as(self, frame: int, obj: int, mask_hw: NDArray[np.bool_] | None) -> None:
        """Let memory hold another mask on a prompted frame than the answer.

        Called only where it is another than before.

        Parameters
        ----------
        mask_hw : (H, W) bool; the answer itself if None.
        """
        ...


@runtime_checkable
class SupportsMaskCleaning(Protocol):
    """A segmenter that drops specks and pinholes from its answers."""

    def set_cleaning(self, size: float) -> None:
        """Drop from now on those that are smaller.

        Parameters
        ----------
        size : in pixels from 1 up, below 1 as a share of the mask's area; 0 is none.
        """
        ...

    def without_specks(
        self, mask_hw: NDArray[np.bool_], points: Sequence[Point]
    ) -> NDArray[np.bool_]:
        """An (H, W) mask without specks of that size, but with those that were clicked."""
        ...


@runtime_checkable
class SupportsFrameChanges(Protocol):
    """A segmenter that keeps what it has computed of frames, and can do it anew."""

    def forget_pixels(self) -> None:
        """Read frames again: their contrast is another now. Memory of objects stays."""
        ...


@dataclass(frozen=True)
class ModelNote:
    """What a person should know of a model, beside its name."""

    text: str
    """A few words."""
    details: str
    """What to do, in a sentence."""
    better: str = ""
    """Name of a better model, to offer where this one is unsure; "" where there is none."""


@runtime_checkable
class HasModelNote(Protocol):
    """A segmenter whose model should be known for what it is."""

    @property
    def model_note(self) -> ModelNote | None:
        """None where there is nothing to say."""
        ...


@runtime_checkable
class SupportsMemoryPolicies(Protocol):
    """A segmenter whose tracking can follow another memory policy."""

    @property
    def memory(self) -> str | None:
        """Name of the policy that it follows; None of one that has none."""
        ...

    def with_memory(self, memory: object) -> Segmenter:
        """Make a segmenter of the same model and video with another policy and nothing remembered.

        Parameters
        ----------
        memory : what `sam2_backend.load_model` takes.

        Raises
        ------
        ValueError
            When there is no such policy.
        """
        ...


@runtime_checkable
class SupportsDeferredTracking(Protocol):
    """A segmenter whose device computes while the host does something else."""

    @property
    def defers_tracking(self) -> bool:
        """Whether it does so: then it is given the next frame before it is asked for this one."""
        ...

    def begin_track(
        self, frame: int, objs: Sequence[int], *, reverse: bool
    ) -> Callable[[], dict[int, Prediction]]:
        """Track objects onto one frame as `Segmenter.track` does, without waiting.

        Returns
        -------
        Callable
            Waits, and gives the predictions. It may never be called.
        """
        ...


@runtime_checkable
class SharesModel(Protocol):
    """A segmenter whose loaded model serves other videos, too."""

    @property
    def loaded_model(self) -> object:
        """What a family takes in place of its name."""
        ...


@runtime_checkable
class SupportsRestoreBefore(Protocol):
    """A segmenter that takes all masks that tracking goes on from at once, objects together."""

    @property
    def reach(self) -> int:
        """Frames that tracking looks back."""
        ...

    def restore_before(
        self,
        frame: int,
        masks: Mapping[int, Mapping[int, NDArray[np.bool_]]],
        *,
        reverse: bool,
    ) -> None:
        """Put known (H, W) masks back into memory, so that tracking goes on with a frame.

        They are given by frame, then by object, and count as tracked ones. Those in memory stay as
        they are.
        """
        ...
