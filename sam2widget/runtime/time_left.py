"""How long something still takes, from how fast it went lately, without jumps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

RATE_S = 8.0
"""Over about how long the rate is measured."""
CORRECTION_S = 3.0
"""How long what is told takes to follow what is measured."""
FIRST_S, SAMPLE_S, STALL_S = 1.0, 0.2, 15.0
"""Nothing is told before the first; the rate is measured over no less than the second, from one
step to the next, as what comes in large parts would else seem to stand still; after the third, it
does."""


class TimeLeft:
    """An estimate of the seconds that are left of a propagation, a download or an export.

    What is told counts down as a clock does, and turns gradually towards what is measured.

    Parameters
    ----------
    clock : gives the time in seconds, which only goes forward.

    Examples
    --------
    >>> left = TimeLeft()
    >>> for done, part in enumerate(parts, 1):
    ...     write(part)
    ...     show(left.update(done, len(parts)))  # None as long as nothing can be told
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_at = self._sampled_at = self._told_at = clock()
        self._done = 0.0
        self._rate: float | None = None
        self._told_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was made."""
        return self._clock() - self._began_at

    def update(self, done: float, total: float) -> float | None:
        """Seconds that are left; None as long as nothing can be told.

        Parameters
        ----------
        done, total : of the same unit: frames, or bytes.
        """
        now = self._clock()
        self._measure(done, now)
        if done >= total:
            self._told_s = 0.0
        elif self._rate is not None and self._rate > 0 and now - self._began_at >= FIRST_S:
            measured_s = (total - done) / self._rate
            if self._told_s is None:
                self._told_s = measured_s
            else:
                since_s = now - self._told_at
                expected_s = max(self._told_s - since_s, 0.0)
                share = 1 - math.exp(-since_s / CORRECTION_S)
                self._told_s = expected_s + share * (measured_s - expected_s)
        self._told_at = now
        return self._told_s

    def _measure(self, done: float, now: float) -> None:
        span_s = now - self._sampled_at
        if span_s < SAMPLE_S or (done == self._done and span_s < STALL_S):
            return
        rate = (done - self._done) / span_s
        if self._rate is None or rate < 0:
            # The first, or something began anew.
            self._rate = max(rate, 0.0) or None
        else:
            self._rate += (1 - math.exp(-span_s / RATE_S)) * (rate - self._rate)
        self._sampled_at, self._done = now, done
