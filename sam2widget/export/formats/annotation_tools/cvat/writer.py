"""Writer of CVAT's XML: "CVAT for images 1.1", which tasks on videos take too, and tracks."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np

from .....annotation.records import Attribute, ObjectInfo
from .....core.masks import Mask
from ....encodings.outlines import join_polygons
from ....segmentation import Segmentation, check_one_size
from .labels import OBJECT_NAME, OURS, WRITER

_RUN = np.dtype("<u4")


def write_cvat(segmentation: Segmentation, path: Path, *, tracks: bool = False) -> Path:
    """Write `annotations.xml` with brush masks, or with tracks.

    Labels are the classes, and the names of objects that have none; of which object a mask is says
    its ``group_id``, the object's id. Objects that have a class have their name as an attribute,
    ``object_name``, beside their own attributes. Images have the names of the source's frames, or
    `frame_000000`, as CVAT calls those of a video.

    Parameters
    ----------
    tracks : write "CVAT for video 1.1": for each object a track, whose id is the object's, with one
        polygon a frame that reaches holes and parts by cuts without width.
    """
    root = Xml.Element("annotations")
    Xml.SubElement(root, "version").text = "1.1"
    meta = Xml.SubElement(root, "meta")
    Xml.SubElement(meta, WRITER).text = OURS
    task = Xml.SubElement(meta, "task")
    Xml.SubElement(task, "name").text = segmentation.video.name
    Xml.SubElement(task, "size").text = str(len(segmentation))
    Xml.SubElement(task, "mode").text = "interpolation" if tracks else "annotation"
    _write_labels(segmentation, Xml.SubElement(task, "labels"), "polygon" if tracks else "mask")
    if tracks:
        check_one_size(segmentation.video)
        size = Xml.SubElement(task, "original_size")
        Xml.SubElement(size, "width").text = str(segmentation.video.width)
        Xml.SubElement(size, "height").text = str(segmentation.video.height)
        for info in segmentation.objects:
            _write_track(segmentation, info, root)
    else:
        _write_images(segmentation, root)
    Xml.indent(root)
    Xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def _write_track(segmentation: Segmentation, info: ObjectInfo, root: Xml.Element) -> None:
    """Write a track of polygons, each a keyframe; the one after the last of a run is outside."""
    runs = [
        frame
        for frame in segmentation.frames
        if (result := segmentation.results.get((info.id, frame))) and result.mask.area
    ]
    if not runs:
        return
    track = Xml.SubElement(
        root,
        "track",
        {"id": str(info.id), "label": segmentation.category(info), "source": "auto"},
    )
    for frame, after in zip(runs, [*runs[1:], len(segmentation)], strict=True):
        corners_p2 = join_polygons(segmentation.mask(info.id, frame))
        points = ";".join(f"{x:g},{y:g}" for x, y in corners_p2)
        ends = [frame] if after == frame + 1 else [frame, frame + 1]
        for at in ends:
            if at >= len(segmentation):
                continue
            polygon = Xml.SubElement(
                track,
                "polygon",
                {
                    "frame": str(at),
                    "keyframe": "1",
                    "outside": str(int(at != frame)),
                    "occluded": "0",
                    "points": points,
                    "z_order": "0",
                },
            )
            _write_attributes(polygon, _attributes(info))


def _write_images(segmentation: Segmentation, root: Xml.Element) -> None:
    """Write an image for each frame, with brush masks."""
    attributes = {info.id: _attributes(info) for info in segmentation.objects}
    names = segmentation.frame_names
    for frame in range(len(segmentation)):
        height, width = segmentation.size_hw(frame)
        image = Xml.SubElement(
            root,
            "image",
            {
                "id": str(frame),
                "name": names.name(frame, "frame_{:06}"),
                "width": str(width),
                "height": str(height),
            },
        )
        for info, mask_hw in segmentation.shown(frame):
            rows, columns = np.flatnonzero(mask_hw.any(1)), np.flatnonzero(mask_hw.any(0))
            top, left = int(rows[0]), int(columns[0])
            part = Mask.from_array(mask_hw[top : rows[-1] + 1, left : columns[-1] + 1])
            mask = Xml.SubElement(
                image,
                "mask",
                {
                    "label": segmentation.category(info),
                    "source": "auto",
                    "occluded": "0",
                    "rle": ", ".join(map(str, np.frombuffer(part.runs, _RUN))),
                    "left": str(left),
                    "top": str(top),
                    "width": str(part.width),
                    "height": str(part.height),
                    "z_order": "0",
                    "group_id": str(info.id),
                },
            )
            _write_attributes(mask, attributes[info.id])


def _write_attributes(shape: Xml.Element, attributes: dict[str, Attribute]) -> None:
    for key, value in attributes.items():
        said = {"name": key, "type": type(value).__name__}
        Xml.SubElement(shape, "attribute", said).text = _as_text(value)


def _write_labels(segmentation: Segmentation, labels: Xml.Element, shape: str) -> None:
    """Write each label with its colour, and the attributes that its objects have."""
    classes = {one.name: one.color for one in segmentation.classes}
    for name in segmentation.categories:
        objects = [info for info in segmentation.objects if segmentation.category(info) == name]
        label = Xml.SubElement(labels, "label")
        color = classes[name] if name in classes else objects[0].color
        for key, value in {"name": name, "color": color, "type": shape}.items():
            Xml.SubElement(label, key).text = value
        known: dict[str, list[Attribute]] = {OBJECT_NAME: []} if name in classes else {}
        for info in objects:
            for key, one in _attributes(info).items():
                known.setdefault(key, []).append(one)
        if not known:
            continue
        attributes = Xml.SubElement(label, "attributes")
        for key, values in known.items():
            attribute = Xml.SubElement(attributes, "attribute")
            kind = _input_type(values)
            said = {"name": key, "mutable": "False", "input_type": kind, "default_value": ""}
            for field, text in said.items():
                Xml.SubElement(attribute, field).text = text


def _attributes(info: ObjectInfo) -> dict[str, Attribute]:
    named = {OBJECT_NAME: info.name} if info.class_name else {}
    return {**info.attributes, **named}


def _as_text(value: Attribute) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _input_type(values: list[Attribute]) -> str:
    """How CVAT lets a person change an attribute."""
    if values and all(isinstance(value, bool) for value in values):
        return "checkbox"
    return "text"
