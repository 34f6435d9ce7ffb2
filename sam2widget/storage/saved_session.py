"""A session at one moment, apart from any widget: what a session file holds."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from sam2_backend.video import Contrast, FrameSource, Kind, Video, VideoError, is_there, open_video
from sam2_backend.video.identity import find_files
from sam2_backend.video.options import DEFAULT_OPTIONS, OpenOptions
from sam2_backend.video.pixel_size import PixelSize

from .. import __version__
from ..annotation.records import ColorBy, ObjectClass, ObjectInfo, Result
from ..core.arguments import as_flag
from ..core.errors import SessionError
from ..core.masks.cleaning import CLEANED_SHARE, as_cleaning
from ..core.user_warnings import warn
from ..models.segmenter import PromptSet
from .fingerprint import Fingerprint

if TYPE_CHECKING:
    from ..annotation.session import Session


@dataclass(frozen=True)
class SavedSession:
    """What a session file holds: everything a person would lose. To be read only."""

    video: Fingerprint
    video_path: str | None
    """Where the video was, absolute; None for frames that were in memory."""
    model: str
    """Name of the model that made the masks; "" if none was loaded."""
    model_source: str | None
    """What to load it by: a name or a path; None for a model that was given as an object."""
    objects: tuple[ObjectInfo, ...]
    """By id, ascending."""
    prompts: Mapping[tuple[int, int], PromptSet]
    """By (object id, frame)."""
    results: Mapping[tuple[int, int], Result]
    """By (object id, frame)."""
    frame: int = 0
    """That was shown."""
    selected: int = 0
    """Id of the selected object, 0 for none."""
    library: str = ""
    """Version of this library that wrote it."""
    contrast: Contrast | None = None
    """How the video's values were shown; None where that was automatic."""
    pixel_size: PixelSize | None = None
    """How large a pixel was said to be; None where it was as the video's file has it."""
    clean_masks: float | None = None
    """Below which size specks and pinholes were dropped; None in files of before one could."""
    non_overlapping: bool | None = None
    """Whether objects excluded each other; None in files of before they could."""
    options: OpenOptions = DEFAULT_OPTIONS
    """With which it was opened."""
    classes: tuple[ObjectClass, ...] = ()
    """That objects may have, in their order."""
    current_class: str = ""
    """The class that new objects get; "" for none."""
    color_by: ColorBy = "object"
    """Whose colours masks were shown in."""
    memory: str | None = None
    """Name of the memory policy, with its settings where they are its own; None where it has no
    name, the model has none, or in files of before there were any."""

    def __repr__(self) -> str:
        of = "frames in memory" if self.video_path is None else Path(self.video_path).name
        return (
            f"<SavedSession of {of}, {self.video.num_frames} frames: {len(self.objects)} objects, "
            f"{len(self.results)} masks>"
        )

    @classmethod
    def of(
        cls,
        session: Session,
        video: Video,
        model: str,
        model_source: str | None,
        *,
        memory: str | None = None,
        fingerprint: Fingerprint | None = None,
    ) -> SavedSession:
        """Take from a session what there is in it now.

        Parameters
        ----------
        model, model_source, memory : see the attributes.
        fingerprint : of the video, where it is known; to make it, frames are read.
        """
        return cls(
            video=fingerprint or Fingerprint.of(video),
            video_path=video.location,
            model=model,
            model_source=model_source,
            objects=tuple(session.objects),
            prompts=session.tables.prompts.copy(),
            results=session.tables.results.copy(),
            contrast=video.chosen_contrast,
            pixel_size=video.chosen_pixel_size,
            clean_masks=session.clean_masks,
            non_overlapping=session.non_overlapping,
            options=video.options,
            classes=session.classes,
            current_class=session.current_class,
            color_by=session.color_by,
            memory=memory,
            library=__version__,
        )

    def fill(self, session: Session) -> None:
        """Put everything into a session that is still empty."""
        session.fill(self.objects, self.prompts, self.results, self.classes)
        session.set_current_class(self.current_class)
        session.set_color_by(self.color_by)

    @property
    def kind(self) -> Kind:
        """Kind of the video: "video", or "images" where frames may have sizes of their own."""
        return "video" if self.video.sizes is None else "images"

    def open_video(
        self,
        given: FrameSource | None = None,
        near: str | os.PathLike[str] | None = None,
        *,
        same_video: bool = False,
    ) -> Video:
        """Open the video that the session was made on.

        It is opened in the same way, with the same contrast and size of a pixel as then.

        Parameters
        ----------
        given : the video, if it is known where it is now.
        near : the session file; without `given`, the video is looked for where it was and in
            this file's folder, and then by its content in both folders.
        same_video : see `check_video`.

        Raises
        ------
        SessionError
            When it is not found, or what is there is another video.
        VideoError
            When it cannot be read.
        """
        video = self._find_video(given, near, same_video=same_video)
        if self.contrast is not None and video.chosen_contrast is None:
            video.contrast = self.contrast
        if video.chosen_pixel_size is None:
            video.pixel_size = self.pixel_size
        return video

    def _find_video(
        self,
        given: FrameSource | None,
        near: str | os.PathLike[str] | None,
        *,
        same_video: bool,
    ) -> Video:
        if given is not None:
            video = self.open_given(given)
            self.check_video(video, same_video=same_video)
            return video
        if self.video_path is None:
            raise SessionError(
                "This session was made on frames in memory, which a session file does not hold: "
                f"give them with video=. {self._expected()}"
            )
        name = re.split(r"[\\/]", self.video_path)[-1]
        folder = None if near is None else Path(near).absolute().parent
        places = [self.video_path, *([] if folder is None else [str(folder / name)])]
        videos: list[Video] = []
        for place in filter(is_there, places):
            video = self._open(place)
            if self.video.recognizes(video):
                return video
            videos.append(video)
        renamed = self._find_renamed(places)
        if renamed is not None:
            return self._open(renamed)
        if not videos:
            nor = "" if folder is None else f", nor is there a {name} beside the session file"
            raise SessionError(
                f"The session's video {self.video_path} is not there any more{nor}. Say where "
                f"it is now with video=. {self._expected()}"
            )
        alike = [video for video in videos if self.video.difference(video) is None]
        video = alike[0] if alike else videos[-1]
        self.check_video(video, same_video=same_video)
        return video

    def _open(self, source: FrameSource) -> Video:
        """Open a video in the way in which the session's was."""
        return open_video(source, self.kind, **asdict(self.options))

    def open_given(self, given: FrameSource) -> Video:
        """Open a video that somebody gives, in the way in which the session's was.

        It may be a source of another sort, where axes and planes say nothing.
        """
        if isinstance(given, Video):
            return open_video(given, self.kind)
        try:
            return self._open(given)
        except VideoError:
            if self.options.axes is None and self.options.plane is None:
                raise
            plain = OpenOptions(max_megapixels=self.options.max_megapixels)
            return replace(self, options=plain)._open(given)

    def _find_renamed(self, places: list[str]) -> Path | None:
        """Find the video's file by its content, in the folders where it should be."""
        if self.video.identity is None:
            return None
        for folder in dict.fromkeys(Path(place).parent for place in places):
            found = find_files(folder, self.video.identity)
            if found is not None:
                return found
        return None

    def check_video(self, video: Video, *, same_video: bool = False) -> None:
        """Raise SessionError when this is another video than the session was made on.

        It is raised, too, when the video only appears the same. Where a file of an earlier version
        tells no more than the appearance, a warning says so.

        Parameters
        ----------
        same_video : a person says that it is the same; only its size and length are checked.
        """
        same_video = as_flag(same_video, "same_video")
        difference = self.video.other_size(video)
        if difference is None:
            if same_video or self.video.recognizes(video):
                return
            difference = self.video.difference(video)
        if difference is not None:
            raise SessionError(
                f"This is another video than the session was made on: {video.name} {difference}. "
                f"Give the right one with video=. {self._expected()}"
            )
        if self.video.identity is None:
            warn(
                "The session file does not hold by what its video is known, as those of earlier "
                f"versions do not: that {video.name} is the right one was told by its length, its "
                f"size and the looks of {len(self.video.thumbs)} frames only. Saved again, it "
                "holds more."
            )
            return
        why = (
            "its content is another, as of a second recording with the same camera, or of the "
            "same video compressed again"
            if self.video.recognizes(video) is False
            else "whether it is the same cannot be told, since one was given as files and the "
            "other as frames in memory"
        )
        raise SessionError(
            f"{video.name} looks like the video that the session was made on, but {why}. If it is "
            "the same, frame by frame, say so: Sam2Widget.load(path, video=…, same_video=True). If "
            f"not, give the right one with video=. {self._expected()}"
        )

    def _expected(self) -> str:
        video = self.video
        name = "" if self.video_path is None else f", then at {self.video_path}"
        return f"It has {video.num_frames} frames of {video.width}x{video.height} pixels{name}."


class Settings(TypedDict):
    """The choices of a person that a `Session` is given."""

    clean_masks: float
    non_overlapping: bool


def settings_of(
    saved: SavedSession | None,
    clean_masks: float | bool | None = None,
    non_overlapping: bool | None = None,
) -> Settings:
    """Choose how a session treats masks: as said, else as saved, else by default.

    A file of before objects could exclude each other goes on as it was made.

    Parameters
    ----------
    saved : what is gone on from, if anything.
    clean_masks, non_overlapping : what was said; None is nothing.

    Raises
    ------
    SessionError
        When it is nothing of the kind.
    """
    if clean_masks is None and saved is not None:
        clean_masks = saved.clean_masks
    if clean_masks is None:
        clean_masks = CLEANED_SHARE
    if non_overlapping is None:
        non_overlapping = True if saved is None else bool(saved.non_overlapping)
    return {"clean_masks": as_cleaning(clean_masks), "non_overlapping": bool(non_overlapping)}
