"""Every bad input gets a sentence, and the documentation has it word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .support.bad_inputs import INPUTS, said_of

DOCUMENTED = (Path(__file__).parent.parent / "docs" / "trust.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", INPUTS)
def test_a_bad_input_gets_the_sentence_that_is_documented(name):
    said = said_of(name)
    assert re.fullmatch(r"[A-Z0-9a-z'./_ -].*[.?]", said), "a sentence"
    # What other libraries say within ours differs between their versions.
    ours = re.sub(r"\([^()]*\)", "()", said)
    assert f"| {name} | {ours} |" in re.sub(r"\([^()]*\)", "()", DOCUMENTED)
