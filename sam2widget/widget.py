"""`Sam2Widget`: a video in a notebook cell, segmented with clicks."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm
from traitlets import Bool, Dict, Int, List, TraitError, validate

from . import __version__
from .engine import INITIAL_STATUS, Engine
from .feed import Feed
from .frame_server import FrameServer
from .masks import MaskVolume
from .protocol import (
    Ack,
    Hello,
    Message,
    ProtocolError,
    ReplyTo,
    Stop,
    Visible,
    Want,
    parse,
    to_wire,
)
from .records import Changed, Direction, SessionError, Tracked
from .saved_session import Fingerprint, SavedSession
from .segmenter import Segmenter
from .session import Session
from .session_file import read_session, write_session
from .traits import ThreadSafeTraits
from .video import FrameSource, Video, open_video
from .worker import Job

_STATIC = Path(__file__).parent / "static"
_HOW_TO_BUILD = (
    "The front end of sam2widget is not built, so the widget cannot be shown. In a checkout, run "
    "'npm ci && npm run build' in the folder js/, then restart the kernel."
)
_NOT_BUILT = f'export default {{ render({{ el }}) {{ el.textContent = "{_HOW_TO_BUILD}"; }} }};'


def _static(name: str, otherwise: str) -> Path | str:
    path = _STATIC / name
    return path if path.is_file() else otherwise


class Sam2Widget(ThreadSafeTraits):
    """Click an object in a video, propagate its mask, correct it, take the masks as arrays.

    What code does shows in the view and the reverse. Methods wait until what they ask for is
    done; what the browser asks for is done by a thread of the widget, so that the kernel stays
    free. Coordinates are (x, y) in pixels of the original frame, frames count from 0.

    Parameters
    ----------
    video : a path to a video, an image or a folder of images; an array (T, H, W, 3) or (H, W, 3)
        of uint8 or of floats in 0..1; a list of Pillow images; a torch tensor.
    model : "auto" is the official SAM 2.1 tiny if it is in the cache or can be downloaded, else
        the bundled nano; or a name such as "sam2.1-hiera-large", a path to a checkpoint, a model
        from `sam2_backend.load_model`, or a `Segmenter` of your own.
    device : "cuda", "cpu"…; the best there is if None.
    auto_propagate : whether a correction made in the browser re-tracks the masks it made stale.
    saved : what `read_session` gave, to go on from; `load` does all of it in one step.

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
    objects = List(Dict(), help="id, name, color and visible of each object.").tag(sync=True)
    status = Dict(help="state, message, model and device.").tag(sync=True)
    video = Dict(help="width, height, num_frames, fps and name.").tag(sync=True)
    epoch = Int(1, help="Number of the session; messages of another one are dropped.").tag(
        sync=True
    )
    auto_propagate = Bool(True, help="Whether a correction in the browser re-tracks its span.")

    def __init__(
        self,
        video: FrameSource,
        model: str | os.PathLike[str] | Segmenter | object = "auto",
        device: str | None = None,
        *,
        auto_propagate: bool = True,
        saved: SavedSession | None = None,
        **kwargs: Any,
    ) -> None:
        if self._esm == _NOT_BUILT:
            warnings.warn(_HOW_TO_BUILD, stacklevel=2)
        frames = open_video(video)
        self._frames = frames
        self._session = Session(len(frames), frames.height, frames.width)
        self._fingerprint: Fingerprint | None = None
        self._model_source = _model_source(model)
        if saved is not None:
            saved.check_video(frames)
            self._fingerprint = saved.video
            self._session.fill(saved.objects, saved.prompts, saved.results)
            kwargs = {"frame": saved.frame, "selected": saved.selected, **kwargs}
        super().__init__(
            video={
                "width": frames.width,
                "height": frames.height,
                "num_frames": len(frames),
                "fps": frames.fps,
                "name": frames.name,
                "kind": "video",
                "sizes": None,
            },
            objects=self._listed_objects(),
            status=INITIAL_STATUS,
            auto_propagate=auto_propagate,
            **kwargs,
        )
        self._feed = Feed(self._session, self._send_message, lambda: self.frame)
        self._server = FrameServer(frames, self._feed.outbox)
        self._engine = Engine(self._session, self._feed, self)
        self._session.listen(self._show_objects)
        self.on_msg(self._on_message)  # pyright: ignore[reportUnknownMemberType]
        self._engine.load(lambda say: _as_segmenter(model, device, frames, say))

    # Session files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything that you would lose to a session file: objects, prompts, masks,
        scores, what you have accepted, and where you are. The video itself is not in it, nor
        what undo would take back.

        Parameters
        ----------
        path : of the file, by custom ``NAME.sam2.zip``. An earlier one is replaced once the new
            one is complete.

        Raises
        ------
        SessionError
            When it cannot be written.
        """
        fingerprint = self._fingerprint or Fingerprint.of(self._frames)
        self._fingerprint = fingerprint
        write_session(path, self._engine.read(lambda: self._snapshot(fingerprint)))

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        video: FrameSource | None = None,
        model: str | os.PathLike[str] | Segmenter | object | None = None,
        device: str | None = None,
    ) -> Sam2Widget:
        """Go on where a session file stopped.

        Parameters
        ----------
        path : of the file.
        video : as for a new widget; if None, looked for where it was when the file was written,
            then beside the file.
        model : as for a new widget; if None, what the session was made with.
        device : as for a new widget.

        Raises
        ------
        SessionError
            When the file cannot be read, its video is not found, or this is another video.
        VideoError
            When the video cannot be read.
        """
        saved = read_session(path)
        frames = saved.open_video(video, beside=path)
        if model is None:
            if saved.model_source is None:
                raise SessionError(
                    f"The model of this session, {saved.model or 'none'!r}, was given as an "
                    "object, which a session file does not hold: give one with model=, for "
                    "instance model='auto'."
                )
            model = saved.model_source
        return cls(frames, model, device, saved=saved)

    def _snapshot(self, fingerprint: Fingerprint) -> SavedSession:
        known = {info.id for info in self._session.objects}
        return SavedSession(
            video=fingerprint,
            video_path=None if self._frames.path is None else str(self._frames.path),
            model=str(self._engine.status["model"]),
            model_source=self._model_source,
            objects=tuple(self._session.objects),
            prompts=self._session.all_prompts,
            results=self._session.all_results,
            frame=self.frame,
            selected=self.selected if self.selected in known else 0,
            library=__version__,
        )

    # Results

    @property
    def masks(self) -> dict[int, MaskVolume]:
        """By object id, a lazy (T, H, W) bool array that follows the session:
        ``w.masks[1][10]`` is one frame, ``np.asarray(w.masks[1])`` all."""
        return {info.id: self._session.masks(info.id) for info in self._session.objects}

    @property
    def scores(self) -> dict[int, NDArray[np.float32]]:
        """By object id, (T,) object-score logits, above 0 where it is judged visible; NaN where
        there is no mask yet."""
        return {info.id: self._session.scores(info.id) for info in self._session.objects}

    @property
    def ious(self) -> dict[int, NDArray[np.float32]]:
        """By object id, (T,) predicted IoU of its masks; NaN where there is none yet."""
        return {info.id: self._session.ious(info.id) for info in self._session.objects}

    def label_map(self, frame: int) -> NDArray[np.int32]:
        """(H, W) object ids on a frame, 0 for background; the larger id shows where two
        overlap."""
        return self._session.label_map(frame)

    # Prompts and objects

    def add_point(self, frame: int, x: float, y: float, label: int = 1, obj: int = 1) -> None:
        """Click on an object (label 1) or outside it (label 0); a new id adds the object.

        Raises
        ------
        SessionError
            When the point or the frame is not in the video, or the model could not be loaded.
        """
        self._engine.edit(lambda: self._session.add_point(frame, x, y, label, obj))

    def add_box(self, frame: int, x0: float, y0: float, x1: float, y1: float, obj: int = 1) -> None:
        """Draw a box around an object, in place of an earlier one; what sticks out of the frame
        is cut off. Raises as `add_point`."""
        self._engine.edit(lambda: self._session.add_box(frame, x0, y0, x1, y1, obj))

    def add_mask(self, frame: int, mask_hw: NDArray[Any], obj: int = 1) -> None:
        """Give an object's (H, W) mask on a frame, in place of its prompts there. Raises as
        `add_point`."""
        self._engine.edit(lambda: self._session.add_mask(frame, mask_hw, obj))

    def clear_prompts(self, frame: int, obj: int = 1) -> None:
        """Take an object's prompts on a frame away."""
        self._engine.edit(lambda: self._session.clear_prompts(frame, obj))

    def remove_object(self, obj: int) -> None:
        """Remove an object with its prompts and masks."""
        self._engine.edit(lambda: self._session.remove_object(obj))

    def undo(self) -> None:
        """Take the last edit or propagation back. Stops a propagation that runs."""
        self._engine.edit(self._engine.undo)

    def redo(self) -> None:
        """Do what was undone again."""
        self._engine.edit(self._engine.redo)

    # Propagation

    def propagate(
        self,
        start: int | None = None,
        stop: int | None = None,
        direction: Direction = "both",
        objects: Sequence[int] | None = None,
    ) -> None:
        """Track the objects through the video, from the frames that have prompts. Frames that
        are tracked already and not stale are left as they are. Interrupting the kernel stops;
        what was tracked stays.

        Parameters
        ----------
        start, stop : frames to track, `stop` not included; the whole video if None.
        direction : "forward" tracks from earlier frames only, "backward" from later ones.
        objects : ids; all if None.

        Raises
        ------
        SessionError
            When nothing has been prompted yet, or the range is none of this video.
        """

        if self._engine.is_current_thread:
            raise SessionError(
                "propagate() waits for the model's thread, so it cannot be called in that thread, "
                "as a callback of the widget is: call it from a cell."
            )
        ticks: SimpleQueue[Tracked | None] = SimpleQueue()

        def begin() -> Job[None]:
            steps = self._session.propagate(start, stop, direction, objects)
            return self._engine.propagate(steps, on_step=ticks.put)

        try:
            with tqdm(desc="Propagating", unit="frame") as bar:
                job = self._engine.call(begin)
                job.when_done(lambda: ticks.put(None))
                while (tracked := ticks.get()) is not None:
                    bar.total = tracked.total
                    bar.update(tracked.done - bar.n)
            job.result()
        except KeyboardInterrupt:
            self._engine.halt()
            raise

    def stop(self) -> None:
        """Stop a propagation after the frame at hand."""
        self._engine.stop()

    def wait_until_loaded(self) -> None:
        """Wait for the model.

        Raises
        ------
        SessionError
            When it could not be loaded, with the reason.
        """
        self._engine.call(lambda: None)

    def close(self) -> None:
        """Take the widget from the page and end its threads."""
        if hasattr(self, "_engine"):
            self._engine.stop()
            self._engine.close()
            self._server.close()
        super().close()

    # The browser

    def _on_message(self, _: object, content: object, buffers: object) -> None:
        """Check a message and queue it; whatever thread this is, it is soon free again."""
        try:
            request = parse(content)
        except ProtocolError as error:
            self._feed.refuse(None, str(error))
            return
        view, reply_to = request.view, ReplyTo(request.view, request.id)
        match request:
            case Hello():
                self._feed.outbox.hello(view)
                self._feed.looks_at(view, self.frame)
                self._feed.replay(reply_to)
                self._server.want(reply_to, self.frame)
            case Visible(visible=True):
                self._feed.outbox.set_visible(view, True)
                self._feed.looks_at(view, self.frame)
                self._feed.replay()
                self._server.want(reply_to, self.frame)
            case Visible():
                self._feed.leave(view)
            case Ack(seq=seq):
                self._feed.outbox.ack(seq)
            case _ if request.epoch != self.epoch:
                pass
            case Want(frame=frame):
                self._feed.looks_at(view, frame)
                self._server.want(reply_to, frame, lambda: self._feed.tell_frame(frame))
            case Stop():
                self._engine.stop(reply_to)
            case _:
                self._engine.serve(request)

    def _send_message(self, message: Message, buffers: Sequence[bytes]) -> None:
        content = to_wire(message, self.epoch)
        self.send(content, list(buffers))  # pyright: ignore[reportUnknownMemberType]

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the front end has written: of our traits, frame and selected."""
        own = {"objects", "status", "video", "epoch"}
        try:
            super().set_state({name: value for name, value in sync_data.items() if name not in own})
        except TraitError as error:
            self._feed.refuse(None, str(error))

    def _show_objects(self, changed: Changed) -> None:
        if not changed.objects:
            return
        known = [info.id for info in self._session.objects]
        self.write_traits(objects=self._listed_objects())
        if self.selected not in known:
            self.write_traits(selected=known[-1] if known else 0)

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


def _model_source(model: object) -> str | None:
    """What a model can be loaded by again, also from another folder."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    path = Path(cast("str | os.PathLike[str]", model)).expanduser()
    return str(path.absolute()) if path.is_file() else os.fspath(model)


def _as_segmenter(
    model: Any, device: str | None, frames: Video, say: Callable[[str], None]
) -> Segmenter:
    if hasattr(model, "prompt") and hasattr(model, "track"):
        return cast(Segmenter, model)
    from .sam2_segmenter import load_segmenter

    return load_segmenter(model, device, frames, say)
