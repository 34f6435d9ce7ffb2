"""`Sam2Widget`: a video in a notebook cell, segmented with clicks."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from traitlets import observe

from sam2_backend.video import Contrast, FrameSource, Kind, LiveVideo, open_video
from sam2_backend.video.contrast import ContrastLike
from sam2_backend.video.options import MAX_MEGAPIXELS
from sam2_backend.video.pixel_size import PixelSize, PixelSizeLike

from ..bridge.callbacks import Callbacks
from ..bridge.decoder_server import DecoderServer, read_decoder_files
from ..bridge.dispatcher import Dispatcher
from ..bridge.frame_server import FrameServer
from ..bridge.heartbeat import Heartbeat
from ..bridge.protocol import Message, to_wire
from ..bridge.publisher import Publisher
from ..bridge.results_server import ResultSource, ResultsServer
from ..core.arguments import as_flag, as_path
from ..core.user_warnings import warn
from ..models.loading import find_loaded
from ..models.segmenter import Segmenter
from ..models.source import (
    check_device,
    check_model,
    memory_source,
    model_source,
    usable_memory,
    usable_model,
)
from ..runtime.controller import Controller
from ..runtime.error_texts import describe_error
from ..runtime.finder import Finder
from ..runtime.model_loader import ModelLoader
from ..runtime.status import INITIAL_STATUS
from ..runtime.worker import CLOSED, CLOSING
from ..storage.saved_session import SavedSession
from .api.annotator import Annotator
from .api.model_chooser import ModelChooser
from .autosave_controller import AutosaveController
from .closed_video import ClosedVideo
from .front_end import HOW_TO_BUILD, NOT_BUILT, read_static
from .live_follower import LiveFollower, describe_pixel_size, describe_video
from .notebook.cell import MadeWidgets
from .notebook.output import NotebookOutput
from .notebook.short_errors import shorten_errors, with_short_errors
from .option_checks import (
    check_assignment,
    check_no_session,
    check_options,
    check_saved,
    warn_of_regions,
)
from .resuming import open_saved, plan_autosave
from .session_setup import MASKS_NOT_TAKEN, add_first_masks, make_session
from .traits.session_traits import SessionTraits
from .traits.settings import SettingsObserver

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..export import MaskSource
    from .panel import Panel

_log = logging.getLogger(__name__)

REPLACED = (
    "This widget was closed when its cell was run again: use the new one. The masks of this one "
    "can still be read."
)


@shorten_errors
class Sam2Widget(Annotator, ModelChooser, SessionTraits):
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
    memory : which memories tracking attends to, and which mask it takes: "plain", as SAM 2;
        "motion", "distractor" or "tree", where objects are lost among others or out of sight; or
        what else `sam2_backend.load_model` takes. As `saved` has it if None, or else the model.
    kind : "images" for pictures that have nothing to do with each other and may be of several
        sizes; "video" for frames of one; if None, a single frame is a picture.
    contrast : (low, high) in the video's own values, what is shown black and in full colour, to
        you and to the model; or a `Contrast`, with a window, a gamma and a colour for each
        channel. If None, that of a saved session, or else 8-bit colours as they are and all else
        from the 0.1 to the 99.9 percentile. See `w.contrast`.
    axes, plane, max_megapixels : of arrays, stacks and large pictures; see `open_video`.
    pixel_size : how large a pixel is, as text with a unit, such as "0.65 µm", or "0.65 x 0.7 µm"
        for width and height: the picture gets a scale bar, and areas are told in that unit, also
        in tables. If None, that of a saved session, or else what OME-XML, ImageJ or OME-Zarr say.
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
    classes : names of the classes that objects may have, in the order in which exports number
        them; or their colours by name, ``{"person": "#e69f00", "dog": None}``, None for one of the
        palette. As `saved` has them if None. See `w.classes`, `w.set_class`, `w.current_class`.
    saved : what `read_session` gave, to go on from; `load` does all of it in one step.
    masks : to begin with, as accepted frames: what `import_masks` takes, such as a list of (H, W)
        arrays, one for each object on frame 0. Not taken where autosaved work goes on.
    detector : what `find` asks; see `w.detector`.
    browser_decoder : decode masks in the browser too, ahead of the kernel, so that they follow the
        pointer also where the kernel is far away. Needs the package sam2widget-decoder, and once
        for each network `sam2widget[onnx]`.
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
        When `saved` was made on another video, or there is no such model.

    Examples
    --------
    >>> w = Sam2Widget("dog.mp4")
    >>> w.add_point(frame=0, x=320, y=180)
    >>> w.propagate()
    >>> masks_thw = np.asarray(w.masks[1])
    """

    _esm = read_static("widget.js", NOT_BUILT)
    _css = read_static("widget.css", "")

    @with_short_errors
    def __init__(
        self,
        video: FrameSource,
        model: str | os.PathLike[str] | Segmenter | object = "auto",
        device: str | None = None,
        *,
        memory: object = None,
        kind: Kind | None = None,
        contrast: ContrastLike | None = None,
        axes: str | None = None,
        plane: int | Literal["max"] | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
        pixel_size: PixelSizeLike | None = None,
        auto_propagate: bool | str = "corrections",
        clean_masks: float | bool | None = None,
        non_overlapping: bool | None = None,
        classes: Iterable[str] | Mapping[str, str | None] | None = None,
        saved: SavedSession | None = None,
        masks: MaskSource | None = None,
        detector: object = None,
        browser_decoder: bool = False,
        autosave: str | os.PathLike[str] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        check_options(self, kwargs, signature(Sam2Widget).parameters)
        if self._esm == NOT_BUILT:
            warn(HOW_TO_BUILD)
        check_no_session(video)
        check_model(model)
        check_device(device)
        memory_source(memory)
        files = read_decoder_files() if as_flag(browser_decoder, "browser_decoder") else None
        if non_overlapping is not None:
            non_overlapping = as_flag(non_overlapping, "non_overlapping")
        frames = open_video(
            *(video, kind),
            contrast=contrast,
            axes=axes,
            plane=plane,
            max_megapixels=max_megapixels,
            pixel_size=pixel_size,
        )
        warn_of_regions(frames)
        shared = self._replace_earlier(model, device)
        check_saved(saved)
        plan = plan_autosave(frames, autosave, saved)
        origin, is_resumed = saved or plan.found, saved is None and plan.found is not None
        is_memory_given = memory is not None
        if memory is None and origin is not None:
            memory = usable_memory(origin.memory)
        session, review = make_session(
            *(frames, origin, clean_masks, non_overlapping, classes), is_resumed=is_resumed
        )
        if origin is not None:
            kwargs = {"frame": origin.frame, "selected": origin.selected, **kwargs}
        if masks is not None and is_resumed:
            warn(MASKS_NOT_TAKEN)
        elif masks is not None:
            kwargs = {"selected": add_first_masks(session, frames, masks), **kwargs}

        self._frames = frames
        self._publisher = Publisher(session, self._send_message, lambda: self.frame, review)
        self._server = FrameServer(frames, self._publisher.outbox, self._on_contrast)
        controller = Controller(session, self._publisher, self)
        self._heartbeat = Heartbeat(self._publisher.outbox)
        source = ResultSource(
            lambda: self.segmentation,
            lambda: self._saving.snapshot(),
            lambda: self.to_python(),
            lambda: self.start_anew(),
            lambda: self._saving.describe(),
        )
        self._results = ResultsServer(source, self._publisher.outbox)
        self._models = ModelLoader(
            *(session, controller, lambda: self._frames, lambda: int(self.frame)),
            *(device, self._on_model, memory),
            needs_memory=is_memory_given,
        )
        finder = Finder(session, controller, lambda: self._frames, detector, device)
        outbox = self._publisher.outbox
        self._decoder = files and DecoderServer(files, session, controller, outbox)
        self._dispatcher = Dispatcher(
            *(controller, session, self._publisher, self._server, review, self),
            *(self._results, self._on_hello, self._heartbeat.renew, self._models, finder),
            self._decoder,
        )
        callbacks = Callbacks(session, self._show_error)
        self._panel: Panel | None = None
        self._following: LiveFollower | None = None
        self._output = NotebookOutput(
            *(session, lambda: self._frames, self), lambda: self.status["state"] == "propagating"
        )
        Annotator.__init__(
            *(self, session, controller, review, callbacks, self, lambda: self._frames, finder)
        )
        ModelChooser.__init__(self, controller, self._models)
        settings = SettingsObserver(self, session, controller)
        SessionTraits.__init__(
            *(self, session, lambda: len(self._frames), self._show_error),
            video=describe_video(frames),
            status=INITIAL_STATUS,
            auto_propagate=auto_propagate,
            **kwargs,
        )
        self._saving = AutosaveController(
            *(session, lambda: self._frames, controller, self, plan),
            origin=origin,
            model_source=model_source(model),
            memory=memory_source(memory),
            on_error=self._show_error,
            on_state=self._results.tell_saved,
        )
        settings.on_changed = self._saving.mark_changed
        if is_resumed:
            self._saving.show_origin()
        session.listen(self.show_change)
        session.listen(callbacks.handle_change)
        session.on_listener_error = self._on_listener_error
        self.on_msg(self._on_message)  # pyright: ignore[reportUnknownMemberType]
        self._models.load(shared or model)
        if isinstance(frames, LiveVideo):
            self._following = LiveFollower(frames, session, controller, self, self._show_error)

    if not TYPE_CHECKING:  # a type checker shall go on to see what is misspelt

        def __setattr__(self, name: str, value: object) -> None:
            check_assignment(self, name)
            super().__setattr__(name, value)

    # The panel

    @property
    def panel(self) -> Panel:
        """Swatches of the objects and their scores over time, as a widget to put beside this one.

        Show both by ``ipywidgets.HBox([w, w.panel])``. Draw your own on ``w.panel.canvas``.
        """
        if self._panel is None:
            from .panel import Panel  # ipycanvas is needed for nothing else

            panel = self._panel = Panel(self, self._session)
            self._session.listen(panel.handle_change)
            self.observe(panel.handle_trait, ["frame", "selected", "color_by"])
        return self._panel

    # Contrast

    @property
    def contrast(self) -> Contrast | None:
        """How the video's values become the colours that you and the model see.

        A window, a gamma and a colour for each channel; None where 8-bit colours are shown as they
        are. Set it to (low, high) in the video's own values, to a `Contrast`, or to None for the
        automatic one. Masks that there are stay; it is saved with the session.

        >>> w.contrast = 100, 4000

        Raises
        ------
        ValueError
            When it is set to what is no contrast, low is not below high, or it is of another number
            of channels than the video.
        """
        return self._frames.contrast

    @contrast.setter
    def contrast(self, contrast: ContrastLike | None) -> None:
        self._server.set_contrast(contrast).result()

    def _on_model(self, model: object) -> None:
        if model is None:  # another memory policy of the same model
            self._saving.mark_changed()
        else:
            self._saving.set_model_source(model_source(model))

    # Size of a pixel

    @property
    def pixel_size(self) -> PixelSize | None:
        """How large a pixel is, as you said or else as the video's file says; None if not known.

        Set it to text such as "0.65 µm", or to None for what the file says. It is saved with the
        session.

        >>> w.pixel_size = "0.65 µm"

        Raises
        ------
        ValueError
            When it is set to what is no size, or has no unit.
        """
        return self._frames.pixel_size

    @pixel_size.setter
    def pixel_size(self, pixel_size: PixelSizeLike | None) -> None:
        self._frames.pixel_size = pixel_size
        self.write_traits(video={**self.video, "pixel_size": describe_pixel_size(self._frames)})
        self._saving.mark_changed()

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a session file everything that you would lose with the widget.

        That is objects, prompts, masks, scores, what you have accepted, and where you are. The
        video itself is not in it, nor what undo would take back.

        Parameters
        ----------
        path : of the file, by custom ``NAME.sam2.zip``; its folder is made if it is not there. An
            earlier session file is replaced once the new one is complete; any other file stays,
            and is an error.

        Raises
        ------
        SessionError
            When it cannot be written, another file is there, or the name is one of another kind
            of file.
        """
        self._saving.save(path)

    def start_anew(self) -> Path | None:
        """Remove all objects, as `clear` does, and put what was saved by itself aside.

        A widget of a later kernel then begins anew, too. Undo brings all of it back in this one.

        Returns
        -------
        Path or None
            The session file that has it, in the folder "set-aside" beside that of the video; None
            where nothing is saved by itself, or there was nothing.

        Raises
        ------
        SessionError
            When that file cannot be written. Nothing has changed then.
        """
        had_objects = bool(self._session.objects)
        path = self._saving.set_aside()
        self.clear()
        text = "There was nothing to remove."
        if had_objects:
            text = "Begun anew; undo brings everything back while this kernel runs."
        if path is not None:
            text += f" It is kept in {path}: Sam2Widget.load opens it."
        self._controller.set_notice(text)
        return path

    def to_python(self) -> str:
        """Write the calls that make this session anew, as Python for a cell or a script.

        It has the same objects, prompts and review; what was tracked is tracked again, and what was
        painted or imported is in the text. The view's menu of results copies it.

        >>> print(w.to_python())
        """
        from ..export.python_script import write_python

        return write_python(self._saving.snapshot(), auto_propagate=self.auto_propagate)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        video: FrameSource | None = None,
        model: str | os.PathLike[str] | Segmenter | object | None = None,
        device: str | None = None,
        *,
        memory: object = None,
        same_video: bool = False,
    ) -> Self:
        """Make a widget that goes on where a session file stopped.

        Parameters
        ----------
        path : of the file.
        video : as for a new widget; if None, looked for where it was when the file was written,
            then beside the file.
        model : as for a new widget; if None, what the session was made with.
        device : as for a new widget.
        memory : as for a new widget; if None, what the session was tracked with.
        same_video : say that this is the session's video, frame by frame, though its content is
            another: it was compressed again, or was given as an array and is now a file.

        Returns
        -------
        Sam2Widget
            With the objects, prompts, masks, review and contrast of the session.

        Raises
        ------
        SessionError
            When the file cannot be read, its video is not found, or this is another video, or
            one that only looks the same; or when `model` is None, and the session's model was given
            as an object, which the file does not hold, or is not there any more.
        VideoError
            When the video cannot be read.
        """
        path = as_path(path, "The path of a session")
        same_video = as_flag(same_video, "same_video")
        opened, frames = open_saved(path, video, same_video=same_video)
        if model is None:
            model = usable_model(opened.model, opened.model_source)
        return cls(frames, model, device, memory=memory, saved=opened)

    # Its life

    def close(self) -> None:
        """Close the widget: save what is not saved yet, end the threads, free model and video.

        It goes from the page. Its masks can still be read, and exported where that needs no frames.
        """
        self._close(CLOSED)

    def _close(self, why: str) -> None:
        _MADE.forget(self)
        # Not where the constructor has failed.
        if hasattr(self, "_saving") and not isinstance(self._frames, ClosedVideo):
            if self._following is not None:
                self._following.close()
            self._models.cancel()
            # What a cell has shown that is run again goes from the page.
            self._output.close(refresh=why != REPLACED)
            self._controller.stop(reason=CLOSING)
            self._saving.close(wait=not self._controller.is_current_thread)
            # Before what may wait for it in a thread of its own.
            self._controller.close(why)
            self._callbacks.close()
            self._results.close()
            if self._decoder is not None:
                self._decoder.close()
            if self._panel is not None:
                self._panel.close()
            self._frames = ClosedVideo(self._frames, why)
            self._server.close(self._frames)
            self._heartbeat.close()
        super().close()

    def _replace_earlier(self, model: object, device: str | None) -> object | None:
        """Close what an earlier run of the same cell has made, and return the model to share.

        This widget shares it with the earlier one, so that it is not loaded anew; None where there
        is none.
        """
        earlier = _MADE.register(self)
        shared = find_loaded(model, device) if earlier else None
        for widget in earlier:
            widget._close(REPLACED)
        return shared

    # In the notebook's file, which is read without a kernel too

    def __repr__(self) -> str:
        return self._output.describe(is_closed=self.comm is None)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self._output.with_picture(super()._repr_mimebundle_(**kwargs))

    def _ipython_display_(self, **kwargs: Any) -> None:
        """Show the widget, and beside it what the notebook is saved with (called by IPython).

        Raises
        ------
        NotImplementedError
            Where the page would show both; IPython takes `_repr_mimebundle_` then.
        """
        self._output.display(super()._repr_mimebundle_(**kwargs))

    def _on_hello(self) -> None:
        self.keep()
        self._output.note_visible()

    # The browser

    def _on_message(self, _: object, content: object, buffers: object) -> None:
        self._dispatcher.receive(content)

    def _send_message(self, message: Message, buffers: Sequence[bytes]) -> None:
        content = to_wire(message, self.epoch)
        self.send(content, list(buffers))  # pyright: ignore[reportUnknownMemberType]

    def _show_error(self, text: str) -> None:
        self._publisher.publish_error(None, text)

    def _on_listener_error(self, error: Exception) -> None:
        _log.error("What was to be told of an edit failed", exc_info=error)
        self._show_error(f"An edit was made, but not told to all: {describe_error(error)}")

    @observe("frame")
    def _on_frame(self, _: object) -> None:
        self._callbacks.handle_frame(self.frame)
        self._output.note()

    def _on_contrast(self) -> None:
        self._controller.submit(self._session.forget_pixels)
        self._saving.mark_changed()


_MADE: MadeWidgets[Sam2Widget] = MadeWidgets()
