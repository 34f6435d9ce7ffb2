"""Averages of what training steps measure."""

from __future__ import annotations

import math

import torch

from ..tasks.task import StepResult


def average_results(results: list[StepResult]) -> StepResult:
    """Average the results of the equal parts of a batch."""
    names = results[0].measures
    measures = {
        name: torch.stack([result.measures[name] for result in results]).nanmean() for name in names
    }
    return StepResult(torch.stack([result.loss for result in results]).mean(), measures)


def average_measures(results: list[StepResult]) -> dict[str, float]:
    """Average loss and measures over steps, without measures that no step has."""
    rows = [{"loss": result.loss, **result.measures} for result in results]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [
        torch.stack([torch.as_tensor(row[name]).float() for row in rows if name in row]).nanmean()
        for name in names
    ]
    means = zip(names, torch.stack(columns).tolist(), strict=True)
    return {name: round(mean, 4) for name, mean in means if not math.isnan(mean)}
