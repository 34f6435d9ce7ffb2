"""Logits of prompted frames do not fill the memory, and are what they were when they come back."""

from __future__ import annotations

import gc
import tempfile
from types import FunctionType, ModuleType

import numpy as np
import pytest
import torch

from sam2_backend import CONFIGS, VideoPredictor, load_model
from sam2_backend.tracking import tracker
from sam2_backend.tracking.logits_store import MAX_IN_MEMORY, LogitsStore
from sam2_backend.tracking.memory_bank import MemoryBank, MemoryEntry
from sam2_backend.tracking.policies.plain import PlainPolicy
from sam2widget.samples import sample_clip

SIDE = 64


def logits(number: int) -> torch.Tensor:
    return torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(number))


def num_in_memory(stored) -> int:
    return sum(one.in_memory is not None for one in stored)


def bytes_of_tensors(root: object) -> int:
    """Of the tensors that can be reached from it, each storage once."""
    seen, waiting, storages = {id(root)}, [root], {}
    while waiting:
        one = waiting.pop()
        if isinstance(one, torch.Tensor):
            storages[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes()
        for other in gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, type | ModuleType | FunctionType):
                seen.add(id(other))
                waiting.append(other)
    return sum(storages.values())


def test_logits_are_read_back_bit_by_bit():
    store = LogitsStore(2)
    stored = [store.put(logits(n)) for n in range(7)]
    assert [one.in_memory is None for one in stored] == [True] * 5 + [False] * 2
    for n in (3, 0, 6, 0, 4):
        assert torch.equal(stored[n].load(), logits(n))
    assert num_in_memory(stored) == 2, "what is read does not stay"


def test_places_in_the_file_are_used_again():
    store = LogitsStore(1)
    stored = [store.put(logits(n)) for n in range(4)]
    for n in range(4, 40):
        stored[n % 3] = store.put(logits(n))
    for one, n in zip(stored[:3], (39, 37, 38), strict=True):
        assert torch.equal(one.load(), logits(n))
    slots = {one.slot for one in stored if one.in_memory is None}
    assert max(slots) <= 4


def test_logits_that_nobody_holds_make_room():
    store = LogitsStore(3)
    kept = store.put(logits(0))
    for n in range(1, 10):
        store.put(logits(n))
    assert kept.in_memory is not None


def test_without_a_file_all_stay_in_memory(monkeypatch, caplog):
    def refuse(**_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    store = LogitsStore(1)
    stored = [store.put(logits(n)) for n in range(4)]
    assert num_in_memory(stored) == 4
    assert all(torch.equal(one.load(), logits(n)) for n, one in enumerate(stored))
    assert caplog.text.count("No space left on device") == 1


def test_memory_does_not_grow_with_the_number_of_prompts():
    """Beyond what stays in memory a prompt holds its pointer and two numbers."""
    bank = MemoryBank(PlainPolicy(CONFIGS["nano"]), store=LogitsStore())
    held = []
    for end in (100, 500):
        for frame in range(len(bank.conditioning), end):
            entry = MemoryEntry(torch.zeros(1, 256), torch.ones(1, 1), torch.ones(1), logits(frame))
            bank.condition(frame, entry)
        held.append(bytes_of_tensors(bank))
    small = 4 * (256 + 1 + 1)
    assert held[1] - held[0] == 400 * small
    assert num_in_memory(one.logits for one in bank.conditioning.values()) == MAX_IN_MEMORY


@pytest.mark.parametrize("max_in_memory", [0, 2])
def test_masks_are_the_same_wherever_logits_lie(monkeypatch, max_in_memory):
    """Of prompted frames, of a click that refines them, and of those tracked from them."""
    model = load_model("nano", "cpu", image_size=128)
    frames = np.array(sample_clip().frames_thw3[:8])

    def run() -> list[dict[int, np.ndarray]]:
        video = VideoPredictor(model, frames, non_overlapping=True)
        for frame in (0, 2, 3, 5):
            video.add_points(frame, 1, [[80, 90]], [1])
            video.add_points(frame, 2, [[120, 90]], [1])
        results = [*video.propagate()]
        results.append(video.add_points(2, 1, [[90, 100]], [1]))
        video.remember_as(0, 1, np.pad(np.ones((80, 80), bool), ((0, 190), (0, 400))))
        results += [*video.propagate(reverse=True), *video.propagate()]
        return [dict(result.logits) for result in results]

    expected = run()
    monkeypatch.setattr(tracker, "LogitsStore", lambda: LogitsStore(max_in_memory))
    for ours, other in zip(run(), expected, strict=True):
        for obj, logits_hw in other.items():
            np.testing.assert_array_equal(ours[obj], logits_hw)
