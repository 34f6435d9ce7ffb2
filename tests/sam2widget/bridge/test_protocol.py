"""The protocol's Python side against the golden messages, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam2widget.bridge.protocol import (
    MESSAGES,
    REQUESTS,
    Preview,
    ProtocolError,
    ReplyTo,
    parse,
    to_wire,
)
from sam2widget.core.masks import Mask
from tools import protocol_types

from . import golden


@pytest.mark.parametrize("name", sorted(golden.files()))
def test_bytes_are_the_golden_ones(name: str) -> None:
    written = (golden.FOLDER / name).read_bytes()
    if name.startswith("frame.0"):  # JPEG encoders differ; the picture must not
        ours, theirs = (
            np.asarray(Image.open(io.BytesIO(data)), dtype=int)
            for data in (golden.files()[name], written)
        )
        assert np.abs(ours - theirs).max() <= 4
    else:
        assert written == golden.files()[name]


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in golden.FOLDER.iterdir()} == set(golden.files())


def test_golden_masks_decode_to_the_arrays_they_come_from() -> None:
    for i, array in enumerate(golden.mask_arrays()):
        runs = (golden.FOLDER / f"masks.{i}.bin").read_bytes()
        np.testing.assert_array_equal(Mask.from_bytes(runs, *array.shape).to_array(), array)


@pytest.mark.parametrize("kind", sorted(REQUESTS))
def test_every_request_of_the_browser_is_understood(kind: str) -> None:
    content = json.loads((golden.FOLDER / f"request-{kind}.json").read_text())["message"]
    request = parse(content)
    assert type(request) is REQUESTS[kind]
    assert content.items() <= msgspec.to_builtins(request).items()


def test_every_kind_has_a_golden_message() -> None:
    assert {message.type for message, _ in golden.messages().values()} == set(MESSAGES)
    assert set(golden.requests()) == set(REQUESTS)


@pytest.mark.parametrize("path", protocol_types.generate(), ids=lambda path: path.name)
def test_the_types_of_the_browser_are_those_of_the_schema(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    assert written == protocol_types.generate()[path], "run `python -m tools.protocol_types`"


def test_numbers_of_numpy_are_sent_as_plain_ones() -> None:
    sent = to_wire(Preview(ReplyTo("view", 1), 4, np.float32(0.75)), 3)  # pyright: ignore
    assert type(sent["iou"]) is float and sent["iou"] == 0.75


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"type": "explode"}, "Unknown message type 'explode'"),
        ({"type": None}, "Unknown message type None"),
        ({"frame": -1}, "frame must be a whole number"),
        ({"frame": True}, "frame must be a whole number"),
        ({"frame": 2.5}, "frame must be a whole number"),
        ({"x": float("nan")}, "x must be a"),
        ({"x": "12"}, "x must be a"),
        ({"label": 2}, "label must be 0 or 1"),
        ({"view": "v" * 300}, "view must be a text"),
        ({"y": None}, "lacks 'y'"),
        ({"y": 10**400}, "y must be a number below"),
        ({"frame": 2**53}, "frame must be a whole number"),
        ({"object": "1"}, "object must be a whole number"),
        ({"\ud800": 1}, "no Unicode"),
        ({1: 1}, "must be"),
    ],
)
def test_a_wrong_request_gets_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        parse({**golden.requests()["click"], **change})


def test_what_a_wrong_request_lacks_is_named() -> None:
    for field in "id", "view", "epoch", "frame", "x", "label":
        content = {**golden.requests()["click"]}
        del content[field]
        with pytest.raises(ProtocolError, match=f"'click' lacks '{field}'"):
            parse(content)


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("paint", {"path": [1.0, float("inf")]}, r"path\[1\] must be a number .*: inf"),
        ("paint", {"path": [1.0] * 20001}, "path must be at most 20000 numbers"),
        ("paint", {"shape": "disc"}, "shape must be 'brush' or 'polygon': 'disc'"),
        ("thumbnails", {"frames": [0, -1]}, r"frames\[1\] must be a whole number .*: -1"),
        ("propagate", {"direction": "up"}, "direction must be 'backward', 'both' or 'forward'"),
        ("set_contrast", {"channels": [{}]}, r"lacks 'channels\[0\]\.low'"),
        ("set_contrast", {"channels": [3]}, r"channels\[0\] must be an object: 3"),
    ],
)
def test_what_is_wrong_inside_of_a_request_is_named(
    kind: str, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        parse({**golden.requests()[kind], **change})


def test_a_request_may_leave_out_what_may_be_none() -> None:
    content = golden.requests()["click"]
    del content["object"]
    assert parse(content) == parse({**content, "object": None})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.mark.slow
@given(
    kind=st.sampled_from(sorted(REQUESTS)),
    field=st.sampled_from(["id", "frame", "object", "x", "label", "direction", "view", "type"]),
    value=_JSON,
)
def test_nothing_but_a_protocol_error_comes_of_any_content(
    kind: str, field: str, value: Any
) -> None:
    for content in {**golden.requests()[kind], field: value}, value:
        try:
            request = parse(content)
        except ProtocolError as error:
            assert str(error).endswith("."), "a sentence"
        else:
            assert type(request) is REQUESTS[content["type"]]
            found = getattr(request, field, value)
            assert found is value or found == value  # where there is no such field, it may be NaN
