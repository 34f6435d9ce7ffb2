"""The session that a widget begins with: empty, saved before, or with masks from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sam2_backend.video import Video

from ..annotation.confidence import Review
from ..annotation.session import Session
from ..core.arguments import as_int
from ..core.user_warnings import warn
from ..storage.saved_session import SavedSession, settings_of

if TYPE_CHECKING:
    from ..export import MaskSource
    from ..export.segmentation import Imported


def make_session(
    video: Video,
    origin: SavedSession | None,
    clean_masks: float | bool | None,
    non_overlapping: bool | None,
    *,
    is_resumed: bool,
) -> tuple[Session, Review]:
    """A session of a video, and what follows how sure its masks are.

    Parameters
    ----------
    origin : what it goes on from, whose contrast the video takes where it has none of its own.
    clean_masks, non_overlapping : as `Sam2Widget` takes them.
    is_resumed : whether the origin was found by the video's content.

    Raises
    ------
    SessionError
        When the origin was made on another video.
    """
    session = Session(
        *(len(video), video.height, video.width),
        kind=video.kind,
        sizes_hw=video.sizes_hw,
        skips=video.recording is not None,
        **settings_of(origin, clean_masks),
    )
    review = Review(session)
    session.listen(review.note)
    if origin is not None:
        if not (is_resumed and video.recording):  # which may have grown since it was compared
            origin.check_video(video)
        if video.chosen_contrast is None:
            video.contrast = origin.contrast
        if video.chosen_pixel_size is None:
            video.pixel_size = origin.pixel_size
        session.fill(origin.objects, origin.prompts, origin.results)
    if non_overlapping is not None:
        session.set_non_overlapping(non_overlapping)
    return session, review


def add_first_masks(session: Session, video: Video, source: MaskSource) -> int:
    """Take in the masks that a widget begins with; the id of the first object."""
    found = read_checked(video, source)
    for note in found.notes:
        warn(note)
    return session.import_masks(found.masks, found.names)[0]


def read_checked(video: Video, source: MaskSource, format: str | None = None) -> Imported:
    """Read masks, but not by ids that would be rounded.

    Raises
    ------
    SessionError
        When a key is a fraction, or these are no masks of this video.
    """
    from ..export import read_masks

    if isinstance(source, Mapping):
        for key in source:
            if isinstance(key, (float, np.floating)):
                as_int(key, "An object's id")
    return read_masks(source, video, format)
