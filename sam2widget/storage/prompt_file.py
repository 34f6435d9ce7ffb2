"""Prompts of a video as a small JSON file, which a script or a person writes.

::

    {
      "video": "dog.mp4",
      "model": "sam2.1-hiera-tiny",
      "objects": [
        {
          "id": 1,
          "name": "dog",
          "prompts": [
            {"frame": 0, "points": [[320, 180, 1], [40, 20, 0]], "box": [300, 90, 420, 260]}
          ]
        }
      ]
    }

A relative path of the video starts at the file's folder. Points are x, y and label (1 on the
object, 0 outside it), boxes x0, y0, x1, y1, in pixels of the original frame. Only ``objects``,
``id`` and ``prompts`` are needed, where the video is given another way.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..annotation.records import ObjectInfo
from ..core.document import DocumentError, Node, numbers, parse_json
from ..core.errors import SessionError
from ..models.segmenter import Point, PromptSet


@dataclass(frozen=True)
class PromptFile:
    """What a prompt file says."""

    video: str | None
    """Path of the video, absolute."""
    model: str | None
    objects: tuple[ObjectInfo, ...]
    prompts: Mapping[tuple[int, int], PromptSet]
    """By (object id, frame)."""


def read_prompts(path: str | os.PathLike[str]) -> PromptFile:
    """Read a prompt file.

    Raises
    ------
    SessionError
        When it cannot be read, with what is wrong in it and where.
    """
    path = Path(path)
    try:
        document = parse_json(path.read_bytes(), "it")
        return _parse(document, path.absolute().parent)
    except OSError as error:
        raise SessionError(
            f"The prompt file {path} cannot be opened ({error.strerror or error}): check the path."
        ) from error
    except DocumentError as error:
        raise SessionError(
            f"{path} cannot be read as a prompt file: {error}. How one is written is told in "
            "sam2widget.storage.prompt_file."
        ) from error


def _parse(document: Node, folder: Path) -> PromptFile:
    video = document.text("video") if document.has("video") else None
    objects: dict[int, ObjectInfo] = {}
    prompts: dict[tuple[int, int], PromptSet] = {}
    for node in document.children("objects"):
        info = ObjectInfo.numbered(node.whole("id", minimum=1))
        if info.id in objects:
            raise DocumentError(f"it has two objects with the id {info.id}")
        name = node.text("name") if node.has("name") else info.name
        objects[info.id] = ObjectInfo(info.id, name, info.color)
        for prompt in node.children("prompts"):
            key = info.id, prompt.whole("frame")
            if key in prompts:
                raise DocumentError(f"object {info.id} has frame {key[1]} twice: put it in one")
            prompts[key] = _prompt_set(prompt)
    if not prompts:
        raise DocumentError("it has no prompts")
    return PromptFile(
        None if video is None else str(folder / Path(video).expanduser()),
        document.text("model") if document.has("model") else None,
        tuple(objects[obj] for obj in sorted(objects)),
        prompts,
    )


def _prompt_set(node: Node) -> PromptSet:
    points: list[Point] = []
    for n, item in enumerate(node.items("points") if node.has("points") else ()):
        x, y, label = numbers(item, f"{node.place}.points[{n}]", 3)
        if label not in (0, 1):
            raise DocumentError(f"{node.place}.points[{n}] has the label {label:g}, not 0 or 1")
        points.append(Point(x, y, int(label)))
    box = node.numbers("box", 4) if node.has("box") else None
    found = PromptSet(tuple(points), None if box is None else (box[0], box[1], box[2], box[3]))
    if not found:
        raise DocumentError(f"{node.place} has neither points nor a box")
    return found
