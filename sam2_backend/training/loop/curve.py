"""A picture of a training run, from its log."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

MEASURES = ("click", "box", "corrected", "tracked")


def draw_curve(log: Path, target: Path) -> None:
    """Draw loss and IoU, where there is one, over all steps, stage after stage.

    Parameters
    ----------
    log : `log.jsonl` of a run.
    target : image file to write.
    """
    records: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    done, steps, starts = 0, list[int](), list[int]()
    for i, record in enumerate(records):
        if i and record["stage"] != records[i - 1]["stage"]:
            done = steps[-1]
            starts.append(done)
        steps.append(done + record["step"])

    figure = Figure(figsize=(8, 5), layout="constrained")
    loss, quality = figure.subplots(2, 1, sharex=True)
    loss.plot(steps, [record["loss"] for record in records], color="tab:gray")
    loss.set_ylabel("loss")
    for measure in MEASURES:
        values = [record.get(measure, math.nan) for record in records]
        if not all(math.isnan(value) for value in values):
            quality.plot(steps, values, label=measure)
    quality.set(ylabel="mean IoU", xlabel="step", ylim=(0, 1))
    if quality.has_data():
        quality.legend()
    for axes in (loss, quality):
        for start in starts:
            axes.axvline(start, color="lightgray", linewidth=1, zorder=0)
    figure.savefig(target, dpi=120)
