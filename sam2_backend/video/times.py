"""Units of time, as files of microscopes name them."""

from __future__ import annotations

from typing import SupportsFloat

_SECONDS = {
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("us", "µs", "\u03bcs", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}


def find_seconds(value: object, unit: str) -> float | None:
    """A span in seconds, as a file says it; None where it says nothing that can be.

    Parameters
    ----------
    value : a number or its text.
    unit : its name.
    """
    factor = _SECONDS.get(unit.strip().lower())
    if factor is None or not isinstance(value, (str, SupportsFloat)):
        return None
    try:
        span = float(value) * factor
    except ValueError:
        return None
    return span if 0 < span < float("inf") else None
