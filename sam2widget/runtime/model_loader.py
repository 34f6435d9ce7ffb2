"""Loads a widget's model, and others in its place while that one goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

from sam2_backend.video import Video

from ..annotation.session import Session
from ..core.errors import SessionError
from ..models.catalog import MemoryChoice, ModelChoice, list_memories, list_models
from ..models.loading import label_of
from ..models.segmenter import Segmenter
from ..models.source import (
    apply_memory,
    as_segmenter,
    check_device,
    check_model,
    memory_source,
)
from .controller import Controller
from .error_texts import describe_error, log_unless_expected
from .load_monitor import LoadMonitor
from .worker import CLOSING, ClosedError, Task

SWITCHED = "another model"
"""The reason why tasks stop where another model has taken the place of theirs."""
_SAME_MODEL = object()
"""In place of a model: the one at hand goes on, with another memory policy."""


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
    memory : the memory policy, as `Sam2Widget` takes it.
    needs_memory : whether the first model is refused where it follows no policies.
    """

    def __init__(
        self,
        session: Session,
        controller: Controller[Any],
        get_video: Callable[[], Video],
        get_frame: Callable[[], int],
        device: str | None,
        on_switched: Callable[[object], None] = lambda model: None,
        memory: object = None,
        *,
        needs_memory: bool = False,
    ) -> None:
        self._session = session
        self._controller = controller
        self._get_video = get_video
        self._get_frame = get_frame
        self._device = device
        self._on_switched = on_switched
        self._memory = memory
        self._needs_memory = needs_memory
        self._wanted: LoadMonitor | None = None
        """Of the model that is being loaded: the last that was asked for."""

    def load(self, model: object) -> None:
        """Queue the loading of the first model in the model's thread."""
        make = self._maker(model, self._device, needs_memory=self._needs_memory)
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
        try:
            check_model(model)
            check_device(device)
        except SessionError as error:
            raise SessionError(self._with_kept(str(error))) from None
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

    def switch_memory(self, memory: object) -> Future[str]:
        """Let the model follow another memory policy, as soon as the model's thread is free.

        It is as if another model took its place: what was tracked is stale. The policy stays that
        of models which are loaded later.

        Parameters
        ----------
        memory : what `Sam2Widget` takes.

        Returns
        -------
        Future
            As of `switch`.

        Raises
        ------
        SessionError
            When there is no such policy.
        """
        name = memory_source(memory)
        future: Future[str] = Future()
        monitor = LoadMonitor("the memory policy", lambda monitor: None)

        def switch() -> None:
            known = self._session.segmenter
            try:
                segmenter = None if known is None else apply_memory(known, memory)
            except Exception as error:
                self._refuse(error, monitor, future)
                return
            self._memory = memory
            if segmenter is None or segmenter is known:
                future.set_result("")
                return
            self._switch(_SAME_MODEL, segmenter, monitor, future, name)

        self._submit(switch, monitor, future)
        return future

    def cancel(self) -> None:
        """End the loading of a model; what was in use before stays. Any thread."""
        wanted = self._wanted
        if wanted is not None:
            wanted.cancel()

    def list_models(
        self, on_listed: Callable[[list[ModelChoice], list[MemoryChoice]], None]
    ) -> None:
        """Find out which models and policies there are, in a thread of its own, and tell them."""
        # Not the model's: it may be busy with a download, from which another is to be chosen.
        threading.Thread(
            target=lambda: on_listed(list_models(), list_memories()),
            name="sam2widget models",
            daemon=True,
        ).start()

    def _maker(
        self, model: Any, device: str | None, *, needs_memory: bool = False
    ) -> Callable[[LoadMonitor], Segmenter]:
        # Now: the video may be closed before the model is there.
        video = self._get_video()
        return lambda monitor: as_segmenter(
            *(model, device, video, monitor, monitor.report_download),
            memory=self._memory,
            needs_memory=needs_memory,
        )

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
        sentence = describe_error(error)
        if not isinstance(error, ClosedError):
            sentence = self._with_kept(sentence)
        if not monitor.is_cancelled and not isinstance(error, ClosedError):
            log_unless_expected(error, "Loading another model failed")
            self._controller.reporter.publish_error(None, sentence)
        refusal = SessionError(sentence)
        refusal.__cause__ = error
        future.set_exception(refusal)

    def _with_kept(self, sentence: str) -> str:
        """Add to why there is no other model which one stays in use."""
        kept = str(self._controller.status.values["model"])
        return f"{sentence} {kept} stays in use." if kept else sentence

    # The model's thread

    def _switch(
        self,
        model: object,
        segmenter: Segmenter,
        monitor: LoadMonitor,
        future: Future[str],
        memory: str | None = None,
    ) -> None:
        controller = self._controller
        before = str(controller.status.values["model"])
        try:
            controller.stop(reason=SWITCHED)
            num_stale = self._session.switch(segmenter)
        except Exception as error:
            self._end(monitor)
            self._refuse(error, monitor, future)
            return
        controller.status.note_model(segmenter)
        controller.status.show_values(click_ms=0)  # that was the other one's
        self._end(monitor)
        sentence, tracked = f"{label_of(segmenter.name)} is in use now.", label_of(before)
        if model is _SAME_MODEL:
            sentence = f"Tracking follows the memory policy {memory or 'that was given'} now."
            tracked = "the one before"
        self._on_switched(None if model is _SAME_MODEL else model)
        if num_stale:
            sentence += (
                f" What {tracked} has tracked is out of date: Propagate tracks it again. "
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
            self._controller.status.show("working", f"The new model answers your prompts: {count}")
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
            self._controller.status.show("loading", monitor.message, download=monitor.download)
        else:
            self._controller.status.show_values(switching=monitor.model, download=monitor.download)

    def _end(self, monitor: LoadMonitor) -> None:
        if monitor is self._wanted:
            self._wanted = None
            self._controller.status.show_values(switching=None, download=None)
