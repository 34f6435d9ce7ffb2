"""Numbers and values as parts of sentences."""

from __future__ import annotations


def pluralize(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(value: object) -> str:
    """A value as it is written, cut to the length of a sentence."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def file_name(text: str, *, default: str) -> str:
    """A text without what names of files cannot have, so that it never leads to another folder."""
    return "".join(c if c.isalnum() or c in " -_." else "_" for c in text).strip(" .") or default
