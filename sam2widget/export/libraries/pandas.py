"""A pandas DataFrame with a row for each object and frame."""

from __future__ import annotations

from typing import Any

from ..optional_library import import_library
from ..segmentation import Segmentation, SegmentationSource
from ..table import columns, rows


def to_dataframe(source: SegmentationSource) -> Any:
    """Give a pandas DataFrame with a row for each object and frame.

    Parameters
    ----------
    source : a widget, a session file, or what is in one.

    Raises
    ------
    SessionError
        When pandas is not installed.
    """
    pandas = import_library("pandas", "export as 'csv'")
    segmentation = Segmentation.of(source)
    frame = pandas.DataFrame(rows(segmentation), columns=columns(segmentation))
    return frame.replace("", None).infer_objects()
