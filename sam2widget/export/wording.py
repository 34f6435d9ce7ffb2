"""Numbers and values as parts of sentences."""

from __future__ import annotations


def pluralize(number: int, noun: str) -> str:
    """Write a number with its noun, in the plural where it is not 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(value: object) -> str:
    """Write a value as Python does, cut to the length of a sentence."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
