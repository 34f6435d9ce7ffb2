"""What fine-tuning found out, on its way and in the end."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .evaluation import Metrics


@dataclass(frozen=True)
class FinetuneReport:
    """What a fine-tuned model gained on clips that it did not learn from."""

    model: str
    """Name of the network."""
    parts: tuple[str, ...]
    """That learned."""
    weights: Path
    """Of the best measurement."""
    history: tuple[tuple[int, Metrics], ...]
    """Steps taken and quality then; the first is before any step."""
    steps: int
    """Taken."""
    planned: int
    """Most steps that it might have taken."""
    interrupted: bool = False
    """Whether it was stopped from outside: the same call goes on."""

    @property
    def best_step(self) -> int:
        """Steps behind the weights; 0 where nothing was better than what there was before."""
        return find_best(self.history)[0]

    @property
    def before(self) -> Metrics:
        """Of the model as it was."""
        return self.history[0][1]

    @property
    def after(self) -> Metrics:
        """Of the weights that were written."""
        return find_best(self.history)[1]

    @property
    def improved(self) -> bool:
        """Whether the mean of all figures rose."""
        return self.best_step > 0

    @property
    def worse(self) -> tuple[str, ...]:
        """Names of the figures that fell all the same."""
        before = self.before.figures
        return tuple(name for name, now in self.after.figures.items() if now < before[name])

    def __str__(self) -> str:
        """A table with what there is to know, in plain text."""
        lines = [
            f"{self.model}, {' + '.join(self.parts) or 'all of it'}, {self.steps} of "
            f"{self.planned} steps; mean IoU on {self.before.objects} held-out objects:",
            f"{'':10}{'before':>8}{'after':>8}{'change':>8}",
        ]
        after = self.after.figures
        for name, was in self.before.figures.items():
            lines.append(f"{name:10}{was:8.3f}{after[name]:8.3f}{after[name] - was:+8.3f}")
        if not self.improved:
            lines.append("No step made it better: the weights are those it began with.")
        else:
            lines.append(f"The weights are those of step {self.best_step}, the best measured.")
        if self.worse:
            lines.append(f"Worse than before: {', '.join(self.worse)}.")
        if self.interrupted:
            lines.append("It was interrupted: the same call goes on from here.")
        return "\n".join([*lines, f"Weights: {self.weights}"])


class FinetuneHistory:
    """The measurements of an unfinished run, in a file beside its checkpoint.

    Parameters
    ----------
    folder : of the run.
    settings : by name; a run goes on with the same ones only.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._path = folder / "progress.json"
        self._settings = settings
        self.history: list[tuple[int, Metrics]] = []

    @classmethod
    def open(
        cls, folder: Path, settings: dict[str, Any], before: Metrics, *, tolerance: float
    ) -> FinetuneHistory:
        """Begin, or go on with what is in the folder.

        Raises
        ------
        ValueError
            When what is there was begun with other settings, or measured otherwise.
        """
        progress = cls(folder, settings)
        if not progress._path.is_file():
            return progress
        held = json.loads(progress._path.read_text(encoding="utf-8"))
        differing = [
            f"{name} was {held['settings'].get(name)!r}, now {value!r}"
            for name, value in json.loads(json.dumps(settings)).items()
            if held["settings"].get(name) != value
        ]
        history = [(step, Metrics(**quality)) for step, quality in held["history"]]
        if history and not _is_close(history[0][1], before, tolerance):
            differing.append("the model, or what it is measured on, is another")
        if differing:
            raise ValueError(
                f"{folder} holds an unfinished run that began otherwise ({'; '.join(differing)}): "
                "call it as before to go on, or delete the folder to start anew."
            )
        progress.history = history
        return progress

    @property
    def best(self) -> tuple[int, Metrics]:
        """The best measurement and its step."""
        return find_best(self.history)

    @property
    def num_since_best(self) -> int:
        """Measurements after the best one."""
        return len(self.history) - 1 - self.history.index(self.best)

    def add(self, step: int, quality: Metrics) -> None:
        """Take a measurement in, and write all of them down."""
        self.history.append((step, quality))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        history = [(at, asdict(found)) for at, found in self.history]
        document = {"settings": self._settings, "history": history}
        partial.write_text(json.dumps(document), encoding="utf-8")
        os.replace(partial, self._path)

    def drop_after(self, step: int) -> None:
        """Drop measurements that a checkpoint of this step has not seen: they come again."""
        self.history = [entry for entry in self.history if entry[0] <= step]


def find_best(history: Sequence[tuple[int, Metrics]]) -> tuple[int, Metrics]:
    """The first of the best measurements, with its step."""
    return max(history, key=lambda entry: entry[1].mean)


def _is_close(one: Metrics, other: Metrics, tolerance: float) -> bool:
    first, second = one.figures, other.figures
    return (
        one.objects == other.objects
        and first.keys() == second.keys()
        and all(abs(first[name] - second[name]) <= tolerance for name in first)
    )
