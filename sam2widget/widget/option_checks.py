"""What is said of options, and of attributes that are set, which a widget does not have."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from typing import cast

from sam2_backend.video import LargeImage, Video

from ..core.errors import SessionError
from ..core.user_warnings import warn
from ..storage.saved_session import SavedSession
from ..storage.session_file import SUFFIX
from .traits.session_traits import INSTEAD, SessionTraits

PROPERTIES = "contrast", "model", "memory", "classes", "pixel_size", "detector"
"""What may be set besides traits."""


def check_options(traits: SessionTraits, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse options that are neither known nor traits that may be set.

    Parameters
    ----------
    traits : of the widget that is made.
    given : names of options.
    known : names of the parameters that there are.

    Raises
    ------
    SessionError
        When there is one.
    """
    wrong = [name for name in given if name in INSTEAD or not traits.has_trait(name)]
    if wrong:
        names = [name for name in known if name != "kwargs"]
        raise SessionError(
            f"Sam2Widget has no option {', '.join(wrong)}. It has: {', '.join(names)}."
        )


def check_no_session(video: object) -> None:
    """Refuse the path of a session file in place of a video."""
    if isinstance(video, (str, os.PathLike)):
        path = os.fspath(cast("str | os.PathLike[str]", video))
        if path.endswith(SUFFIX):
            raise SessionError(
                f"{path} is a session and no video: go on with it by Sam2Widget.load({path!r})."
            )


def check_saved(saved: object) -> None:
    """Refuse what is neither None nor a session that was read."""
    if saved is not None and not isinstance(saved, SavedSession):
        raise SessionError(
            f"saved is what read_session(path) gave, got {saved!r}: Sam2Widget.load(path) "
            "reads a session file, and goes on with it."
        )


def warn_of_regions(video: Video) -> None:
    """Say that a picture is so large that it is read by region, where it is."""
    if isinstance(video, LargeImage):
        warn(
            f"{video.name} has {video.width:,} x {video.height:,} pixels, so it is read by "
            "region: you see it as sharp as the screen can show, and the model sees what you "
            "look at. Masks are kept as run lengths: w.read_mask gives parts of them."
        )


def check_assignment(widget: SessionTraits, name: str) -> None:
    """Refuse to set what is made of what there is, and say so where a name may be misspelt.

    Raises
    ------
    AttributeError
        When the attribute is a property that cannot be set.
    """
    found = getattr(type(widget), name, None)
    if isinstance(found, property) and found.fset is None:
        instead = (
            "it is made of what there is"
            if name != "masks"
            else "w.add_mask(frame, mask, obj) and w.import_masks(…) give masks"
        )
        raise AttributeError(f"w.{name} cannot be set: {instead}.")
    if found is None and not name.startswith("_"):
        near = get_close_matches(name, [*widget.trait_names(), *PROPERTIES], n=1, cutoff=0.8)
        if near and name not in vars(widget):
            warn(f"A Sam2Widget has no {name}, so this changes nothing: {near[0]}?")
