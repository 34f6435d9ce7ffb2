"""What code does with a widget: read results, prompt, review, propagate, and be told of it all."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from queue import SimpleQueue
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm.auto import tqdm

from ..annotation.confidence import Review
from ..annotation.records import Direction, Proposal, Shape, Timeline, Tracked
from ..annotation.session import Session
from ..bridge.callbacks import Events, FrameEvent, MaskEvent, PromptEvent
from ..bridge.dispatcher import Dispatcher
from ..bridge.protocol import ReplyTo
from ..core.arguments import ById, as_int, as_numbers
from ..core.errors import SessionError
from ..core.label_maps import OverlapCounter
from ..core.masks import MaskVolume
from ..core.user_warnings import warn, warn_renamed
from ..models.segmenter import PromptSet
from ..runtime.controller import STOPPED, Controller
from ..runtime.worker import Job
from .short_errors import shorten_errors

CANCELLED = "its cancellation"
"""The reason why the job of a task stops that was cancelled."""


@shorten_errors
class Api:
    """Methods of `Sam2Widget`. They wait until what they ask for is done.

    Coordinates are (x, y) in pixels of the original frame, frames count from 0, and runs of frames
    are half-open.
    """

    _controller: Controller[ReplyTo]
    _events: Events
    _dispatcher: Dispatcher
    _review: Review
    _session: Session

    # Results

    @property
    def masks(self) -> Mapping[int, MaskVolume]:
        """By object id, a lazy (T, H, W) bool array that follows the session:
        ``w.masks[1][10]`` is one frame, ``np.asarray(w.masks[1])`` all."""
        return ById({info.id: self._session.masks(info.id) for info in self._session.objects})

    @property
    def scores(self) -> Mapping[int, NDArray[np.float32]]:
        """By object id, (T,) object-score logits, above 0 where it is judged visible; NaN where
        there is no mask yet."""
        return ById({info.id: self._session.scores(info.id) for info in self._session.objects})

    @property
    def ious(self) -> Mapping[int, NDArray[np.float32]]:
        """By object id, (T,) predicted IoU of its masks; NaN where there is none yet."""
        return ById({info.id: self._session.ious(info.id) for info in self._session.objects})

    def prompts(self, frame: int, obj: int = 1) -> PromptSet:
        """What an object was prompted with on a frame; an empty set where there is nothing."""
        return self._session.prompts(frame, obj)

    def timeline(self, obj: int = 1) -> Timeline:
        """On which frames an object is prompted, tracked, stale, accepted or rejected."""
        return self._session.timeline(obj)

    def label_map(self, frame: int) -> NDArray[np.int32]:
        """(H, W) object ids on a frame, 0 for background; the larger id shows where two
        overlap, and a warning says so."""
        covered = OverlapCounter()
        labels_hw = self._session.label_map(frame, covered)
        names = {info.id: info.name for info in self._session.objects}
        sentence = covered.describe(
            names, "a label map", non_overlapping=self._session.non_overlapping
        )
        if sentence:
            warn(sentence)
        return labels_hw

    # Prompts and objects

    def add_point(
        self,
        frame: int,
        x: float | ArrayLike,
        y: float | None = None,
        label: int = 1,
        obj: int = 1,
    ) -> None:
        """Click on an object (label 1) or outside it (label 0); a new id adds the object.

        Parameters
        ----------
        x, y : in pixels, 0 to the frame's width and height, both included; or both in one list,
            ``add_point(0, (x, y))``.

        Raises
        ------
        SessionError
            When the point or the frame is not in the video, or the model could not be loaded.
        """
        x, y = as_numbers((x, y), ("x", "y"), "A point")
        prompt = partial(self._session.add_point, frame, x, y, label, obj)
        self._prompt(frame, obj, lambda: self._controller.timed(prompt))

    def add_box(
        self,
        frame: int,
        x0: float | ArrayLike | None = None,
        y0: float | None = None,
        x1: float | None = None,
        y1: float | None = None,
        obj: int = 1,
        *,
        box: ArrayLike | None = None,
    ) -> None:
        """Draw a box around an object, in place of an earlier one; what sticks out of the frame
        is cut off. Raises as `add_point`.

        Parameters
        ----------
        x0, y0, x1, y1 : its corners in pixels; or all in one list, array or tensor, as in
            ``add_box(0, [x0, y0, x1, y1])`` or by the name `box`.
        """
        given = (x0, y0, x1, y1) if box is None else (box, x0, y0, x1, y1)
        x0, y0, x1, y1 = as_numbers(given, ("x0", "y0", "x1", "y1"), "A box")
        self._prompt(frame, obj, lambda: self._session.add_box(frame, x0, y0, x1, y1, obj))

    def _prompt(self, frame: int, obj: int, prompt: Callable[[], object]) -> None:
        """Prompt an object, and say if it, or what it takes from, keeps little of its mask."""

        def run() -> str:
            before = self._session.held_on(frame)
            prompt()
            session = self._session
            sentence = session.want_of_positive(frame, obj) or session.losses(frame, obj, before)
            if sentence:
                self._controller.set_notice(sentence)
            return sentence

        sentence = self._controller.edit(run)
        if sentence:
            warn(sentence)

    def add_mask(self, frame: int, mask_hw: object, obj: int = 1) -> None:
        """Give an object's (H, W) mask on a frame, in place of its prompts there. Raises as
        `add_point`.

        Parameters
        ----------
        mask_hw : flags, 0 and 1, or 0 and 255; also probabilities, which are cut at 0.5, and
            logits, which are cut at 0, with a warning. An array, a tensor, a Pillow image, or
            COCO's run lengths.
        """
        checked_hw, note = self._session.check_mask(frame, mask_hw)
        self._controller.edit(lambda: self._session.add_mask(frame, checked_hw, obj))
        if note:
            warn(note)

    def paint(
        self,
        frame: int,
        path: ArrayLike,
        radius: float = 0.0,
        obj: int = 1,
        *,
        shape: Shape = "brush",
        erase: bool = False,
    ) -> None:
        """Add to an object's mask by hand, or take away from it. The mask that this gives takes
        the place of all prompts there.

        Parameters
        ----------
        path : (P, 2) the way of the brush's centre, or a polygon's corners, (x, y).
        radius : of the brush in pixels.
        shape : "brush" or "polygon".
        erase : take away.
        """
        flat = [float(value) for value in np.ravel(np.asarray(path, np.float64))]
        self._controller.edit(
            lambda: self._session.paint(frame, flat, radius, obj, shape=shape, erase=erase)
        )

    def choose(self, frame: int, index: int, obj: int = 1) -> None:
        """Choose another of the masks that a first click may mean; `index` counts from 0 those that
        are offered, which are without those of a predicted IoU under a third of the best."""
        self._controller.edit(lambda: self._session.choose(frame, obj, index))

    def move_point(self, frame: int, index: int, x: float, y: float, obj: int = 1) -> None:
        """Put a click elsewhere; `index` counts from 0 in the order of the clicks."""
        self._controller.edit(lambda: self._session.move_point(frame, obj, index, x, y))

    def remove_point(self, frame: int, index: int, obj: int = 1) -> None:
        """Take a click away; `index` as in `move_point`."""
        self._controller.edit(lambda: self._session.remove_point(frame, obj, index))

    def clear_prompts(self, frame: int, obj: int = 1) -> None:
        """Take an object's prompts on a frame away."""
        self._controller.edit(lambda: self._session.clear_prompts(frame, obj))

    def update_object(
        self,
        obj: int,
        *,
        name: str | None = None,
        color: str | None = None,
        visible: bool | None = None,
        locked: bool | None = None,
    ) -> None:
        """Change the name, the colour ("#rrggbb") or the visibility of an object, or lock it:
        nothing changes its masks then."""
        self._controller.edit(
            lambda: self._session.update_object(
                obj, name=name, color=color, visible=visible, locked=locked
            )
        )

    def remove_object(self, obj: int) -> None:
        """Remove an object with its prompts and masks."""
        self._controller.edit(lambda: self._session.remove_object(obj))

    def clear(self) -> None:
        """Begin anew: remove all objects with their prompts and masks. Undo brings them back."""
        self._controller.edit(self._controller.clear)

    def undo(self) -> None:
        """Take the last edit or propagation back. Stops a propagation that runs."""
        self._controller.edit(self._controller.undo)

    def redo(self) -> None:
        """Do what was undone again."""
        self._controller.edit(self._controller.redo)

    # Review

    @property
    def confidence(self) -> Mapping[int, NDArray[np.float32]]:
        """By object id, (T,) how sure its masks are, 0..1: from object score, predicted IoU and
        how well each agrees with its neighbours; NaN where there is none."""
        return ById({info.id: self._review.confidence(info.id) for info in self._session.objects})

    @property
    def num_unreviewed(self) -> int:
        """How many masks nobody has prompted, accepted or rejected."""
        return self._review.num_unreviewed()

    def accept(self, start: int, stop: int | None = None, obj: int | None = None) -> None:
        """Vouch for masks on a frame, or on frames `start` to `stop`: tracking goes out from
        them and never changes them. `obj` None is every object."""
        self._controller.edit(lambda: self._session.accept(obj, start, stop))

    def reject(self, start: int, stop: int | None = None, obj: int | None = None) -> None:
        """Say that masks are wrong: they are no results any more. Frames and objects as in
        `accept`."""
        self._controller.edit(lambda: self._session.reject(obj, start, stop))

    def unreview(self, start: int, stop: int | None = None, obj: int | None = None) -> None:
        """Take acceptance and rejection back. Frames and objects as in `accept`."""
        self._controller.edit(lambda: self._session.unreview(obj, start, stop))

    def reset(self, start: int, stop: int | None = None, obj: int | None = None) -> None:
        """Take prompts and masks away. Frames and objects as in `accept`."""
        self._controller.edit(lambda: self._session.reset(obj, start, stop))

    def go_to_next_unreviewed(self) -> None:
        """Go to the least certain mask that nobody has reviewed: `frame` and `selected` change.

        Raises
        ------
        SessionError
            When nothing is left.
        """
        self._controller.call(self._dispatcher.check_next)

    @property
    def certainty(self) -> Mapping[int, NDArray[np.float32]]:
        """Deprecated name of `confidence`."""
        warn_renamed("certainty", "confidence")
        return self.confidence

    @property
    def left_to_check(self) -> int:
        """Deprecated name of `num_unreviewed`."""
        warn_renamed("left_to_check", "num_unreviewed")
        return self.num_unreviewed

    def next_to_check(self) -> None:
        """Deprecated name of `go_to_next_unreviewed`."""
        warn_renamed("next_to_check()", "go_to_next_unreviewed()")
        self.go_to_next_unreviewed()

    # Proposals

    def propose(self, frame: int) -> list[Proposal]:
        """Segment everything on a frame. While another search or a propagation runs, it waits for
        its turn.

        Returns
        -------
        list of Proposal
            The best first; ``proposal.mask.to_array()`` is (H, W) bool. `adopt` makes them
            objects.

        Raises
        ------
        SessionError
            When it was stopped.
        """
        self._check_may_wait("propose()")
        job = self._controller.call(lambda: self._controller.propose(frame))
        try:
            found = job.result()
        except KeyboardInterrupt:
            job.stop("an interrupt")
            raise
        if found is None:
            raise SessionError(
                f"The search on frame {frame} was ended by {job.reason}, before it was through: "
                "call propose() again."
            )
        return found

    def adopt(
        self,
        frame: int,
        proposals: int | Proposal | Iterable[int | Proposal],
        merge: bool = False,
        obj: int | None = None,
    ) -> list[int]:
        """Make proposals of a frame objects: each its own, or with `merge` all one, `obj` or a
        new one. A single one need not be in a list. Returns the objects' ids."""
        ids = _ids(proposals)
        return self._controller.edit(lambda: self._session.adopt(frame, ids, merge, obj))

    def dismiss(self, frame: int, proposals: int | Proposal | Iterable[int | Proposal]) -> None:
        """Drop proposals of a frame; an empty list drops none."""
        ids = _ids(proposals)
        if ids:
            self._controller.edit(lambda: self._session.dismiss(frame, ids))

    # Events

    def on_prompt(self, call: Callable[[PromptEvent], object]) -> Callable[[], None]:
        """Call a function whenever the prompts of an object on a frame have changed.

        It is called in a thread of its own, from which every method of the widget may be called;
        what it raises is shown in the widget.

        Returns
        -------
        callable
            Call it to end this.
        """
        return self._events.subscribe(PromptEvent, call)

    def on_mask(self, call: Callable[[MaskEvent], object]) -> Callable[[], None]:
        """Call a function whenever a mask is new, changed or gone; see `on_prompt`."""
        return self._events.subscribe(MaskEvent, call)

    def on_frame(self, call: Callable[[FrameEvent], object]) -> Callable[[], None]:
        """Call a function whenever another frame is shown; see `on_prompt`."""
        return self._events.subscribe(FrameEvent, call)

    # Propagation

    def propagate(
        self,
        start: int | None = None,
        stop: int | None = None,
        direction: Direction = "both",
        objects: int | Iterable[int] | None = None,
    ) -> None:
        """Track the objects through the video, from the frames that have prompts. Frames that
        are tracked already and not stale are left as they are. While another propagation runs,
        in code or in the browser, it waits for its turn, and tracks what is left then.

        It returns once all is tracked. Where it was stopped, in the browser or by `stop`, it
        returns with a warning that says so. Interrupting the kernel stops all propagations.
        However it ends, what was tracked stays, but for what an undo or a clear takes back.

        Parameters
        ----------
        start, stop : frames to track, `stop` not included; the whole video if None.
        direction : "forward" tracks from earlier frames only, "backward" from later ones.
        objects : an id or several; all that are not locked if None.

        Raises
        ------
        SessionError
            When nothing has been prompted yet, or the range is none of this video; and when
            `undo`, `redo`, `clear`, `close` or an interrupt ended it before it was through.
        """
        self._check_may_wait("propagate()")
        ticks: SimpleQueue[Tracked | None] = SimpleQueue()
        last: Tracked | None = None

        def begin() -> Job[None]:
            steps = self._session.propagate(start, stop, direction, objects)
            return self._controller.propagate(steps, on_step=ticks.put)

        try:
            with tqdm(desc="Propagating", unit="frame") as bar:
                job = self._controller.call(begin)
                job.when_done(lambda: ticks.put(None))
                while (tracked := ticks.get()) is not None:
                    last = tracked
                    bar.total = tracked.total
                    bar.update(tracked.done - bar.n)
            job.result()
        except KeyboardInterrupt:
            self._controller.halt("an interrupt")
            raise
        _check_ended(job, last)

    async def propagate_async(
        self,
        start: int | None = None,
        stop: int | None = None,
        direction: Direction = "both",
        objects: int | Iterable[int] | None = None,
    ) -> None:
        """As `propagate`, but ``await w.propagate_async()`` leaves the kernel free meanwhile.
        Cancelling it stops this one alone; what was tracked stays."""
        self._check_may_wait("propagate_async()")
        last: deque[Tracked] = deque(maxlen=1)
        begun: list[Job[None]] = []
        abandoned = threading.Event()

        def begin() -> Job[None]:
            steps = self._session.propagate(start, stop, direction, objects)
            job = self._controller.propagate(steps, on_step=last.append)
            begun.append(job)
            if abandoned.is_set():
                job.stop(CANCELLED)
            return job

        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def tell() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)

        # Not cancelled with us: what it has begun must be stopped.
        beginning = loop.run_in_executor(None, self._controller.call, begin)
        try:
            job = await asyncio.shield(beginning)
            job.when_done(tell)
            await ended.wait()
        except asyncio.CancelledError:
            # It may begin only now.
            abandoned.set()
            for job in begun:
                job.stop(CANCELLED)
            raise
        job.result()
        _check_ended(job, last[-1] if last else None)

    def stop(self) -> None:
        """Stop all propagations after the frame at hand."""
        self._controller.stop()

    def wait_until_loaded(self) -> None:
        """Wait for the model.

        Raises
        ------
        SessionError
            When it could not be loaded, with the reason.
        """
        self._controller.call(lambda: None)

    def _check_may_wait(self, what: str) -> None:
        if self._controller.is_current_thread:
            raise SessionError(
                f"{what} waits for the model's thread, so it cannot be called in that thread, as "
                "an observer of the widget's traits is: call it from a cell, or in a function "
                "given to on_prompt, on_mask or on_frame."
            )


def _check_ended(job: Job[None], last: Tracked | None) -> None:
    """Say so where a propagation was ended before it was through.

    Parameters
    ----------
    last : its last step; None if it has made none.
    """
    if not job.stopped or (last is not None and last.done == last.total):
        return
    how_far = "before its first frame" if last is None else f"after {last.done} of {last.total}"
    stays = "" if job.reason in ("undo", "clear") else "what was tracked stays, and "
    text = (
        f"The propagation was ended by {job.reason}, {how_far}{'' if last is None else ' frames'}: "
        f"{stays}propagate() goes on."
    )
    if job.reason != STOPPED:
        raise SessionError(text)
    warn(text)


def _ids(proposals: int | Proposal | Iterable[int | Proposal]) -> list[int]:
    if isinstance(proposals, (str, bytes)) or not isinstance(proposals, Iterable):
        proposals = [cast("int | Proposal", proposals)]
    return [
        one.id if isinstance(one, Proposal) else as_int(one, "A proposal's id") for one in proposals
    ]
