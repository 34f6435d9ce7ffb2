"""Proposals: what a model or words find on frames, to be made objects or dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from sam2_backend.video import Video

from ...annotation.confidence import Review
from ...annotation.records import Proposal
from ...annotation.session import Session
from ...core.arguments import as_flag, as_int
from ...core.errors import SessionError
from ...core.user_warnings import warn
from ...models.segmenter import Box, Window
from ...runtime import blocking
from ...runtime.controller import Controller
from ...runtime.finder import Finder
from ...runtime.video_search import find_in_video
from ...runtime.widget_state import WidgetState
from ..notebook.short_errors import shorten_errors
from .deprecation import takes_by_keyword
from .prompt_annotator import PromptAnnotator


@shorten_errors
class ProposalAnnotator(PromptAnnotator):
    """What is found in a video, and becomes objects.

    Parameters
    ----------
    session, review, controller, get_video : those of `AnnotationReader`.
    state : shows the frame that is searched unless another is named.
    finder : finds things by words.
    """

    def __init__(
        self,
        session: Session,
        review: Review,
        controller: Controller[Any],
        get_video: Callable[[], Video],
        state: WidgetState,
        finder: Finder[Any],
    ) -> None:
        super().__init__(session, review, controller, get_video)
        self._state = state
        self._finder = finder

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
