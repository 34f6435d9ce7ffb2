"""Numbers and values as parts of sentences."""

from __future__ import annotations


def pluralize(number: int, noun: str) -> str:
    """Write a number with its noun, in the plural where it is not 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(value: object) -> str:
    """Write a value as Python does, cut to the length of a sentence."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def file_name(text: str, *, default: str) -> str:
    """Make a text fit to name a file, so that it never leads to another folder.

    What names of files cannot have is replaced; `default` where nothing is left.
    """
    return "".join(c if c.isalnum() or c in " -_." else "_" for c in text).strip(" .") or default
