"""A table of all results, as CSV."""

from __future__ import annotations

import csv
from pathlib import Path

from ...registry import Format
from ...segmentation import Segmentation
from ...table import columns, rows


def write_csv(segmentation: Segmentation, path: Path) -> Path:
    """Write all results as CSV, a row for each object and frame."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns(segmentation))
        writer.writeheader()
        writer.writerows(rows(segmentation))
    return path


FORMAT = Format(
    "csv",
    ".csv",
    write_csv,
    description="a row for each object and frame: the frame's name, class, area, box, centroid, "
    "scores, source, state",
    is_sparse=True,
)
