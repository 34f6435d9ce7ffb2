"""What stands in a widget's place where its parts are tested alone."""

from __future__ import annotations

import threading

from sam2widget.annotation.confidence import Review
from sam2widget.annotation.session import Session
from sam2widget.bridge.callbacks import Callbacks
from sam2widget.runtime.controller import Controller
from tests.support.fakes import ChoosySegmenter
from tests.support.waiting import LIMIT_S

FRAMES, HEIGHT, WIDTH = 12, 12, 40


class Traits:
    """A `WidgetState` without a widget; `written` is all that was set, in its order."""

    def __init__(self):
        self.frame, self.selected, self.epoch = 0, 0, 1
        self.auto_propagate = "corrections"
        self.written = []

    def write_traits(self, **values):
        self.written.append(values)
        vars(self).update(values)


class Reports:
    """A `Reporter` that keeps what it is told."""

    def __init__(self):
        self.told = []
        self.arrived = threading.Condition()

    def publish(self, reply_to):
        self._tell("publish", reply_to)

    def publish_error(self, reply_to, sentence):
        self._tell("error", reply_to, sentence)

    def report_begin(self):
        self._tell("begin")

    def report_step(self, tracked):
        self._tell("step", tracked.frame)

    def report_end(self):
        self._tell("end")

    def report_live_step(self, frame):
        self._tell("live step", frame)

    def report_live_rest(self):
        self._tell("live rest")

    def of(self, kind):
        return [what for what in self.told if what[0] == kind]

    def wait_for(self, *what):
        with self.arrived:
            assert self.arrived.wait_for(lambda: what in self.told, LIMIT_S), self.told

    def _tell(self, *what):
        with self.arrived:
            self.told.append(what)
            self.arrived.notify_all()


class Parts:
    """A session, its model and the controller of both, with nobody who looks on."""

    def __init__(self, segmenter=None):
        self.segmenter = segmenter or ChoosySegmenter(HEIGHT, WIDTH)
        self.session = Session(FRAMES, HEIGHT, WIDTH)
        self.review = Review(self.session)
        self.session.listen(self.review.note)
        self.traits, self.errors = Traits(), []
        self.reports = self.make_reporter()
        self.controller = Controller(self.session, self.reports, self.traits)
        self.callbacks = Callbacks(self.session, self.errors.append)
        self.session.listen(self.callbacks.handle_change)

    def make_reporter(self):
        return Reports()

    def load(self):
        self.controller.load(lambda on_status: self.segmenter)
        self.controller.call(lambda: None)
        return self

    def close(self):
        self.controller.close()
        self.callbacks.close()
