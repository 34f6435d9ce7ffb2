"""The time that is left is measured, told late enough, and does not jump."""

from __future__ import annotations

from itertools import pairwise

from sam2widget.runtime.time_left import TimeLeft


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def watch(speeds, total=1000.0, interval_s=0.5):
    """What is told each half second of something that goes at these speeds, one a second."""
    clock = Clock()
    left, done, told = TimeLeft(clock), 0.0, []
    for speed in speeds:
        for _ in range(round(1 / interval_s)):
            clock.now_s += interval_s
            done = min(done + speed * interval_s, total)
            told.append((left.update(done, total), (total - done) / speed if speed else None))
    return told


def test_at_an_even_pace_it_is_right_and_counts_down():
    told = watch([10.0] * 60)
    assert told[0][0] is None
    assert all(abs(said - true) < 1 for said, true in told[1:])
    falls = [a[0] - b[0] for a, b in pairwise(told[1:])]
    assert all(0 < fall < 1.1 for fall in falls)


def test_an_uneven_pace_does_not_make_it_jump():
    told = [said for said, _ in watch([15.0, 5.0] * 30) if said is not None]
    jumps = [abs(b - a + 0.5) for a, b in pairwise(told)]
    assert max(jumps) < 2 and abs(told[60] - (1000 - 10 * 31) / 10) < 10


def test_another_pace_is_followed():
    told = watch([20.0] * 10 + [4.0] * 40)
    said, true = told[-1]
    assert abs(said - true) < 0.15 * true


def test_a_correction_on_the_way_adds_gradually():
    clock = Clock()
    left = TimeLeft(clock)
    for done in range(1, 41):
        clock.now_s += 0.25
        before_s = left.update(done, 100)
    clock.now_s += 0.25
    after_s = left.update(41, 300)
    assert before_s is not None and after_s is not None
    assert before_s < after_s < before_s + 10


def test_what_is_through_has_nothing_left_and_what_stands_still_tells_nothing():
    clock = Clock()
    left = TimeLeft(clock)
    clock.now_s += 2
    assert left.update(0, 10) is None
    clock.now_s += 2
    assert left.update(10, 10) == 0
    assert left.elapsed_s == 4


def test_what_comes_in_large_parts_is_as_even_as_it_is():
    clock = Clock()
    left, told = TimeLeft(clock), []
    for step in range(1, 201):
        clock.now_s += 0.25
        told.append(left.update(10 * (step // 20), 100))  # 10 every 5 s
    true = [50 - 0.25 * step for step in range(1, 201)]
    assert all(one is None for one in told[:19])
    errors = [abs(said - is_left) for said, is_left in zip(told[20:], true[20:], strict=True)]
    assert max(errors) < 6


def test_what_stalls_takes_longer():
    clock = Clock()
    left = TimeLeft(clock)
    for done in range(1, 41):
        clock.now_s += 0.25
        left.update(done, 400)
    for _ in range(240):
        clock.now_s += 0.25
        told_s = left.update(40, 400)
    assert told_s is not None and told_s > 200
