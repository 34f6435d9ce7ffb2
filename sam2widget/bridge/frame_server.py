"""Decodes and encodes the frames that views want, beside the model's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

from sam2_backend.video import LargeImage, Video, VideoError
from sam2_backend.video.contrast import ContrastLike
from sam2_backend.video.lru import BytesLru

from ..runtime.error_texts import describe_error, log_unless_expected
from ..runtime.worker import Priority, Task, Worker
from .codecs import encode_jpeg, encode_reduced_jpeg
from .flow_control import Outbox
from .levels import make_levels
from .protocol import ContrastChanged, Error, Region, ReplyTo, Thumbnail, WantRegion

CACHE_BYTES = 64 * 2**20
PREFETCHED = 4
"""Frames encoded ahead in the direction of the last move."""
LEAP = 32
"""Moves back by more frames than this are no steps backward."""
THUMBNAIL_HEIGHT = 54
THUMBNAIL_CACHE_BYTES = 8 * 2**20
"""About 4000 of them."""


@dataclass(frozen=True)
class _Wish:
    reply_to: ReplyTo
    frame: int
    tell: Callable[[int], object]
    pixels: bool
    moving: bool


class FrameServer:
    """Answers views' wishes for frames; of each view's only the newest.

    Parameters
    ----------
    video : its frames.
    outbox : where they go.
    on_contrast : called, in the server's thread, when frames are shown otherwise.
    """

    def __init__(
        self, video: Video, outbox: Outbox, on_contrast: Callable[[], None] = lambda: None
    ) -> None:
        self._video = video
        self._outbox = outbox
        self._on_contrast = on_contrast
        self._jpegs = BytesLru[tuple[int, bool], bytes](CACHE_BYTES, len)
        """By frame, and whether it is reduced."""
        self._thumbnails = BytesLru[int, bytes](THUMBNAIL_CACHE_BYTES, len)
        self._missing: dict[str, Sequence[int]] = {}
        self._waiting: dict[str, list[_Wish]] = {}
        """Of each view, its newest wishes, none of which anybody has begun to carry out."""
        self._lock = threading.Lock()
        self._worker = Worker("sam2widget frames")
        self._last = 0
        outbox.on_gone.append(self.forget)

    def want(
        self,
        reply_to: ReplyTo,
        frame: int,
        tell: Callable[[int], object] = lambda frame: None,
        *,
        then: Sequence[int] = (),
        pixels: bool = True,
        moving: bool = False,
    ) -> None:
        """Send a frame to a view, unless it has the pixels. Any thread.

        `then` are wanted next, each as by a request with the next id. Before each frame, `tell` is
        called with its number. Where it takes long to reach, the view gets some that lie on the
        way. A view that moves gets reduced ones, as many as there is time for: what it wants while
        another of its wishes is carried out waits, the newest alone.
        """
        view, first = reply_to.view, reply_to.id
        wishes = [
            _Wish(ReplyTo(view, number), at, tell, pixels, moving)
            for number, at in enumerate((frame, *then), first)
        ]
        with self._lock:
            is_queued = view in self._waiting
            self._waiting[view] = wishes
        if not is_queued:
            self._worker.start(self._serve_newest(view), Priority.CLICK)

    def want_thumbnails(self, view: str, frames: Sequence[int]) -> None:
        """Send small pictures of frames to a view. Any thread.

        They take the place of others that it still waits for.
        """
        kept = range(self._video.first_frame, len(self._video))
        self._missing[view] = [t for t in frames if t in kept]
        self.resume(view)

    def want_levels(self, reply_to: ReplyTo, frame: int) -> None:
        """Tell a view how a frame's values are spread, and how they are shown. Any thread."""

        def tell() -> None:
            try:
                self._outbox.post(*make_levels(self._video, frame, reply_to))
            except (VideoError, IndexError) as error:
                self._outbox.post(Error(reply_to, str(error)))

        self._worker.submit(tell, Priority.HOVER, key=("levels", reply_to.view))

    def want_region(self, reply_to: ReplyTo, wish: WantRegion) -> None:
        """Send a part of a large picture to a view; of a view's wishes the newest. Any thread."""

        def send() -> None:
            try:
                jpeg = self._read_region(wish)
            except (VideoError, IndexError) as error:
                self._outbox.post(Error(reply_to, str(error)))
            except Exception as error:
                log_unless_expected(error, "A part of the picture could not be sent")
                self._outbox.post(Error(reply_to, describe_error(error)))
            else:
                place = wish.x0, wish.y0, wish.x1, wish.y1
                self._outbox.post(Region(reply_to, wish.frame, *place), (jpeg,))

        self._worker.submit(send, Priority.CLICK, key=("region", reply_to.view))

    def _read_region(self, wish: WantRegion) -> bytes:
        video = self._video
        if not isinstance(video, LargeImage):
            raise VideoError(f"{video.name} is no large picture: it is sent whole.")
        place = wish.x0, wish.y0, wish.x1, wish.y1
        return encode_jpeg(video.read_region(*place, (wish.width, wish.height)))

    def set_contrast(self, contrast: ContrastLike | None, view: str | None = None) -> Task[None]:
        """Change the contrast that the video is shown with. Any thread.

        What was encoded before is dropped, here and in views. Of a view's wishes the newest counts.
        """

        def change() -> None:
            self._video.contrast = contrast
            self._jpegs.clear()
            self._thumbnails.clear()
            self._outbox.drop_frames(ContrastChanged())
            self._on_contrast()

        return self._worker.submit(change, key=None if view is None else ("contrast", view))

    def resume(self, view: str) -> None:
        """Go on with the small pictures of a view that came back into sight. Any thread."""
        if self._missing.get(view):
            self._worker.start(
                self._send_thumbnails(view), Priority.PREFETCH, key=("thumbnails", view)
            )

    def forget(self, view: str) -> None:
        """Let go of what a view wanted that is no more. Any thread."""
        self._missing.pop(view, None)

    def wait_until_idle(self) -> None:
        """Wait until nothing is queued, frames that are read ahead included."""
        self._worker.wait_until_idle()

    def close(self, video: Video | None = None) -> None:
        """End the thread, and drop all pixels.

        `video` takes the place of the one that they are of.
        """
        self._video = video or self._video
        self._worker.close(then=self._clear)

    def _clear(self) -> None:
        self._missing.clear()
        self._waiting.clear()
        self._jpegs.clear()
        self._thumbnails.clear()

    def _serve_newest(self, view: str) -> Generator[None, None, None]:
        with self._lock:
            wishes = self._waiting.pop(view, [])  # none if the server is being closed
        for wish in wishes:
            if wish is not wishes[0]:
                yield
                if self._is_superseded(wish):
                    return
            yield from self._serve(wish)

    def _serve(self, wish: _Wish) -> Generator[None, None, None]:
        frame = wish.frame
        try:
            if wish.pixels:
                for at, jpeg in self._jpegs_to(frame, wish.moving):
                    if at is not None:
                        wish.tell(at)
                        towards = None if at == frame else frame
                        self._outbox.send_frame(
                            wish.reply_to, at, jpeg, towards, reduced=wish.moving
                        )
                    if at != frame:
                        yield
                        if self._is_superseded(wish):
                            return
            else:
                wish.tell(frame)
        except (VideoError, IndexError) as error:
            self._outbox.post(Error(wish.reply_to, str(error)))
            return
        except Exception as error:
            # Whatever it is, whoever waits for the frame must hear of it.
            log_unless_expected(error, f"Frame {frame} could not be sent")
            self._outbox.post(Error(wish.reply_to, describe_error(error)))
            return
        if wish.pixels:
            self._read_ahead(wish)

    def _is_superseded(self, wish: _Wish) -> bool:
        """Whether a view that waits for a frame wants another before.

        Who plays gets what lies on the way too: else, where frames come slower than they are asked
        for, none would ever be reached.
        """
        with self._lock:
            waiting = self._waiting.get(wish.reply_to.view)
        if not waiting:
            return False
        newer = waiting[0]
        is_on_the_way = 0 <= newer.frame - wish.frame <= LEAP
        return not (wish.moving and newer.moving and is_on_the_way)

    def _read_ahead(self, wish: _Wish) -> None:
        by = wish.frame - self._last
        self._last = wish.frame
        # After a leap it is as likely to go on as to go back, and on is what costs least.
        step = -1 if -LEAP <= by < 0 else 1
        if wish.moving and 0 < abs(by) <= LEAP:
            step = by
        ahead = range(wish.frame + step, wish.frame + step * (PREFETCHED + 1), step)
        self._worker.start(self._prefetch(ahead, wish.moving), Priority.PREFETCH, key="prefetch")

    def _prefetch(self, frames: range, reduced: bool) -> Generator[None, None, None]:
        for frame in frames:
            if self._video.first_frame <= frame < len(self._video):
                for _ in self._jpegs_to(frame, reduced):
                    yield

    def _jpegs_to(self, frame: int, reduced: bool) -> Iterator[tuple[int | None, bytes]]:
        """A frame at the end, and before it frames on the way, or None to give way."""
        jpeg = self._jpegs.get((frame, reduced))
        if jpeg is not None:
            yield frame, jpeg
            return
        encode = encode_reduced_jpeg if reduced else encode_jpeg
        for found in self._video.read_progressive(frame):
            if found is None:
                yield None, b""
                continue
            at, rgb_hw3 = found
            jpeg = self._jpegs.get((at, reduced)) or encode(rgb_hw3)
            self._jpegs.put((at, reduced), jpeg)
            yield at, jpeg

    def _send_thumbnails(self, view: str) -> Generator[None, None, None]:
        """One picture a step; what is left stays for when the view is in sight again."""
        frames = self._missing.get(view, ())
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
                if not left:
                    self.forget(view)
