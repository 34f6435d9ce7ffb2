"""Motion-aware memory: SAMURAI (Yang et al. 2024, arXiv 2411.11922), sections 4.1 and 4.2.

For an object that moves among others like it. A Kalman filter foretells the object's box; where the
object has been followed for long enough, the mask is chosen that fits both the network's own
scores and the box. Only frames of which mask, visibility and motion are good enough are attended
to, however far back they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ...network.config import ModelConfig
from .candidates import Box, FrameRecord, box_iou
from .kalman import BoxFilter
from .policy import Decision, FrameHistory, TrackedPath
from .selective import SelectivePolicy
from .settings import MAX_FRAMES, PolicySettings


@dataclass(frozen=True)
class MotionSettings(PolicySettings):
    """Settings of SAMURAI, by default those that were published with it (arXiv 2411.11922)."""

    motion_weight: float = 0.15
    """Weight of the motion score beside that of the predicted IoU, whose is 1 less it: alpha_kf of
    section 4.1."""
    min_steady_frames: int = 15
    """Frames in a row on which the object must have been followed before motion counts: tau_kf of
    section 4.1, whose value is the released configuration's."""
    min_steady_iou: float = 0.3
    """Predicted IoU above which it has been followed on a frame, from the released
    configuration."""
    min_iou: float = 0.5
    """Predicted IoU above which a frame is attended to: tau_mask of section 4.2."""
    min_object_score: float = 0.0
    """Visibility logit above which a frame is attended to: tau_obj of section 4.2."""
    min_motion_score: float = 0.0
    """Motion score above which a frame is attended to: tau_kf of section 4.2. A frame that has
    none passes."""

    policy = "motion"
    ranges: ClassVar = {
        "motion_weight": (0, 1),
        "min_steady_frames": (0, MAX_FRAMES),
        "min_steady_iou": (0, 1),
        "min_iou": (0, 1),
        "min_object_score": (-100, 100),
        "min_motion_score": (0, 1),
    }

    def make_policy(self, config: ModelConfig) -> MotionPolicy:
        """Make the policy for a network."""
        return MotionPolicy(config, self)


@dataclass(frozen=True)
class MotionRecord(FrameRecord):
    """A frame on which motion was followed."""

    motion_score: float | None
    """IoU of the box that was foretold with that of the mask; None where nothing was foretold."""
    filter: BoxFilter | None
    """The filter after the frame; None where the object is lost."""
    num_steady: int
    """Frames in a row on which it has been followed, with this one."""
    reverse: bool
    """Whether tracking came from later frames, so that the filter's time runs backward."""


@dataclass(frozen=True)
class _Motion:
    filter: BoxFilter | None = None
    num_steady: int = 0

    def observe(self, box: Box | None) -> _Motion:
        """Take in the box of a frame that the filter stands at; None where it was not followed."""
        if box is None:
            return _Motion()
        if self.filter is None:
            return _Motion(BoxFilter.start(box), 1)
        return _Motion(self.filter.update(box), self.num_steady + 1)

    def predict(self, num_frames: int) -> _Motion:
        """Move the filter on."""
        return (
            self if self.filter is None else replace(self, filter=self.filter.predict(num_frames))
        )


class MotionPolicy(SelectivePolicy):
    """Chooses masks and memories by motion as well; see the module.

    It costs no more network than the plain policy: a Kalman filter of eight numbers an object. The
    frame just before is always attended to, as by the released SAMURAI, so that an object is not
    lost of which no frame is good enough.

    Parameters
    ----------
    config : of the network.
    settings : thresholds and weights.
    """

    def __init__(self, config: ModelConfig, settings: MotionSettings | None = None) -> None:
        super().__init__(config)
        self.settings = settings or MotionSettings()

    def decide(self, paths: Sequence[TrackedPath]) -> list[Decision]:
        """Choose the mask by predicted IoU and motion; see `DecidingPolicy.decide`."""
        path, settings = paths[0], self.settings
        candidates = path.candidates
        motion = self.foretell(path.history)
        foretold = None if motion.filter is None else motion.filter.box
        scores_c = [box_iou(foretold, box) for box in candidates.boxes]
        chosen = candidates.best
        if foretold is not None and motion.num_steady >= settings.min_steady_frames:
            weight = settings.motion_weight
            combined = [
                weight * score + (1 - weight) * float(iou)
                for score, iou in zip(scores_c, candidates.ious_c, strict=True)
            ]
            chosen = combined.index(max(combined))
        record = candidates.record(chosen)
        is_followed = record.box is not None and record.iou > settings.min_steady_iou
        after = motion.observe(record.box if is_followed else None)
        return [
            Decision(
                0,
                chosen,
                MotionRecord(
                    **vars(record),
                    motion_score=None if foretold is None else scores_c[chosen],
                    filter=after.filter,
                    num_steady=after.num_steady,
                    reverse=path.history.reverse,
                ),
            )
        ]

    def foretell(self, history: FrameHistory) -> _Motion:
        """The filter, moved on to the current frame, and the steady frames before it.

        It goes on from the last frame whose record holds it, and takes in the boxes since: those of
        prompts, and of masks that were put back into memory.
        """
        since: list[tuple[int, FrameRecord]] = []
        for distance, t in sorted(history.previous.items()):
            record = history.records.get(t)
            if record is None:
                break
            since.append((distance, record))
            if isinstance(record, MotionRecord) and record.reverse == history.reverse:
                break
        motion, at = _Motion(), since[-1][0] if since else 0
        for distance, record in reversed(since):
            if isinstance(record, MotionRecord) and record.reverse == history.reverse:
                motion = _Motion(record.filter, record.num_steady)
            else:
                motion = motion.predict(at - distance).observe(record.box)
            at = distance
        return motion.predict(at)

    def is_good(self, record: FrameRecord) -> bool:
        """Whether a frame's mask, visibility and motion are good enough (section 4.2)."""
        settings = self.settings
        motion = record.motion_score if isinstance(record, MotionRecord) else None
        return (
            record.box is not None
            and record.iou > settings.min_iou
            and record.object_score > settings.min_object_score
            and (motion is None or motion > settings.min_motion_score)
        )

    def find_good(self, history: FrameHistory) -> list[int]:
        """All good frames whose memory is kept, and the frame just before, the nearest first."""
        good = super().find_good(history)
        last = history.previous.get(1)
        if last is not None and last in history.with_memory and last not in good:
            good.insert(0, last)
        return good

    def retain(self, history: FrameHistory) -> list[int]:
        """Keep the last good frames; see `DecidingPolicy.retain`."""
        good = super().find_good(history)
        return [t for t in good if t not in history.conditioning][: self.memory_reach]


def make(config: ModelConfig, **settings: Any) -> MotionPolicy:
    """Make the policy with some settings of its own."""
    return MotionPolicy(config, MotionSettings(**settings))
