"""The session that a widget begins with: empty, saved before, or with masks from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sam2_backend.video import LargeImage, Video

from ..annotation.classes import as_classes
from ..annotation.confidence import Review
from ..annotation.records import ObjectClass
from ..annotation.session import Session
from ..core.arguments import as_int
from ..core.user_warnings import warn
from ..storage.saved_session import SavedSession, settings_of

if TYPE_CHECKING:
    from ..export import MaskSource
    from ..export.segmentation import Imported

MASKS_NOT_TAKEN = (
    "masks= were not taken: what was saved of this video by itself goes on. Give them to "
    "w.import_masks(…), or begin anew with autosave=False."
)


def make_session(
    video: Video,
    origin: SavedSession | None,
    clean_masks: float | bool | None,
    non_overlapping: bool | None,
    classes: object = None,
    *,
    is_resumed: bool,
) -> tuple[Session, Review]:
    """A session of a video, and what follows how sure its masks are.

    Parameters
    ----------
    origin : what it goes on from, whose contrast the video takes where it has none of its own.
    clean_masks, non_overlapping, classes : as `Sam2Widget` takes them.
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
        is_windowed=isinstance(video, LargeImage),
        # Where nothing is gone on from, there is nothing that undo could take back.
        **settings_of(origin, clean_masks, None if origin else non_overlapping),
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
        origin.fill(session)
    if non_overlapping is not None:
        session.set_non_overlapping(non_overlapping)
    if classes is not None:
        _begin_classes(session, as_classes(classes))
    return session, review


def _begin_classes(session: Session, given: tuple[ObjectClass, ...]) -> None:
    """Set the classes that a widget is given, and keep those besides that objects have."""
    names = {one.name for one in given}
    used = {info.class_name for info in session.objects}
    kept = [one for one in session.classes if one.name in used - names]
    if kept:
        warn(
            "Objects of the saved session are of classes that were not given, which stay in the "
            f"list: {', '.join(one.name for one in kept)}."
        )
    session.begin_with_classes((*given, *kept))


def add_first_masks(session: Session, video: Video, source: MaskSource) -> int:
    """Take in the masks that a widget begins with; the id of the first object."""
    found = read_checked(video, source)
    objects, notes = take_in(session, found)
    for note in notes:
        warn(note)
    return objects[0]


def take_in(
    session: Session, found: Imported, *, as_prompts: bool = False
) -> tuple[list[int], tuple[str, ...]]:
    """Import masks, and return the objects' ids and what there is to say, in sentences."""
    before = session.class_names
    objects = session.import_masks(
        *(found.masks, found.names),
        as_prompts=as_prompts,
        labels=found.labels,
        boxes=found.boxes,
        parents=found.parents,
    )
    added = [name for name in session.class_names if name not in before]
    if before and added:
        note = f"Classes that were not in the list were added to it: {', '.join(added)}."
        return objects, (*found.notes, note)
    return objects, found.notes


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
