"""What the browser asks for, handed to those who carry it out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sam2_backend.video import Channel, Contrast

from ..annotation.confidence import Review
from ..annotation.session import Session
from ..core.errors import SessionError
from ..runtime.controller import Controller
from ..runtime.error_texts import describe_error, log_unless_expected
from ..runtime.finder import Finder
from ..runtime.model_loader import ModelLoader
from ..runtime.widget_state import WidgetState, show_next_unreviewed
from ..runtime.worker import Priority, Task
from .decoder_server import DecoderServer
from .frame_server import FrameServer
from .protection import check_purpose, tell_of_change
from .protocol import (
    Accept,
    Ack,
    AddClass,
    AddObject,
    Adopt,
    Box,
    CancelExport,
    CancelModel,
    Choose,
    ClearPrompts,
    Click,
    Dismiss,
    Done,
    DropDownload,
    Export,
    Hello,
    Hover,
    MovePoint,
    NextUnreviewed,
    OpenResults,
    Paint,
    Ping,
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
    SetAttributes,
    SetBackground,
    SetClass,
    SetClassColor,
    SetContrast,
    SetMemory,
    SetModel,
    SetNonOverlapping,
    Split,
    StartAnew,
    Stop,
    Thumbnails,
    Undo,
    Unreview,
    UpdateObject,
    Visible,
    Want,
    WantAreas,
    WantChunk,
    WantDecoder,
    WantFeatures,
    WantLevels,
    WantMasks,
    WantModels,
    WantRegion,
    WriteScript,
    parse,
)
from .publisher import Publisher
from .results_server import ResultsServer

PROMPTS = (Click, Box, Paint, Choose, MovePoint, RemovePoint, RemoveBox)
"""After these, `auto_propagate="always"` tracks all that is untracked."""

CORRECTIONS = (*PROMPTS, ClearPrompts, Reject, Unreview, Reset)
"""After these, there may be stale masks to track again."""

ANSWERED_LATER = (Propagate, Propose)
"""These are answered when they end."""


class Dispatcher:
    """Checks each message of the browser and hands it to whoever carries it out.

    Parameters
    ----------
    controller : in whose thread edits are carried out.
    session : that they change.
    publisher : tells views what has changed, and answers them.
    frame_server : sends them frames.
    review : knows what is left to review.
    state : shows frame and selection.
    results : carries out what is asked of results, in threads of its own.
    on_hello : called when a view is new or has come back.
    on_heard : called with each message of a view.
    models : loads other models; None where there are none to choose from.
    finder : finds things by words; None where nothing does.
    decoder : lets views decode masks themselves; None where they do not.
    """

    def __init__(
        self,
        controller: Controller[ReplyTo],
        session: Session,
        publisher: Publisher,
        frame_server: FrameServer,
        review: Review,
        state: WidgetState,
        results: ResultsServer,
        on_hello: Callable[[], None] = lambda: None,
        on_heard: Callable[[], None] = lambda: None,
        models: ModelLoader | None = None,
        finder: Finder[ReplyTo] | None = None,
        decoder: DecoderServer | None = None,
    ) -> None:
        self._controller = controller
        self._session = session
        self._publisher = publisher
        self._outbox = publisher.outbox
        self._frame_server = frame_server
        self._review = review
        self._state = state
        self._results = results
        self._on_hello = on_hello
        self._on_heard = on_heard
        self._models = models
        self._finder = finder
        self._decoder = decoder
        self._told_no_preview = False

    def receive(self, content: object) -> None:
        """Take a message. Whatever thread this is, it is soon free again."""
        try:
            request = parse(content)
        except ProtocolError as error:
            self._publisher.publish_error(None, str(error))
            return
        reply_to = ReplyTo(request.view, request.id)
        is_back = self._outbox.mark_alive(request.view)
        self._on_heard()
        match request:
            case Hello():
                self._on_hello()
                self._outbox.hello(request.view)
                self._tell_all(reply_to, welcome=True)
                if self._decoder is not None:
                    self._decoder.offer()
            case Visible(visible=False):
                self._publisher.leave(request.view)
            case Visible():
                self._outbox.set_visible(request.view, True)
                self._tell_all(reply_to)
            case _:
                if is_back:
                    self._tell_all(reply_to)
                if isinstance(request, Ack):
                    self._outbox.ack(*request.seqs)
                elif isinstance(request, Want):
                    self._outbox.ack(*request.drawn)
                if request.epoch == self._state.epoch:
                    self._serve(request, reply_to)

    def _tell_all(self, reply_to: ReplyTo, *, welcome: bool = False) -> None:
        """Tell a view all that is current."""
        frame = int(self._state.frame)
        self._publisher.set_frame(reply_to.view, frame)
        self._publisher.replay(reply_to if welcome else None)
        self._results.tell_saved()
        if self._publisher.has_uncertain:
            self._controller.start_idle(self._publisher.tell_confidences(), "confidences")
        self._frame_server.want(reply_to, frame)
        self._frame_server.resume(reply_to.view)

    def _serve(self, request: Request, reply_to: ReplyTo) -> None:
        view = request.view
        match request:
            case Want(frame=frame, then=then, pixels=pixels, moving=moving):
                self._publisher.set_frame(view, frame)
                tell = partial(self._publisher.tell_frame, moving=moving)
                self._frame_server.want(
                    reply_to, frame, tell, then=then, pixels=pixels, moving=moving
                )
            case Ping() | Ack():
                pass  # that it was heard is all
            case Thumbnails(frames=frames):
                self._frame_server.want_thumbnails(view, frames)
            case WantMasks(frame=frame):
                if frame < self._session.num_frames:
                    self._outbox.send_masks(frame, None)
            case WantAreas(object=obj):
                self._controller.submit(
                    lambda: self._publisher.tell_areas(reply_to, obj),
                    *(Priority.PREFETCH, ("areas", view, obj)),
                )
            case WantRegion():
                self._frame_server.want_region(reply_to, request)
            case WantLevels(frame=frame):
                self._frame_server.want_levels(reply_to, frame)
            case (
                OpenResults()
                | Export()
                | CancelExport()
                | WantChunk()
                | DropDownload()
                | SetBackground()
                | WriteScript()
                | StartAnew()
            ):
                self._results.serve(request, reply_to)
            case SetContrast():
                self._set_contrast(request, reply_to)
            case Stop():
                self._controller.stop(reply_to)
            case WantModels() | SetModel() | SetMemory() | CancelModel() if (
                self._models is not None
            ):
                self._serve_model(self._models, request, reply_to)
            case WantDecoder() | WantFeatures():
                if self._decoder is not None:
                    self._decoder.serve(request, reply_to)
            case Hover():
                key = "hover", view
                self._controller.submit(lambda: self._preview(request), Priority.HOVER, key)
            case _:
                if isinstance(request, PROMPTS):
                    # Where the view goes on its own, what it showed last is not yet known here.
                    self._publisher.set_frame(view, request.frame)
                self._controller.submit(lambda: self._edit(request, reply_to))

    def _set_contrast(self, request: SetContrast, reply_to: ReplyTo) -> None:
        try:
            channels = tuple(
                Channel(one.low, one.high, one.gamma, one.color, one.visible)
                for one in request.channels or ()
            )
        except ValueError as error:
            self._publisher.publish_error(reply_to, str(error))
            return
        contrast = Contrast(channels) if channels else None
        task = self._frame_server.set_contrast(contrast, reply_to.view)
        task.when_done(lambda: self._answer_contrast(task, reply_to))

    def _serve_model(self, models: ModelLoader, request: Request, reply_to: ReplyTo) -> None:
        """Also where no model could be loaded: another one may be."""
        match request:
            case WantModels():
                models.list_models(partial(self._publisher.tell_models, reply_to))
            case SetModel(model=model):
                try:
                    models.switch(model)
                except SessionError as error:
                    self._publisher.publish_error(reply_to, str(error))
            case SetMemory(memory=memory):
                try:
                    models.switch_memory(memory)
                except SessionError as error:
                    self._publisher.publish_error(reply_to, str(error))
            case _:
                models.cancel()

    def _answer_contrast(self, task: Task[None], reply_to: ReplyTo) -> None:
        if task.stopped:
            return
        try:
            task.result()
        except ValueError as error:
            self._publisher.publish_error(reply_to, str(error))
        else:
            self._outbox.post(Done(reply_to))

    def _edit(self, request: Request, reply_to: ReplyTo) -> None:
        try:
            if self._controller.status.failure:
                raise SessionError(self._controller.status.failure)
            changed = check_purpose(self._session, request, int(self._state.selected))
            self._controller.begin_edit()
            self._perform(request, reply_to)
            if sentence := tell_of_change(self._session, changed):
                self._controller.set_notice(sentence)
            if isinstance(request, CORRECTIONS):
                self._follow_up(request)
        except Exception as error:
            log_unless_expected(error, f"A request of the browser failed: {request}")
            self._publisher.publish_error(reply_to, describe_error(error))
            self._publisher.publish(None)
        else:
            self._publisher.publish(None if isinstance(request, ANSWERED_LATER) else reply_to)
        self._controller.refresh_status()

    def _perform(self, request: Request, reply_to: ReplyTo) -> None:
        session, controller = self._session, self._controller
        match request:
            case Click(frame=frame, x=x, y=y, label=label, window=window):
                self._prompt(
                    request, lambda obj: session.add_point(frame, x, y, label, obj, window)
                )
            case Box(frame=frame, x0=x0, y0=y0, x1=x1, y1=y1, window=window):
                self._prompt(
                    request, lambda obj: session.add_box(frame, x0, y0, x1, y1, obj, window)
                )
            case Paint(frame=frame, shape=shape, erase=erase, radius=radius, path=path):
                stroke = partial(session.paint, frame, path=path, radius=radius)
                self._prompt(request, lambda obj: stroke(obj=obj, shape=shape, erase=erase))
            case Choose(frame=frame, object=obj, index=index):
                session.choose(frame, obj=obj, index=index)
            case MovePoint(frame=frame, object=obj, index=index, x=x, y=y):
                session.move_point(frame, obj=obj, index=index, x=x, y=y)
            case RemovePoint(frame=frame, object=obj, index=index):
                session.remove_point(frame, obj=obj, index=index)
            case RemoveBox(frame=frame, object=obj):
                session.remove_box(frame, obj=obj)
            case ClearPrompts(frame=frame, object=obj):
                session.clear_prompts(frame, obj=obj)
            case AddObject():
                self._state.write_traits(selected=session.add_object())
            case RemoveObject(object=obj):
                session.remove_object(obj)
            case Split(object=obj, frame=frame):
                # The other one has its masks: what is prompted next is this.
                self._state.write_traits(selected=session.split(obj, frame)[1])
            case UpdateObject(object=obj, name=name, color=color, visible=visible, locked=locked):
                session.update_object(obj, name=name, color=color, visible=visible, locked=locked)
            case SetClass(objects=objects, class_name=name, add=add):
                session.set_class(objects, name, add=add)
            case SetAttributes(object=obj, attributes=attributes):
                session.set_attributes(obj, attributes)
            case AddClass(class_name=name):
                session.add_class(name)
            case SetClassColor(class_name=name, color=color):
                session.set_class_color(name, color)
            case Propagate(start=start, stop=stop, direction=direction, objects=objects):
                steps = session.propagate(start, stop, direction, objects)
                controller.propagate(steps, reply_to=reply_to)
            case Accept(object=obj, start=start, stop=stop):
                session.accept(obj=obj, start=start, stop=stop)
            case Reject(object=obj, start=start, stop=stop):
                session.reject(obj=obj, start=start, stop=stop)
            case Unreview(object=obj, start=start, stop=stop):
                session.unreview(obj=obj, start=start, stop=stop)
            case Reset(object=obj, start=start, stop=stop):
                session.reset(obj=obj, start=start, stop=stop)
            case NextUnreviewed():
                show_next_unreviewed(self._review, self._state)
            case Propose(text=text, video=True) if self._finder is not None:
                self._finder.find_in_video(text, reply_to=reply_to)
            case Propose(frame=frame, text=text) if text and self._finder is not None:
                self._finder.find(frame, text, reply_to=reply_to)
            case Propose(frame=frame, window=window):
                controller.propose(frame, reply_to, window)
            case Adopt(frame=frame, proposals=ids, merge=merge, object=obj):
                adopted, _ = controller.adopt(frame, ids, merge=merge, obj=obj)
                self._state.write_traits(selected=adopted[-1])
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
        if isinstance(request, Click):
            self._controller.prompt(
                *(request.frame, obj),
                lambda: self._controller.status.time_prompt(lambda: prompt(obj)),
            )
        else:
            self._controller.prompt(request.frame, obj, lambda: prompt(obj))
        if obj in (info.id for info in self._session.objects):
            self._state.write_traits(selected=obj)

    def _preview(self, request: Hover) -> None:
        """Answer a hover. Whatever is wrong with it, nobody has asked for anything yet."""
        if self._controller.status.failure:
            return
        reply_to = ReplyTo(request.view, request.id)
        if not self._session.can_preview:
            if not self._told_no_preview:
                self._told_no_preview = True
                self._publisher.publish_error(reply_to, "This model cannot preview a click.")
            return
        try:
            prediction = self._session.preview(
                request.frame, request.x, request.y, request.object, request.window
            )
        except Exception as error:
            log_unless_expected(error, "A preview failed")
        else:
            self._publisher.preview(reply_to, request.frame, prediction)

    def _follow_up(self, request: Request) -> None:
        """Track what a prompt or a correction asks for, after the propagation that runs."""
        mode, session = self._state.auto_propagate, self._session
        edit = session.last_edit
        if mode == "always" and isinstance(request, PROMPTS):
            self._controller.run_after_propagation(partial(self._track, stale_only=False))
        elif mode != "never" and edit is not None and edit.corrects:
            self._controller.run_after_propagation(partial(self._track, stale_only=True))

    def _track(self, *, stale_only: bool) -> None:
        session = self._session
        if session.has_stale if stale_only else session.has_pending:
            self._controller.propagate(session.propagate(stale_only=stale_only))
