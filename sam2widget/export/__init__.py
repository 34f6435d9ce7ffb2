"""Masks for other programs, and from them: `export_masks`, `import_masks`, `to_dataframe`…

A format is a file below `formats/`; another package adds one by an entry point
(`docs/extending.md`).
"""

from .libraries import (
    to_dataframe,
    to_datasets,
    to_fiftyone,
    to_napari,
    to_supervision,
    to_xarray,
)
from .reading.importing import MaskSource, import_masks, read_masks
from .registry import FORMATS, Format
from .segmentation import Imported, Segmentation
from .writing.exporting import export_masks

__all__ = [
    "FORMATS",
    "Format",
    "Imported",
    "MaskSource",
    "Segmentation",
    "export_masks",
    "import_masks",
    "read_masks",
    "to_dataframe",
    "to_datasets",
    "to_fiftyone",
    "to_napari",
    "to_supervision",
    "to_xarray",
]
