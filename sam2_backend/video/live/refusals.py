"""What has no end, and is recorded rather than opened: each is told what to write."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from ..base import Kind
from ..errors import VideoError
from ..options import OpenOptions
from .sources import STREAM_SCHEMES, Capture


def refuse_live(source: Any, kind: Kind, options: OpenOptions) -> None:
    """Refuse a source without an end, such as a camera; see `SourceOpener`.

    Such a source is recorded, from when the user says so, and as the user says.

    Raises
    ------
    VideoError
        When it is one; the sentence says how it is recorded.
    """
    if isinstance(source, str):
        scheme = source.partition("://")[0].lower()
        if scheme in STREAM_SCHEMES:
            raise VideoError(f"{source} is a live stream: give LiveVideo({source!r}).")
    elif isinstance(source, int) and not isinstance(source, bool):
        raise VideoError(f"A number is that of a camera: give LiveVideo({source}).")
    elif isinstance(source, io.IOBase):
        raise VideoError(
            "An open file has no frames of its own: give its path, or write what it holds to one."
        )
    elif isinstance(source, Iterator):
        raise VideoError(
            "An iterator of frames has no length. If it ends and its frames fit into memory, give "
            "list(frames); else LiveVideo(frames), which keeps them on disk as they come."
        )
    elif isinstance(source, Capture) and not _has_frames(source):
        raise VideoError(
            f"A {type(source).__name__} gives one frame after the other, without a number: give "
            "LiveVideo(capture), or the path of the file that it reads."
        )
    elif callable(source) and not _has_frames(source):
        raise VideoError(
            "A function that returns frames is a live source: give LiveVideo(function)."
        )


def _has_frames(source: object) -> bool:
    """Whether it is an array or a reader, whatever else it can do."""
    return hasattr(source, "shape") or hasattr(source, "__len__")
