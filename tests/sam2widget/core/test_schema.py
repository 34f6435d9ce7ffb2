"""What is said of values from outside that do not fit their types."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from sam2widget.core.schema import (
    Finite,
    FiniteFromZero,
    MissingError,
    SchemaError,
    Whole,
    convert,
    load_json,
)


class Part(msgspec.Struct, forbid_unknown_fields=True):
    size: tuple[Whole, Whole]


class Document(msgspec.Struct):
    count: Whole = 0
    number: Finite = 0.0
    share: FiniteFromZero | None = None
    text: Annotated[str, Meta(max_length=3)] = ""
    flag: bool = False
    kind: Literal["a", "b", "c"] = "a"
    parts: list[Part] | None = None
    mode: Whole | Literal["max"] | None = None
    words: Annotated[list[str], Meta(max_length=2)] = []
    label: Annotated[str, Meta(pattern="^x", extra={"expected": "text that begins with x"})] = "x"


def test_what_fits_is_converted() -> None:
    found = convert({"parts": [{"size": [1, 2]}], "number": 3, "mode": "max"}, Document)
    assert found == Document(parts=[Part((1, 2))], number=3.0, mode="max")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "it is [], expected an object"),
        ({"count": -1}, "'count' is -1, expected a whole number from 0 up"),
        ({"count": 2**53}, "'count' is 9007199254740992, expected a whole number from 0 up"),
        ({"count": True}, "'count' is True, expected a whole number from 0 up"),
        ({"count": 1.5}, "'count' is 1.5, expected a whole number from 0 up"),
        ({"number": math.nan}, "'number' is nan, expected 1 number"),
        ({"number": -math.inf}, "'number' is -inf, expected 1 number"),
        ({"share": -1}, "'share' is -1, expected a number from 0 up or null"),
        ({"text": "long"}, "'text' is 'long', expected text of at most 3 characters"),
        ({"flag": 1}, "'flag' is 1, expected true or false"),
        ({"kind": "d"}, "'kind' is 'd', expected 'a', 'b' or 'c'"),
        ({"parts": 3}, "'parts' is 3, expected a list or null"),
        ({"parts": [{"size": [1, 2]}, 3]}, "'parts[1]' is 3, expected an object"),
        ({"parts": [{"size": [1]}]}, "'parts[0].size' is [1], expected 2 whole numbers from 0 up"),
        (
            {"parts": [{"size": [1, "2"]}]},
            "'parts[0].size' is [1, '2'], expected 2 whole numbers from 0 up",
        ),
        ({"parts": [{}]}, "'parts[0].size' is missing"),
        ({"parts": [{"size": [1, 2], "x": 1}]}, "'parts[0].x' does not belong there"),
        ({"mode": "min"}, "'mode' is 'min', expected a whole number from 0 up, 'max' or null"),
        ({"words": ["a", "b", "c"]}, "'words' is ['a', 'b', 'c'], expected a list of at most 2"),
        ({"words": ["a", 2]}, "'words[1]' is 2, expected text"),
        ({"label": "y"}, "'label' is 'y', expected text that begins with x"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(value: Any, sentence: str) -> None:
    with pytest.raises(SchemaError) as caught:
        convert(value, Document)
    assert str(caught.value) == sentence


def test_what_is_missing_can_be_told_from_what_is_wrong() -> None:
    with pytest.raises(MissingError) as caught:
        convert({"parts": [{}]}, Document)
    assert caught.value.place == "parts[0].size"


def test_a_long_value_is_cut() -> None:
    with pytest.raises(SchemaError) as caught:
        convert({"kind": "d" * 1000}, Document)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 10**5, b"9" * 10**4])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(SchemaError, match="the file is no JSON"):
        load_json(content, "the file")
