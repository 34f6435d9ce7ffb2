"""What code does with a video: prompt, review, propagate, and be told of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from sam2_backend.video import Video

from ..annotation.confidence import Review
from ..annotation.records import Direction, Proposal, Shape, Tracked
from ..annotation.session import Session
from ..bridge.callbacks import Callbacks, FrameEvent, MaskEvent, PromptEvent
from ..core.arguments import as_int, as_numbers, as_points
from ..core.user_warnings import warn, warn_renamed
from ..runtime import blocking
from ..runtime.controller import Controller
from ..runtime.widget_state import WidgetState, show_next_unreviewed
from .annotation_reader import AnnotationReader
from .deprecation import takes_by_keyword
from .short_errors import shorten_errors


@shorten_errors
class Annotator(AnnotationReader):
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
    """

    def __init__(
        self,
        session: Session,
        controller: Controller[Any],
        review: Review,
        callbacks: Callbacks,
        state: WidgetState,
        get_video: Callable[[], Video],
    ) -> None:
        super().__init__(session, review, controller, get_video)
        self._callbacks = callbacks
        self._state = state

    # Prompts

    @takes_by_keyword("label", "obj")
    def add_point(
        self,
        frame: int,
        x: float | ArrayLike,
        y: float | None = None,
        *,
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

        def prompt() -> None:
            self._session.add_point(frame, x=x, y=y, label=label, obj=obj)

        self._prompt(frame, obj, lambda: self._controller.time_prompt(prompt))

    def add_points(
        self, frame: int, points: ArrayLike, labels: ArrayLike | None = None, obj: int = 1
    ) -> None:
        """Click several times at once, which is one edit, answered once. Raises as `add_point`.

        Parameters
        ----------
        points : (P, 2) x and y of each in pixels.
        labels : (P,) 1 on the object, 0 outside it; 1 for all if None.
        """
        places, checked = as_points(points, labels)

        def prompt() -> None:
            self._session.add_points(frame, points=places, labels=checked, obj=obj)

        self._prompt(frame, obj, lambda: self._controller.time_prompt(prompt))

    @takes_by_keyword("obj")
    def add_box(
        self,
        frame: int,
        x0: float | ArrayLike | None = None,
        y0: float | None = None,
        x1: float | None = None,
        y1: float | None = None,
        *,
        obj: int = 1,
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
        self._prompt(
            *(frame, obj),
            lambda: self._session.add_box(frame, x0=x0, y0=y0, x1=x1, y1=y1, obj=obj),
        )

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
        self._controller.edit(lambda: self._session.add_mask(frame, checked_hw, obj=obj))
        if note:
            warn(note)

    @takes_by_keyword("obj")
    def paint(
        self,
        frame: int,
        path: ArrayLike,
        radius: float = 0.0,
        *,
        obj: int = 1,
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
        options: dict[str, Any] = {"shape": shape, "erase": erase}
        self._controller.edit(
            lambda: self._session.paint(frame, path=flat, radius=radius, obj=obj, **options)
        )

    @takes_by_keyword("obj")
    def choose(self, frame: int, index: int, *, obj: int = 1) -> None:
        """Choose another of the masks that a first click may mean; `index` counts from 0 those that
        are offered, which are without those of a predicted IoU under a third of the best."""
        self._controller.edit(lambda: self._session.choose(frame, obj=obj, index=index))

    @takes_by_keyword("obj")
    def move_point(self, frame: int, index: int, x: float, y: float, *, obj: int = 1) -> None:
        """Put a click elsewhere; `index` counts from 0 in the order of the clicks."""
        self._controller.edit(
            lambda: self._session.move_point(frame, obj=obj, index=index, x=x, y=y)
        )

    @takes_by_keyword("obj")
    def remove_point(self, frame: int, index: int, *, obj: int = 1) -> None:
        """Take a click away; `index` as in `move_point`."""
        self._controller.edit(lambda: self._session.remove_point(frame, obj=obj, index=index))

    def remove_box(self, frame: int, obj: int = 1) -> None:
        """Take an object's box on a frame away; its clicks there stay."""
        self._controller.edit(lambda: self._session.remove_box(frame, obj=obj))

    def clear_prompts(self, frame: int, obj: int = 1) -> None:
        """Take an object's prompts on a frame away."""
        self._controller.edit(lambda: self._session.clear_prompts(frame, obj=obj))

    def reset_prompts(self, frame: int | None = None, obj: int | None = None) -> None:
        """Take prompts away, which is one edit: on one frame, or on all if None; of one object, or
        of all that are not locked if None. Objects stay, and so does what was tracked, as stale.

        Raises
        ------
        SessionError
            When there are none.
        """
        self._controller.edit(lambda: self._session.reset_prompts(frame, obj=obj))

    # Objects

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

    @takes_by_keyword("obj")
    def accept(self, start: int, stop: int | None = None, *, obj: int | None = None) -> None:
        """Vouch for masks on a frame, or on frames `start` to `stop`: tracking goes out from
        them and never changes them. `obj` None is every object."""
        self._controller.edit(lambda: self._session.accept(obj=obj, start=start, stop=stop))

    @takes_by_keyword("obj")
    def reject(self, start: int, stop: int | None = None, *, obj: int | None = None) -> None:
        """Say that masks are wrong: they are no results any more. Frames and objects as in
        `accept`."""
        self._controller.edit(lambda: self._session.reject(obj=obj, start=start, stop=stop))

    @takes_by_keyword("obj")
    def unreview(self, start: int, stop: int | None = None, *, obj: int | None = None) -> None:
        """Take acceptance and rejection back. Frames and objects as in `accept`."""
        self._controller.edit(lambda: self._session.unreview(obj=obj, start=start, stop=stop))

    @takes_by_keyword("obj")
    def reset(self, start: int, stop: int | None = None, *, obj: int | None = None) -> None:
        """Take prompts and masks away. Frames and objects as in `accept`."""
        self._controller.edit(lambda: self._session.reset(obj=obj, start=start, stop=stop))

    def go_to_next_unreviewed(self) -> None:
        """Go to the least certain mask that nobody has reviewed: `frame` and `selected` change.

        Raises
        ------
        SessionError
            When nothing is left.
        """
        self._controller.call(lambda: show_next_unreviewed(self._review, self._state))

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
        return blocking.propose(self._controller, frame)

    @takes_by_keyword("merge", "obj")
    def adopt(
        self,
        frame: int,
        proposals: int | Proposal | Iterable[int | Proposal],
        *,
        merge: bool = False,
        obj: int | None = None,
    ) -> list[int]:
        """Make proposals of a frame objects: each its own, or with `merge` all one, `obj` or a
        new one. A single one need not be in a list. Returns the objects' ids."""
        ids = _ids(proposals)
        return self._controller.edit(lambda: self._session.adopt(frame, ids, merge=merge, obj=obj))

    def dismiss(self, frame: int, proposals: int | Proposal | Iterable[int | Proposal]) -> None:
        """Drop proposals of a frame; an empty list drops none."""
        ids = _ids(proposals)
        if ids:
            self._controller.edit(lambda: self._session.dismiss(frame, ids))

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
        blocking.propagate(self._controller, self._steps(start, stop, direction, objects))

    async def propagate_async(
        self,
        start: int | None = None,
        stop: int | None = None,
        direction: Direction = "both",
        objects: int | Iterable[int] | None = None,
    ) -> None:
        """As `propagate`, but ``await w.propagate_async()`` leaves the kernel free meanwhile.
        Cancelling it stops this one alone; what was tracked stays."""
        steps = self._steps(start, stop, direction, objects)
        await blocking.propagate_async(self._controller, steps)

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
        return self._callbacks.subscribe(PromptEvent, call)

    def on_mask(self, call: Callable[[MaskEvent], object]) -> Callable[[], None]:
        """Call a function whenever a mask is new, changed or gone; see `on_prompt`."""
        return self._callbacks.subscribe(MaskEvent, call)

    def on_frame(self, call: Callable[[FrameEvent], object]) -> Callable[[], None]:
        """Call a function whenever another frame is shown; see `on_prompt`."""
        return self._callbacks.subscribe(FrameEvent, call)

    # An old name

    def next_to_check(self) -> None:
        """Deprecated name of `go_to_next_unreviewed`."""
        warn_renamed("next_to_check()", "go_to_next_unreviewed()")
        self.go_to_next_unreviewed()

    # Inside

    def _prompt(self, frame: int, obj: int, prompt: Callable[[], object]) -> None:
        sentence = self._controller.edit(lambda: self._controller.prompt(frame, obj, prompt))
        if sentence:
            warn(sentence)

    def _steps(
        self,
        start: int | None,
        stop: int | None,
        direction: Direction,
        objects: int | Iterable[int] | None,
    ) -> Callable[[], Iterator[Tracked]]:
        return lambda: self._session.propagate(start, stop, direction, objects)


def _ids(proposals: int | Proposal | Iterable[int | Proposal]) -> list[int]:
    if isinstance(proposals, (str, bytes)) or not isinstance(proposals, Iterable):
        proposals = [cast("int | Proposal", proposals)]
    return [
        one.id if isinstance(one, Proposal) else as_int(one, "A proposal's id") for one in proposals
    ]
