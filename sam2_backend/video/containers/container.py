"""Frames of a video file, by index and exact."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from ..base import Kind, Video
from ..errors import VideoError
from ..identity import REMOTE_BYTES, identify_files
from ..lru import BytesLru
from ..options import PYAV, OpenOptions
from .decoder import Decoder
from .indexing import read_index
from .picture import Turn, is_deep, to_rgb24, to_values
from .streams import describe_undecodable
from .truncation import VideoFile

CACHE_BYTES = 256 * 2**20
BACKTRACK_FRAMES = 32
"""Frames just before a wanted one that are kept too when one steps backward, or a little forward:
else each frame that is wanted after a later one would be decoded from its keyframe on."""
DECODED_AT_ONCE = 8
"""Frames decoded on the way to one before others get their turn."""
ON_THE_WAY_S = 0.15
"""After so long a frame that has been reached is shown while decoding goes on; the next one after
twice as long, and so forth, since each takes time from decoding."""


def open_movie(source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """Open the path of a video file; see `SourceOpener`."""
    if not isinstance(source, Path) or options.decoder not in (None, PYAV):
        return None
    options.refuse_for_arrays(f"{source} is none")
    return FileVideo(source)


class FileVideo(Video):
    """A video file, decoded when needed.

    Which packet holds which frame is found once, when it is opened: of most MP4 files from the
    header, of others from their packets or, where those do not tell, by decoding them. To read a
    frame, the decoder goes on from where it is, or starts again from the keyframe before. Each
    thread has a decoder of its own; frames are shared in a cache that is bounded in bytes.

    Parameters
    ----------
    path : of the file, on disk or by URL.

    Raises
    ------
    VideoError
        When it is not a video, is damaged, or has no frames.
    """

    def __init__(self, path: VideoFile) -> None:
        self._path = path
        self._decoders = threading.local()
        self._cache = BytesLru[int, "NDArray[Any] | VideoFrame"](CACHE_BYTES, _bytes_of)
        self._converting = threading.Lock()
        self._index = read_index(path)
        self._careful = self._index.careful
        first = self._first_frame()
        self._turn = Turn.of(first)
        self._deep = is_deep(first)
        self._coded = first.width, first.height
        width, height = self._turn.size(*self._coded)
        super().__init__(self._index.num_frames, width, height, self._index.fps, path.name)
        self.found_shown_s, self.start_s = self._index.shown_s, self._index.start_s

    def _identify(self) -> str:
        if isinstance(self._path, Path):
            return identify_files([self._path])
        return identify_files([self._path], REMOTE_BYTES)

    @property
    def _is_deep(self) -> bool:
        return self._deep

    def _read(self, frame: int) -> NDArray[Any]:
        values = self._known(frame)
        if values is None:
            ((_, picture),) = deque(self._pictures_to(frame), maxlen=1)
            values = self._keep(frame, picture)
        return values

    def read_progressive(self, frame: int) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """See `Video.read_progressive`."""
        self._check(frame)
        values = self._known(frame)
        if values is None:
            shown_at, pause_s = time.monotonic(), ON_THE_WAY_S
            best = None
            for n, (at, picture) in enumerate(self._pictures_to(frame), 1):
                if at < frame and time.monotonic() - shown_at > pause_s:
                    yield at, self.show(self._keep(at, picture))
                    shown_at, pause_s = time.monotonic(), 2 * pause_s
                elif n % DECODED_AT_ONCE == 0:
                    yield None
                best = picture
            assert best is not None
            values = self._keep(frame, best)
        yield frame, self.show(values)

    def thumbnails(
        self, frames: Sequence[int], height: int
    ) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """Yield small pictures of some frames, as `Video.thumbnails` does.

        The file is read once, in order, by a decoder of its own; a keyframe is given for what is
        nearer to it than half of the least gap between the frames.
        """
        if self._deep:
            yield from super().thumbnails(frames, height)
            return
        wanted = sorted(set(frames))
        gaps = [after - before for before, after in pairwise(wanted)]
        slack = min(gaps, default=self.num_frames) // 2
        size = max(round(self.width * height / self.height), 1), height
        decoder = Decoder(self._path, self._index)
        try:
            for frame in wanted:
                best: VideoFrame | None = None
                way = decoder.pictures_to(frame, enough=max(frame - slack, 0))
                for n, (_, picture) in enumerate(way, 1):
                    best = picture
                    if n % DECODED_AT_ONCE == 0:
                        yield None
                if best is not None:
                    yield frame, self.show(self._to_rgb(best, size))
        finally:
            decoder.close()

    def _known(self, frame: int) -> NDArray[Any] | None:
        kept = self._cache.get(frame)
        if isinstance(kept, VideoFrame):
            with self._converting:
                return self._keep(frame, kept)
        return kept

    def _keep(self, frame: int, picture: VideoFrame) -> NDArray[Any]:
        values = self._to_values(picture) if self._deep else self._to_rgb(picture)
        self._cache.put(frame, values)
        return values

    def _to_values(self, picture: VideoFrame) -> NDArray[Any]:
        """(H, W, C) as the file holds them, upright."""
        if (picture.width, picture.height) != self._coded or not is_deep(picture):
            raise VideoError(f"{self._path} changes its size or format on the way: cut it there.")
        return self._turn.apply(to_values(picture))

    def _pictures_to(self, frame: int) -> Iterator[tuple[int, VideoFrame]]:
        """Decode up to a frame, and yield pictures, each with its frame.

        The last picture is to be shown for the frame: where a damaged file lacks it, that is its
        predecessor.
        """
        decoder = self._decoder()
        kept = 0
        ahead = frame - decoder.next
        if ahead != 0 and -2 * BACKTRACK_FRAMES <= ahead <= BACKTRACK_FRAMES:
            kept = min(BACKTRACK_FRAMES, CACHE_BYTES // (3 * self.width * self.height) // 2)
            kept = min(kept, ahead) if ahead > 0 else kept
        last: int | None = None
        for at, picture in decoder.pictures_to(frame, kept=kept):
            last = at
            yield at, picture
            if kept and frame - kept <= at < frame and at not in self._cache:
                self._cache.put(at, picture)
        if last == frame:
            return
        if not self._careful:
            self._careful = True
            del self._decoders.decoder
            decoder.close()
            yield from self._pictures_to(frame)
            return
        if last is None:
            raise VideoError(
                f"Frame {frame} of {self._path} cannot be decoded: the file may be damaged."
            )
        self._warn_once(
            f"Frame {frame} of {self._path} cannot be decoded, and maybe others: frame {last} is "
            "shown in its place. The file may be damaged.",
            about="missing",
        )

    def _to_rgb(
        self, picture: VideoFrame, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, upright; `size` is width and height if not those of the video."""
        if (picture.width, picture.height) != self._coded:
            self._warn_once(
                f"{self._path} changes its size on the way, from {self._coded[0]}x{self._coded[1]} "
                f"to {picture.width}x{picture.height}: those frames are scaled to the first.",
                about="size",
            )
        width, height = self._turn.size(*size) if size is not None else self._coded
        return self._turn.apply(to_rgb24(picture, width, height))

    def _first_frame(self) -> VideoFrame:
        for _, picture in self._decoder().frames():
            return picture
        raise VideoError(describe_undecodable(self._path))

    def _decoder(self) -> Decoder:
        decoder = getattr(self._decoders, "decoder", None)
        if decoder is None:
            decoder = self._decoders.decoder = Decoder(
                self._path, self._index, leave_out=True, careful=self._careful
            )
        return decoder


def _bytes_of(kept: NDArray[Any] | VideoFrame) -> int:
    if isinstance(kept, VideoFrame):
        return sum(plane.buffer_size for plane in kept.planes)
    return kept.nbytes
