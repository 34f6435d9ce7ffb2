"""What frames come from: a table of openers, asked one after the other, and those of plugins."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Protocol

from ..registry import RegistryError, find, is_built_in, names, origin, register
from .base import Kind, Video
from .errors import VideoError
from .options import PYAV, OpenOptions

GROUP = "sam2_backend.video"
"""Of entry points."""

for _name, _module, _function in (
    ("live", "live.refusals", "refuse_live"),
    ("url", "remote.opening", "open_url"),
    ("large", "large.opening", "open_if_large"),
    ("store", "arrays.stores", "open_store"),
    ("missing", "sources", "refuse_missing"),
    ("pictures", "pictures.images", "open_pictures"),
    ("picture-list", "pictures.images", "open_picture_list"),
    ("pillow", "arrays.lists", "open_pillow_image"),
    ("list", "arrays.lists", "open_list"),
    ("array", "arrays.readers", "open_array"),
    ("torchcodec", "containers.torchcodec", "open_with_torchcodec"),
    ("movie", "containers.container", "open_movie"),
):
    register(GROUP, _name, f"{__package__}.{_module}", _function)


class SourceOpener(Protocol):
    """Opens one kind of source, and says so of others."""

    def __call__(self, source: Any, kind: Kind, options: OpenOptions, /) -> Video | None:
        """Open a source.

        Parameters
        ----------
        source : a `Path` on this machine, perhaps of nothing; a string that is a URL; or whatever
            else was given.
        kind : "images" for pictures that may be of several sizes.
        options : what was said besides.

        Returns
        -------
        Video or None
            None where this is no source of its kind, so that others are asked.

        Raises
        ------
        VideoError
            When it is one, and cannot be opened.
        """
        ...


def open_source(source: Any, kind: Kind, options: OpenOptions) -> Video:
    """Open a source with the first opener that knows it; parameters as of `SourceOpener`.

    Our own openers come first, then those of other packages, which are imported only where none of
    ours can open it.

    Raises
    ------
    VideoError
        When none can.
    """
    refusal: VideoError | None = None
    for name in names(GROUP):
        if is_built_in(GROUP, name):
            try:
                video = find(GROUP, name)(source, kind, options)
            except VideoError as error:
                refusal = error
                break
            if video is not None:
                return video
    for name in names(GROUP):
        if not is_built_in(GROUP, name):
            video = _ask_plugin(name, source, kind, options)
            if video is not None:
                return video
    if refusal is None and options.decoder not in (None, PYAV):
        raise VideoError(
            f"Nothing here opens this with decoder={options.decoder!r}: say 'pyav', 'torchcodec', "
            "'torchcodec:cuda', or what an installed package provides."
        )
    raise refusal or VideoError(f"A video cannot be made of a {type(source).__name__}.")


def refuse_missing(source: Any, kind: Kind, options: OpenOptions) -> None:
    """Refuse a path of nothing; see `SourceOpener`."""
    if not isinstance(source, Path):
        return
    if not source.exists():
        raise VideoError(
            f"There is no file or folder {source}. Paths start at {Path.cwd()} unless absolute."
        )
    if source.is_file() and source.stat().st_size == 0:
        raise VideoError(f"{source} is an empty file.")


def _ask_plugin(name: str, source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """What a plugin makes of a source. Its own refusal counts, any other fault of it does not."""
    try:
        video = find(GROUP, name)(source, kind, options)
    except VideoError:
        raise
    except RegistryError as error:
        sentence = str(error)
    except Exception as error:  # whatever another package may do
        sentence = (
            f"The video source {name!r} of {origin(GROUP, name)} failed "
            f"({type(error).__name__}: {error}), and is passed over."
        )
    else:
        if video is None or isinstance(video, Video):
            return video
        sentence = (
            f"The video source {name!r} of {origin(GROUP, name)} gave a {type(video).__name__}, "
            "not a Video, and is passed over."
        )
    warnings.warn(sentence, UserWarning, stacklevel=4)
    return None
