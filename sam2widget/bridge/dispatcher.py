"""Carries out what the browser asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..annotation.confidence import Review
from ..annotation.session import Session
from ..core.errors import SessionError
from ..runtime.controller import Controller, log_unless_expected, sentence
from ..runtime.widget_state import WidgetState
from ..runtime.worker import Priority
from .protocol import (
    Accept,
    AddObject,
    Adopt,
    Box,
    Choose,
    ClearPrompts,
    Click,
    Dismiss,
    Hover,
    MovePoint,
    NextToCheck,
    Paint,
    Propagate,
    Propose,
    ProtocolError,
    Redo,
    Reject,
    RemoveBox,
    RemoveObject,
    RemovePoint,
    ReplyTo,
    Request,
    Reset,
    SetNonOverlapping,
    Undo,
    Unreview,
    UpdateObject,
)
from .publisher import Publisher

PROMPTS = (Click, Box, Paint, Choose, MovePoint, RemovePoint, RemoveBox)
"""After these, `auto_propagate="always"` tracks all that is untracked."""

CORRECTIONS = (*PROMPTS, ClearPrompts, Reject, Unreview, Reset)
"""After these, there may be stale masks to track again."""

ANSWERED_LATER = (Propagate, Propose)
"""These are answered when they end."""


class Dispatcher:
    """Queues requests and answers them.

    Parameters
    ----------
    controller : in whose thread they are carried out.
    session, publisher, review : what they change, who tells of it, and what is left to check.
    state : shows frame and selection.
    """

    def __init__(
        self,
        controller: Controller[ReplyTo],
        session: Session,
        publisher: Publisher,
        review: Review,
        state: WidgetState,
    ) -> None:
        self._controller = controller
        self._session = session
        self._publisher = publisher
        self._review = review
        self._state = state
        self._told_no_preview = False

    def serve(self, request: Request) -> None:
        """Queue a request. Any thread."""
        if isinstance(request, Hover):
            self._controller.submit(
                lambda: self._preview(request), Priority.HOVER, ("hover", request.view)
            )
        else:
            self._controller.submit(lambda: self._serve(request))

    def check_next(self) -> None:
        """Go to the least certain mask that nobody has reviewed."""
        found = self._review.next_unreviewed()
        if found is None:
            raise SessionError("Nothing is left to check: every mask was prompted or reviewed.")
        obj, frame = found
        self._state.write_traits(selected=obj, frame=frame)

    def _serve(self, request: Request) -> None:
        reply_to = ReplyTo(request.view, request.id)
        try:
            if self._controller.failure:
                raise SessionError(self._controller.failure)
            self._controller.begin_edit()
            self._perform(request, reply_to)
            if isinstance(request, CORRECTIONS):
                self._follow_up(request)
        except Exception as error:
            log_unless_expected(error, f"A request of the browser failed: {request}")
            self._publisher.publish_error(reply_to, sentence(error))
            self._publisher.publish(None)
        else:
            self._publisher.publish(None if isinstance(request, ANSWERED_LATER) else reply_to)
        self._controller.refresh_status()

    def _perform(self, request: Request, reply_to: ReplyTo) -> None:
        session, controller = self._session, self._controller
        match request:
            case Click(frame=frame, x=x, y=y, label=label):
                self._prompt(request, lambda obj: session.add_point(frame, x, y, label, obj))
            case Box(frame=frame, x0=x0, y0=y0, x1=x1, y1=y1):
                self._prompt(request, lambda obj: session.add_box(frame, x0, y0, x1, y1, obj))
            case Paint(frame=frame, shape=shape, erase=erase, radius=radius, path=path):
                self._prompt(
                    request,
                    lambda obj: session.paint(frame, path, radius, obj, shape=shape, erase=erase),
                )
            case Choose(frame=frame, object=obj, index=index):
                session.choose(frame, obj, index)
            case MovePoint(frame=frame, object=obj, index=index, x=x, y=y):
                session.move_point(frame, obj, index, x, y)
            case RemovePoint(frame=frame, object=obj, index=index):
                session.remove_point(frame, obj, index)
            case RemoveBox(frame=frame, object=obj):
                session.remove_box(frame, obj)
            case ClearPrompts(frame=frame, object=obj):
                session.clear_prompts(frame, obj)
            case AddObject():
                self._state.write_traits(selected=session.add_object())
            case RemoveObject(object=obj):
                session.remove_object(obj)
            case UpdateObject(object=obj, name=name, color=color, visible=visible, locked=locked):
                session.update_object(obj, name=name, color=color, visible=visible, locked=locked)
            case Propagate(start=start, stop=stop, direction=direction, objects=objects):
                steps = session.propagate(start, stop, direction, objects)
                controller.propagate(steps, reply_to=reply_to)
            case Accept(object=obj, start=start, stop=stop):
                session.accept(obj, start, stop)
            case Reject(object=obj, start=start, stop=stop):
                session.reject(obj, start, stop)
            case Unreview(object=obj, start=start, stop=stop):
                session.unreview(obj, start, stop)
            case Reset(object=obj, start=start, stop=stop):
                session.reset(obj, start, stop)
            case NextToCheck():
                self.check_next()
            case Propose(frame=frame):
                controller.propose(frame, reply_to)
            case Adopt(frame=frame, proposals=ids, merge=merge, object=obj):
                self._state.write_traits(selected=session.adopt(frame, ids, merge, obj)[-1])
            case Dismiss(frame=frame, proposals=ids):
                session.dismiss(frame, ids)
            case SetNonOverlapping(on=on):
                session.set_non_overlapping(on)
            case Undo():
                controller.undo()
            case Redo():
                controller.redo()
            case _:
                raise ProtocolError(f"{request.type!r} is not carried out here.")

    def _prompt(self, request: Click | Box | Paint, prompt: Callable[[int], None]) -> None:
        """Prompt the object meant: as said, or the selected one, or a new one."""
        known = [info.id for info in self._session.objects]
        selected = int(self._state.selected)
        if request.object is not None:
            obj = self._session.check_object(request.object)
        else:
            obj = selected if selected in known else max(known, default=0) + 1
        before = self._session.held_on(request.frame)
        if isinstance(request, Click):
            self._controller.timed(lambda: prompt(obj))
        else:
            prompt(obj)
        if obj in (info.id for info in self._session.objects):
            self._state.write_traits(selected=obj)
            sentence = self._session.want_of_positive(request.frame, obj)
            sentence = sentence or self._session.losses(request.frame, obj, before)
            if sentence:
                self._controller.set_notice(sentence)

    def _preview(self, request: Hover) -> None:
        """Answer a hover. Whatever is wrong with it, nobody has asked for anything yet."""
        if self._controller.failure:
            return
        reply_to = ReplyTo(request.view, request.id)
        if not self._session.can_preview:
            if not self._told_no_preview:
                self._told_no_preview = True
                self._publisher.publish_error(reply_to, "This model cannot preview a click.")
            return
        try:
            prediction = self._session.preview(request.frame, request.x, request.y, request.object)
        except Exception as error:
            log_unless_expected(error, "A preview failed")
        else:
            self._publisher.preview(reply_to, request.frame, prediction)

    def _follow_up(self, request: Request) -> None:
        """Track what a prompt or a correction asks for, after the propagation that runs."""
        mode, session = self._state.auto_propagate, self._session
        edit = session.last_edit
        if mode == "always" and isinstance(request, PROMPTS):
            self._controller.after_propagation(partial(self._track, stale_only=False))
        elif mode != "never" and edit is not None and edit.corrects:
            self._controller.after_propagation(partial(self._track, stale_only=True))

    def _track(self, *, stale_only: bool) -> None:
        session = self._session
        if session.has_stale if stale_only else session.has_pending:
            self._controller.propagate(session.propagate(stale_only=stale_only))
