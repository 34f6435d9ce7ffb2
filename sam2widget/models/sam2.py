"""SAM 2 as a `Segmenter`."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Video

from ..core.cleaning import CLEANED_SHARE
from .segmenter import Candidates, ModelNote, Point, Prediction, PromptSet, Proposed

if TYPE_CHECKING:
    from sam2_backend import FrameResult, Sam2Model

OFFICIAL = "sam2.1-hiera-tiny"
BUNDLED = "nano"
REACH_S = 4.0
"""How long the hub may take to answer before it counts as out of reach."""
_BUNDLED_NOTE = ModelNote(
    "small offline model · use SAM 2.1 tiny",
    "This small model comes with the library and needs no network. The official SAM 2.1 tiny makes "
    f'better masks: Sam2Widget(video, "{OFFICIAL}") downloads it once (156 MB).',
)


def load_segmenter(
    model: Any,
    device: str | None,
    video: Video,
    say: Callable[[str], None],
) -> Sam2Segmenter:
    """Load a model for a video, or share one that another has loaded; see `load_any`."""
    return Sam2Segmenter(load_any(model, device, say, shared=True), video)


def load_any(
    model: Any, device: str | None, say: Callable[[str], None], *, shared: bool = False
) -> Sam2Model:
    """Load a model.

    Parameters
    ----------
    model : "auto", or what `sam2_backend.load_model` takes, or a loaded model, or a function
        that loads one.
    device : "cuda", "cpu"…; the best there is if None. A loaded model stays where it is.
    say : shows what takes long.
    shared : of the same name and device, all get one; nobody may change it.

    Raises
    ------
    sam2_backend.CheckpointError
        When the name is unknown, or the checkpoint cannot be had or does not fit.
    ValueError
        When it is nothing of the kind.
    """
    from sam2_backend import Sam2Model, load_model
    from sam2_backend.checkpoints.shared import load_shared

    if not isinstance(model, Sam2Model) and callable(model):
        say("Loading the model")
        model = model()
    if isinstance(model, Sam2Model):
        return model
    if not isinstance(model, (str, os.PathLike)):
        raise ValueError(
            f"model must be a name, a path, a loaded Sam2Model, a function that returns one of "
            f"these, or a Segmenter, got a {type(model).__name__}."
        )
    load = load_shared if shared else load_model
    if model == "auto":
        return _load_auto(device, say, load)
    say(f"Loading {os.fspath(model)}")
    return load(model, device)


def find_loaded(model: object, device: str | None) -> Sam2Model | None:
    """The model that `load_segmenter` would use, if others use it already."""
    if "sam2_backend.checkpoints.shared" not in sys.modules or not isinstance(
        model, (str, os.PathLike)
    ):
        return None
    from sam2_backend.checkpoints.shared import find_shared

    names = (OFFICIAL, BUNDLED) if model == "auto" else (cast("str | os.PathLike[str]", model),)
    found = (find_shared(name, device) for name in names)
    return next((one for one in found if one is not None), None)


class Sam2Segmenter:
    """A SAM 2 model and its memory of one video. See `segmenter.Segmenter`.

    Parameters
    ----------
    model : from `sam2_backend.load_model`.
    video : frames; read when needed.
    clean_masks : specks and pinholes are dropped where they are smaller, but never what was
        clicked: in pixels from 1 up, below 1 as a share of the mask's area; 0 is not at all.
    """

    def __init__(
        self, model: Sam2Model, video: Video, *, clean_masks: float = CLEANED_SHARE
    ) -> None:
        from sam2_backend import VideoPredictor

        self.name: str = model.config.name
        self.device: str = str(model.device)
        self.proposal_thresholds: tuple[float, float] = model.config.proposal_thresholds
        self.model_note: ModelNote | None = _BUNDLED_NOTE if model.is_bundled else None
        # What is shown is the session's to decide: it knows what a person has made, and takes
        # back what it cut.
        self._predictor = VideoPredictor(
            model, video, sizes_hw=video.sizes_hw, exclusive_memory=True
        )
        self.set_cleaning(clean_masks)
        self._known: dict[tuple[int, int], PromptSet] = {}

    def prompt(self, frame: int, obj: int, prompts: PromptSet) -> Prediction:
        """Answer a prompt set: clicks that are new refine, any other change replays it all."""
        assert prompts, "clear() takes all prompts away"
        known = self._known.pop((obj, frame), PromptSet())
        if known and not prompts.extends(known):
            self._predictor.clear_prompts(frame, obj)
            known = PromptSet()
        result: FrameResult | None = None
        if not known and prompts.mask is not None:
            result = self._predictor.add_mask(frame, obj, prompts.mask.to_array())
        if not known and prompts.box is not None:
            result = self._predictor.add_box(frame, obj, prompts.box)
        # One at a time, as they were made: each refines the answer to those before.
        for n, point in enumerate(prompts.points[len(known.points) :], len(known.points)):
            result = self._predictor.add_points(
                *(frame, obj, [[point.x, point.y]], [point.label]),
                candidate=None if n else prompts.candidate,
            )
        if result is None:
            # Asked the same again.
            self._predictor.clear_prompts(frame, obj)
            return self.prompt(frame, obj, prompts)
        self._known[obj, frame] = prompts
        return _prediction(result, obj)

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        """Answer one more click on an object (None: a new one) without remembering it."""
        obj = 0 if obj is None else obj
        return _prediction(
            self._predictor.preview(frame, obj, [[point.x, point.y]], [point.label]), obj
        )

    def propose(self, frame: int) -> Generator[None, None, Sequence[Proposed]]:
        """Find what there is on a frame, the best first, some clicks a step."""
        found = yield from self._predictor.propose(frame)
        clean = self._predictor.cleaner.clean
        return [
            Proposed(clean(one["segmentation"]), one["predicted_iou"], one["stability_score"])
            for one in found
        ]

    def clear(self, frame: int, obj: int) -> None:
        """Forget all there is of one object on one frame."""
        self._known.pop((obj, frame), None)
        self._predictor.clear_prompts(frame, obj)

    def remove(self, obj: int) -> None:
        """Forget an object, if it is known."""
        self._known = {key: value for key, value in self._known.items() if key[0] != obj}
        with contextlib.suppress(KeyError):
            self._predictor.remove_object(obj)

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        """Track objects onto one frame, all in one batch."""
        result = self._predictor.track(frame, objs, reverse=reverse)
        return {obj: _prediction(result, obj) for obj in objs}

    def set_cleaning(self, size: float) -> None:
        """Drop specks and pinholes that are smaller from now on; see `clean_masks`."""
        from sam2_backend.masks.postprocessing import MaskCleaner

        self._predictor.cleaner = MaskCleaner(size, size)

    def set_exclusive_memory(self, on: bool) -> None:
        """Remember tracked objects without what others have more of from now on, or not."""
        self._predictor.exclusive_memory = on

    def without_specks(
        self, mask_hw: NDArray[np.bool_], points: Sequence[Point]
    ) -> NDArray[np.bool_]:
        """A mask without specks, as answers are; its holes stay."""
        cleaner = replace(self._predictor.cleaner, fill_holes=0)
        places = [(point.x, point.y) for point in points]
        return cleaner.clean(mask_hw, places, [point.label for point in points])

    def remember_as(self, frame: int, obj: int, mask_hw: NDArray[np.bool_] | None) -> None:
        """Let memory hold another mask on a prompted frame than the answer; that one if None."""
        self._predictor.remember_as(frame, obj, mask_hw)

    def forget_pixels(self) -> None:
        """Look at frames anew: they are shown otherwise now."""
        self._predictor.forget_pixels()

    def restore(self, frame: int, obj: int, mask_hw: NDArray[np.bool_]) -> None:
        """Put a known mask back into memory as a tracked one, if it is not there."""
        self._predictor.restore(frame, obj, mask_hw)


def _prediction(result: FrameResult, obj: int) -> Prediction:
    found = result.candidates.get(obj)
    candidates = None if found is None else Candidates(found.masks_nhw, found.ious, found.chosen)
    return Prediction(
        *(result.masks[obj], result.scores[obj], result.ious[obj]), candidates, result.logits[obj]
    )


def _load_auto(
    device: str | None,
    say: Callable[[str], None],
    load: Callable[[str, str | None], Sam2Model],
) -> Sam2Model:
    from sam2_backend import CheckpointError
    from sam2_backend.checkpoints.hub import is_cached

    if is_cached(OFFICIAL) or _hub_answers():
        say(f"Loading {OFFICIAL}; the first time it is downloaded (156 MB)")
        try:
            return load(OFFICIAL, device)
        except CheckpointError:
            say(f"{OFFICIAL} could not be had: loading the bundled {BUNDLED}")
    else:
        say(f"Loading the bundled {BUNDLED}")
    return load(BUNDLED, device)


def _hub_answers() -> bool:
    """Whether the hub can be reached within a few seconds; resolving its name takes its own
    time, so a thread asks."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

    if constants.HF_HUB_OFFLINE:
        return False
    url = hf_hub_url(f"facebook/{OFFICIAL}", "config.json")
    answered = threading.Event()

    def ask() -> None:
        try:
            get_hf_file_metadata(url, timeout=REACH_S)
        except Exception:
            # Whatever keeps it from answering, it is out of reach.
            return
        answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(REACH_S)
    return answered.is_set()
