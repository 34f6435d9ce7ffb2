"""Hours of random use of a widget with a real model, held against the naive semantics.

    python -m tests.soak --minutes 120 --seed 0

A person who clicks, corrects, paints, accepts, propagates, stops, undoes, scrubs, hovers, adds and
removes objects, opens a second view, sends nonsense and comes back another day: all of it through
the widget's protocol. After each action every mask, state and prompt is what the naive session says
it is. What a prompt or a step of tracking gives only the model knows, so that is taken from the
session, and nothing else may change.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np

from sam2_backend import load_model
from sam2widget import Sam2Widget
from sam2widget.annotation.records import Result
from sam2widget.core.masks import Mask
from sam2widget.models.segmenter import Point, PromptSet
from sam2widget.samples import sample_clip
from sam2widget.storage.session_file import read_session

from .sam2widget.annotation.naive import Naive, NaiveSession
from .support.browser import Browser, idle
from .support.waiting import wait_until

FRAMES = 24
IMAGE_SIZE = 128
"""What the network sees: small, for many actions a second."""
MAX_OBJECTS = 4
LEAST_PX = 4

NONSENSE = (
    {"type": "explode"},
    {"type": "click"},
    {"type": "click", "frame": 10**6, "object": 1, "x": 1, "y": 1, "label": 1},
    {"type": "click", "frame": 0, "object": 10**6, "x": 1, "y": 1, "label": 1},
    {"type": "click", "frame": 0, "object": None, "x": -1e9, "y": 1, "label": 1},
    {"type": "box", "frame": 0, "object": None, "x0": 9, "y0": 9, "x1": 1, "y1": 1},
    {"type": "choose", "frame": 0, "object": 10**6, "index": 7},
    {"type": "propagate", "start": 9, "stop": 2, "direction": "both", "objects": None},
    {"type": "paint", "frame": 0, "object": None, "shape": "brush", "erase": False}
    | {"radius": 0, "path": []},
    {"type": "adopt", "frame": 0, "proposals": [10**6], "merge": False, "object": None},
)
"""Requests that change nothing and get a sentence."""


class Soak:
    """A widget, its user and the naive session beside it.

    Parameters
    ----------
    seed : of everything that is random.
    folder : for the session file.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.log: list[str] = []
        self._clip = np.ascontiguousarray(sample_clip().frames_thw3[::2, ::2, ::2])
        self._model = load_model("nano", "cpu", image_size=IMAGE_SIZE)
        self._path = folder / "soak.sam2.zip"
        self.naive = NaiveSession(FRAMES, self._prompted, self._tracked)
        self._open()
        self._actions = {
            self.click: 30,
            self.box: 6,
            self.paint: 4,
            self.choose: 3,
            self.move_point: 5,
            self.remove_point: 5,
            self.clear_prompts: 4,
            self.review: 8,
            self.propagate: 14,
            self.undo: 12,
            self.redo: 8,
            self.add_object: 3,
            self.remove_object: 2,
            self.scrub: 14,
            self.hover: 10,
            self.look_away: 2,
            self.second_view: 2,
            self.nonsense: 6,
            self.come_back: 0.5,
        }

    @property
    def now(self) -> Naive:
        return self.naive.now

    def close(self) -> None:
        self.widget.close()

    def act(self) -> None:
        """One action, and what must be true after it."""
        weights = list(self._actions.values())
        (action,) = self.random.choices(list(self._actions), weights)
        name = action.__name__
        self.counts[name] += 1
        del self.log[:-30]
        self.log.append(name)
        mode = self.random.choice(["never", "corrections"])
        self.widget.set_state({"auto_propagate": mode})
        past = self.naive.past
        edits = action()
        if edits and mode == "corrections" and past is self.naive.past and past and past[-1][1]:
            self._track(stale_only=True)
        self._check()
        self.browser.received.clear()

    # What a person does: whether it may be a correction

    def click(self) -> bool:
        obj, frame = self._some_object(), self._some_frame()
        x, y, label = self._some_x(), self._some_y(), self.random.choice([1, 1, 1, 0])
        self._ask("click", frame=frame, object=obj, x=x, y=y, label=label)
        self.naive.put(
            obj, frame, self.naive.prompts(obj, frame).with_point(Point(float(x), float(y), label))
        )
        return True

    def box(self) -> bool:
        obj, frame = self._some_object(), self._some_frame()
        x0, x1 = sorted((self._some_x(), self._some_x()))
        y0, y1 = sorted((self._some_y(), self._some_y()))
        if x1 - x0 < LEAST_PX or y1 - y0 < LEAST_PX:
            return False
        self._ask("box", frame=frame, object=obj, x0=x0, y0=y0, x1=x1, y1=y1)
        box = float(x0), float(y0), float(x1), float(y1)
        self.naive.put(obj, frame, self.naive.prompts(obj, frame).with_box(box))
        return True

    def paint(self) -> bool:
        obj, frame = self._some_object(), self._some_frame()
        path = [value for _ in range(3) for value in (self._some_x(), self._some_y())]
        fields = {"shape": "brush", "erase": False, "radius": 6, "path": path}
        self._ask("paint", frame=frame, object=obj, **fields)
        painted = self.widget.prompts(frame, obj)
        if painted != self.naive.prompts(obj, frame):
            assert painted == PromptSet(mask=painted.mask)
            self.naive.put(obj, frame, painted)
        return True

    def choose(self) -> bool:
        results = self.results
        ambiguous = sorted(key for key, result in results.items() if result.candidates)
        if not ambiguous:
            return False
        obj, frame = self.random.choice(ambiguous)
        offered = results[obj, frame].candidates
        index = self.random.randrange(len(offered))
        self._ask("choose", frame=frame, object=obj, index=index)
        if index != results[obj, frame].chosen:
            prompts = self.naive.prompts(obj, frame).with_candidate(offered[index].index)
            self.naive.put(obj, frame, prompts)
        return True

    def move_point(self) -> bool:
        found = self._some_point()
        if found is None:
            return False
        obj, frame, index = found
        x, y = float(self._some_x()), float(self._some_y())
        self._ask("move_point", frame=frame, object=obj, index=index, x=x, y=y)
        before = self.naive.prompts(obj, frame)
        moved = before.with_moved_point(index, x, y)
        if moved.points != before.points:
            self.naive.put(obj, frame, moved)
        return True

    def remove_point(self) -> bool:
        found = self._some_point()
        if found is None:
            return False
        obj, frame, index = found
        self._ask("remove_point", frame=frame, object=obj, index=index)
        self.naive.put(obj, frame, self.naive.prompts(obj, frame).without_point(index))
        return True

    def clear_prompts(self) -> bool:
        if not self.now.prompts:
            return False
        obj, frame = self.random.choice(sorted(self.now.prompts))
        self._ask("clear_prompts", frame=frame, object=obj)
        self.naive.put(obj, frame, PromptSet())
        return True

    def review(self) -> bool:
        if not self.now.masks:
            return False
        obj, start = self.random.choice(sorted(self.now.masks))
        frames = range(start, min(start + self.random.randint(1, 5), FRAMES))
        accept = self.random.random() < 0.6
        kind = "accept" if accept else "unreview"
        self._ask(kind, object=obj, start=start, stop=frames.stop)
        self.naive.review(obj, frames, accept=accept)
        return not accept

    def propagate(self) -> bool:
        objects = self.now.objects
        if not any(self.now.is_anchor(obj, t) for obj in objects for t in range(FRAMES)):
            return False
        fields = {"start": None, "stop": None, "direction": "both", "objects": None}
        number = self.browser.say("propagate", **fields)
        if self.random.random() < 0.4:
            time.sleep(self.random.random() * 0.2)
            self._ask("stop")
        assert self.browser.answer(number)["type"] == "done"
        self._track(stale_only=False)
        return False

    def undo(self) -> bool:
        return self._travel("undo")

    def redo(self) -> bool:
        return self._travel("redo")

    def add_object(self) -> bool:
        if len(self.now.objects) < MAX_OBJECTS:
            self._ask("add_object")
            self.naive.add_object()
        return False

    def remove_object(self) -> bool:
        if self.now.objects:
            obj = self.random.choice(sorted(self.now.objects))
            self._ask("remove_object", object=obj)
            self.naive.remove_object(obj)
        return False

    def scrub(self) -> bool:
        """What the view shows is what the session holds."""
        frame = self._some_frame()
        self.widget.set_state({"frame": frame})
        self.browser.received.clear()
        self.browser.say("want", frame=frame, pixels=True)
        self._see("frame", frame)
        self._see("masks", frame)
        for obj in self.now.objects:
            shown_hw, mask = self.browser.mask(frame, obj), self.now.masks.get((obj, frame))
            assert (shown_hw is None) == (mask is None)
            assert mask is None or np.array_equal(shown_hw, mask.to_array())
        return False

    def hover(self) -> bool:
        frame = self._some_frame()
        for _ in range(self.random.randint(1, 20)):
            self.browser.say("hover", frame=frame, object=None, x=self._some_x(), y=self._some_y())
        return False

    def look_away(self) -> bool:
        self.browser.say("visible", visible=False)
        idle(self.widget)
        self.browser.say("visible", visible=True)
        idle(self.widget)
        return False

    def second_view(self) -> bool:
        other = Browser(self.widget, view=f"view {self.random.random()}")
        other.say("hello")
        idle(self.widget)
        assert other.of("welcome")
        other.leave()
        return False

    def nonsense(self) -> bool:
        message = {**self.random.choice(NONSENSE)}
        before = len(self.browser.of("error"))
        self.browser.say(message.pop("type"), **message)
        idle(self.widget)
        told = [error["text"] for error in self.browser.of("error")[before:]]
        assert len(told) == 1 and told[0].endswith("."), told
        return False

    def come_back(self) -> bool:
        """Close the widget and go on in another: all is there but what undo would do."""
        corrected = {key: result.corrected for key, result in self.results.items()}
        self.widget.close()
        saved = read_session(self._path)
        assert {key: result.corrected for key, result in saved.results.items()} == corrected
        self._open()
        self.naive.past, self.naive.future = [], []
        return False

    # Inside

    def _open(self) -> None:
        self.widget = Sam2Widget(
            self._clip, self._model, autosave=self._path, non_overlapping=False
        )
        self.widget.wait_until_loaded()
        self.browser = Browser(self.widget)
        self.browser.say("hello")
        idle(self.widget)

    def _travel(self, way: str) -> bool:
        there = self.naive.past if way == "undo" else self.naive.future
        if there:
            self._ask(way)
            getattr(self.naive, way)()
        else:
            answer = self.browser.ask(way)
            assert answer["text"] == f"There is nothing to {way}."
        return False

    def _track(self, *, stale_only: bool) -> None:
        """Let the naive session follow a propagation as far as it went."""
        idle(self.widget)
        results = self.results
        plan = self.now.plan(stale_only, "both")
        tracked = [
            step
            for step in plan
            if all((obj, step[1]) in results for obj in step[2])
            and all(results[obj, step[1]].state == "fresh" for obj in step[2])
        ]
        assert tracked == plan[: len(tracked)], "it tracked in another order"
        assert tracked == plan or not stale_only
        self.naive.propagate(tracked, stale_only=stale_only)

    def _check(self) -> None:
        found, now = self.widget.segmentation, self.now
        results = found.results
        assert {info.id for info in found.objects} == now.objects
        assert {key: result.state for key, result in results.items()} == now.states
        assert {key: result.mask for key, result in results.items()} == now.masks
        assert self.prompts == now.prompts
        assert self.widget.status["state"] in ("ready", "propagating")

    def _prompted(self, obj: int, frame: int, prompts: PromptSet) -> Mask:
        return self.results[obj, frame].mask

    def _tracked(self, obj: int, frame: int, anchor: int) -> Mask:
        return self.results[obj, frame].mask

    @property
    def results(self) -> dict[tuple[int, int], Result]:
        return dict(self.widget.segmentation.results)

    @property
    def prompts(self) -> dict[tuple[int, int], PromptSet]:
        return {
            (obj, frame): self.widget.prompts(frame, obj)
            for obj in self.widget.masks
            for frame in self.widget.timeline(obj).prompted
        }

    def _ask(self, kind: str, **fields: object) -> None:
        answer = self.browser.ask(kind, **fields)
        if "accepted, so nothing was changed" in answer.get("text", ""):
            self._check()
            answer = self.browser.ask(kind, **fields, change_accepted=True)
        assert answer["type"] == "done", (answer, fields)

    def _see(self, kind: str, frame: int) -> None:
        wait_until(lambda: any(content["frame"] == frame for content in self.browser.of(kind)))

    def _some_object(self) -> int:
        if not self.now.objects:
            self.add_object()
        return self.random.choice(sorted(self.now.objects))

    def _some_point(self) -> tuple[int, int, int] | None:
        clicked = sorted(key for key, prompts in self.now.prompts.items() if prompts.points)
        if not clicked:
            return None
        obj, frame = self.random.choice(clicked)
        return obj, frame, self.random.randrange(len(self.naive.prompts(obj, frame).points))

    def _some_frame(self) -> int:
        return self.random.randrange(FRAMES)

    def _some_x(self) -> int:
        return self.random.randint(0, self._clip.shape[2])

    def _some_y(self) -> int:
        return self.random.randint(0, self._clip.shape[1])


def resident_mb() -> float:
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1]) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    soak = Soak(arguments.seed, Path(tempfile.mkdtemp()))
    began_s = told_s = time.monotonic()
    print("| minutes | actions | resident, MB | threads |\n|---|---|---|---|", flush=True)
    while (passed_s := time.monotonic() - began_s) < 60 * arguments.minutes:
        try:
            soak.act()
        except BaseException:
            print(f"seed {arguments.seed}, action {soak.counts.total()}: {soak.log}", flush=True)
            raise
        if time.monotonic() - told_s > 60 * arguments.minutes / 12:
            told_s = time.monotonic()
            row = soak.counts.total(), f"{resident_mb():.0f}", threading.active_count()
            print(f"| {passed_s / 60:.0f} | {' | '.join(map(str, row))} |", flush=True)
    soak.close()
    print(f"\n{soak.counts.total()} actions:", dict(soak.counts.most_common()))


if __name__ == "__main__":
    main()
