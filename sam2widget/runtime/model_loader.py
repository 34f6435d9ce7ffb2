"""Loads a widget's model, and others in its place while that one goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

from sam2_backend.video import Video

from ..annotation.session import Session
from ..core.errors import SessionError
from ..models.catalog import ModelChoice, list_models
from ..models.loading import label_of
from ..models.segmenter import Segmenter
from ..models.source import as_segmenter, check_model
from .controller import Controller
from .error_texts import describe_error, log_unless_expected
from .load_monitor import LoadMonitor
from .worker import CLOSING, ClosedError, Task

SWITCHED = "another model"
"""The reason why tasks stop where another model has taken the place of theirs."""


class ModelLoader:
    """Loads models for one video.

    Parameters
    ----------
    session : which works with them.
    controller : in whose thread it does.
    get_video : gives the video.
    get_frame : gives the frame that is shown.
    device : to run on; the best there is if None.
    on_switched : called with what was given as a model when that has taken the place of another.
    """

    def __init__(
        self,
        session: Session,
        controller: Controller[Any],
        get_video: Callable[[], Video],
        get_frame: Callable[[], int],
        device: str | None,
        on_switched: Callable[[object], None] = lambda model: None,
    ) -> None:
        self._session = session
        self._controller = controller
        self._get_video = get_video
        self._get_frame = get_frame
        self._device = device
        self._on_switched = on_switched
        self._wanted: LoadMonitor | None = None
        """Of the model that is being loaded: the last that was asked for."""

    def load(self, model: object) -> None:
        """Queue the loading of the first model in the model's thread."""
        make = self._maker(model, self._device)
        monitor = self._wanted = LoadMonitor(label_of(model), self._show)

        def load(on_status: Callable[[str], None]) -> Segmenter:
            try:
                return make(monitor)
            finally:
                self._end(monitor)

        self._controller.load(load)

    def switch(self, model: object, device: str | None = None) -> Future[str]:
        """Begin to load another model, in a thread of its own: the one at hand goes on meanwhile.

        It then takes the other's place. Prompts are answered anew; what was tracked is stale, but
        for what has been accepted. A later switch ends this one.

        Parameters
        ----------
        model : what `Sam2Widget` takes.
        device : to run on; that of the first model if None.

        Returns
        -------
        Future
            Its result is what a person should know of the switch. Its exception is a SessionError
            that says why there is none; the model at hand stays then.

        Raises
        ------
        SessionError
            When it is nothing that could be a model.
        """
        check_model(model)
        self.cancel()
        make = self._maker(model, device or self._device)
        name = model.name if isinstance(model, Segmenter) else label_of(model)
        monitor = self._wanted = LoadMonitor(name, self._show)
        self._show(monitor)
        future: Future[str] = Future()
        threading.Thread(
            target=self._load_other,
            args=(model, make, monitor, future),
            name="sam2widget loading",
            daemon=True,
        ).start()
        return future

    def cancel(self) -> None:
        """End the loading of a model; what was in use before stays. Any thread."""
        wanted = self._wanted
        if wanted is not None:
            wanted.cancel()

    def list_models(self, on_listed: Callable[[list[ModelChoice]], None]) -> None:
        """Find out which models there are, in a thread of its own, and tell them."""
        # Not the model's: it may be busy with a download, from which another is to be chosen.
        threading.Thread(
            target=lambda: on_listed(list_models()), name="sam2widget models", daemon=True
        ).start()

    def _maker(self, model: Any, device: str | None) -> Callable[[LoadMonitor], Segmenter]:
        # Now: the video may be closed before the model is there.
        video = self._get_video()
        return lambda monitor: as_segmenter(model, device, video, monitor, monitor.report_download)

    def _load_other(
        self,
        model: object,
        make: Callable[[LoadMonitor], Segmenter],
        monitor: LoadMonitor,
        future: Future[str],
    ) -> None:
        try:
            segmenter = make(monitor)
            if monitor.is_cancelled:
                raise SessionError(f"The loading of {monitor.model} was cancelled.")
            self._submit(lambda: self._switch(model, segmenter, monitor, future), monitor, future)
        except BaseException as error:
            # A function of the user's may raise anything; someone may wait for the end.
            ended = SessionError(f"The loading of {monitor.model} ended: {type(error).__name__}.")
            self._end(monitor)
            self._refuse(error if isinstance(error, Exception) else ended, monitor, future)

    def _submit(
        self, switch: Callable[[], None], monitor: LoadMonitor, future: Future[str]
    ) -> None:
        """Queue a switch, and answer who waits for it where it is closed before its turn."""
        begun = threading.Event()

        def run() -> None:
            begun.set()
            switch()

        def refuse_if_dropped() -> None:
            if not begun.is_set():
                self._refuse(ClosedError(), monitor, future)

        self._controller.submit(run).when_done(refuse_if_dropped)

    def _refuse(self, error: Exception, monitor: LoadMonitor, future: Future[str]) -> None:
        """Say why there is no other model."""
        kept = str(self._controller.status["model"])
        sentence = describe_error(error)
        if kept and not isinstance(error, ClosedError):
            sentence += f" {kept} stays in use."
        if not monitor.is_cancelled and not isinstance(error, ClosedError):
            log_unless_expected(error, "Loading another model failed")
            self._controller.reporter.publish_error(None, sentence)
        refusal = SessionError(sentence)
        refusal.__cause__ = error
        future.set_exception(refusal)

    # The model's thread

    def _switch(
        self, model: object, segmenter: Segmenter, monitor: LoadMonitor, future: Future[str]
    ) -> None:
        controller = self._controller
        before = str(controller.status["model"])
        try:
            controller.stop(reason=SWITCHED)
            num_stale = self._session.switch(segmenter)
        except Exception as error:
            self._end(monitor)
            self._refuse(error, monitor, future)
            return
        controller.note_model(segmenter)
        controller.show_values(click_ms=0)  # that was the other one's
        self._end(monitor)
        self._on_switched(model)
        sentence = f"{label_of(segmenter.name)} is in use now."
        if num_stale:
            sentence += (
                f" What {label_of(before)} has tracked is out of date: Propagate tracks it again. "
                "Accepted masks stay."
            )
        controller.reporter.publish(None)
        controller.refresh_status()
        task = controller.start(self._answer_again())
        task.when_done(lambda: self._after_answering(task, sentence, future))

    def _answer_again(self) -> Generator[None, None, None]:
        """Let the model answer prompts that another one has answered, nearby frames first."""
        for count, _ in enumerate(self._session.answer_again(self._get_frame()), 1):
            self._controller.reporter.publish(None)
            self._controller.show("working", f"The new model answers your prompts: {count}")
            yield

    def _after_answering(self, task: Task[None], sentence: str, future: Future[str]) -> None:
        if task.failed:
            try:
                task.result()
            except Exception as error:
                log_unless_expected(error, "A prompt could not be answered anew")
                self._controller.reporter.publish_error(
                    None, f"Not all prompts could be answered anew: {describe_error(error)}"
                )
        if task.reason != CLOSING:
            self._controller.reporter.publish(None)
            self._controller.refresh_status()
            self._controller.set_notice(sentence)
        future.set_result(sentence)

    # Any thread

    def _show(self, monitor: LoadMonitor) -> None:
        if monitor is not self._wanted:
            return
        if self._controller.is_loading:
            self._controller.show("loading", monitor.message, download=monitor.download)
        else:
            self._controller.show_values(switching=monitor.model, download=monitor.download)

    def _end(self, monitor: LoadMonitor) -> None:
        if monitor is self._wanted:
            self._wanted = None
            self._controller.show_values(switching=None, download=None)
