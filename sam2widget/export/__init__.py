"""Masks for other programs, and from them: `export_masks`, `import_masks`, `to_dataframe`."""

from .formats import FORMATS, Format, MaskSource, export_masks, import_masks, read_masks
from .segmentation import Imported, Segmentation
from .table import to_dataframe

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
]
