"""Sends to the browser no faster than it draws, and nothing while nobody looks.

The transport has no flow control of its own. Frames and mask batches are numbered and
acknowledged by the views that drew them; beyond a few unacknowledged ones only the newest is kept.
Of several views the fastest sets the pace. One that acknowledges nothing any more, as that of a
page that was closed, counts as gone after a while; it is back as soon as it says something.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .protocol import Done, Error, Frame, Masks, Message, ReplyTo

_log = logging.getLogger(__name__)

MAX_UNACKED_FRAMES = 16
"""More than a view asks for at once (8): a view that moves acknowledges with its next request."""
MAX_UNACKED_MASKS = 16
MAX_HELD = 100
"""Answers kept for a view that has gone out of sight."""
GONE_AFTER_S = 30.0
"""A view that has said nothing for so long, though something to acknowledge was sent, is gone."""
MAX_GONE = 100
"""Views that are known again after they were gone."""

BuildMasks = Callable[[int, ReplyTo | None, int], tuple[Masks, list[bytes]]]
"""(frame, reply_to, seq) -> message and buffers, as things stand when it is called."""


@dataclass
class _Batch:
    """Masks of a frame that wait to be sent."""

    reply_to: ReplyTo | None = None
    then: list[Message] = field(default_factory=list[Message])


@dataclass(frozen=True)
class _Picture:
    """Pixels that wait to be sent."""

    reply_to: ReplyTo
    frame: int
    towards: int | None
    reduced: bool
    jpeg: bytes


class Outbox:
    """All messages to the browser pass here. Safe from any thread.

    Parameters
    ----------
    send : sends a message with its buffers at once, without blocking.
    build_masks : makes a mask batch when its turn comes, so that it is never out of date.
    clock : gives the time in seconds, which only goes forward.
    """

    def __init__(
        self,
        send: Callable[[Message, Sequence[bytes]], None],
        build_masks: BuildMasks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sender = send
        self._build_masks = build_masks
        self.lock = threading.RLock()
        """Held while sending: what is built first is sent first. Whoever sends several messages
        that belong together, or says how something is now, holds it meanwhile."""
        self._clock = clock
        self.on_gone: list[Callable[[str], None]] = []
        """Called with each view that is gone, while the lock is held."""
        self._visible: dict[str, float | None] = {}
        """When the first message was sent that a view has said nothing since; None if it has."""
        self._gone: deque[str] = deque(maxlen=MAX_GONE)
        self._seq = 0
        self._unacked_frames: set[int] = set()
        self._unacked_masks: set[int] = set()
        self._frames: dict[str, _Picture] = {}
        self._batches: dict[int, _Batch] = {}
        self._streamed: int | None = None
        self._held: deque[Message] = deque(maxlen=MAX_HELD)

    def hello(self, view: str) -> None:
        """A view is new or came back, and what is current is about to be told."""
        with self.lock:
            self._add(view)
            self._forget_unacked()

    def mark_alive(self, view: str) -> bool:
        """Note that a view has sent something, and return whether it had counted as gone.

        If it had, it must be sent what is current.
        """
        with self.lock:
            if view in self._visible:
                self._visible[view] = None
            elif view in self._gone:
                self.set_visible(view, True)
                return True
            return False

    def set_visible(self, view: str, visible: bool) -> None:
        """Note that a view came into sight or went out of it."""
        with self.lock:
            if visible:
                self._add(view)
            else:
                self._remove(view)
                self._streamed = None
            self._pump()

    def ack(self, *seqs: int) -> None:
        """Note that frames or mask batches have been drawn."""
        with self.lock:
            self._unacked_frames.difference_update(seqs)
            self._unacked_masks.difference_update(seqs)
            self._pump()

    def is_visible(self, view: str | None = None) -> bool:
        """Whether a view is in sight, or any."""
        with self.lock:
            self._drop_gone()
            return bool(self._visible) if view is None else view in self._visible

    def post(self, message: Message, buffers: Sequence[bytes] = ()) -> None:
        """Send a small message, if a view is in sight.

        Answers are kept for a view that is out of sight; the rest it is sent when it comes back.
        """
        with self.lock:
            if self.is_visible():
                self._send(message, buffers)
            elif isinstance(message, (Done, Error)):
                self._held.append(message)

    def send_always(self, message: Message, buffers: Sequence[bytes] = ()) -> None:
        """Send what a view has asked for and waits for, also where none is in sight."""
        with self.lock:
            self._send(message, buffers)

    def post_to_unheard(self, message: Message) -> None:
        """Send a small message, also to views that count as gone: they may only be unheard."""
        with self.lock:
            if self.is_visible() or self._gone:
                self._send(message, ())

    def send_frame(
        self,
        reply_to: ReplyTo,
        frame: int,
        jpeg: bytes,
        towards: int | None = None,
        *,
        reduced: bool = False,
    ) -> None:
        """Send pixels that a view wants, or that lie on the way to those."""
        with self.lock:
            self._frames[reply_to.view] = _Picture(reply_to, frame, towards, reduced, jpeg)
            self._pump()

    def drop_frames(self, message: Message) -> None:
        """Send no pixels that wait to be sent: they are out of date, as a message says."""
        with self.lock:
            self._frames.clear()
            self.post(message)

    def send_masks(self, frame: int, reply_to: ReplyTo | None) -> None:
        """Send a frame's masks. A view that is out of sight is told of them when it comes back."""
        with self.lock:
            if self.is_visible():
                batch = self._batches.setdefault(frame, _Batch())
                batch.reply_to = reply_to or batch.reply_to
                self._pump()

    def post_after_masks(self, frame: int, message: Message) -> None:
        """Send a small message, but not before masks of a frame that wait to be sent."""
        with self.lock:
            batch = self._batches.get(frame)
            if batch is None:
                self.post(message)
            else:
                batch.then.append(message)

    def stream_masks(self, frame: int) -> None:
        """Send the masks of a frame just tracked, unless a newer one takes its place."""
        with self.lock:
            if self.is_visible():
                self._streamed = frame
                self._pump()

    def _add(self, view: str) -> None:
        """Count a view in. What was not acknowledged may have gone to one that is no more."""
        if view not in self._visible:
            self._forget_unacked()
        if view in self._gone:
            self._gone.remove(view)
        self._visible[view] = None

    def _remove(self, view: str) -> None:
        self._visible.pop(view, None)
        self._frames.pop(view, None)

    def _drop_gone(self) -> None:
        now_s = self._clock()
        for view, since_s in list(self._visible.items()):
            if since_s is not None and now_s - since_s > GONE_AFTER_S:
                self._remove(view)
                self._forget_unacked()
                self._gone.append(view)
                for call in self.on_gone:
                    call(view)

    def _forget_unacked(self) -> None:
        self._unacked_frames.clear()
        self._unacked_masks.clear()

    def _pump(self) -> None:
        if not self.is_visible():
            return
        while self._held:
            self._send(self._held.popleft(), ())
        while self._frames and len(self._unacked_frames) < MAX_UNACKED_FRAMES:
            one = self._frames.pop(next(iter(self._frames)))
            seq = self._number(self._unacked_frames)
            message = Frame(seq, one.reply_to, one.frame, one.towards, one.reduced)
            self._send(message, (one.jpeg,))
        while self._batches and len(self._unacked_masks) < MAX_UNACKED_MASKS:
            frame = next(iter(self._batches))
            batch = self._batches.pop(frame)
            self._build_and_send(frame, batch.reply_to)
            for message in batch.then:
                self._send(message, ())
        if self._streamed is not None and len(self._unacked_masks) < MAX_UNACKED_MASKS:
            frame, self._streamed = self._streamed, None
            self._build_and_send(frame, None)

    def _build_and_send(self, frame: int, reply_to: ReplyTo | None) -> None:
        seq = self._number(self._unacked_masks)
        try:
            message, buffers = self._build_masks(frame, reply_to, seq)
        except Exception as error:
            self._unacked_masks.discard(seq)
            _log.error("The masks of frame %d could not be told", frame, exc_info=error)
        else:
            self._send(message, buffers)

    def _send(self, message: Message, buffers: Sequence[bytes]) -> None:
        """Send a message with its buffers at once, and log an error instead of raising it.

        A connection that is lost, say, ends neither the model's thread nor what else is to be sent.
        """
        try:
            self._sender(message, buffers)
        except Exception as error:
            _log.error("A message could not be sent: %s", message.type, exc_info=error)

    def _number(self, unacked: set[int]) -> int:
        self._seq += 1
        unacked.add(self._seq)
        now_s = self._clock()
        for view, since_s in self._visible.items():
            self._visible[view] = now_s if since_s is None else since_s
        return self._seq
