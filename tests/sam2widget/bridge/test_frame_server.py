"""A view gets the frame it wants, and on a long way there frames that lie on it."""

import io
import itertools
import threading

import numpy as np
import pytest
from PIL import Image

from sam2_backend.video import Video
from sam2widget.bridge.flow_control import Outbox
from sam2widget.bridge.frame_server import FrameServer
from sam2widget.bridge.protocol import Frame, Masks, ReplyTo
from tests.support.waiting import wait_until

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


class Sent(list):
    """(frame, towards) of what was sent; what was told before; and who waits, by request."""

    def __init__(self):
        self.told, self.waiting, self.jpegs = [], {}, {}


@pytest.fixture
def sent():
    return Sent()


@pytest.fixture
def server(video, sent):
    def send(message, buffers):
        assert isinstance(message, Frame)
        assert sent.told[-1] == message.frame, "masks first: else it would be seen without"
        sent.append((message.frame, message.towards))
        sent.jpegs[message.frame, message.reduced] = buffers[0]
        outbox.ack(message.seq)
        if message.towards is None:
            sent.waiting[message.reply_to.id].set()

    outbox = Outbox(send, lambda frame, to, seq: (Masks(seq, to, frame, True, []), []))
    outbox.hello("view")
    server = FrameServer(video, outbox)
    yield server
    server.close()


@pytest.fixture
def want(server, sent):
    """Asks for a frame, and gives what is set when the view has it."""
    ids = itertools.count(1)

    def ask(frame, **options):
        there = threading.Event()
        number = next(ids)
        sent.waiting[number] = there
        server.want(ReplyTo("view", number), frame, sent.told.append, **options)
        return there

    return ask


def test_frames_on_the_way_come_first_and_say_so(want, sent):
    assert want(27).wait(10)
    assert sent == [(24, 27), (27, None)]
    assert want(27).wait(10)
    assert sent[2:] == [(27, None)]


def test_a_newer_wish_ends_the_way_to_an_older_one(want, video, sent):
    video.gate = threading.Semaphore(2)
    old = want(29)
    new = want(40)
    video.gate.release(10_000)
    assert new.wait(10)
    assert not old.is_set() and sent[-1] == (40, None) and (29, None) not in sent


def test_frames_that_are_wanted_next_answer_requests_of_their_own(server, sent):
    there = [sent.waiting.setdefault(number, threading.Event()) for number in (5, 6)]
    server.want(ReplyTo("view", 5), 22, sent.told.append, then=[23], moving=True)
    assert all(one.wait(10) for one in there)
    assert sent == [(22, None), (23, None)] and sent.told == [22, 23]


def test_a_newer_wish_takes_the_place_of_those_that_wait(server, video, sent):
    """But not of the rest of one that has begun, where a view plays: it lies on the way."""
    video.gate = threading.Semaphore(1)
    for number in range(1, 7):
        sent.waiting[number] = threading.Event()
    server.want(ReplyTo("view", 1), 8, sent.told.append, then=[9], moving=True)
    wait_until(lambda: video.visited)
    server.want(ReplyTo("view", 3), 10, sent.told.append, then=[11], moving=True)
    server.want(ReplyTo("view", 5), 16, sent.told.append, then=[17], moving=True)
    video.gate.release(10_000)
    assert sent.waiting[6].wait(10)
    assert [at for at, towards in sent if towards is None] == [8, 9, 16, 17]


def test_who_plays_gets_the_frame_on_the_way_to_what_is_wanted_next(want, video, sent):
    video.gate = threading.Semaphore(2)
    begun = want(29, moving=True)
    wait_until(lambda: len(video.visited) == 2)
    skipped, newest = want(33, moving=True), want(36, moving=True)
    video.gate.release(10_000)
    assert newest.wait(10)
    assert begun.is_set() and not skipped.is_set()
    assert [frame for frame, towards in sent if towards is None] == [29, 36]


def test_who_scrubs_elsewhere_does_not_wait_for_where_the_pointer_was(want, video, sent):
    video.gate = threading.Semaphore(2)
    old = want(29, moving=True)
    wait_until(lambda: len(video.visited) == 2)
    new = want(90, moving=True)
    video.gate.release(10_000)
    assert new.wait(10)
    assert not old.is_set() and (29, None) not in sent


def test_a_view_that_has_the_pixels_is_told_the_rest(want, server, sent):
    want(5, pixels=False)
    server.wait_until_idle()
    assert sent == [] and sent.told == [5]


def test_after_a_step_back_earlier_frames_are_read_ahead_after_a_leap_later_ones(
    want, server, video
):
    for frame, ahead in ((90, 94), (89, 85), (5, 9)):
        assert want(frame).wait(10)
        server.wait_until_idle()
        assert ahead in video.reached, frame


def test_in_motion_frames_are_read_ahead_in_its_steps(want, server, video):
    for frame in (10, 13):
        assert want(frame, moving=True).wait(10)
        server.wait_until_idle()
    assert video.reached[-4:] == [16, 19, 22, 25]


def test_a_view_that_moves_gets_smaller_pictures_and_sharp_ones_when_it_rests(sent):
    rng = np.random.default_rng(0)
    rough = np.kron(rng.integers(0, 256, (60, 100, 3), np.uint8), np.ones((20, 20, 1), np.uint8))
    video = LongWay()
    video._read = lambda frame: rough
    outbox = Outbox(
        lambda message, buffers: sent.jpegs.update({message.reduced: buffers[0]}),
        lambda frame, to, seq: (Masks(seq, to, frame, True, []), []),
    )
    outbox.hello("view")
    server = FrameServer(video, outbox)
    for moving in (True, False):
        server.want(ReplyTo("view", 1), 0, moving=moving)
        server.wait_until_idle()
    server.close()
    sizes = {reduced: Image.open(io.BytesIO(jpeg)).size for reduced, jpeg in sent.jpegs.items()}
    assert sizes == {True: (667, 400), False: (2000, 1200)}
    assert len(sent.jpegs[True]) < len(sent.jpegs[False]) / 4
