"""Training curves, from the log of a run."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

MEASURES = ("click", "box", "corrected", "tracked")
"""Mean IoUs that a log may have; see `Promptable`."""


def draw_curve(log: Path, target: Path) -> None:
    """Draw loss and IoUs, where there are some, over all steps, stage after stage.

    Parameters
    ----------
    log : `log.jsonl` of a run.
    target : image file to write, in the format that its suffix says.
    """
    from matplotlib.figure import Figure  # training does without

    lines = log.read_text(encoding="utf-8").splitlines()
    records: list[dict[str, Any]] = [json.loads(line) for line in lines]
    done, steps, starts = 0, list[int](), list[int]()
    for i, record in enumerate(records):
        if i and record["stage"] != records[i - 1]["stage"]:
            done = steps[-1]
            starts.append(done)
        steps.append(done + record["step"])

    figure = Figure(figsize=(8, 5), layout="constrained")
    loss, iou = figure.subplots(2, 1, sharex=True)
    loss.plot(steps, [record["loss"] for record in records], color="tab:gray")
    loss.set_ylabel("loss")
    for measure in MEASURES:
        values = [record.get(measure, math.nan) for record in records]
        if not all(math.isnan(value) for value in values):
            iou.plot(steps, values, label=measure)
    iou.set(ylabel="mean IoU", xlabel="step", ylim=(0, 1))
    if iou.has_data():
        iou.legend()
    for axes in (loss, iou):
        for start in starts:
            axes.axvline(start, color="lightgray", linewidth=1, zorder=0)
    figure.savefig(target, dpi=120)
