"""One of transformers' video segmentation models as a `Segmenter`."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Video

from ...core.masks.cleaning import CLEANED_SHARE
from ..segmenter import Candidates, Point, Prediction, PromptSet, Proposed
from .hub import find_class
from .kinds import kind_of

if TYPE_CHECKING:
    from torch import Tensor

    from .object_memory import Answer, ObjectMemory

_BOX_START, _BOX_END = 2, 3
"""Labels of a box's corners."""


class TransformersSegmenter:
    """A model of `transformers` and its memory of one video. See `Segmenter`.

    Parameters
    ----------
    model : a `Sam2VideoModel`, `EdgeTamVideoModel` or `Sam3TrackerVideoModel`, on its device.
    video : frames; read when needed.
    name : to show; what the model was loaded from if "".

    Raises
    ------
    SessionError
        When it is another model.
    """

    def __init__(self, model: Any, video: Video, *, name: str = "") -> None:
        from .frames import FeatureCache, LazyFrames

        kind = kind_of(model.config.model_type)
        self.loaded_model: Any = model.eval().requires_grad_(False)
        self.name: str = name or model.config.name_or_path or type(model).__name__
        self.device: str = str(model.device)
        self._video = video
        self._side = kind.side_of(model.config)
        self._frames = LazyFrames(video, self._side, kind.mean, kind.std)
        self._features = FeatureCache()
        self._session_class = find_class(kind.session_class)
        self._memories: dict[int, ObjectMemory] = {}
        self._known: dict[tuple[int, int], PromptSet] = {}
        self.set_cleaning(CLEANED_SHARE)

    def prompt(self, frame: int, obj: int, prompts: PromptSet) -> Prediction:
        """Answer a prompt set: clicks that are new refine, any other change replays it all."""
        assert prompts, "clear() takes all prompts away"
        memory = self._memories.get(obj) or self._new_memory()
        self._memories[obj] = memory
        known = self._known.pop((obj, frame), PromptSet())
        if known and (known == prompts or not prompts.extends(known)):
            memory.forget(frame)
            known = PromptSet()
        answer: Answer | None = None
        if not known and prompts.mask is not None:
            answer = memory.add_mask(frame, self._to_input(prompts.mask.to_array()))
        if not known and prompts.box is not None:
            answer = self._click(memory, frame, replace(prompts, points=()))
        # One at a time, as they were made: each refines the answer to those before.
        for n in range(len(known.points), len(prompts.points)):
            answer = self._click(memory, frame, replace(prompts, points=prompts.points[: n + 1]))
        assert answer is not None, "a prompt set that is not empty is answered"
        self._known[obj, frame] = prompts
        return self._prediction(frame, answer, prompts)

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        """Answer one more click on an object (None: a new one) without remembering it."""
        known = PromptSet() if obj is None else self._known.get((obj, frame), PromptSet())
        memory = None if obj is None else self._memories.get(obj)
        memory = self._new_memory() if memory is None else memory.copy()
        prompts = known.with_point(point)
        answer = self._click(memory, frame, prompts, remember=False)
        return replace(self._prediction(frame, answer, prompts), candidates=None)

    def propose(self, frame: int) -> Generator[None, None, Sequence[Proposed]]:
        """Find what there is on a frame, the best first, some clicks a step."""
        from .proposals import propose_masks

        size_hw = self._video.size_hw(frame)
        found = yield from propose_masks(
            self.loaded_model, self._new_session(), frame, self._side, size_hw
        )
        return [replace(one, mask_hw=self._cleaner.clean(one.to_array())) for one in found]

    def clear(self, frame: int, obj: int) -> None:
        """Forget all there is of one object on one frame."""
        self._known.pop((obj, frame), None)
        if obj in self._memories:
            self._memories[obj].forget(frame)

    def remove(self, obj: int) -> None:
        """Forget an object, if it is known."""
        self._known = {key: value for key, value in self._known.items() if key[0] != obj}
        self._memories.pop(obj, None)

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        """Track objects onto one frame, those that are not prompted there in one batch."""
        answers = self._track_together(frame, objs, reverse=reverse)
        for obj in objs:
            if obj not in answers:
                answers[obj] = self._memories[obj].track(frame, reverse=reverse)
        return {
            obj: self._prediction(frame, answers[obj], self._known.get((obj, frame), PromptSet()))
            for obj in objs
        }

    def restore(self, frame: int, obj: int, mask_hw: NDArray[np.bool_]) -> None:
        """Put a known mask back into memory as a tracked one, if it is not there."""
        memory = self._memories.get(obj) or self._new_memory()
        self._memories[obj] = memory
        memory.restore(frame, self._to_input(mask_hw))

    def set_cleaning(self, size: float) -> None:
        """Drop specks and pinholes that are smaller from now on, but never what was clicked."""
        from sam2_backend.masks.postprocessing import MaskCleaner

        self._cleaner = MaskCleaner(size, size)

    def without_specks(
        self, mask_hw: NDArray[np.bool_], points: Sequence[Point]
    ) -> NDArray[np.bool_]:
        """A mask without specks, as answers are; its holes stay."""
        return replace(self._cleaner, fill_holes=0).clean(mask_hw, *_clicks(points))

    def forget_pixels(self) -> None:
        """Look at frames anew: they are shown otherwise now."""
        self._features.clear_all()

    def _track_together(
        self, frame: int, objs: Sequence[int], *, reverse: bool
    ) -> dict[int, Answer]:
        """Track several objects that are not prompted on the frame; {} where it is no batch."""
        from .batching import can_batch, track_together

        together = [obj for obj in objs if frame not in self._memories[obj].conditioning]
        if len(together) < 2 or not can_batch(self.loaded_model):
            return {}
        sessions = [self._memories[obj].begin_track(frame) for obj in together]
        entries = track_together(self.loaded_model, sessions, frame, reverse=reverse)
        return {
            obj: self._memories[obj].end_track(frame, entry, reverse=reverse)
            for obj, entry in zip(together, entries, strict=True)
        }

    def _new_memory(self) -> ObjectMemory:
        from .object_memory import ObjectMemory

        return ObjectMemory(self.loaded_model, self._new_session)

    def _new_session(self) -> Any:
        session = self._session_class(
            video_height=self._video.height,
            video_width=self._video.width,
            inference_device=self.loaded_model.device,
            inference_state_device=self.loaded_model.device,
            dtype=self.loaded_model.dtype,
        )
        session.processed_frames = self._frames
        session.cache = self._features
        return session

    def _click(
        self, memory: ObjectMemory, frame: int, prompts: PromptSet, *, remember: bool = True
    ) -> Answer:
        """Answer the box and points of a prompt set."""
        import torch

        corners = () if prompts.box is None else (prompts.box[:2], prompts.box[2:])
        places = [*corners, *((point.x, point.y) for point in prompts.points)]
        labels = [*(_BOX_START, _BOX_END)[: len(corners)], *(p.label for p in prompts.points)]
        height, width = self._video.size_hw(frame)
        device = self.loaded_model.device
        scale = torch.tensor([self._side / width, self._side / height])
        return memory.add_points(
            frame,
            (torch.tensor(places, dtype=torch.float32) * scale).to(device),
            torch.tensor(labels, dtype=torch.int32, device=device),
            candidate=prompts.candidate if _is_ambiguous(prompts) else None,
            remember=remember,
        )

    def _to_input(self, mask_hw: NDArray[np.bool_]) -> Tensor:
        from sam2_backend.network.transforms import mask_to_input

        return mask_to_input(mask_hw, self._side, self.loaded_model.device)

    def _prediction(self, frame: int, answer: Answer, prompts: PromptSet) -> Prediction:
        clicks = _clicks(prompts.points)
        (mask_hw,) = self._to_masks(answer.logits_11hw, frame)
        candidates = None
        if answer.candidate_logits_mhw is not None and answer.score > 0 and _is_ambiguous(prompts):
            masks = self._to_masks(answer.candidate_logits_mhw[:, None], frame)
            cleaned = np.stack([self._cleaner.clean(one, *clicks) for one in masks])
            candidates = Candidates(cleaned, answer.candidate_ious, answer.chosen)
        return Prediction(
            self._cleaner.clean(mask_hw, *clicks),
            answer.score,
            answer.iou,
            candidates,
            answer.logits_11hw[0, 0].cpu().numpy(),
        )

    def _to_masks(self, logits_n1hw: Tensor, frame: int) -> NDArray[np.bool_]:
        """(N, H, W) in pixels of the frame."""
        from sam2_backend.network.transforms import logits_to_masks

        return logits_to_masks(logits_n1hw, self._video.size_hw(frame))


def _is_ambiguous(prompts: PromptSet) -> bool:
    """Whether it is a single click, which may mean several objects."""
    return prompts.box is None and len(prompts.points) == 1


def _clicks(points: Sequence[Point]) -> tuple[list[tuple[float, float]], list[int]]:
    return [(point.x, point.y) for point in points], [point.label for point in points]
