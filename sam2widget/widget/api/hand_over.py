"""What there is in a video, for other libraries of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..notebook.short_errors import shorten_errors

if TYPE_CHECKING:
    from ...export import Segmentation
    from ...export.libraries.napari import Layer


@shorten_errors
class HandOver:
    """Masks as the objects of other libraries. Each is described by its function in `export`."""

    if TYPE_CHECKING:

        @property
        def segmentation(self) -> Segmentation:
            """The objects and masks as they are now."""
            ...

    def to_dataframe(self) -> Any:
        """Give a pandas DataFrame with a row for each object and frame."""
        from ...export import to_dataframe

        return to_dataframe(self)

    def to_supervision(self, frame: int) -> Any:
        """Give the objects of a frame as `supervision.Detections`; see `to_supervision`.

        Parameters
        ----------
        frame : counted from 0.

        Raises
        ------
        SessionError
            When supervision is not installed, or there is no such frame.
        """
        from ...export import to_supervision

        return to_supervision(self, frame)

    def to_xarray(self) -> Any:
        """Give all masks and scores as an `xarray.Dataset`, decoded where read; see `to_xarray`.

        Raises
        ------
        SessionError
            When xarray is not installed, or the pictures are of several sizes.
        """
        from ...export import to_xarray

        return to_xarray(self)

    def to_datasets(self, *, pictures: bool = True) -> Any:
        """Give the frames with masks as a `datasets.Dataset` of Hugging Face; see `to_datasets`.

        Parameters
        ----------
        pictures : whether the frames' pictures are in it, as JPEG.

        Raises
        ------
        SessionError
            When the library is not installed, or there are no masks.
        """
        from ...export import to_datasets

        return to_datasets(self, pictures=pictures)

    def to_fiftyone(self) -> list[Any]:
        """Give `fiftyone.Sample`s with instance masks, for ``add_samples``; see `to_fiftyone`.

        Raises
        ------
        SessionError
            When FiftyOne is not installed, or the frames are not in files, which it shows.
        """
        from ...export import to_fiftyone

        return to_fiftyone(self)

    def to_napari(self) -> list[Layer]:
        """Give layers for napari: picture, labels and tracks; see `to_napari`.

        Raises
        ------
        SessionError
            When the pictures are of several sizes.
        """
        from ...export import to_napari

        return to_napari(self)
