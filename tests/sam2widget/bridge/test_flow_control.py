"""No more is on the way than a view has drawn, and the newest is never lost."""

import pytest

from sam2widget.bridge import flow_control
from sam2widget.bridge.flow_control import GONE_AFTER_S, MAX_HELD, Outbox
from sam2widget.bridge.protocol import Done, Error, Masks, Progress, ReplyTo

ME = ReplyTo("view", 1)


class Sent(list):
    """What went out: (type, frame or None, seq or None)."""

    def __call__(self, message, buffers):
        self.append((message.type, getattr(message, "frame", None), getattr(message, "seq", None)))

    def frames(self, kind):
        return [frame for type, frame, _ in self if type == kind]

    def last_seq(self):
        return self[-1][2]


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch):
    monkeypatch.setattr(flow_control, "MAX_UNACKED_FRAMES", 2)
    monkeypatch.setattr(flow_control, "MAX_UNACKED_MASKS", 4)


@pytest.fixture
def sent():
    return Sent()


@pytest.fixture
def outbox(sent):
    outbox = Outbox(sent, lambda frame, to, seq: (Masks(seq, to, frame, True, []), []))
    outbox.hello("view")
    return outbox


def progress(frame=0):
    return Progress(True, frame, 1, 2, 1.0, 1.0, "forward", 0.5)


def test_two_frames_are_on_the_way_at_most_and_then_the_newest(outbox, sent):
    for frame in range(6):
        outbox.send_frame(ME, frame, b"jpeg")
    assert sent.frames("frame") == [0, 1]
    outbox.ack(sent.last_seq())
    assert sent.frames("frame") == [0, 1, 5]
    outbox.ack(sent.last_seq())
    assert sent.frames("frame") == [0, 1, 5]


def test_four_mask_batches_are_on_the_way_at_most_and_then_the_newest(outbox, sent):
    for frame in range(50):
        outbox.stream_masks(frame)
    assert sent.frames("masks") == [0, 1, 2, 3]
    outbox.ack(1)
    assert sent.frames("masks") == [0, 1, 2, 3, 49]


def test_answers_go_before_the_stream_and_none_is_dropped(outbox, sent):
    for frame in range(10):
        outbox.stream_masks(frame)
    for frame in 100, 101, 100:
        outbox.send_masks(frame, ME)
        outbox.post_after_masks(frame, Done(ME))
    for seq in range(1, 5):
        outbox.ack(seq)
    assert sent.frames("masks")[4:] == [100, 101, 9]
    assert [kind for kind, *_ in sent].count("done") == 3


def test_done_follows_the_masks_it_is_about(outbox, sent):
    for frame in range(4):
        outbox.stream_masks(frame)
    outbox.send_masks(7, ME)
    outbox.post_after_masks(7, Done(ME))
    assert sent.frames("masks") == [0, 1, 2, 3]
    outbox.ack(2)
    assert [kind for kind, *_ in sent[4:]] == ["masks", "done"]


def test_masks_are_built_when_they_are_sent(sent):
    built = []

    def build(frame, reply_to, seq):
        built.append(frame)
        return Masks(seq, reply_to, frame, True, []), []

    outbox = Outbox(sent, build)
    outbox.hello("view")
    for frame in range(5):
        outbox.send_masks(frame, None)
    assert built == [0, 1, 2, 3]
    outbox.ack(1)
    assert built == [0, 1, 2, 3, 4]


def test_an_unknown_acknowledgement_changes_nothing(outbox, sent):
    outbox.ack(99)
    for frame in range(3):
        outbox.send_frame(ME, frame, b"")
    outbox.ack(99)
    assert sent.frames("frame") == [0, 1]


def test_nothing_is_sent_while_no_view_is_visible(outbox, sent):
    outbox.set_visible("view", False)
    outbox.post(progress())
    outbox.send_frame(ME, 1, b"")
    outbox.stream_masks(1)
    outbox.send_masks(2, None)
    outbox.post(Done(ME))
    outbox.post(Error(ME, "no"))
    assert sent == []
    outbox.set_visible("view", True)
    assert [kind for kind, *_ in sent] == ["done", "error", "frame"]


