"""Masks handed over to other libraries in memory, which are imported once they are asked for.

A file each: pandas, supervision, xarray, Hugging Face's datasets, FiftyOne, napari.
"""

from .datasets import to_datasets
from .fiftyone import to_fiftyone
from .napari import to_napari
from .pandas import to_dataframe
from .supervision import to_supervision
from .xarray import to_xarray

__all__ = [
    "to_dataframe",
    "to_datasets",
    "to_fiftyone",
    "to_napari",
    "to_supervision",
    "to_xarray",
]
