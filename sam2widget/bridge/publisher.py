"""Tells the browser what changed in a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..annotation.confidence import Review
from ..annotation.records import Changed, Tracked
from ..annotation.session import Session
from ..core.masks import Mask
from ..models.catalog import MemoryChoice, ModelChoice
from ..models.segmenter import Prediction
from ..runtime.time_left import TimeLeft
from .flow_control import Outbox
from .protocol import (
    Areas,
    Candidates,
    Confidence,
    Done,
    Error,
    MaskEntry,
    Masks,
    MemoryEntry,
    Message,
    ModelEntry,
    Models,
    Preview,
    Progress,
    Prompts,
    ProposalEntry,
    Proposals,
    ReplyTo,
    Timeline,
    Welcome,
)

INTERVAL_S = 0.1
"""Least time between two progress messages, and between two timelines while propagating."""
LIVE_INTERVAL_S = 0.5
"""The same of timelines while a live video is tracked."""
LIVE_SHARE = 0.05
"""Of the time that these may take."""
MASKS_AT_ONCE = 2000
"""Whose confidences a view that is new is told at once; those of more come later."""


class Publisher:
    """Collects changes and tells views what they need to know of them. Safe from any thread.

    All it remembers is guarded by the outbox's lock, which is held from looking at the session
    until what was seen is sent: otherwise what one thread saw first could be told last, and a view
    would show it for ever. No other lock is waited for by who holds it, but that of `Review`.

    Parameters
    ----------
    session : whose changes these are.
    send : sends a message with its buffers, from any thread.
    current_frame : gives the frame that the widget is at.
    review : knows how sure the masks are.
    """

    def __init__(
        self,
        session: Session,
        send: Callable[[Message, Sequence[bytes]], None],
        current_frame: Callable[[], int],
        review: Review,
    ) -> None:
        self._session = session
        self._current_frame = current_frame
        self._review = review
        self._wanted: dict[str, int] = {}
        self._changed_masks: set[int] = set()
        self._changed_prompts: set[tuple[int, int]] = set()
        self._changed_timelines: set[int] = set()
        self._changed_proposals: set[int] = set()
        self._ambiguous: set[tuple[int, int]] = set()
        """(object id, frame) of all candidates ever told: a view may still show them."""
        self._prompted: set[tuple[int, int]] = set()
        """The same of prompts."""
        self._proposed: set[int] = set()
        """The same of proposals."""
        self._uncertain: dict[int, None] = {}
        """Objects whose confidences are still to be told, in this order."""
        self._levels: dict[int, NDArray[np.uint8]] = {}
        self._meter = _Meter()
        self._told_at = 0.0
        self._live_due_at = 0.0
        self.outbox = Outbox(send, self._masks)
        self.outbox.on_gone.append(self._forget)
        session.listen(self._handle_change)

    def set_frame(self, view: str, frame: int) -> None:
        """Remember which frame a view shows."""
        with self.outbox.lock:
            self._wanted[view] = frame

    def leave(self, view: str) -> None:
        """A view went out of sight."""
        with self.outbox.lock:
            self._forget(view)
            self.outbox.set_visible(view, False)

    def replay(self, reply_to: ReplyTo | None = None) -> None:
        """Tell all that is current, first that `reply_to` is welcome.

        Confidences that are not known yet come by `tell_confidences`, where they are many.
        """
        with self.outbox.lock:
            if reply_to is not None:
                self.outbox.post(Welcome(reply_to))
            left = MASKS_AT_ONCE
            for info in self._session.objects:
                self.outbox.post(self._timeline(info.id))
                left -= self._review.num_waiting(info.id)
                if left >= 0 or not self._review.num_waiting(info.id):
                    self._tell_confidence(info.id, whole=True)
                else:
                    self._uncertain[info.id] = None
            self.tell_frame(self._current_frame())
            if self._meter.running:
                self.outbox.post(self._meter.progress())

    @property
    def has_uncertain(self) -> bool:
        """Whether there are objects whose confidences are still to be told."""
        return len(self._uncertain) > 0

    def tell_confidences(self) -> Generator[None, None, None]:
        """Tell the confidences that `replay` has left out, an object in each step."""
        while True:
            with self.outbox.lock:
                obj = next(iter(self._uncertain), None)
            if obj is None:
                return
            if obj in (info.id for info in self._session.objects):
                self._review.levels(obj)  # without the lock: it takes a while
                with self.outbox.lock:
                    self._tell_confidence(obj, whole=True)
            with self.outbox.lock:
                self._uncertain.pop(obj, None)
            yield

    def tell_frame(self, frame: int, *, moving: bool = False) -> None:
        """Tell the prompts, masks and proposals of a frame.

        That an object has no prompts there is told where it had some, and not to a view that moves:
        of 50 objects, that would be more messages a second than kernels let pass.
        """
        with self.outbox.lock:
            for info in self._session.objects:
                prompts = self._prompts(frame, info.id)
                if self._session.prompts(frame, info.id) or (
                    not moving and (info.id, frame) in self._prompted
                ):
                    self.outbox.post(prompts)
                self._tell_candidates(frame, info.id)
            if frame in self._proposed:
                self._tell_proposals(frame)
            self.outbox.send_masks(frame, None)

    def publish(self, reply_to: ReplyTo | None) -> None:
        """Send what an edit has changed, then that the request is done.

        Masks go first: they are what a person waits for, and each message before them costs some
        milliseconds.
        """
        with self.outbox.lock:
            frames = sorted(self._changed_masks & {*self._wanted.values(), self._current_frame()})
            self._changed_masks.clear()
            for frame in frames:
                self.outbox.send_masks(frame, reply_to)
            for obj, frame in sorted(self._changed_prompts):
                self.outbox.post(self._prompts(frame, obj))
                self._tell_candidates(frame, obj)
            self._changed_prompts.clear()
            for frame in sorted(self._changed_proposals):
                self._tell_proposals(frame)
            self._changed_proposals.clear()
            self._tell_timelines()
            if reply_to is None:
                return
            if frames:
                self.outbox.post_after_masks(frames[-1], Done(reply_to))
            else:
                self.outbox.post(Done(reply_to))

    def publish_error(self, reply_to: ReplyTo | None, sentence: str) -> None:
        """Show why something cannot be done."""
        self.outbox.post(Error(reply_to, sentence))

    def preview(self, reply_to: ReplyTo, frame: int, prediction: Prediction) -> None:
        """Tell which mask a click would give."""
        runs = Mask.of(prediction.mask_hw).runs
        self.outbox.post(Preview(reply_to, frame, prediction.iou), (runs,))

    def tell_models(
        self, reply_to: ReplyTo, choices: Sequence[ModelChoice], memories: Sequence[MemoryChoice]
    ) -> None:
        """Tell which models and memory policies there are."""
        entries = [ModelEntry(one.name, one.label, one.state, one.size_bytes) for one in choices]
        policies = [MemoryEntry(one.name, one.purpose) for one in memories]
        self.outbox.post(Models(reply_to, entries, policies))

    def tell_areas(self, reply_to: ReplyTo, obj: int) -> None:
        """Tell how large an object's mask is on each frame; nothing of one that is gone."""
        with self.outbox.lock:
            if obj not in {info.id for info in self._session.objects}:
                return
            results = (self._session.result(t, obj) for t in range(self._session.num_frames))
            areas_t = np.array([0 if one is None else one.mask.area for one in results], "<u4")
            self.outbox.post(Areas(reply_to, obj), (areas_t.tobytes(),))

    def report_begin(self) -> None:
        """A propagation begins."""
        with self.outbox.lock:
            self._meter = _Meter(running=True)

    def report_step(self, tracked: Tracked) -> None:
        """Tell of a tracked frame."""
        with self.outbox.lock:
            self._meter.step(tracked)
            self._changed_masks.discard(tracked.frame)
            self.outbox.stream_masks(tracked.frame)
            if time.monotonic() - self._told_at >= INTERVAL_S:
                self._told_at = time.monotonic()
                self.outbox.post(self._meter.progress())
                self._tell_timelines()

    def report_live_step(self, frame: int) -> None:
        """Send the masks of a live video's newest frame, which has been tracked.

        What its objects' timelines cost grows with them: they are sent as often as leaves time for
        other things.
        """
        self._changed_masks.discard(frame)
        self.outbox.stream_masks(frame)
        self.report_live_rest()

    def report_live_rest(self) -> None:
        """Tell the timelines of a live video's objects, if it is time."""
        began_at = time.monotonic()
        if self._changed_timelines and began_at >= self._live_due_at:
            self._tell_timelines()
            took_s = time.monotonic() - began_at
            self._live_due_at = began_at + max(LIVE_INTERVAL_S, took_s / LIVE_SHARE)

    def report_end(self) -> None:
        """The propagation has ended."""
        with self.outbox.lock:
            self._meter.end()
            self._tell_timelines()
            self.outbox.post(self._meter.progress())

    def _forget(self, view: str) -> None:
        self._wanted.pop(view, None)

    def _handle_change(self, changed: Changed) -> None:
        with self.outbox.lock:
            self._changed_prompts.update(changed.prompts)
            self._changed_masks.update(*changed.results.by_object.values())
            self._changed_proposals |= changed.proposals
            self._proposed |= changed.proposals
            for keys in (changed.prompts, changed.results):
                self._changed_timelines.update(keys.by_object)
            if changed.objects:
                # A removed object leaves no timeline, one that comes back all of its own.
                known = {info.id for info in self._session.objects}
                self._changed_timelines &= known
                self._changed_prompts = {key for key in self._changed_prompts if key[0] in known}
                self._ambiguous = {key for key in self._ambiguous if key[0] in known}
                self._levels = {obj: sent for obj, sent in self._levels.items() if obj in known}

    def _tell_timelines(self) -> None:
        for obj in sorted(self._changed_timelines):
            self.outbox.post(self._timeline(obj))
            if obj not in self._uncertain:
                self._tell_confidence(obj)
        self._changed_timelines.clear()

    def _tell_confidence(self, obj: int, *, whole: bool = False) -> None:
        """Tell the range of frames whose confidence is another than was told, or all of it."""
        if not self.outbox.is_visible():
            return
        levels_t = self._review.levels(obj)
        told_t = np.zeros_like(levels_t)
        if obj in self._levels:
            told_t[: len(self._levels[obj])] = self._levels[obj]
        others = np.arange(len(levels_t)) if whole else np.flatnonzero(levels_t != told_t)
        self._levels[obj] = levels_t
        if len(others):
            start, stop = int(others[0]), int(others[-1]) + 1
            self.outbox.post(Confidence(obj, start), (levels_t[start:stop].tobytes(),))

    def _tell_candidates(self, frame: int, obj: int) -> None:
        """Tell the masks that a click may mean, or that there is no more choice."""
        result = self._session.result(frame, obj)
        found = () if result is None else result.candidates
        if result is not None and found:
            ious = [candidate.iou for candidate in found]
            buffers = [candidate.mask.runs for candidate in found]
            self._ambiguous.add((obj, frame))
            self.outbox.post(Candidates(frame, obj, result.chosen, ious), buffers)
        elif (obj, frame) in self._ambiguous:
            self.outbox.post(Candidates(frame, obj, 0, []))

    def _tell_proposals(self, frame: int) -> None:
        found = self._session.proposals(frame)
        entries = [ProposalEntry(one.id, one.iou, one.stability, one.mask.area) for one in found]
        self.outbox.post(Proposals(frame, entries), [one.mask.runs for one in found])

    def _timeline(self, obj: int) -> Timeline:
        timeline = self._session.timeline(obj)
        return Timeline(obj, **vars(timeline))

    def _prompts(self, frame: int, obj: int) -> Prompts:
        prompts = self._session.prompts(frame, obj)
        if prompts:
            self._prompted.add((obj, frame))
        points = [(point.x, point.y, point.label) for point in prompts.points]
        return Prompts(frame, obj, points, prompts.box, prompts.mask is not None)

    def _masks(self, frame: int, reply_to: ReplyTo | None, seq: int) -> tuple[Masks, list[bytes]]:
        entries: list[MaskEntry] = []
        buffers: list[bytes] = []
        for info in self._session.objects:
            result = self._session.result(frame, info.id)
            if result is not None:
                mask = result.mask
                entries.append(
                    MaskEntry(
                        *(info.id, result.score, result.iou),
                        *(result.source, result.state, mask.area),
                    )
                )
                buffers.append(mask.runs)
        return Masks(seq, reply_to, frame, True, entries), buffers


class _Meter:
    """How far and how fast a propagation goes."""

    def __init__(self, running: bool = False) -> None:
        self.running = running
        self._left = TimeLeft()
        self._left_s: float | None = None
        self._ended_after_s: float | None = None
        self._last = Tracked(0, False, 0, 0)

    def step(self, tracked: Tracked) -> None:
        self._last = tracked
        self._left_s = self._left.update(tracked.done, tracked.total)

    def end(self) -> None:
        self.running = False
        self._ended_after_s = self._left.elapsed_s

    def progress(self) -> Progress:
        last = self._last
        elapsed_s = self._ended_after_s or self._left.elapsed_s
        fps = last.done / elapsed_s if elapsed_s > 0 else 0.0
        return Progress(
            running=self.running,
            frame=last.frame,
            done=last.done,
            total=last.total,
            fps=round(fps, 2),
            eta_s=round(self._left_s or 0.0, 1),
            elapsed_s=round(elapsed_s, 1),
            direction="backward" if last.reverse else "forward",
        )
