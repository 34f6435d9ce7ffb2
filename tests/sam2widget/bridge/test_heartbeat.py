"""The kernel says that it is there while views listen, whatever its other threads do."""

import gc
import queue
import weakref

import pytest

from sam2widget.bridge.flow_control import GONE_AFTER_S, Outbox
from sam2widget.bridge.heartbeat import Heartbeat
from sam2widget.bridge.protocol import Masks
from tests.support.waiting import LIMIT_S, wait_until

QUICK_S = 0.01


@pytest.fixture
def sent():
    return queue.Queue()


@pytest.fixture
def outbox(sent):
    outbox = Outbox(
        lambda message, buffers: sent.put(message),
        lambda frame, to, seq: (Masks(seq, to, frame, True, []), []),
    )
    outbox.hello("view")
    return outbox


def test_it_speaks_by_itself_from_when_a_view_is_heard(outbox, sent):
    heartbeat = Heartbeat(outbox, QUICK_S)
    assert sent.empty()
    heartbeat.renew()
    told = [sent.get(timeout=LIMIT_S) for _ in range(3)]
    heartbeat.close()
    assert [(message.type, message.pausing) for message in told] == 3 * [("alive", False)]


def test_it_says_that_it_pauses_where_no_view_is_heard_and_goes_on_with_the_next(outbox, sent):
    heartbeat = Heartbeat(outbox, QUICK_S, listened_s=5 * QUICK_S)
    for _ in range(2):
        heartbeat.renew()
        while not sent.get(timeout=LIMIT_S).pausing:
            pass
        assert sent.empty()
    heartbeat.close()


def test_nothing_is_said_where_all_views_are_out_of_sight(outbox, sent):
    outbox.set_visible("view", False)
    heartbeat = Heartbeat(outbox)
    heartbeat.renew()
    assert heartbeat.beat()
    heartbeat.close()
    assert sent.empty()


def test_a_view_whose_acknowledgements_wait_behind_a_cell_hears_it(sent):
    now_s = [0.0]
    outbox = Outbox(
        lambda message, buffers: sent.put(message.type),
        lambda frame, to, seq: (Masks(seq, to, frame, True, []), []),
        lambda: now_s[0],
    )
    outbox.hello("view")
    heartbeat = Heartbeat(outbox)
    heartbeat.renew()
    outbox.stream_masks(0)
    now_s[0] += GONE_AFTER_S + 1
    assert not outbox.is_visible()
    assert heartbeat.beat()
    heartbeat.close()
    assert [sent.get_nowait(), sent.get_nowait()] == ["masks", "alive"]


def test_a_closed_one_says_nothing_more(outbox, sent):
    heartbeat = Heartbeat(outbox, QUICK_S)
    heartbeat.renew()
    sent.get(timeout=LIMIT_S)
    heartbeat.close()
    while not sent.empty():
        sent.get_nowait()
    heartbeat.renew()
    assert heartbeat._thread is None or not heartbeat._thread.is_alive()
    assert sent.empty()


def test_its_thread_ends_with_it(outbox):
    heartbeat = Heartbeat(outbox, QUICK_S)
    heartbeat.renew()
    thread, gone = heartbeat._thread, weakref.ref(heartbeat)
    del heartbeat
    wait_until(lambda: gc.collect() >= 0 and gone() is None and not thread.is_alive())
