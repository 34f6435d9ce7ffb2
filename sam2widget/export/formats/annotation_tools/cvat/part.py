"""The frames of a video that a task of CVAT has: it may begin later, and leave frames out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from sam2_backend.video import Video

from .....core.errors import SessionError

_STEP = re.compile(r"step\s*=\s*([1-9]\d*)")


@dataclass(frozen=True)
class PartOfSource:
    """Every `step`-th frame of a source, from `start` to `stop`, which is the last one."""

    start: int
    stop: int
    step: int

    @classmethod
    def of(cls, root: Xml.Element) -> PartOfSource | None:
        """Read from an export's `<meta>` which part of its source the task has.

        None where it has the whole source, or nothing is said.
        """
        places = (root.find(f"meta/{name}") for name in ("task", "job"))
        said = next((place for place in places if place is not None), None)
        if said is None:
            return None
        step = _STEP.search(said.findtext("frame_filter") or "")
        start, stop = ((said.findtext(f"{name}_frame") or "").strip() for name in ("start", "stop"))
        if not (start.isdecimal() and stop.isdecimal()):
            return None
        part = cls(int(start), int(stop), 1 if step is None else int(step[1]))
        return None if (part.start, part.step) == (0, 1) or part.stop < part.start else part

    @property
    def num_frames(self) -> int:
        """Number of frames of the task."""
        return (self.stop - self.start) // self.step + 1

    def place(
        self, numbers: Sequence[int], video: Video, where: str, notes: list[str]
    ) -> list[int]:
        """Give the frames of a video that frame numbers of an export mean.

        CVAT's are those of the source; the video may be that, or the task's frames alone.

        Parameters
        ----------
        where : names the file in sentences.
        notes : gets one where numbers are changed.

        Raises
        ------
        SessionError
            When the video is neither, or the numbers are none of the task.
        """
        total = len(video)
        are_of_source = all(
            self.start <= number <= self.stop and (number - self.start) % self.step == 0
            for number in numbers
        )
        are_counted = all(0 <= number < self.num_frames for number in numbers)
        if not are_of_source and not are_counted:
            raise SessionError(
                f"{where} is of {self}, but has shapes on frames {min(numbers)} to "
                f"{max(numbers)}, which are others."
            )
        if total > self.stop:
            placed = [
                number if are_of_source else self.start + number * self.step for number in numbers
            ]
        elif total == self.num_frames:
            placed = [
                (number - self.start) // self.step if are_of_source else number
                for number in numbers
            ]
        else:
            raise SessionError(
                f"{where} is of {self}, but the video has {total} frames: give the whole source, "
                f"or a video of these {self.num_frames} frames."
            )
        if placed != list(numbers):
            notes.append(
                f"{where} is of {self}: its frame {numbers[0]} is frame {placed[0]} of this video."
            )
        return placed

    def __str__(self) -> str:
        every = "" if self.step == 1 else f", one in {self.step}"
        return f"frames {self.start} to {self.stop} of its source{every}"
