"""From messages to the JSON objects that are sent, and back."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any, cast

import msgspec
import numpy as np

from ...core.schema import MismatchError, MissingError, SchemaError, convert
from .messages import Message
from .requests import REQUESTS, Request


class ProtocolError(ValueError):
    """A message that is none of these; the text says what is wrong with it."""


def to_wire(message: Message, epoch: int) -> dict[str, Any]:
    """A message as the JSON object that is sent."""
    content = msgspec.to_builtins(message, enc_hook=_plain)
    return {"type": content["type"], "epoch": epoch, **content}


def parse(content: object) -> Request:
    """Check a message of the browser.

    Raises
    ------
    ProtocolError
        When its type is unknown, a field is missing, or a value is not what it should be.
    """
    if not isinstance(content, Mapping):
        raise ProtocolError(
            f"A message must be an object with a type, got {reprlib.repr(content)}."
        )
    message = cast("Mapping[str, Any]", content)
    name = message.get("type")
    kind = REQUESTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ProtocolError(f"Unknown message type {reprlib.repr(name)}.")
    try:
        return convert(message, kind)
    except MismatchError as error:
        if error.value is None:
            raise ProtocolError(f"The message {name!r} lacks {error.place!r}.") from error
        raise ProtocolError(
            f"In {name!r}, {error.place} must be {error.expected}: {reprlib.repr(error.value)}."
        ) from error
    except MissingError as error:
        raise ProtocolError(f"The message {name!r} lacks {error.place!r}.") from error
    except SchemaError as error:
        raise ProtocolError(f"In {name!r}, {error}.") from error


def _plain(value: object) -> object:
    """Give Python's number for one of NumPy; msgspec asks for NotImplementedError otherwise."""
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError
