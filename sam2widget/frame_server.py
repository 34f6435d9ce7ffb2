"""Decodes and encodes the frames that views want, beside the model's thread."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from .codecs import encode_jpeg
from .lru import BytesLru
from .outbox import Outbox
from .protocol import Error, ReplyTo, Thumbnail
from .video_base import Video, VideoError
from .worker import Priority, Worker

CACHE_BYTES = 64 * 2**20
PREFETCHED = 4
"""Frames encoded ahead in the direction of the last move."""
THUMBNAIL_HEIGHT = 54
THUMBNAIL_CACHE_BYTES = 8 * 2**20
"""About 4000 of them."""


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
        self._thumbnails = BytesLru[int, bytes](THUMBNAIL_CACHE_BYTES, len)
        self._missing: dict[str, Sequence[int]] = {}
        self._worker = Worker("sam2widget frames")
        self._last = 0

    def want(self, reply_to: ReplyTo, frame: int, then: Callable[[], None] | None = None) -> None:
        """Send a frame to a view, then call `then`. Any thread."""
        self._worker.submit(lambda: self._serve(reply_to, frame, then), key=reply_to.view)

    def want_thumbnails(self, view: str, frames: Sequence[int]) -> None:
        """Send small pictures of frames to a view, in place of others it still waits for. Any
        thread."""
        self._missing[view] = [t for t in frames if t < len(self._video)]
        self.resume(view)

    def resume(self, view: str) -> None:
        """Go on with the small pictures of a view that came back into sight. Any thread."""
        if self._missing.get(view):
            self._worker.start(
                self._send_thumbnails(view), Priority.PREFETCH, key=("thumbnails", view)
            )

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

    def _send_thumbnails(self, view: str) -> Generator[None, None, None]:
        """One picture a step; what is left stays for when the view is in sight again."""
        frames = self._missing[view]
        known = {t: jpeg for t in frames if (jpeg := self._thumbnails.get(t)) is not None}
        for frame, jpeg in known.items():
            self._outbox.post(Thumbnail(frame), (jpeg,))
        left = [t for t in frames if t not in known]
        try:
            for small in self._video.thumbnails(tuple(left), THUMBNAIL_HEIGHT):
                if not self._outbox.is_visible(view):
                    return
                if small is not None:
                    frame, rgb_hw3 = small
                    jpeg = encode_jpeg(rgb_hw3)
                    self._thumbnails.put(frame, jpeg)
                    self._outbox.post(Thumbnail(frame), (jpeg,))
                    left.remove(frame)
                yield
        except VideoError as error:
            self._outbox.post(Error(None, str(error)))
            left.clear()
        finally:
            # Another wish may have come meanwhile.
            if self._missing.get(view) is frames:
                self._missing[view] = left

    def _jpeg(self, frame: int) -> bytes:
        jpeg = self._jpegs.get(frame)
        if jpeg is None:
            jpeg = encode_jpeg(self._video[frame])
            self._jpegs.put(frame, jpeg)
        return jpeg
