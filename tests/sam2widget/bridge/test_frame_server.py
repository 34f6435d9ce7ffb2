"""A view gets the frame it wants, and on a long way there frames that lie on it."""

import threading

import numpy as np
import pytest

from sam2_backend.video import Video
from sam2widget.bridge.flow_control import Outbox
from sam2widget.bridge.frame_server import FrameServer
from sam2widget.bridge.protocol import Frame, Masks, ReplyTo

LAST = 99


class LongWay(Video):
    """Every tenth frame is soon reached, the others by way of all between."""

    def __init__(self):
        super().__init__(LAST + 1, 8, 6, 25.0, "long")
        self.visited, self.reached = [], []
        self.gate = threading.Semaphore(10_000)

    def _read(self, frame):
        return np.full((6, 8, 3), frame, np.uint8)

    def read_progressive(self, frame):
        for at in range(frame // 10 * 10, frame):
            self.gate.acquire()
            self.visited.append(at)
            yield (at, self._read(at)) if at % 5 == 4 else None
        self.reached.append(frame)
        yield frame, self._read(frame)


@pytest.fixture
def video():
    return LongWay()


@pytest.fixture
def sent():
    return []


@pytest.fixture
def server(video, sent):
    def send(message, _):
        assert isinstance(message, Frame)
        sent.append((message.frame, message.towards))
        outbox.ack(message.seq)

    outbox = Outbox(send, lambda frame, to, seq: (Masks(seq, to, frame, True, []), []))
    outbox.hello("view")
    server = FrameServer(video, outbox)
    yield server
    server.close()


def want(server, frame):
    there = threading.Event()
    server.want(ReplyTo("view", 1), frame, there.set)
    return there


def test_frames_on_the_way_come_first_and_say_so(server, sent):
    assert want(server, 27).wait(10)
    assert sent == [(24, 27), (27, None)]
    assert want(server, 27).wait(10)
    assert sent[2:] == [(27, None)]


def test_a_newer_wish_ends_the_way_to_an_older_one(server, video, sent):
    video.gate = threading.Semaphore(2)
    old = want(server, 29)
    new = want(server, 40)
    video.gate.release(10_000)
    assert new.wait(10)
    assert not old.is_set() and sent[-1] == (40, None) and (29, None) not in sent


def test_after_a_step_back_earlier_frames_are_read_ahead_after_a_leap_later_ones(server, video):
    for frame, ahead in ((90, 94), (89, 85), (5, 9)):
        assert want(server, frame).wait(10)
        server.wait_until_idle()
        assert ahead in video.reached, frame
