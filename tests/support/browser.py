"""A browser in place of a page: `send` is recorded, and acknowledgements are made up."""

from __future__ import annotations

import itertools
import threading

from sam2widget.core.masks import Mask
from tests.support.waiting import LIMIT_S


class Browser:
    """Speaks the protocol with a widget in place of a page."""

    def __init__(self, widget, view="view", acks=True):
        self.widget, self.view, self.acks = widget, view, acks
        self.ids = itertools.count(1)
        self.received = []
        self.arrived = threading.Condition()
        self.earlier = earlier = widget.__dict__.get("send", lambda *_: None)

        def send(content, buffers=None):
            earlier(content, buffers)
            with self.arrived:
                self.received.append((content, buffers or []))
                self.arrived.notify_all()
            if self.acks and "seq" in content:
                self.say("ack", seqs=[content["seq"]])

        widget.send = send

    def say(self, type, **fields):
        message = {"type": type, "id": next(self.ids), "view": self.view, **fields}
        message.setdefault("epoch", self.widget.epoch)
        self.send(message)
        return message["id"]

    def send(self, content):
        """Send what may be no message."""
        data = {"method": "custom", "content": content}
        self.widget.comm.handle_msg({"content": {"data": data}, "buffers": []})

    def leave(self):
        """The view goes out of sight and is no more."""
        self.say("visible", visible=False)
        self.widget.send = self.earlier

    @property
    def errors(self):
        """The sentences that were shown."""
        return [content["text"] for content in self.of("error")]

    def of(self, type):
        return [content for content, _ in self.received if content["type"] == type]

    def answer(self, number):
        """Wait for done or error."""

        def find():
            for kind in "done", "error":
                for content in self.of(kind):
                    if (content["reply_to"] or {}).get("id") == number:
                        return content
            return None

        with self.arrived:
            assert self.arrived.wait_for(find, timeout=LIMIT_S), self.received[-1:]
            return find()

    def ask(self, type, **fields):
        return self.answer(self.say(type, **fields))

    def size_hw(self, frame):
        """(H, W) of a frame, as the page knows it."""
        video = self.widget.video
        sizes = video["sizes"]
        width, height = sizes[frame] if sizes else (video["width"], video["height"])
        return height, width

    def mask(self, frame, obj):
        """The mask last received."""
        for content, buffers in reversed(self.received):
            if content["type"] == "masks" and content["frame"] == frame:
                for entry, runs in zip(content["masks"], buffers, strict=True):
                    if entry["object"] == obj:
                        return Mask.from_bytes(runs, *self.size_hw(frame)).to_array()
                return None
        return None


def idle(widget):
    """Wait until all that is queued is done."""
    for part in widget._controller, widget._server:
        part.wait_until_idle()
