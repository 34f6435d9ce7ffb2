"""Models of one video after the other, of any family that is registered."""

from __future__ import annotations

from collections.abc import Callable

from sam2_backend.video import Video

from ..models.capabilities import SharesModel
from ..models.loading import find_loaded
from ..models.registry import load_by_family
from ..models.segmenter import Segmenter
from ..models.source import apply_memory


class SegmenterLoader:
    """Makes the segmenter of each video. A model is loaded once as long as it stays the same.

    Parameters
    ----------
    device : as for `propagate_many`.
    on_status : called with a line before what takes long.
    """

    def __init__(self, device: str | None, on_status: Callable[[str], None]) -> None:
        self._device = device
        self._on_status = on_status
        self._name: str | None = None
        self._model: object | None = None
        """What is loaded by that name; None of a family that shares nothing between videos."""

    def load(self, name: str, video: Video, memory: str | None = None) -> Segmenter:
        """Make a segmenter of the model of a name or path, with a memory policy.

        Raises
        ------
        ValueError
            When there is no such model, or it cannot be had. What a model of another package raises
            is raised as it is.
        """
        if name != self._name:
            self._name = self._model = None  # its memory is free for the new one
        model = name if self._model is None else self._model
        segmenter = load_by_family(model, self._device, video, self._on_status)
        if isinstance(segmenter, SharesModel):
            loaded = segmenter.loaded_model
        else:
            loaded = find_loaded(name, self._device)
        self._name, self._model = name, loaded
        return apply_memory(segmenter, memory)
