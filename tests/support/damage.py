"""Documents in which something is not what it was."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def replace_a_value(data: st.DataObject, document: Any) -> None:
    """Put anything in the place of some value of a JSON document that is not empty."""
    inside = document
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = data.draw(st.sampled_from(keys), label="key")
        deeper = isinstance(inside[key], (dict, list)) and len(inside[key]) > 0
        if not deeper or data.draw(st.booleans(), label="here"):
            break
        inside = inside[key]
    inside[key] = data.draw(ANYTHING, label="in its place")
