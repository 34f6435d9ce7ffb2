"""Prompts of a video as a small JSON file, which a script or a person writes.

::

    {
      "video": "dog.mp4",
      "model": "sam2.1-hiera-tiny",
      "memory": "motion",
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

import msgspec

from ..annotation.records import ObjectInfo
from ..core.arguments import as_path
from ..core.errors import SessionError
from ..core.schema import Finite, SchemaError, Whole, convert, load_json
from ..models.segmenter import Point, PromptSet
from .session_schema import BoxRecord, FromOne


@dataclass(frozen=True)
class PromptFile:
    """What a prompt file says."""

    video: str | None
    """Path of the video, absolute."""
    model: str | None
    objects: tuple[ObjectInfo, ...]
    prompts: Mapping[tuple[int, int], PromptSet]
    """By (object id, frame)."""
    memory: str | None = None
    """Name of the memory policy."""


class _Prompts(msgspec.Struct):
    frame: Whole
    points: list[tuple[Finite, Finite, Finite]] = []
    box: BoxRecord | None = None


class _Object(msgspec.Struct):
    id: FromOne
    prompts: list[_Prompts]
    name: str | None = None


class _Document(msgspec.Struct):
    objects: list[_Object]
    video: str | None = None
    model: str | None = None
    memory: str | None = None


def read_prompts(path: str | os.PathLike[str]) -> PromptFile:
    """Read a prompt file.

    Raises
    ------
    SessionError
        When it cannot be read, with what is wrong in it and where.
    """
    path = as_path(path, "The path of a prompt file")
    try:
        document = convert(load_json(path.read_bytes(), "it"), _Document)
        return _parse(document, path.absolute().parent)
    except OSError as error:
        raise SessionError(
            f"The prompt file {path} cannot be opened ({error.strerror or error}): check the path."
        ) from error
    except SchemaError as error:
        raise SessionError(
            f"{path} cannot be read as a prompt file: {error}. How one is written is told in "
            "sam2widget.storage.prompt_file."
        ) from error


def _parse(document: _Document, folder: Path) -> PromptFile:
    objects: dict[int, ObjectInfo] = {}
    prompts: dict[tuple[int, int], PromptSet] = {}
    for n, one in enumerate(document.objects):
        if one.id in objects:
            raise SchemaError(f"it has two objects with the id {one.id}")
        default = ObjectInfo.numbered(one.id)
        name = default.name if one.name is None else one.name
        objects[one.id] = ObjectInfo(one.id, name, default.color)
        for m, given in enumerate(one.prompts):
            key = one.id, given.frame
            if key in prompts:
                raise SchemaError(f"object {one.id} has frame {key[1]} twice: put it in one")
            prompts[key] = _prompt_set(given, f"objects[{n}].prompts[{m}]")
    if not prompts:
        raise SchemaError("it has no prompts")
    video = document.video
    return PromptFile(
        None if video is None else str(folder / Path(video).expanduser()),
        document.model,
        tuple(objects[obj] for obj in sorted(objects)),
        prompts,
        document.memory,
    )


def _prompt_set(given: _Prompts, place: str) -> PromptSet:
    for n, (_, _, label) in enumerate(given.points):
        if label not in (0, 1):
            raise SchemaError(f"{place}.points[{n}] has the label {label:g}, not 0 or 1")
    points = tuple(Point(x, y, int(label)) for x, y, label in given.points)
    found = PromptSet(points, given.box)
    if not found:
        raise SchemaError(f"{place} has neither points nor a box")
    return found
