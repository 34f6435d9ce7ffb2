"""A constrained tree of memories: SAM2Long (Ding et al. 2024, arXiv 2410.16268), section 3.

For long videos with occlusions. An object follows several paths at a time, each with a memory of
its own. On every frame each path offers three masks; of all these branches those of the highest
scores go on, a score being the sum of the logarithms of predicted IoUs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...network.config import ModelConfig
from .candidates import FrameRecord
from .policy import Decision, FrameHistory, MemorySelection, TrackedPath
from .selective import SelectivePolicy
from .settings import PolicySettings

_MIN_IOU = 1e-6
"""A predicted IoU of 0 has no logarithm."""


@dataclass(frozen=True)
class TreeSettings(PolicySettings):
    """Settings of SAM2Long, by default the published ones (arXiv 2410.16268, section 4.1)."""

    max_paths: int = 3
    """Paths that an object follows: P of section 3.2."""
    min_confident_score: float = 2.0
    """Visibility logit, of either sign, from which one path's is enough to be sure: delta_conf of
    section 3.2. Where no path is sure, branches go on that differ."""
    min_iou: float = 0.3
    """Predicted IoU above which a frame is attended to: delta_iou of section 3.3."""
    min_weight: float = 0.95
    """Factor of the memory in which the object is the least visible: w_low of section 3.3."""
    max_weight: float = 1.05
    """Factor of the memory in which it is the most visible: w_high of section 3.3."""

    policy = "tree"
    ranges: ClassVar = {
        "max_paths": (1, 16),
        "min_confident_score": (0, 100),
        "min_iou": (0, 1),
        "min_weight": (0, 10),
        "max_weight": (0, 10),
    }

    def make_policy(self, config: ModelConfig) -> TreePolicy:
        """Make the policy for a network."""
        return TreePolicy(config, self)


class TreePolicy(SelectivePolicy):
    """Follows several paths of an object and keeps the best; see the module.

    A frame's result is that of the path that is the best when the frame is tracked. (The paper
    takes those of the path that is the best in the end, which is known only then.) All of the
    network but the image encoder runs once for each path.

    Parameters
    ----------
    config : of the network.
    settings : thresholds and the number of paths.
    """

    def __init__(self, config: ModelConfig, settings: TreeSettings | None = None) -> None:
        super().__init__(config)
        self.settings = settings or TreeSettings()

    def decide(self, paths: Sequence[TrackedPath]) -> list[Decision]:
        """Choose the branches that go on; see `DecidingPolicy.decide`."""
        branches = [branch for n, path in enumerate(paths) for branch in _branches(n, path)]
        branches.sort(key=lambda branch: -branch.score)  # stable: the earlier path is the better
        surest = max(abs(path.candidates.object_score) for path in paths)
        if surest < self.settings.min_confident_score:
            branches = _distinct_first(branches)
        chosen = branches[: self.settings.max_paths]
        return sorted(chosen, key=lambda branch: -branch.score)

    def select(self, history: FrameHistory) -> MemorySelection:
        """Choose what a frame attends to, and weigh it; see `MemoryPolicy.select`."""
        selection = super().select(history)
        recent = [t for slot, t in selection.memories if slot != self.conditioning_slot]
        weights = self._weigh({t: history.records[t].object_score for t in recent})
        return MemorySelection(
            selection.memories,
            selection.pointers,
            [weights.get(t, 1.0) for _, t in selection.memories],
        )

    def is_good(self, record: FrameRecord) -> bool:
        """Whether the object is visible on a frame, and its mask is good enough (section 3.3)."""
        return record.box is not None and record.iou > self.settings.min_iou

    def _weigh(self, object_scores: dict[int, float]) -> dict[int, float]:
        """Give weights at even steps, the largest where the object is the most visible."""
        if len(object_scores) < 2:
            return {}
        low, high = self.settings.min_weight, self.settings.max_weight
        step = (high - low) / (len(object_scores) - 1)
        ascending = sorted(object_scores, key=lambda t: object_scores[t])
        return {t: low + n * step for n, t in enumerate(ascending)}


def _distinct_first(branches: Sequence[Decision]) -> list[Decision]:
    """Put branches behind whose predicted IoU is that of an earlier one, to two decimals."""
    distinct: list[Decision] = []
    others: list[Decision] = []
    seen: set[float] = set()
    for branch in branches:
        iou = round(branch.record.iou, 2)
        (others if iou in seen else distinct).append(branch)
        seen.add(iou)
    return distinct + others


def _branches(n: int, path: TrackedPath) -> list[Decision]:
    """The ways in which a path may go on: one where the object is absent, whatever the mask."""
    candidates = path.candidates
    offered = range(len(candidates.ious_c)) if candidates.is_visible else [candidates.best]
    found: list[Decision] = []
    for candidate in offered:
        record = candidates.record(candidate)
        score = path.score + math.log(max(record.iou, _MIN_IOU))
        found.append(Decision(n, candidate, record, score))
    return found


def make(config: ModelConfig, **settings: Any) -> TreePolicy:
    """Make the policy with some settings of its own."""
    return TreePolicy(config, TreeSettings(**settings))
