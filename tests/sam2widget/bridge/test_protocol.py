"""The protocol's Python side against the golden messages, and what it refuses."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam2widget.bridge.protocol import REQUESTS, ProtocolError, parse
from sam2widget.core.masks import Mask

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
    for field, value in content.items():
        assert field == "type" or getattr(request, field) == value


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
    ],
)
def test_a_wrong_request_gets_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        parse({**golden.requests()["click"], **change})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    kind=st.sampled_from(sorted(REQUESTS)),
    field=st.sampled_from(["id", "frame", "object", "x", "label", "direction", "view", "type"]),
    value=_JSON,
)
def test_nothing_but_a_protocol_error_comes_of_any_content(
    kind: str, field: str, value: Any
) -> None:
    try:
        parse({**golden.requests()[kind], field: value})
        parse(value)
    except ProtocolError:
        pass