def test_one_visible_view_of_two_is_enough(outbox, sent):
    outbox.hello("other")
    outbox.set_visible("view", False)
    outbox.post(progress())
    assert len(sent) == 1


def test_a_reload_starts_with_full_credit(outbox, sent):
    for frame in range(9):
        outbox.stream_masks(frame)
        outbox.send_frame(ME, frame, b"")
    sent.clear()
    outbox.hello("reloaded")
    outbox.send_masks(3, None)
    assert sent.frames("masks") == [3, 8] and sent.frames("frame") == [8]


def test_answers_for_nobody_do_not_pile_up(outbox, sent):
    outbox.set_visible("view", False)
    for _ in range(3 * MAX_HELD):
        outbox.post(Done(ME))
    outbox.set_visible("view", True)
    assert len(sent) == MAX_HELD


def test_acknowledging_inside_send_is_fine():
    sent = []

    def send(message, buffers):
        sent.append(message)
        if message.type == "masks":
            outbox.ack(message.seq)

    outbox = Outbox(send, lambda frame, to, seq: (Masks(seq, to, frame, True, []), []))
    outbox.hello("view")
    for frame in range(20):
        outbox.stream_masks(frame)
    assert len(sent) == 20


# Views that are gone


class Clock:
    """Time passes when a test says so."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s

    def pass_by(self):
        self.now_s += GONE_AFTER_S + 1


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def timed(sent, clock):
    outbox = Outbox(sent, lambda frame, to, seq: (Masks(seq, to, frame, True, []), []), clock)
    outbox.hello("view")
    return outbox


def test_a_view_that_acknowledges_nothing_any_more_is_sent_nothing_any_more(timed, sent, clock):
    gone = []
    timed.on_gone.append(gone.append)
    for frame in range(3):
        timed.send_frame(ME, frame, b"jpeg")
        timed.stream_masks(frame)
    clock.pass_by()
    sent.clear()
    timed.post(progress())
    timed.stream_masks(9)
    timed.send_masks(9, None)
    timed.send_frame(ME, 9, b"jpeg")
    assert sent == [] and gone == ["view"] and not timed.is_visible()


def test_a_view_that_is_sent_nothing_to_acknowledge_is_never_gone(timed, sent, clock):
    for _ in range(3):
        clock.pass_by()
        timed.post(progress())
    assert len(sent) == 3 and timed.is_visible("view")


def test_a_view_that_says_something_is_not_gone_though_slow(timed, sent, clock):
    for frame in range(9):
        timed.stream_masks(frame)
        clock.now_s += GONE_AFTER_S - 1
        assert not timed.mark_alive("view")
        timed.ack(sent.last_seq())
    assert timed.is_visible("view")


def test_a_gone_view_does_not_set_the_pace_of_one_that_comes_back(timed, sent, clock):
    timed.hello("closed page")
    timed.set_visible("view", False)
    for frame in range(9):
        timed.stream_masks(frame)  # used up by who is no more
    timed.set_visible("view", True)
    sent.clear()
    for frame in range(20, 24):
        timed.send_masks(frame, None)
    # With the newest of the stream, these are four on the way.
    assert sent.frames("masks") == [20, 21, 22]


def test_beside_a_gone_view_another_goes_on_at_its_own_pace(timed, sent, clock):
    timed.hello("closed page")
    for frame in range(100):
        timed.stream_masks(frame)
        timed.mark_alive("view")
        timed.ack(sent.last_seq())
        clock.now_s += 1
    assert sent.frames("masks") == list(range(100))
    assert timed.is_visible("view") and not timed.is_visible("closed page")


def test_a_view_that_was_asleep_is_told_what_is_current_and_has_its_answers(timed, sent, clock):
    timed.stream_masks(0)
    clock.pass_by()
    timed.post(Done(ME))
    assert sent.frames("masks") == [0] and len(sent) == 1
    assert timed.mark_alive("view") and not timed.mark_alive("view")
    assert [kind for kind, *_ in sent] == ["masks", "done"] and timed.is_visible("view")
    assert not timed.mark_alive("never seen") and not timed.is_visible("never seen")
