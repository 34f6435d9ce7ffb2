"""Samples of FiftyOne with instance masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sam2_backend.video import Video

from ...core.errors import SessionError
from ..optional_library import import_library
from ..segmentation import Segmentation, SegmentationSource

FIELD = "masks"
"""What the detections are called in samples and frames."""
_CUT = 1e-9
"""FiftyOne cuts shares of a side to whole pixels: what is a hair too small loses one."""


def to_fiftyone(source: SegmentationSource) -> list[Any]:
    """Give `fiftyone.Sample`s of the video: one with frames of a video file, one a picture else.

    Detections are in the field "masks", of the sample or of its frames, which FiftyOne counts from
    1. Each has its class, or else its object's name, as its label, the box, the instance mask
    within it, the predicted IoU as its confidence, the object's id as its index, and `object_name`
    and the object's attributes beside.

    Parameters
    ----------
    source : a widget, a session file, or what is in one.

    Raises
    ------
    SessionError
        When FiftyOne is not installed, or the frames are not in files, which it shows.

    Examples
    --------
    >>> dataset = fiftyone.Dataset("dogs")
    >>> dataset.add_samples(w.to_fiftyone())
    """
    from sam2_backend.video.containers.container import FileVideo

    fiftyone = import_library("fiftyone", "export as 'coco', which it reads")
    segmentation = Segmentation.of(source)
    video = segmentation.video
    if isinstance(video, FileVideo) and video.path is not None:
        sample = fiftyone.Sample(filepath=str(video.path))
        for frame in segmentation.frames:
            sample.frames[frame + 1] = fiftyone.Frame(
                **{FIELD: _detections(fiftyone, segmentation, frame)}
            )
        return [sample]
    files = _list_pictures(video)
    return [
        fiftyone.Sample(filepath=str(file), **{FIELD: _detections(fiftyone, segmentation, frame)})
        for frame, file in enumerate(files)
    ]


def _list_pictures(video: Video) -> list[Path]:
    """List the file of each frame."""
    files = list(video.files)
    if len(files) != len(video):
        raise SessionError(
            "FiftyOne shows files of a video or of a picture each, and these frames are in none: "
            "open the video by its path, or export 'coco' with frames=True, which FiftyOne reads."
        )
    return files


def _detections(fiftyone: Any, segmentation: Segmentation, frame: int) -> Any:
    height, width = segmentation.size_hw(frame)
    found: list[Any] = []
    for info, mask_hw in segmentation.shown(frame):
        result = segmentation.results[info.id, frame]
        y0, x0, y1, x1 = result.mask.box or (0, 0, 0, 0)
        found.append(
            fiftyone.Detection(
                label=segmentation.category(info),
                bounding_box=[
                    *(x0 / width + _CUT, y0 / height + _CUT),
                    *((x1 - x0) / width, (y1 - y0) / height),
                ],
                mask=mask_hw[y0:y1, x0:x1],
                confidence=result.iou,
                index=info.id,
                object_name=info.name,
                **{key: value for key, value in info.attributes.items() if key.isidentifier()},
            )
        )
    return fiftyone.Detections(detections=found)
