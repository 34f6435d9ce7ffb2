"""Writer of CVAT's XML: "CVAT for images 1.1", which tasks on videos take too."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np

from ....core.masks import Mask
from ...segmentation import Segmentation

_RUN = np.dtype("<u4")


def write_cvat(segmentation: Segmentation, path: Path) -> Path:
    """Write `annotations.xml` with brush masks.

    Objects of one name are one label; which of them a mask is of says its ``group_id``, the
    object's id. Images have the names of the source's frames, or `frame_000000`, as CVAT calls
    those of a video.
    """
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
