"""CVAT's XML, "CVAT for images 1.1", which tasks on videos take too."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
from numpy.typing import NDArray

from ..masks import Mask
from ..records import SessionError
from .files import check_size, frame_number, reason
from .outlines import fill
from .segmentation import Imported, Segmentation

_RUN = np.dtype("<u4")


def write_cvat(segmentation: Segmentation, path: Path) -> Path:
    """Write `annotations.xml` with brush masks. Objects of one name are one label; which of them
    a mask is of says its ``group_id``, the object's id."""
    root = Xml.Element("annotations")
    Xml.SubElement(root, "version").text = "1.1"
    task = Xml.SubElement(Xml.SubElement(root, "meta"), "task")
    Xml.SubElement(task, "name").text = segmentation.video.name
    Xml.SubElement(task, "size").text = str(len(segmentation))
    Xml.SubElement(task, "mode").text = "annotation"
    labels = Xml.SubElement(task, "labels")
    for name, color in {info.name: info.color for info in segmentation.objects}.items():
        label = Xml.SubElement(labels, "label")
        for key, value in {"name": name, "color": color, "type": "mask"}.items():
            Xml.SubElement(label, key).text = value
    for frame in range(len(segmentation)):
        height, width = segmentation.size_hw(frame)
        image = Xml.SubElement(
            root,
            "image",
            {
                "id": str(frame),
                "name": f"frame_{frame:06}",
                "width": str(width),
                "height": str(height),
            },
        )
        for info, mask_hw in segmentation.shown(frame):
            rows, columns = np.flatnonzero(mask_hw.any(1)), np.flatnonzero(mask_hw.any(0))
            top, left = int(rows[0]), int(columns[0])
            part = Mask.from_array(mask_hw[top : rows[-1] + 1, left : columns[-1] + 1])
            Xml.SubElement(
                image,
                "mask",
                {
                    "label": info.name,
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
    Xml.indent(root)
    Xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def read_cvat(path: Path) -> Imported:
    """Read the masks and polygons of `annotations.xml`. Without ``group_id`` each label is an
    object."""
    try:
        root = Xml.parse(path).getroot()
    except (OSError, Xml.ParseError) as error:
        raise SessionError(f"{path} cannot be read as CVAT's XML ({error}).") from error
    labels: dict[str, int] = {}
    masks: dict[tuple[int, int], Mask] = {}
    names: dict[int, str] = {}
    for image in root.iter("image"):
        try:
            hw = int(image.attrib["height"]), int(image.attrib["width"])
            check_size(hw)
            name = image.get("name", "")
            frame = frame_number(Path(name)) if name[-1:].isdigit() else int(image.attrib["id"])
            for shape in image:
                if shape.tag not in ("mask", "polygon"):
                    continue
                label = shape.attrib["label"]
                own = labels.setdefault(label, len(labels) + 1)
                obj = int(shape.get("group_id") or 0) or own
                if shape.tag == "mask":
                    mask_hw = _paste(shape.attrib, hw)
                else:
                    corners = [pair.split(",") for pair in shape.attrib["points"].split(";")]
                    mask_hw = fill(np.array(corners, np.float64), hw)
                if (obj, frame) in masks:
                    mask_hw |= masks[obj, frame].to_array()
                masks[obj, frame] = Mask.from_array(mask_hw)
                names[obj] = label
        except (KeyError, ValueError) as error:
            raise SessionError(
                f"{path} has an image {image.get('name', '')!r} that cannot be read: "
                f"{reason(error)}."
            ) from error
    if not masks:
        raise SessionError(
            f"{path} has no masks or polygons on images: export as 'CVAT for images 1.1'."
        )
    return Imported(masks, names)


def _paste(said: dict[str, str], hw: tuple[int, int]) -> NDArray[np.bool_]:
    left, top, width, height = (int(said[key]) for key in ("left", "top", "width", "height"))
    if top < 0 or left < 0 or top + height > hw[0] or left + width > hw[1]:
        raise ValueError(f"a mask at ({left}, {top}) sticks out of the picture")
    runs = np.array([int(run) for run in said["rle"].split(",")], _RUN).tobytes()
    part = Mask.from_bytes(runs, height, width).to_array()
    mask_hw = np.zeros(hw, bool)
    mask_hw[top : top + height, left : left + width] = part
    return mask_hw
