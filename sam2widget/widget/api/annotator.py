"""What code does with a video: prompt, review, propagate, and be told of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from sam2_backend.video import Video

from ...annotation.confidence import Review
from ...annotation.records import Direction, Proposal, Shape, Tracked
from ...annotation.session import Session
from ...bridge.callbacks import Callbacks, FrameEvent, MaskEvent, PromptEvent
from ...core.arguments import as_flag, as_int, as_numbers, as_path_of_stroke, as_points
from ...core.errors import SessionError
from ...core.user_warnings import warn, warn_renamed
from ...models.segmenter import Box, Window
from ...runtime import blocking
from ...runtime.controller import Controller
from ...runtime.finder import Finder
from ...runtime.video_search import find_in_video
from ...runtime.widget_state import WidgetState, show_next_unreviewed
from ..notebook.short_errors import shorten_errors
from .deprecation import takes_by_keyword
from .lineage_annotator import LineageAnnotator


@shorten_errors
class Annotator(LineageAnnotator):
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
        super().__init__(session, review, controller, get_video)
        self._finder = finder
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
        window: Window | None = None,
    ) -> None:
        """Click on an object (label 1) or outside it (label 0); a new id adds the object.

        Parameters
        ----------
        frame : index of the frame, from 0.
        x, y : in pixels of the original frame, 0 to its width and height, both included; or both in
            one list, ``add_point(0, (x, y))``.
        label : 1 on the object, 0 outside it.
        obj : id of the object, from 1.
        window : x0, y0, x1, y1 of the part of a large picture that the model is to see, in its
            pixels; if None, the last that was used and holds the point, or else 1024 x 1024 pixels
            around it.

        Raises
        ------
        SessionError
            When the point or the frame is not in the video, the label is neither 0 nor 1, the
            object is locked, or the model could not be loaded.
        """
        x, y = as_numbers((x, y), ("x", "y"), "A point")

        def prompt() -> None:
            self._session.add_point(frame, x=x, y=y, label=label, obj=obj, window=window)

        self._prompt(frame, obj, lambda: self._controller.status.time_prompt(prompt))

    def add_points(
        self,
        frame: int,
        points: ArrayLike,
        labels: ArrayLike | None = None,
        obj: int = 1,
        *,
        candidate: int | None = None,
        window: Window | None = None,
    ) -> None:
        """Click several times at once, which is one edit and one prediction.

        Parameters
        ----------
        frame : index of the frame, from 0.
        points : (P, 2) x and y of each in pixels of the original frame.
        labels : (P,) 1 on the object, 0 outside it; 1 for all if None.
        obj : id of the object, from 1; a new one adds the object.
        candidate : which of the masks that the first click may mean, by the model's own number from
            0, as `to_python` writes it; the best if None.
        window : as in `add_point`.

        Raises
        ------
        SessionError
            As `add_point`; also when these are no points, or there is not a label for each.
        """
        places, checked = as_points(points, labels)

        def prompt() -> None:
            self._session.add_points(
                frame, points=places, labels=checked, obj=obj, candidate=candidate, window=window
            )

        self._prompt(frame, obj, lambda: self._controller.status.time_prompt(prompt))

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
        window: Window | None = None,
    ) -> None:
        """Draw a box around an object, in place of an earlier one; a new id adds the object.

        What sticks out of the frame is cut off, with a warning where it is more than a pixel or
        2 % of the frame.

        Parameters
        ----------
        frame : index of the frame, from 0.
        x0, y0, x1, y1 : its upper left and lower right corner in pixels of the original frame; or
            all in one list, array or tensor, as in ``add_box(0, [x0, y0, x1, y1])``.
        obj : id of the object, from 1.
        box : the four numbers in one, by name.
        window : as in `add_point`; if None, the box and half of it on each side.

        Raises
        ------
        SessionError
            When the box is empty or lies outside the frame; else as `add_point`.
        """
        given = (x0, y0, x1, y1) if box is None else (box, x0, y0, x1, y1)
        x0, y0, x1, y1 = as_numbers(given, ("x0", "y0", "x1", "y1"), "A box")
        self._prompt(
            *(frame, obj),
            lambda: self._session.add_box(frame, x0, y0, x1, y1, obj, window),
        )
        note = self._session.cut_by_frame(frame, (x0, y0, x1, y1))
        if note:
            warn(note)

    def add_mask(self, frame: int, mask_hw: object, obj: int = 1) -> None:
        """Give an object's (H, W) mask on a frame, in place of its prompts there.

        A new id adds the object. An empty mask says that the object is not to be seen.

        Parameters
        ----------
        frame : index of the frame, from 0.
        mask_hw : (H, W) of the original frame: flags, 0 and 1, or 0 and 255; also probabilities,
            which are cut at 0.5, and logits, which are cut at 0, with a warning. An array, a
            tensor, a Pillow image, or COCO's run lengths.
        obj : id of the object, from 1.

        Raises
        ------
        SessionError
            When it is no mask, or of another size than the frame; else as `add_point`.
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
        """Add pixels to an object's mask with a brush or a polygon, or erase some.

        The mask that this gives takes the place of all prompts on the frame; a new id adds the
        object.

        Parameters
        ----------
        frame : index of the frame, from 0.
        path : (P, 2) the way of the brush's centre, or a polygon's corners: (x, y) in pixels of the
            original frame.
        radius : of the brush in pixels, above 0; a polygon needs none.
        obj : id of the object, from 1.
        shape : "brush" or "polygon".
        erase : take the pixels away from the mask.

        Raises
        ------
        SessionError
            When there is no mask to erase from, the path has no place or a polygon fewer than three
            corners, or the radius of a brush is not above 0; else as `add_point`.
        """
        flat = as_path_of_stroke(path)
        options: dict[str, Any] = {"shape": shape, "erase": erase}
        self._controller.edit(
            lambda: self._session.paint(frame, path=flat, radius=radius, obj=obj, **options)
        )

    @takes_by_keyword("obj")
    def choose(self, frame: int, index: int, *, obj: int = 1) -> None:
        """Choose another of the masks that a first click may mean.

        Parameters
        ----------
        frame : index of the frame, from 0.
        index : from 0 among the masks that are offered, which are without those of a predicted IoU
            under a third of the best.
        obj : id of the object.

        Raises
        ------
        SessionError
            When there is no such mask, or the object is locked.
        """
        self._controller.edit(lambda: self._session.choose(frame, obj=obj, index=index))

    @takes_by_keyword("obj")
    def move_point(self, frame: int, index: int, x: float, y: float, *, obj: int = 1) -> None:
        """Put a click of an object elsewhere on its frame.

        Parameters
        ----------
        frame : index of the frame, from 0.
        index : of the click, from 0 in the order of the clicks.
        x, y : where it goes, in pixels of the original frame.
        obj : id of the object.

        Raises
        ------
        SessionError
            When there is no such click, the point lies outside the frame, or the object is locked.
        """
        self._controller.edit(
            lambda: self._session.move_point(frame, obj=obj, index=index, x=x, y=y)
        )

    @takes_by_keyword("obj")
    def remove_point(self, frame: int, index: int, *, obj: int = 1) -> None:
        """Take a click of an object on a frame away; `index` as in `move_point`.

        Raises
        ------
        SessionError
            When there is no such click, or the object is locked.
        """
        self._controller.edit(lambda: self._session.remove_point(frame, obj=obj, index=index))

    def remove_box(self, frame: int, obj: int = 1) -> None:
        """Take an object's box on a frame away; its clicks there stay.

        Raises
        ------
        SessionError
            When it has no box there, or is locked.
        """
        self._controller.edit(lambda: self._session.remove_box(frame, obj=obj))

    def clear_prompts(self, frame: int, obj: int = 1) -> None:
        """Take an object's prompts on a frame away.

        The tracked mask that they corrected, if there was one, shows again and is stale.

        Raises
        ------
        SessionError
            When it has none there, or is locked.
        """
        self._controller.edit(lambda: self._session.clear_prompts(frame, obj=obj))

    def reset_prompts(self, frame: int | None = None, obj: int | None = None) -> None:
        """Take prompts away as one edit: on a frame or on all, of an object or of all.

        Objects stay, and so does what was tracked, as stale.

        Parameters
        ----------
        frame : index of the frame, from 0; all frames if None.
        obj : id of the object; all that are not locked if None.

        Raises
        ------
        SessionError
            When there are none, or the object is locked.
        """
        self._controller.edit(lambda: self._session.reset_prompts(frame, obj=obj))

    # Objects

    def add_object(self, obj: int | None = None) -> int:
        """Add an object without prompts, and return its id; prompts with a new id add one, too.

        Parameters
        ----------
        obj : its id, from 1; the next free one if None.

        Raises
        ------
        SessionError
            When there is one of this id already.
        """
        return self._controller.edit(lambda: self._session.add_object(obj))

    def update_object(
        self,
        obj: int,
        *,
        name: str | None = None,
        color: str | None = None,
        visible: bool | None = None,
        locked: bool | None = None,
    ) -> None:
        """Change the name, the colour or the visibility of an object, or lock it.

        What is None stays as it is.

        Parameters
        ----------
        obj : id of the object.
        name : that is not empty.
        color : ``"#rrggbb"``.
        visible : whether the view shows its masks.
        locked : whether nothing changes its masks.

        Raises
        ------
        SessionError
            When there is no such object, or this is no name or no colour.
        """
        self._controller.edit(
            lambda: self._session.update_object(
                obj, name=name, color=color, visible=visible, locked=locked
            )
        )

    def remove_object(self, obj: int) -> None:
        """Remove an object with its prompts and masks.

        Raises
        ------
        SessionError
            When there is no such object, or it is locked.
        """
        self._controller.edit(lambda: self._session.remove_object(obj))

    def clear(self) -> None:
        """Begin anew: remove all objects, locked ones too, with their prompts and masks.

        Proposals go, too. Undo brings all of it back. A propagation that runs is stopped.
        """
        self._controller.edit(self._controller.clear)

    def undo(self) -> None:
        """Take the last edit or propagation back; a propagation that runs is stopped.

        Raises
        ------
        SessionError
            When there is nothing to undo.
        """
        self._controller.edit(self._controller.undo)

    def redo(self) -> None:
        """Do what was undone again; a propagation that runs is stopped.

        Raises
        ------
        SessionError
            When there is nothing to redo.
        """
        self._controller.edit(self._controller.redo)

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

    # Proposals

    def propose(self, frame: int, *, window: Window | None = None) -> list[Proposal]:
        """Segment everything on a frame, and return the proposals.

        While another search or a propagation runs, it waits for its turn.

        Parameters
        ----------
        frame : index of the frame, from 0.
        window : x0, y0, x1, y1 of the part of a large picture that is searched, in its pixels; all
            of it, small, if None.

        Returns
        -------
        list of Proposal
            The best first, without what is an object there already;
            ``proposal.mask.to_array()`` is (H, W) bool. `adopt` makes them
            objects.

        Raises
        ------
        SessionError
            When it was stopped, nothing was found, there is no such frame, or the model cannot
            segment everything.
        """
        return blocking.propose(self._controller, frame, window)

    def find(
        self,
        text: str = "",
        *,
        frame: int | None = None,
        boxes: ArrayLike | None = None,
        detector: object = None,
        video: bool = False,
    ) -> list[Proposal]:
        """Find all of what words name on a frame or in the video, and return proposals of it.

        Boxes that the detector finds become masks by the model. `adopt` makes the proposals
        objects, which are called by the words, and which clicks correct. While another search or a
        propagation runs, it waits for its turn.

        Through the video, each thing has a proposal on all frames that show it, with one id, and
        `adopt` gives its object the masks of all frames. `stop`, and Stop in the widget, ends it;
        what was found until then stays.

        Parameters
        ----------
        text : such as "zebra" or "the man in red".
        frame : index of the frame, from 0; the one that is shown if None.
        boxes : x0, y0, x1, y1 around an example of what to find, in pixels of the original frame,
            or a list of them; for detectors that look for examples, such as SAM 3.
        detector : to ask in place of `w.detector`.
        video : look through the whole video, for which the detector is a `VideoDetector`, such as
            "sam3:facebook/sam3". Neither `frame` nor `boxes` are given then.

        Returns
        -------
        list of Proposal
            The surest first; ``proposal.mask.to_array()`` is (H, W) bool. Of the video, one for
            each thing, on the frame where it is the largest.

        Raises
        ------
        SessionError
            When there is no detector, it cannot be had or does not look for that, nothing was
            found, there is no such frame, or the search was stopped.

        Examples
        --------
        >>> zebras = w.find("zebra", frame=0)
        >>> w.adopt(0, zebras)
        >>> w.adopt(0, w.find("zebra", video=True))  # all frames have their masks
        """
        if as_flag(video, "video"):
            if frame is not None or boxes is not None:
                raise SessionError(
                    "Through the video, find() looks at all frames for what words name: give "
                    "neither frame nor boxes, or leave video=True out."
                )
            return find_in_video(
                self._controller,
                lambda on_step: self._finder.find_in_video(text, detector, on_step),
                self._session.found_in_video,
            )
        at = int(self._state.frame) if frame is None else frame
        examples = [] if boxes is None else _boxes(boxes)
        return blocking.search(
            self._controller,
            lambda: self._finder.find(at, text, examples, detector),
            *("find()", at),
        )

    @property
    def detector(self) -> object:
        """What `find` asks: None for one that is on this machine, or one that you chose.

        Set it to the name of a family and a model, such as
        "zero-shot:google/owlv2-base-patch16-ensemble" or "sam3:facebook/sam3"; to a `Detector`; or
        to a function of a picture (H, W, 3) and a text that returns a list of `Detection`. It is
        loaded when it is first asked.

        Raises
        ------
        SessionError
            When it is set to nothing of the kind.
        """
        return self._finder.detector

    @detector.setter
    def detector(self, detector: object) -> None:
        self._finder.detector = detector

    @takes_by_keyword("merge", "obj")
    def adopt(
        self,
        frame: int,
        proposals: int | Proposal | Iterable[int | Proposal],
        *,
        merge: bool = False,
        obj: int | None = None,
    ) -> list[int]:
        """Make proposals of a frame objects, and return the objects' ids.

        Their masks become prompts on the frame. What was found through the video is prompted there
        too if it is seen there, else where it is the largest, and comes with the masks of all
        other frames. A warning names objects that keep less than half of their masks so.

        Parameters
        ----------
        frame : index of the frame, from 0.
        proposals : from `propose` or `find`, or their ids; a single one need not be in a list.
        merge : make all of them one object; else each is its own.
        obj : with `merge`, the id of the object to add them to; a new one if None.

        Returns
        -------
        list of int
            Ids of the objects, in the order of the proposals.

        Raises
        ------
        SessionError
            When there is no such proposal, `obj` is given without `merge`, or the object is locked.
        """
        ids, merge = _ids(proposals), as_flag(merge, "merge")
        objects, sentence = self._controller.edit(
            lambda: self._controller.adopt(frame, ids, merge=merge, obj=obj)
        )
        if sentence:
            warn(sentence)
        return objects

    def dismiss(self, frame: int, proposals: int | Proposal | Iterable[int | Proposal]) -> None:
        """Drop proposals of a frame; an empty list drops none.

        Parameters
        ----------
        frame : index of the frame, from 0.
        proposals : as in `adopt`.

        Raises
        ------
        SessionError
            When there is no such proposal.
        """
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


def _boxes(boxes: ArrayLike) -> list[Box]:
    """One box or several, as tuples of four numbers."""
    try:
        corners = np.asarray(boxes, float)
    except (TypeError, ValueError):
        corners = np.zeros(0)
    if corners.ndim not in (1, 2) or corners.shape[-1] != 4 or not np.isfinite(corners).all():
        raise SessionError(f"A box is x0, y0, x1, y1, four finite numbers, got {boxes!r}.")
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in corners.reshape(-1, 4).tolist()]
