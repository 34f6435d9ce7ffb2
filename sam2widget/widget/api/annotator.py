"""What code does with a video: prompt, review, propagate, and be told of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sam2_backend.video import Video

from ...annotation.confidence import Review
from ...annotation.records import Direction, Tracked
from ...annotation.session import Session
from ...bridge.callbacks import Callbacks, FrameEvent, MaskEvent, PromptEvent
from ...core.user_warnings import warn_renamed
from ...runtime import blocking
from ...runtime.controller import Controller
from ...runtime.finder import Finder
from ...runtime.widget_state import WidgetState, show_next_unreviewed
from ..notebook.short_errors import shorten_errors
from .deprecation import takes_by_keyword
from .proposal_annotator import ProposalAnnotator


@shorten_errors
class Annotator(ProposalAnnotator):
    """A video that is annotated by code. Methods wait until what they ask for is done.

    Coordinates are (x, y) in pixels of the original frame, frames count from 0, and runs of frames
    are half-open.

    Parameters
    ----------
    session : of the video.
    controller : in whose thread the session is changed.
    review : knows how sure the masks are.
    callbacks : call functions of the user's.
    state : shows frame and selection.
    get_video : gives the video, or what is left of it once it is closed.
    finder : finds things by words.
    """

    def __init__(
        self,
        session: Session,
        controller: Controller[Any],
        review: Review,
        callbacks: Callbacks,
        state: WidgetState,
        get_video: Callable[[], Video],
        finder: Finder[Any],
    ) -> None:
        super().__init__(session, review, controller, get_video, state, finder)
        self._callbacks = callbacks

    # Review

    @takes_by_keyword("obj")
    def accept(self, start: int, stop: int | None = None, *, obj: int | None = None) -> None:
        """Accept masks, which says that they are right, on a frame or on several.

        Accepted masks condition tracking, which never changes them. Rejected ones stay rejected.

        Parameters
        ----------
        start, stop : frames from 0, `stop` not included; `start` alone if `stop` is None.
        obj : id of the object; every object that is not locked if None.

        Raises
        ------
        SessionError
            When there is no mask to accept, no such frame or object, or the object is locked.
        """
        self._controller.edit(lambda: self._session.accept(obj=obj, start=start, stop=stop))

    @takes_by_keyword("obj")
    def reject(self, start: int, stop: int | None = None, *, obj: int | None = None) -> None:
        """Reject masks, which says that they are wrong, on a frame or on several.

        They are no results any more: tracking neither changes nor uses them, and a prompt on the
        frame takes their place.

        Parameters
        ----------
        start, stop, obj : frames and objects as in `accept`.

        Raises
        ------
        SessionError
            When there is no mask to reject; else as `accept`.
        """
        self._controller.edit(lambda: self._session.reject(obj=obj, start=start, stop=stop))

    @takes_by_keyword("obj")
    def unreview(self, start: int, stop: int | None = None, *, obj: int | None = None) -> None:
        """Take acceptance and rejection back on a frame or on several; the masks stay.

        Parameters
        ----------
        start, stop, obj : frames and objects as in `accept`.

        Raises
        ------
        SessionError
            When there is no such frame or object, or the object is locked.
        """
        self._controller.edit(lambda: self._session.unreview(obj=obj, start=start, stop=stop))

    @takes_by_keyword("obj")
    def reset(self, start: int, stop: int | None = None, *, obj: int | None = None) -> None:
        """Take prompts and masks away on a frame or on several, accepted and rejected ones too.

        Parameters
        ----------
        start, stop, obj : frames and objects as in `accept`.

        Raises
        ------
        SessionError
            When there is nothing to take away; else as `accept`.
        """
        self._controller.edit(lambda: self._session.reset(obj=obj, start=start, stop=stop))

    def go_to_next_unreviewed(self) -> None:
        """Go to the least certain mask that nobody has reviewed: `frame` and `selected` change.

        Raises
        ------
        SessionError
            When nothing is left.
        """
        self._controller.call(lambda: show_next_unreviewed(self._review, self._state))

    # Propagation

    def propagate(
        self,
        start: int | None = None,
        stop: int | None = None,
        direction: Direction = "both",
        objects: int | Iterable[int] | None = None,
    ) -> None:
        """Track the objects through the video, from the frames that have prompts.

        Frames that are tracked already and not stale are left as they are. While another
        propagation runs, in code or in the browser, it waits for its turn, and tracks what is left
        then.

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
            When nothing has been prompted yet, these are pictures and no video, or the range is
            none of this video; and when `undo`, `redo`, `clear`, `close` or an interrupt ended
            it before it was through.
        """
        blocking.propagate(self._controller, self._steps(start, stop, direction, objects))

    async def propagate_async(
        self,
        start: int | None = None,
        stop: int | None = None,
        direction: Direction = "both",
        objects: int | Iterable[int] | None = None,
    ) -> None:
        """Track the objects as `propagate` does, while the kernel stays free.

        Call it as ``await w.propagate_async()``. Cancelling it stops this one alone; what was
        tracked stays. Parameters and errors are those of `propagate`.
        """
        steps = self._steps(start, stop, direction, objects)
        await blocking.propagate_async(self._controller, steps)

    def stop(self) -> None:
        """Stop all propagations after the frame at hand, and all searches for proposals."""
        self._controller.stop()

    def wait_until_loaded(self) -> None:
        """Wait until the model is loaded.

        Raises
        ------
        SessionError
            When it could not be loaded, with the reason.
        """
        self._controller.call(lambda: None)

    # Events

    def on_prompt(self, call: Callable[[PromptEvent], object]) -> Callable[[], None]:
        """Call a function whenever the prompts of an object on a frame have changed.

        It is called in a thread of its own, from which every method of the widget may be called;
        what it raises is shown in the widget.

        Parameters
        ----------
        call : is given a `PromptEvent`: object, frame and prompts.

        Returns
        -------
        callable
            Call it to end this.

        Raises
        ------
        TypeError
            When it is no function.
        """
        return self._callbacks.subscribe(PromptEvent, call)

    def on_mask(self, call: Callable[[MaskEvent], object]) -> Callable[[], None]:
        """Call a function with a `MaskEvent` whenever a mask is new, changed or gone.

        Its `result` is what is shown and exported: clicked, tracked, painted, imported or accepted;
        None where the mask was taken away or rejected. The rest is as in `on_prompt`.
        """
        return self._callbacks.subscribe(MaskEvent, call)

    def on_frame(self, call: Callable[[FrameEvent], object]) -> Callable[[], None]:
        """Call a function with a `FrameEvent` whenever another frame is shown.

        The rest is as in `on_prompt`.
        """
        return self._callbacks.subscribe(FrameEvent, call)

    # An old name

    def next_to_check(self) -> None:
        """Deprecated name of `go_to_next_unreviewed`."""
        warn_renamed("next_to_check()", "go_to_next_unreviewed()")
        self.go_to_next_unreviewed()

    # Inside

    def _steps(
        self,
        start: int | None,
        stop: int | None,
        direction: Direction,
        objects: int | Iterable[int] | None,
    ) -> Callable[[], Iterator[Tracked]]:
        return lambda: self._session.propagate(start, stop, direction, objects)
