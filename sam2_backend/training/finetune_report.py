"""Evaluations of a fine-tuning run, on its way and in the end."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .evaluation import Metrics
from .loop.checkpoint import find_differences


@dataclass(frozen=True)
class FinetuneReport:
    """Metrics of a fine-tuned model before and after, on clips that it was not trained on."""

    model: str
    """Name of the network."""
    parts: tuple[str, ...]
    """Names of the parts that were trained; empty for all."""
    weights: Path
    """File of the best weights."""
    history: tuple[tuple[int, Metrics], ...]
    """Steps taken, and metrics then; the first is before any step."""
    steps: int
    """Number of steps that were taken."""
    planned: int
    """Largest number of steps that might have been taken."""
    interrupted: bool = False
    """Whether it was stopped from outside: the same call goes on."""

    @property
    def best_step(self) -> int:
        """Steps behind the weights; 0 where nothing was better than what there was before."""
        return find_best(self.history)[0]

    @property
    def before(self) -> Metrics:
        """Metrics of the model as it was."""
        return self.history[0][1]

    @property
    def after(self) -> Metrics:
        """Metrics of the weights that were written."""
        return find_best(self.history)[1]

    @property
    def improved(self) -> bool:
        """Whether the mean of all metrics rose."""
        return self.best_step > 0

    @property
    def worse(self) -> tuple[str, ...]:
        """Names of the metrics that fell all the same."""
        before = self.before.figures
        return tuple(name for name, now in self.after.figures.items() if now < before[name])

    def __str__(self) -> str:
        """Format a table of all metrics before and after, in plain text."""
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
    """Evaluations of an unfinished run, in a file beside its checkpoint.

    Parameters
    ----------
    folder : of the run.
    settings : of the run, by name: it is resumed with the same ones only.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._path = folder / "progress.json"
        self._settings = settings
        self.entries: list[tuple[int, Metrics]] = []

    @classmethod
    def open(
        cls, folder: Path, settings: dict[str, Any], before: Metrics, *, tolerance: float
    ) -> FinetuneHistory:
        """Begin, or go on with what is in the folder.

        Parameters
        ----------
        folder, settings : of the run.
        before : metrics of the model before it is trained.
        tolerance : by how much they may differ from those that were found when the run began.

        Raises
        ------
        ValueError
            When what is there was begun with other settings, another model or other clips.
        """
        history = cls(folder, settings)
        if not history._path.is_file():
            return history
        document = json.loads(history._path.read_text(encoding="utf-8"))
        history.entries = [(step, Metrics(**metrics)) for step, metrics in document["history"]]
        differences = find_differences(document["settings"], settings)
        if history.entries and not _is_close(history.entries[0][1], before, tolerance):
            differences.append("the model, or what it is measured on, is another")
        if differences:
            raise ValueError(
                f"{folder} holds an unfinished run that began otherwise "
                f"({'; '.join(differences)}): call it as before to go on, or delete the folder "
                "to start anew."
            )
        return history

    @property
    def best(self) -> tuple[int, Metrics]:
        """The step of the best metrics, and these."""
        return find_best(self.entries)

    @property
    def num_since_best(self) -> int:
        """Number of evaluations after the best one."""
        return len(self.entries) - 1 - self.entries.index(self.best)

    def add(self, step: int, metrics: Metrics) -> None:
        """Add an evaluation, and write all of them to the file."""
        self.entries.append((step, metrics))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        entries = [(at, asdict(found)) for at, found in self.entries]
        document = {"settings": self._settings, "history": entries}
        partial.write_text(json.dumps(document), encoding="utf-8")
        os.replace(partial, self._path)

    def drop_after(self, step: int) -> None:
        """Drop evaluations of later steps than a checkpoint's: they are made again."""
        self.entries = [entry for entry in self.entries if entry[0] <= step]


def find_best(history: Sequence[tuple[int, Metrics]]) -> tuple[int, Metrics]:
    """Find the first of the best metrics, with its step."""
    return max(history, key=lambda entry: entry[1].mean)


def _is_close(one: Metrics, other: Metrics, tolerance: float) -> bool:
    first, second = one.figures, other.figures
    return (
        one.objects == other.objects
        and first.keys() == second.keys()
        and all(abs(first[name] - second[name]) <= tolerance for name in first)
    )
