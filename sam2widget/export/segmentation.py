"""What is exported and imported: masks by object and frame, and the video they are of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import FrameSource, Video

from ..annotation.classes import Labels, color_by_class
from ..annotation.records import ColorBy, ObjectClass, ObjectInfo, Result
from ..annotation.tables import FrameTable
from ..core.arguments import as_path
from ..core.errors import SessionError
from ..core.files import make_file_name
from ..core.masks import Mask
from ..core.masks.label_maps import OverlapCounter, paint_labels
from ..models.segmenter import Box
from ..storage.saved_session import SavedSession
from ..storage.session_file import read_session
from .frame_names import FrameNames


@dataclass(frozen=True)
class Segmentation:
    """The objects of a video and their masks, as they were when it was made.

    Rejected masks are not among them.
    """

    video: Video
    objects: tuple[ObjectInfo, ...]
    """By id, ascending."""
    results: Mapping[tuple[int, int], Result]
    """By (object id, frame)."""
    non_overlapping: bool = False
    """Whether what the model says was kept from overlapping."""
    classes: tuple[ObjectClass, ...] = ()
    """That objects may have, in their order."""
    on_frame: Callable[[int], None] | None = field(default=None, repr=False, compare=False)
    """Called with each frame that is read: how far an export is. What it raises ends that."""

    @classmethod
    def of(cls, source: SegmentationSource, video: FrameSource | None = None) -> Segmentation:
        """Make the segmentation of a widget, of a session file or of what is in one.

        Parameters
        ----------
        source : a `Sam2Widget`, a `SavedSession`, the path of a session file, or a segmentation.
        video : of a session whose video is not where the session says.

        Raises
        ------
        SessionError, VideoError
            When the file or its video cannot be read.
        """
        if isinstance(source, Segmentation):
            return source
        if isinstance(source, SavedSession):
            return cls._saved(source, source.open_video(video))
        if isinstance(source, (str, os.PathLike)):
            saved = read_session(source)
            return cls._saved(
                saved, saved.open_video(video, near=as_path(source, "The path of a session"))
            )
        found = getattr(source, "segmentation", None)
        if isinstance(found, Segmentation):
            return found
        raise SessionError(
            "Masks come from a Sam2Widget, a session file, or what read_session gave, got a "
            f"{type(source).__name__}."
        )

    @classmethod
    def make(
        cls,
        video: Video,
        objects: tuple[ObjectInfo, ...],
        results: Mapping[tuple[int, int], Result],
        *,
        non_overlapping: bool = False,
        classes: tuple[ObjectClass, ...] = (),
        color_by: ColorBy = "object",
    ) -> Segmentation:
        """Make a segmentation of all results; the rejected ones among them are left out.

        With `color_by` "class", objects are given the colours of their classes.
        """
        rows = {
            obj: {frame: row[frame] for frame in sorted(row) if row[frame].state != "rejected"}
            for obj, row in FrameTable.of_mapping(results).rows()
        }
        kept = FrameTable(rows={obj: row for obj, row in rows.items() if row})
        objects = color_by_class(objects, classes) if color_by == "class" else objects
        listed = tuple(sorted(objects, key=lambda info: info.id))
        return cls(video, listed, kept, non_overlapping, classes)

    @classmethod
    def _saved(cls, saved: SavedSession, video: Video) -> Segmentation:
        return cls.make(
            *(video, saved.objects, saved.results),
            non_overlapping=bool(saved.non_overlapping),
            classes=saved.classes,
            color_by=saved.color_by,
        )

    @property
    def name(self) -> str:
        """Name of the video, fit to name a file."""
        return make_file_name(Path(self.video.name).stem, default="video")

    @cached_property
    def categories(self) -> list[str]:
        """All classes in their order, then the names of the objects that have none, once each."""
        names = [one.name for one in self.classes]
        names += [self.category(info) for info in self.objects]
        return list(dict.fromkeys(names))

    def category(self, info: ObjectInfo) -> str:
        """Give what an object is to a format that knows kinds alone: its class, else its name."""
        return info.class_name or info.name

    @cached_property
    def frame_names(self) -> FrameNames:
        """Names of the video's frames."""
        return FrameNames(self.video)

    def __len__(self) -> int:
        """Number of frames of the video."""
        return len(self.video)

    def size_hw(self, frame: int) -> tuple[int, int]:
        """Give the size (H, W) of a frame in pixels."""
        return self.video.size_hw(frame)

    def picture(self, frame: int) -> NDArray[np.uint8]:
        """Give the pixels of a frame: (H, W, 3) uint8 RGB, which belong to the video."""
        self._tell(frame)
        return self.video[frame]

    def mask(self, obj: int, frame: int) -> NDArray[np.bool_]:
        """Give the mask of an object on a frame: (H, W) bool, a new array; all False if none."""
        self._tell(frame)
        result = self.results.get((obj, frame))
        return np.zeros(self.size_hw(frame), bool) if result is None else result.mask.to_array()

    def share(self, obj: int, frame: int) -> float:
        """Give the share of a frame's pixels in an object's mask, 0..1; the mask is not decoded."""
        result = self.results.get((obj, frame))
        height, width = self.size_hw(frame)
        return 0.0 if result is None else result.mask.area / (height * width)

    def shown(self, frame: int) -> Iterator[tuple[ObjectInfo, NDArray[np.bool_]]]:
        """Yield the objects that have a pixel on a frame, with their (H, W) masks, bool."""
        self._tell(frame)
        for info in self.objects:
            result = self.results.get((info.id, frame))
            if result is not None and result.mask.area:
                yield info, result.mask.to_array()

    def label_map(self, frame: int, overlaps: OverlapCounter | None = None) -> NDArray[np.int32]:
        """Give the object ids of a frame's pixels, (H, W) int32, 0 for background.

        Where two overlap, the larger shows, and `overlaps` counts.
        """
        masks = ((info.id, mask_hw) for info, mask_hw in self.shown(frame))
        return paint_labels(self.size_hw(frame), masks, frame, overlaps)

    @property
    def frames(self) -> list[int]:
        """Frames with a result of any object, ascending."""
        return sorted({frame for _, frame in self.results})

    def _tell(self, frame: int) -> None:
        if self.on_frame is not None:
            self.on_frame(frame)


class HasSegmentation(Protocol):
    """What has a segmentation: a widget."""

    @property
    def segmentation(self) -> Segmentation:
        """The objects and masks that there are now."""
        ...


SegmentationSource: TypeAlias = (
    Segmentation | SavedSession | HasSegmentation | str | os.PathLike[str]
)


@dataclass(frozen=True)
class Imported:
    """Masks that were read from files."""

    masks: Mapping[tuple[int, int], Mask]
    """By (object id, frame)."""
    names: Mapping[int, str] = field(default_factory=dict[int, str])
    """Of objects that have one."""
    notes: tuple[str, ...] = ()
    """What had to be guessed or left out, in sentences."""
    labels: Labels = field(default_factory=Labels)
    """Classes and attributes of the objects."""
    boxes: Mapping[tuple[int, int], Box] = field(default_factory=dict["tuple[int, int]", Box])
    """x0, y0, x1, y1 in pixels by (object id, frame), which become prompts."""
    parents: Mapping[int, tuple[int, ...]] = field(default_factory=dict["int", "tuple[int, ...]"])
    """Ids of the objects that an object came from."""


def check_one_size(video: Video) -> None:
    """Raise SessionError where a movie cannot have the frames, as their sizes differ."""
    if video.sizes is not None and len(set(video.sizes)) > 1:
        raise SessionError("Pictures of several sizes make no video: export 'cutouts'.")
