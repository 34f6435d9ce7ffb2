"""One page at a time has a session file, and pages share the devices there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sam2widget.serve.claims import MAX_ENDED, BusyError, Claims, HeldError, Person

ANNA, BOB = Person("1", "Anna"), Person("2", "Bob")


def test_a_session_has_one_page_and_the_other_is_told_whose():
    claims = Claims([None], 5)
    claim = claims.add(Path("dog"), "dog.mp4", ANNA)
    with pytest.raises(HeldError, match=r"Anna has had dog\.mp4 open since \d\d:\d\d"):
        claims.add(Path("dog"), "dog.mp4", BOB)
    with pytest.raises(HeldError):
        claims.add(Path("dog"), "dog.mp4", ANNA)
    claims.end(claim, "closed")
    assert claims.add(Path("dog"), "dog.mp4", BOB).person == BOB


def test_a_claim_that_was_ended_twice_does_not_end_the_next_one():
    claims = Claims([None], 5)
    first = claims.add(Path("dog"), "dog.mp4", ANNA)
    claims.end(first, "closed")
    second = claims.add(Path("dog"), "dog.mp4", BOB)
    claims.end(first, "closed again")
    assert claims.get(Path("dog")) is second


def test_pages_are_spread_over_devices_and_too_many_are_refused_with_who_has_them():
    claims = Claims(["cuda:0", "cuda:1"], 3)
    first = claims.add(Path("a"), "a.mp4", ANNA)
    assert [first.device, claims.add(Path("b"), "b.mp4", BOB).device] == ["cuda:0", "cuda:1"]
    claims.add(Path("c"), "c.mp4", BOB)
    with pytest.raises(BusyError, match=re.escape("All 3 workers are in use: Anna has had a.mp4")):
        claims.add(Path("d"), "d.mp4", ANNA)
    claims.end(first, "closed")
    assert claims.add(Path("d"), "d.mp4", ANNA).device == "cuda:0"


def test_a_page_is_told_why_it_was_ended_also_much_later():
    claims = Claims([None], 1)
    for n in range(MAX_ENDED + 5):
        claim = claims.add(Path("a"), "a.mp4", ANNA)
        claim.kernel_id = str(n)
        assert claims.find(str(n)) is claim
        claims.end(claim, f"reason {n}")
    assert claims.find("7") is None
    assert claims.why_ended("7") == "reason 7"
    assert claims.why_ended("0") == "This page was ended: open the video again."
