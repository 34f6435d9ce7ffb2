"""A widget's parts between its comm and the model, with nothing of Jupyter."""

from __future__ import annotations

import itertools
import threading

import numpy as np

from sam2_backend.video import open_video
from sam2widget.bridge.dispatcher import Dispatcher
from sam2widget.bridge.frame_server import FrameServer
from sam2widget.bridge.protocol import Saved
from sam2widget.bridge.publisher import Publisher
from sam2widget.bridge.results_server import ResultSource, ResultsServer
from sam2widget.export import Segmentation
from sam2widget.runtime.finder import Finder
from sam2widget.runtime.worker import CLOSING
from sam2widget.storage.saved_session import SavedSession
from sam2widget.widget.api.annotator import Annotator
from tests.support.parts import FRAMES, HEIGHT, WIDTH, Parts
from tests.support.waiting import LIMIT_S

CLIP = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


class Wire(Parts):
    """All that is behind a comm, and what came out of it. Drawn is acknowledged, while `acks`."""

    def __init__(self, segmenter=None):
        self.sent, self.hellos, self.heard, self.contrasts = [], [], [], []
        self.acks = True
        self.arrived = threading.Condition()
        self.ids = itertools.count(1)
        super().__init__(segmenter)
        self.publisher = self.reports
        video = open_video(CLIP)
        self.server = FrameServer(video, self.publisher.outbox, lambda: self.contrasts.append(1))
        source = ResultSource(
            lambda: Segmentation.make(video, tuple(self.session.objects), {}),
            lambda: SavedSession.of(self.session, video, "", None),
            *(lambda: "the script", lambda: None, lambda: Saved("off", "", None)),
        )
        self.results = ResultsServer(source, self.publisher.outbox)
        finder = Finder(self.session, self.controller, lambda: video, None, None)
        self.dispatcher = Dispatcher(
            *(self.controller, self.session, self.publisher, self.server, self.review),
            *(self.traits, self.results),
            *(lambda: self.hellos.append(1), lambda: self.heard.append(1)),
            finder=finder,
        )
        self.annotator = Annotator(
            *(self.session, self.controller, self.review, self.callbacks, self.traits),
            *(lambda: video, finder),
        )
        self.load()

    def make_reporter(self):
        return Publisher(self.session, self.send, lambda: self.traits.frame, self.review)

    def send(self, message, buffers):
        with self.arrived:
            self.sent.append(message)
            self.arrived.notify_all()
        if self.acks and hasattr(message, "seq"):
            self.say("ack", seqs=[message.seq])

    def say(self, type, view="view", epoch=1, **fields):
        message = {"type": type, "id": next(self.ids), "view": view, "epoch": epoch, **fields}
        self.dispatcher.receive(message)
        return message["id"]

    def ask(self, type, **fields):
        return self.answer(self.say(type, **fields))

    def answer(self, number):
        """Wait until a request is done, or refused."""

        def answered():
            replies = [one for one in self.sent if one.type in ("done", "error") and one.reply_to]
            return next((one for one in replies if one.reply_to.id == number), None)

        with self.arrived:
            assert self.arrived.wait_for(answered, LIMIT_S), self.sent
        return answered()

    def of(self, type):
        return [message for message in self.sent if message.type == type]

    def idle(self):
        self.controller.wait_until_idle()
        self.server.wait_until_idle()

    def close(self):
        """End it as a widget does."""
        self.controller.stop(reason=CLOSING)
        super().close()
        self.results.close()
        self.server.close()
