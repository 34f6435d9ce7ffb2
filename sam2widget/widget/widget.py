"""`Sam2Widget`: a video in a notebook cell, segmented with clicks."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import asdict
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from traitlets import Bool, Dict, Int, List, TraitError, observe, validate

from sam2_backend.video import Channel, Contrast, FrameSource, Kind, LiveVideo, open_video
from sam2_backend.video.contrast import ContrastLike
from sam2_backend.video.options import MAX_MEGAPIXELS

from ..annotation.confidence import Review
from ..annotation.records import Changed
from ..annotation.session import Session
from ..bridge.callbacks import Events
from ..bridge.dispatcher import PROMPTS, Dispatcher
from ..bridge.frame_server import FrameServer
from ..bridge.protocol import (
    Ack,
    ChannelEntry,
    Done,
    Hello,
    Message,
    ProtocolError,
    ReplyTo,
    SetContrast,
    Stop,
    Thumbnails,
    Visible,
    Want,
    WantLevels,
    parse,
    to_wire,
)
from ..bridge.publisher import Publisher
from ..core.errors import SessionError
from ..core.user_warnings import warn
from ..models.segmenter import Segmenter
from ..models.source import as_segmenter, check_model, model_source
from ..runtime.controller import INITIAL_STATUS, Controller, sentence
from ..runtime.worker import CLOSED, CLOSING, Job
from ..storage.saved_session import SavedSession, settings_of
from ..storage.session_file import SUFFIX
from .api import Api
from .closed_video import ClosedVideo
from .following import Following, describe
from .notebook_cell import Made, current_cell
from .panel import Panel
from .saving import Saving, check_ids
from .short_errors import with_short_errors
from .traits import AutoPropagate, Cleaning, ThreadSafeTraits

if TYPE_CHECKING:
    from ..export import MaskSource

_log = logging.getLogger(__name__)

_STATIC = Path(__file__).parents[1] / "static"
_HOW_TO_BUILD = (
    "The front end of sam2widget is not built, so the widget cannot be shown. In a checkout, run "
    "'npm ci && npm run build' in the folder js/, then restart the kernel."
)
_NOT_BUILT = f'export default {{ render({{ el }}) {{ el.textContent = "{_HOW_TO_BUILD}"; }} }};'


REPLACED = (
    "This widget was closed when its cell was run again: use the new one. The masks of this one "
    "can still be read."
)


def _static(name: str, otherwise: str) -> str:
    """The text of a file. anywidget would watch a path for changes, and what watches it holds on
    to every widget for ever."""
    path = _STATIC / name
    return path.read_text(encoding="utf-8") if path.is_file() else otherwise


class Sam2Widget(Api, Saving, ThreadSafeTraits):
    """Click an object in a video, propagate its mask, correct it, take the masks as arrays.

    What code does shows in the view and the reverse. Methods wait until what they ask for is
    done; what the browser asks for is done by a thread of the widget, so that the kernel stays
    free. Coordinates are (x, y) in pixels of the original frame, frames count from 0.

    Parameters
    ----------
    video : what `open_video` takes: a path to a video, an image, a folder of images or a store of
        arrays; an array (T, H, W, 3), (T, 3, H, W), (H, W, 3) or grey without the 3, of any library
        that can be indexed; a list of Pillow images, arrays or paths of images; a `LiveVideo`,
        whose newest frame is shown, until one goes to another in the view or with ``w.frame = n``,
        and, unless `auto_propagate` is "never", tracked as it comes.
    model : "auto" is the official SAM 2.1 tiny if it is in the cache or can be downloaded, else
        the bundled nano; or a name such as "sam2.1-hiera-large", a path to a checkpoint, a model
        from `sam2_backend.load_model`, a function that loads one (the video is shown meanwhile),
        or a `Segmenter` of your own.
    device : "cuda", "cpu"…; the best there is if None.
    kind : "images" for pictures that have nothing to do with each other and may be of several
        sizes; "video" for frames of one; if None, a single frame is a picture.
    contrast : (low, high) in the video's own values, what is shown black and in full colour, to
        you and to the model; or a `Contrast`, with a window, a gamma and a colour for each
        channel. If None, that of a saved session, or else 8-bit colours as they are and all else
        from the 0.1 to the 99.9 percentile. See `w.contrast`.
    axes, plane, max_megapixels : of arrays, stacks and large pictures; see `open_video`.
    auto_propagate : what an edit in the browser tracks by itself: "corrections" (or True) the
        masks that it made stale, "always" whatever is untracked too, "never" (or False) nothing.
    clean_masks : specks and pinholes of what the model says are dropped where they are smaller: in
        pixels from 1 up, below 1 as a share of the mask's area; False is not at all. What was
        clicked stays, and so does what you paint, import or have accepted. 0.01 if None, or as
        `saved` has it.
    non_overlapping : whether a pixel belongs to one object at most. What you painted, imported or
        accepted, and what is locked, keeps its pixels; else the part around a click goes to the
        object that was clicked, and any other pixel to the larger logit. True if None, or as
        `saved` has it.
    saved : what `read_session` gave, to go on from; `load` does all of it in one step.
    masks : to begin with, as accepted frames: what `import_masks` takes, such as a list of (H, W)
        arrays, one for each object on frame 0. Not taken where autosaved work goes on.
    autosave : where edits are saved by themselves, soon after each: a path of a session file, or
        None for one that is found by the video's content, in the folder that the environment
        variable SAM2WIDGET_AUTOSAVE names or else sam2widget/sessions in your data folder
        (~/.local/share on Linux). A new widget on the same video goes on from the newest. Where
        another widget has written meanwhile, a file of the same name and "-2" (or 3…) is begun,
        so that each keeps its own work. False: not.

    Raises
    ------
    VideoError
        When the video cannot be read.
    SessionError
        When `saved` was made on another video.

    Examples
    --------
    >>> w = Sam2Widget("dog.mp4")
    >>> w.add_point(frame=0, x=320, y=180)
    >>> w.propagate()
    >>> masks_thw = np.asarray(w.masks[1])
    """

    _esm = _static("widget.js", _NOT_BUILT)
    _css = _static("widget.css", "")

    frame = Int(0, help="Frame that is shown.").tag(sync=True, echo_update=False)
    selected = Int(0, help="Id of the selected object, 0 for none.").tag(
        sync=True, echo_update=False
    )
    objects = List(Dict(), help="id, name, color, visible and locked of each object.").tag(
        sync=True
    )
    status = Dict(help="state, message, model, device and click_ms.").tag(sync=True)
    history = Dict(
        {"undo": "", "redo": ""}, help='What undo and redo would do; "" for nothing.'
    ).tag(sync=True)
    video = Dict(help="width, height, num_frames, fps, name, kind, sizes and live.").tag(sync=True)
    epoch = Int(1, help="Number of the session; messages of another one are dropped.").tag(
        sync=True
    )
    auto_propagate = AutoPropagate(help="What an edit in the browser tracks by itself.").tag(
        sync=True
    )
    clean_masks = Cleaning(help="Below which size specks and pinholes are dropped.").tag(sync=True)
    non_overlapping = Bool(True, help="Whether a pixel belongs to one object at most.").tag(
        sync=True
    )

    @with_short_errors
    def __init__(
        self,
        video: FrameSource,
        model: str | os.PathLike[str] | Segmenter | object = "auto",
        device: str | None = None,
        *,
        kind: Kind | None = None,
        contrast: ContrastLike | None = None,
        axes: str | None = None,
        plane: int | Literal["max"] | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
        auto_propagate: bool | str = "corrections",
        clean_masks: float | bool | None = None,
        non_overlapping: bool | None = None,
        saved: SavedSession | None = None,
        masks: MaskSource | None = None,
        autosave: str | os.PathLike[str] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        wrong = [name for name in kwargs if not self.has_trait(name)]
        if wrong:
            known = [name for name in signature(Sam2Widget).parameters if name != "kwargs"]
            raise SessionError(
                f"Sam2Widget has no option {', '.join(wrong)}. It has: {', '.join(known)}."
            )
        if self._esm == _NOT_BUILT:
            warn(_HOW_TO_BUILD)
        if isinstance(video, (str, os.PathLike)) and os.fspath(video).endswith(SUFFIX):
            raise SessionError(
                f"{os.fspath(video)} is a session and no video: go on with it by "
                f"Sam2Widget.load({os.fspath(video)!r})."
            )
        check_model(model)
        frames = open_video(
            *(video, kind),
            contrast=contrast,
            axes=axes,
            plane=plane,
            max_megapixels=max_megapixels,
        )
        shared = self._replace_earlier(model, device)
        self._frames = frames
        self._panel: Panel | None = None
        self._fingerprint = None
        self._model_source = model_source(model)
        found = self._resume(autosave, saved)
        resumed = saved is None and found is not None
        saved = saved or found
        self._session = Session(
            *(len(frames), frames.height, frames.width),
            kind=frames.kind,
            sizes_hw=frames.sizes_hw,
            skips=frames.recording is not None,
            **settings_of(saved, clean_masks),
        )
        self._review = Review(self._session)
        self._session.listen(self._review.note)
        if saved is not None:
            if not (resumed and frames.recording):  # which may have grown since it was compared
                saved.check_video(frames)
            self._fingerprint = saved.video if saved.video.identity else None
            if frames.chosen_contrast is None:
                frames.contrast = saved.contrast
            self._session.fill(saved.objects, saved.prompts, saved.results)
            kwargs = {"frame": saved.frame, "selected": saved.selected, **kwargs}
        if non_overlapping is not None:
            self._session.set_non_overlapping(non_overlapping)
        if masks is not None and resumed:
            warn(
                "masks= were not taken: what was saved of this video by itself goes on. Give them "
                "to w.import_masks(…), or begin anew with autosave=False."
            )
        elif masks is not None:
            from ..export import read_masks

            check_ids(masks)
            found = read_masks(masks, frames)
            for note in found.notes:
                warn(note)
            objects = self._session.import_masks(found.masks, found.names)
            kwargs = {"selected": objects[0], **kwargs}
        super().__init__(
            video=describe(frames),
            objects=self._listed_objects(),
            status=INITIAL_STATUS,
            auto_propagate=auto_propagate,
            clean_masks=self._session.clean_masks,
            non_overlapping=self._session.non_overlapping,
            **kwargs,
        )
        self._publisher = Publisher(
            self._session, self._send_message, lambda: self.frame, self._review
        )
        self._server = FrameServer(frames, self._publisher.outbox)
        self._controller = Controller(self._session, self._publisher, self)
        self._dispatcher = Dispatcher(
            self._controller, self._session, self._publisher, self._review, self
        )
        if resumed:
            self._tell_of_session()
        self._autosave = self._save_from_now_on()
        self._events = Events(self._session, self._complain)
        self._session.listen(self._show)
        self._session.listen(self._events.note)
        self._session.on_listener_error = self._on_listener_error
        self.on_msg(self._on_message)  # pyright: ignore[reportUnknownMemberType]
        self._controller.load(lambda say: as_segmenter(shared or model, device, frames, say))
        self._following: Following | None = None
        if isinstance(frames, LiveVideo):
            self._following = Following(
                *(frames, self._session, self._controller, self),
                lambda text: self._publisher.publish_error(None, text),
            )

    if not TYPE_CHECKING:  # a type checker shall go on to see what is misspelt

        def __setattr__(self, name: str, value: object) -> None:
            if not name.startswith("_") and not hasattr(type(self), name):
                near = get_close_matches(name, [*self.trait_names(), "contrast"], n=1, cutoff=0.8)
                if near and name not in vars(self):
                    warn(f"A Sam2Widget has no {name}, so this changes nothing: {near[0]}?")
            super().__setattr__(name, value)

    # The panel

    @property
    def panel(self) -> Panel:
        """Swatches of the objects and their scores over time, as a widget to put beside this
        one: ``ipywidgets.HBox([w, w.panel])``. Draw your own on ``w.panel.canvas``."""
        if self._panel is None:
            panel = self._panel = Panel(self, self._session)
            self._session.listen(panel.note)
        return self._panel

    def close(self) -> None:
        """Take the widget from the page, save what is not saved yet, end the threads and let go
        of model and video. Its masks can still be read, and exported where that needs no frames.
        """
        self._close(CLOSED)

    def _close(self, why: str) -> None:
        _MADE.forget(self)
        if hasattr(self, "_following") and not isinstance(self._frames, ClosedVideo):
            if self._following is not None:
                self._following.close()
            self._controller.stop(reason=CLOSING)
            if self._autosave is not None:
                self._autosave.close(wait=not self._controller.is_current_thread)
            self._events.close()
            if self._panel is not None:
                self._panel.close()
            self._controller.close(why)
            self._frames = ClosedVideo(self._frames, why)
            self._server.close(self._frames)
        super().close()

    # Contrast

    @property
    def contrast(self) -> Contrast | None:
        """How values become the colours that you and the model see: a window, a gamma and a
        colour for each channel; None where 8-bit colours are shown as they are.

        Set it to (low, high), to a `Contrast`, or to None for the automatic one. Masks that there
        are stay; it is saved with the session.

        >>> w.contrast = 100, 4000
        """
        return self._frames.contrast

    @contrast.setter
    def contrast(self, contrast: ContrastLike | None) -> None:
        self._server.set_contrast(contrast).result()
        self._contrast_changed()

    def _set_contrast(self, reply_to: ReplyTo, channels: list[ChannelEntry] | None) -> None:
        try:
            shown = tuple(
                Channel(one.low, one.high, one.gamma, one.color, one.visible)
                for one in channels or ()
            )
        except ValueError as error:
            self._publisher.publish_error(reply_to, str(error))
            return
        job = self._server.set_contrast(Contrast(shown) if shown else None, reply_to.view)
        job.when_done(lambda: self._after_contrast(job, reply_to))

    def _after_contrast(self, job: Job[None], reply_to: ReplyTo) -> None:
        if job.stopped:
            return
        try:
            job.result()
        except ValueError as error:
            self._publisher.publish_error(reply_to, str(error))
        else:
            self._contrast_changed()
            self._publisher.outbox.post(Done(reply_to))

    def _contrast_changed(self) -> None:
        self._controller.submit(self._session.forget_pixels)
        if self._autosave is not None:
            self._autosave.note()

    # Its life

    def _replace_earlier(self, model: object, device: str | None) -> object | None:
        """Close what an earlier run of the same cell has made. Gives the model that this one
        shares with it, so that it is not loaded anew."""
        cell = current_cell()
        if cell is None:
            return None
        earlier = _MADE.replaced_by(cell)
        _MADE.add(self, cell)
        if not earlier:
            return None
        from ..models.loading import find_loaded

        shared = find_loaded(model, device)
        for widget in earlier:
            widget._close(REPLACED)
        return shared

    def __repr__(self) -> str:
        name, frames = self._frames.name, len(self._frames)
        state = "closed: its masks can still be read" if self.comm is None else self.status["state"]
        return f"<Sam2Widget of {name}, {frames} frames, {state}>"

    # The browser

    def _on_message(self, _: object, content: object, buffers: object) -> None:
        """Check a message and queue it; whatever thread this is, it is soon free again."""
        try:
            request = parse(content)
        except ProtocolError as error:
            self._publisher.publish_error(None, str(error))
            return
        view, reply_to = request.view, ReplyTo(request.view, request.id)
        match request:
            case Hello():
                self.keep()
                self._publisher.outbox.hello(view)
                self._publisher.set_frame(view, self.frame)
                self._publisher.replay(reply_to)
                self._server.want(reply_to, self.frame)
            case Visible(visible=True):
                self._publisher.outbox.set_visible(view, True)
                self._publisher.set_frame(view, self.frame)
                self._publisher.replay()
                self._server.want(reply_to, self.frame)
                self._server.resume(view)
            case Visible():
                self._publisher.leave(view)
            case Ack(seq=seq):
                self._publisher.outbox.ack(seq)
            case _ if request.epoch != self.epoch:
                pass
            case Want(frame=frame, pixels=pixels):
                self._publisher.set_frame(view, frame)
                self._server.want(
                    reply_to, frame, lambda: self._publisher.tell_frame(frame), pixels
                )
            case Thumbnails(frames=frames):
                self._server.want_thumbnails(view, frames)
            case WantLevels(frame=frame):
                self._server.want_levels(reply_to, frame)
            case SetContrast(channels=channels):
                self._set_contrast(reply_to, channels)
            case Stop():
                self._controller.stop(reply_to)
            case _:
                if isinstance(request, PROMPTS):
                    # Where the view goes on its own, what it showed last is not yet known here.
                    self._publisher.set_frame(view, request.frame)
                self._dispatcher.serve(request)

    def _complain(self, text: str) -> None:
        self._publisher.publish_error(None, text)

    def _send_message(self, message: Message, buffers: Sequence[bytes]) -> None:
        content = to_wire(message, self.epoch)
        self.send(content, list(buffers))  # pyright: ignore[reportUnknownMemberType]

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the front end has written: of our traits, frame, selected, auto_propagate and
        clean_masks."""
        own = {"objects", "status", "history", "video", "epoch", "non_overlapping"}
        # A view may still select what has just been removed.
        if sync_data.get("selected") not in self._selectable():
            own.add("selected")
        try:
            super().set_state({name: value for name, value in sync_data.items() if name not in own})
        except TraitError as error:
            self._publisher.publish_error(None, str(error))

    def _show(self, changed: Changed) -> None:
        """Bring the traits up to date after a change."""
        last, following = self._session.last_edit, self._session.next_edit
        history = {
            "undo": "" if last is None else last.label,
            "redo": "" if following is None else following.label,
        }
        if history != self.history:
            self.write_traits(history=history)
        if changed.objects:
            self.write_traits(objects=self._listed_objects())
            known = self._selectable()[1:]
            if self.selected not in known:
                self.write_traits(selected=known[-1] if known else 0)

        if self.non_overlapping != self._session.non_overlapping:
            self.write_traits(non_overlapping=self._session.non_overlapping)

    def _on_listener_error(self, error: Exception) -> None:
        _log.error("What was to be told of an edit failed", exc_info=error)
        self._publisher.publish_error(
            None, f"An edit was made, but not told to all: {sentence(error)}"
        )

    def _selectable(self) -> list[int]:
        return [0, *(info.id for info in self._session.objects)]

    @observe("frame")
    def _on_frame(self, _: object) -> None:
        if hasattr(self, "_events"):
            self._events.frame(self.frame)
        if self._panel is not None:
            self._panel.redraw(scores=False)

    @observe("clean_masks")
    def _on_clean_masks(self, _: object) -> None:
        if hasattr(self, "_events"):
            self._session.set_cleaning(self.clean_masks)
            if self._autosave is not None:
                self._autosave.note()

    @observe("non_overlapping")
    def _on_non_overlapping(self, change: Any) -> None:
        # Where it is the session's already, the session has said so.
        on = bool(change["new"])
        if hasattr(self, "_events") and on != self._session.non_overlapping:
            self._controller.edit(lambda: self._session.set_non_overlapping(on))

    @observe("selected")
    def _on_selected(self, _: object) -> None:
        if self._panel is not None:
            self._panel.redraw()

    @validate("selected")
    def _check_selected(self, proposal: Any) -> int:
        if proposal["value"] not in self._selectable():
            raise TraitError(
                f"There is no object {proposal['value']} to select. Objects: "
                f"{', '.join(map(str, self._selectable()[1:])) or 'none yet'}."
            )
        return proposal["value"]

    def _listed_objects(self) -> list[dict[str, Any]]:
        return [asdict(info) for info in self._session.objects]

    @validate("frame")
    def _check_frame(self, proposal: Any) -> int:
        frame = proposal["value"]
        if not 0 <= frame < len(self._frames):
            raise TraitError(
                f"There is no frame {frame}: the video has frames 0 to {len(self._frames) - 1}."
            )
        return frame


_MADE: Made[Sam2Widget] = Made()
