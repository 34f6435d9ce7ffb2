"""The official video path and ours, given the same calls; every answer is compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sam2_backend import FrameResult, Sam2Model, VideoPredictor
from sam2_backend.network.transforms import frame_to_input
from tests.oracle import official as oracle
from tests.parity.figures import Figures

Point = tuple[float, float]


class VideoPair:
    """Both video predictors, looking at one clip. Coordinates are shares of width and height.

    Parameters
    ----------
    official : from `oracle.build`.
    model : its twin.
    frames : (H, W, 3) uint8.
    folder : an empty one, for the files that the official predictor reads.
    same_tensor : both see the very same input tensor; otherwise each resizes for itself.
    options : of our predictor.
    """

    def __init__(
        self,
        official: Any,
        model: Sam2Model,
        frames: Sequence[NDArray[np.uint8]],
        folder: Path,
        *,
        same_tensor: bool = True,
        **options: Any,
    ) -> None:
        decoded = oracle.save_video(frames, folder)
        pixels = None
        if same_tensor:
            size = model.config.image_size
            pixels = torch.cat([frame_to_input(rgb, size, torch.device("cpu")) for rgb in decoded])
        self.official = official
        self.state = oracle.open_video(official, folder, pixels)
        self.ours = VideoPredictor(model, decoded, **options)
        self.figures = Figures()
        self.scores: list[float] = []
        """The official object score of each answer compared."""
        self._scale = np.array(decoded[0].shape[1::-1])

    def add_points(
        self, frame: int, obj: int, points: Sequence[Point], labels: Sequence[int]
    ) -> FrameResult:
        """Click in both; what ours answers."""
        scaled = np.multiply(points, self._scale).astype(np.float32)
        answer = self.official.add_new_points_or_box(
            self.state, frame, obj, points=scaled, labels=list(labels), clear_old_points=False
        )
        result = self.ours.add_points(frame, obj, scaled, list(labels))
        self._compare(answer, result)
        self._go_on_alike(frame, obj)
        return result

    def add_box(self, frame: int, obj: int, box: tuple[float, float, float, float]) -> None:
        scaled = np.multiply(box, np.tile(self._scale, 2)).astype(np.float32)
        answer = self.official.add_new_points_or_box(self.state, frame, obj, box=scaled)
        self._compare(answer, self.ours.add_box(frame, obj, scaled))
        self._go_on_alike(frame, obj)

    def add_mask(self, frame: int, obj: int, mask_hw: NDArray[np.bool_]) -> None:
        answer = self.official.add_new_mask(self.state, frame, obj, mask_hw)
        self._compare(answer, self.ours.add_mask(frame, obj, mask_hw))

    def remove_object(self, obj: int) -> None:
        self.official.remove_object(self.state, obj)
        self.ours.remove_object(obj)

    def propagate_each(self, start: int) -> None:
        """Track to the end, each for itself: nothing is compared."""
        for _ in self.official.propagate_in_video(self.state, start_frame_idx=start):
            pass
        for _ in self.ours.propagate(start=start):
            pass

    def propagate(self, start: int, *, stop: int | None = None, reverse: bool = False) -> None:
        """Track on from `start`; `stop`, itself excluded, where not to the end."""
        end = stop if stop is not None else (-1 if reverse else len(self.ours))
        reference = self.official.propagate_in_video(
            self.state,
            start_frame_idx=start,
            max_frame_num_to_track=abs(end - start) - 1,
            reverse=reverse,
        )
        ours = self.ours.propagate(start=start, stop=end, reverse=reverse)
        for answer, result in zip(reference, ours, strict=True):
            assert set(result.masks) == set(answer[1])
            self._compare(answer, result)

    def reference_mask(self, obj: int, frame: int) -> NDArray[np.bool_]:
        """(S/4, S/4) mask that the official predictor holds for one object on one frame."""
        return oracle.low_resolution_logits(self.state, obj, frame) > 0

    def our_mask(self, obj: int, frame: int) -> NDArray[np.bool_]:
        """(S/4, S/4) mask that ours gives for one object on a prompted frame."""
        return self.ours.track(frame, [obj]).logits[obj] > 0

    def _go_on_alike(self, frame: int, obj: int) -> None:
        """Let ours remember the official answer to a prompt, which has been compared. Memory takes
        it cut at 0: a pixel on the very edge, which the last bit decides, would count as much as
        one that is wrong."""
        logits = oracle.low_resolution_logits(self.state, obj, frame)
        entry = self.ours.tracker.banks[obj].entry(frame)
        assert entry is not None
        entry.logits = torch.from_numpy(logits)[None, None]

    def _compare(self, answer: tuple[int, list[int], torch.Tensor], result: FrameResult) -> None:
        frame, objects, logits_n1hw = answer
        assert result.frame == frame
        for obj in result.masks:
            reference = (logits_n1hw[objects.index(obj), 0] > 0).numpy()
            self.figures.compare_mask(result.masks[obj], reference)
            self.figures.compare_logits(
                result.logits[obj], oracle.low_resolution_logits(self.state, obj, frame)
            )
            score = oracle.object_score(self.state, obj, frame)
            self.figures.compare_score(result.scores[obj], score)
            self.scores.append(score)
