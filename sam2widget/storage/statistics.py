"""How much has been annotated, and what it took: the figures that data engines are judged by."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from ..annotation.records import Result
from ..models.segmenter import PromptSet
from .saved_session import SavedSession
from .session_file import read_session

IDLE_S = 60.0
"""A person who has done nothing for so long has gone away."""


@dataclass(frozen=True)
class Statistics:
    """Counts over one video or several; ``a + b`` adds them up."""

    videos: int = 0
    frames: int = 0
    """Of the videos."""
    annotated: int = 0
    """Frames with at least one mask."""
    masklets: int = 0
    """Objects with masks on more than one frame."""
    masks: int = 0
    """That are not empty and not rejected."""
    accepted: int = 0
    """Masks that a person vouches for."""
    edited: int = 0
    """Masks that a person prompted or painted; adopting a proposal is neither."""
    clicks: int = 0
    boxes: int = 0
    painted: int = 0
    """Masks that were drawn, adopted or imported as prompts."""
    seconds: float = 0.0
    """That a person spent, where it was measured."""

    @classmethod
    def of(cls, *sources: SavedSession | str | os.PathLike[str]) -> Statistics:
        """Add up the counts of session files, or of what is in them."""
        total = cls()
        for source in sources:
            saved = source if isinstance(source, SavedSession) else read_session(source)
            total += cls.count(saved.video.num_frames, saved.prompts, saved.results)
        return total

    @classmethod
    def count(
        cls,
        num_frames: int,
        prompts: Mapping[tuple[int, int], PromptSet],
        results: Mapping[tuple[int, int], Result],
        seconds: float = 0.0,
    ) -> Statistics:
        """Count what one video has; `prompts` and `results` are by (object id, frame)."""
        masks = {
            key: one for key, one in results.items() if one.state != "rejected" and one.mask.area
        }
        masks_of = Counter(obj for obj, _ in masks)
        return cls(
            videos=1,
            frames=num_frames,
            annotated=len({frame for _, frame in masks}),
            masklets=sum(count > 1 for count in masks_of.values()),
            masks=len(masks),
            accepted=sum(one.state == "accepted" for one in masks.values()),
            edited=sum(key in prompts and one.source != "proposal" for key, one in masks.items()),
            clicks=sum(len(one.points) for one in prompts.values()),
            boxes=sum(one.box is not None for one in prompts.values()),
            painted=sum(one.mask is not None for one in prompts.values()),
            seconds=seconds,
        )

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(self))
        )

    @property
    def clicks_per_edit(self) -> float:
        """Mean number of clicks for each mask that a person prompted or painted; 0 if none."""
        return self.clicks / self.edited if self.edited else 0.0

    @property
    def edited_share(self) -> float:
        """Share of all masks that a person prompted or painted, 0..1; the others were tracked."""
        return self.edited / self.masks if self.masks else 0.0

    @property
    def seconds_per_frame(self) -> float:
        """Seconds of a person's time for each annotated frame; 0 if there is none."""
        return self.seconds / self.annotated if self.annotated else 0.0

    def __str__(self) -> str:
        rows = [
            ("videos", f"{self.videos}"),
            ("frames", f"{self.frames}, {self.annotated} with masks"),
            ("masklets", f"{self.masklets}"),
            ("masks", f"{self.masks}, {self.accepted} accepted"),
            ("edited by hand", f"{self.edited} ({self.edited_share:.1%})"),
            ("prompts", f"{self.clicks} clicks, {self.boxes} boxes, {self.painted} masks"),
            ("clicks per edited mask", f"{self.clicks_per_edit:.2f}"),
        ]
        if self.seconds:
            rows.append(("seconds per frame", f"{self.seconds_per_frame:.2f}"))
        return "\n".join(f"{name:<24}{value}" for name, value in rows)


def time_spent(edit_times_s: Sequence[float]) -> float:
    """Give the seconds of work between moments, in seconds, at which something was done.

    Longer pauses than `IDLE_S` do not count.
    """
    gaps = (b - a for a, b in pairwise(edit_times_s))
    return sum(gap for gap in gaps if gap <= IDLE_S)
