"""Decodes and encodes the frames that views want, beside the model's thread."""

from __future__ import annotations

from collections.abc import Callable, Generator

from .codecs import encode_jpeg
from .lru import BytesLru
from .outbox import Outbox
from .protocol import Error, ReplyTo
from .video_base import Video, VideoError
from .worker import Priority, Worker

CACHE_BYTES = 64 * 2**20
PREFETCHED = 4
"""Frames encoded ahead in the direction of the last move."""


class FrameServer:
    """Answers views' wishes for frames; of each view's only the newest.

    Parameters
    ----------
    video : its frames.
    outbox : where they go.
    """

    def __init__(self, video: Video, outbox: Outbox) -> None:
        self._video = video
        self._outbox = outbox
        self._jpegs = BytesLru[int, bytes](CACHE_BYTES, len)
        self._worker = Worker("sam2widget frames")
        self._last = 0

    def want(self, reply_to: ReplyTo, frame: int, then: Callable[[], None] | None = None) -> None:
        """Send a frame to a view, then call `then`. Any thread."""
        self._worker.submit(lambda: self._serve(reply_to, frame, then), key=reply_to.view)

    def close(self) -> None:
        """End the thread."""
        self._worker.close()

    def _serve(self, reply_to: ReplyTo, frame: int, then: Callable[[], None] | None) -> None:
        try:
            jpeg = self._jpeg(frame)
        except (VideoError, IndexError) as error:
            self._outbox.post(Error(reply_to, str(error)))
            return
        self._outbox.frame(reply_to.view, frame, jpeg)
        if then is not None:
            then()
        step = -1 if frame < self._last else 1
        self._last = frame
        ahead = range(frame + step, frame + step * (PREFETCHED + 1), step)
        self._worker.start(self._prefetch(ahead), Priority.PREFETCH, key="prefetch")

    def _prefetch(self, frames: range) -> Generator[None, None, None]:
        for frame in frames:
            if 0 <= frame < len(self._video):
                self._jpeg(frame)
            yield

    def _jpeg(self, frame: int) -> bytes:
        jpeg = self._jpegs.get(frame)
        if jpeg is None:
            jpeg = encode_jpeg(self._video[frame])
            self._jpegs.put(frame, jpeg)
        return jpeg
