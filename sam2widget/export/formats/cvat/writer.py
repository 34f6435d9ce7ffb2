"""Writer of CVAT's XML: "CVAT for images 1.1", which tasks on videos take too."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np

from ....annotation.records import Attribute, ObjectInfo
from ....core.masks import Mask
from ...segmentation import Segmentation
from .labels import OBJECT_NAME, OURS, WRITER

_RUN = np.dtype("<u4")


def write_cvat(segmentation: Segmentation, path: Path) -> Path:
    """Write `annotations.xml` with brush masks.

    Labels are the classes, and the names of objects that have none; of which object a mask is says
    its ``group_id``, the object's id. Objects that have a class have their name as an attribute,
    ``object_name``, beside their own attributes. Images have the names of the source's frames, or
    `frame_000000`, as CVAT calls those of a video.
    """
    root = Xml.Element("annotations")
    Xml.SubElement(root, "version").text = "1.1"
    meta = Xml.SubElement(root, "meta")
    Xml.SubElement(meta, WRITER).text = OURS
    task = Xml.SubElement(meta, "task")
    Xml.SubElement(task, "name").text = segmentation.video.name
    Xml.SubElement(task, "size").text = str(len(segmentation))
    Xml.SubElement(task, "mode").text = "annotation"
    _write_labels(segmentation, Xml.SubElement(task, "labels"))
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
            for key, value in attributes[info.id].items():
                said = {"name": key, "type": type(value).__name__}
                Xml.SubElement(mask, "attribute", said).text = _as_text(value)
    Xml.indent(root)
    Xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def _write_labels(segmentation: Segmentation, labels: Xml.Element) -> None:
    """Write each label with its colour, and the attributes that its objects have."""
    classes = {one.name: one.color for one in segmentation.classes}
    for name in segmentation.categories:
        objects = [info for info in segmentation.objects if segmentation.category(info) == name]
        label = Xml.SubElement(labels, "label")
        color = classes[name] if name in classes else objects[0].color
        for key, value in {"name": name, "color": color, "type": "mask"}.items():
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
