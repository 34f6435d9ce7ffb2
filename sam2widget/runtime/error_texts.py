"""What a person is told of an error, and what the log keeps of it."""

from __future__ import annotations

import logging
import threading

_log = logging.getLogger(__name__)

EXPECTED = ValueError, MemoryError
"""Misuse, and too little memory: their texts say it all."""


def describe_error(error: Exception) -> str:
    """An error for a person: what is not expected needs its kind too."""
    text = str(error).strip() or "no reason given"
    return text if isinstance(error, EXPECTED) else f"{type(error).__name__}: {text}"


def log_unless_expected(error: Exception, what: str) -> None:
    """A sentence is all that a person needs of misuse; of a fault, the log keeps the rest.

    A program that has come to its end breaks off what its threads do, and nobody waits for that.
    """
    if not isinstance(error, EXPECTED) and threading.main_thread().is_alive():
        _log.error(what, exc_info=error)
