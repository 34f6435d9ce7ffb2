"""SAM 2 as a `Segmenter`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Video

from ..core.masks.cleaning import CLEANED_SHARE
from .capabilities import DecoderInputs, ModelNote
from .segmenter import Candidates, Point, Prediction, PromptSet, Proposed

if TYPE_CHECKING:
    from sam2_backend import FrameResult, Sam2Model

OFFICIAL = "sam2.1-hiera-tiny"
_BUNDLED_NOTE = ModelNote(
    "small offline model · use SAM 2.1 tiny",
    "This small model comes with the library and needs no network. The official SAM 2.1 tiny makes "
    f'better masks: Sam2Widget(video, "{OFFICIAL}") downloads it once (156 MB).',
    OFFICIAL,
)


class Sam2Segmenter:
    """A SAM 2 model and its memory of one video. See `Segmenter`.

    Parameters
    ----------
    model : from `sam2_backend.load_model`.
    video : frames; read when needed.
    clean_masks : specks and pinholes are dropped where they are smaller, but never what was
        clicked: in pixels from 1 up, below 1 as a share of the mask's area; 0 is not at all.
    memory : the memory policy, as `sam2_backend.load_model` takes it; the model's own if None.
    """

    def __init__(
        self,
        model: Sam2Model,
        video: Video,
        *,
        clean_masks: float = CLEANED_SHARE,
        memory: Any = None,
    ) -> None:
        from sam2_backend import VideoPredictor
        from sam2_backend.tracking.policies import name_policy

        self.name: str = model.config.name
        self.device: str = str(model.device)
        self._defers_tracking = model.device.type == "cuda"
        self.proposal_thresholds: tuple[float, float] = model.config.proposal_thresholds
        self.model_note: ModelNote | None = _BUNDLED_NOTE if model.is_bundled else None
        # What is shown is the session's to decide: it knows what a person has made, and takes
        # back what it cut.
        self.predictor = VideoPredictor(
            *(model, video),
            sizes_hw=video.sizes_hw,
            exclusive_memory=True,
            memory_policy=memory,
            fetch_logits=True,
        )
        """What tracks."""
        self.memory: str | None = name_policy(model.memory_policy if memory is None else memory)
        """Name of the memory policy; None of an object without a name."""
        self.set_cleaning(clean_masks)
        self._video = video
        self._known: dict[tuple[int, int], PromptSet] = {}

    def with_memory(self, memory: object) -> Sam2Segmenter:
        """Make a segmenter of the same model and video with another memory policy."""
        return Sam2Segmenter(self.predictor.model, self._video, memory=memory)

    def prompt(self, frame: int, obj: int, prompts: PromptSet) -> Prediction:
        """Answer a prompt set: clicks that are new refine, any other change replays it all."""
        assert prompts, "clear() takes all prompts away"
        known = self._known.pop((obj, frame), PromptSet())
        if known and not prompts.extends(known):
            self.predictor.clear_prompts(frame, obj)
            known = PromptSet()
        result: FrameResult | None = None
        if not known and prompts.mask is not None:
            result = self.predictor.add_mask(frame, obj, prompts.mask.to_array())
        if not known and prompts.box is not None:
            result = self.predictor.add_box(frame, obj, prompts.box)
        # One at a time, as they were made: each refines the answer to those before.
        for n, point in enumerate(prompts.points[len(known.points) :], len(known.points)):
            result = self.predictor.add_points(
                *(frame, obj, [[point.x, point.y]], [point.label]),
                candidate=None if n else prompts.candidate,
            )
        if result is None:
            # Asked the same again.
            self.predictor.clear_prompts(frame, obj)
            return self.prompt(frame, obj, prompts)
        self._known[obj, frame] = prompts
        return _prediction(result, obj)

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        """Answer one more click on an object (None: a new one) without remembering it."""
        obj = 0 if obj is None else obj
        return _prediction(
            self.predictor.preview(frame, obj, [[point.x, point.y]], [point.label]), obj
        )

    def decoder_inputs(self, frame: int, obj: int | None) -> DecoderInputs:
        """Get what the decoder is given before a further click; see `SupportsBrowserDecoder`."""
        return self.predictor.decoder_inputs(frame, 0 if obj is None else obj)

    def read_decoder(self) -> bytes:
        """Read the mask decoder as ONNX; see `SupportsBrowserDecoder`."""
        from sam2_backend.onnx.kept_decoder import read_decoder

        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sam2widget"
        return read_decoder(self.predictor.model, cache)

    def propose(self, frame: int) -> Generator[None, None, Sequence[Proposed]]:
        """Find what there is on a frame, the best first, some clicks a step."""
        found = yield from self.predictor.propose(frame)
        clean = self.predictor.cleaner.clean
        return [
            Proposed(clean(one["segmentation"]), one["predicted_iou"], one["stability_score"])
            for one in found
        ]

    def clear(self, frame: int, obj: int) -> None:
        """Forget all there is of one object on one frame."""
        self._known.pop((obj, frame), None)
        self.predictor.clear_prompts(frame, obj)

    def remove(self, obj: int) -> None:
        """Forget an object, if it is known."""
        self._known = {key: value for key, value in self._known.items() if key[0] != obj}
        with contextlib.suppress(KeyError):
            self.predictor.remove_object(obj)

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        """Track objects onto one frame, all in one batch."""
        return self.begin_track(frame, objs, reverse=reverse)()

    @property
    def defers_tracking(self) -> bool:
        """Whether a frame is still computed when the next is asked for: on a GPU."""
        return self._defers_tracking

    def begin_track(
        self, frame: int, objs: Sequence[int], *, reverse: bool
    ) -> Callable[[], dict[int, Prediction]]:
        """Track objects onto one frame without waiting; see `SupportsDeferredTracking`."""
        result = self.predictor.track(frame, objs, reverse=reverse)
        return lambda: {obj: _prediction(result, obj) for obj in objs}

    def set_cleaning(self, size: float) -> None:
        """Drop specks and pinholes that are smaller from now on; see `clean_masks`."""
        from sam2_backend.masks.postprocessing import MaskCleaner

        self.predictor.cleaner = MaskCleaner(size, size)

    def set_exclusive_memory(self, on: bool) -> None:
        """Remember tracked objects without what others have more of from now on, or not."""
        self.predictor.exclusive_memory = on

    def without_specks(
        self, mask_hw: NDArray[np.bool_], points: Sequence[Point]
    ) -> NDArray[np.bool_]:
        """A mask without specks, as answers are; its holes stay."""
        cleaner = replace(self.predictor.cleaner, fill_holes=0)
        places = [(point.x, point.y) for point in points]
        return cleaner.clean(mask_hw, places, [point.label for point in points])

    def remember_as(self, frame: int, obj: int, mask_hw: NDArray[np.bool_] | None) -> None:
        """Let memory hold another mask on a prompted frame than the answer; that one if None."""
        self.predictor.remember_as(frame, obj, mask_hw)

    def forget_pixels(self) -> None:
        """Look at frames anew: they are shown otherwise now."""
        self.predictor.forget_pixels()

    def restore(self, frame: int, obj: int, mask_hw: NDArray[np.bool_]) -> None:
        """Put a known mask back into memory as a tracked one, if it is not there."""
        self.predictor.restore(frame, obj, mask_hw)

    @property
    def reach(self) -> int:
        """Frames that tracking looks back."""
        return self.predictor.reach

    def restore_before(
        self,
        frame: int,
        masks: Mapping[int, Mapping[int, NDArray[np.bool_]]],
        *,
        reverse: bool,
    ) -> None:
        """Put known masks back into memory, as far back as tracking onto a frame looks."""
        self.predictor.restore_before(frame, masks, reverse=reverse)


def _prediction(result: FrameResult, obj: int) -> Prediction:
    found = result.candidates.get(obj)
    candidates = None if found is None else Candidates(found.masks_nhw, found.ious, found.chosen)
    return Prediction(
        *(result.masks[obj], result.scores[obj], result.ious[obj]), candidates, result.logits[obj]
    )
