"""YOLO's segmentation labels: a text file for each frame, a polygon in each line.

They are read as Ultralytics and others write them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.video import Video

from ....core.errors import SessionError
from ....core.masks import Mask
from ...encodings.outlines import NO_PIXEL, fill, join_polygons
from ...frame_names import FrameNames
from ...reading.entries import as_id
from ...reading.labels import LabelReader
from ...reading.object_ids import ObjectIds
from ...reading.pictures import list_pictures
from ...registry import Format
from ...segmentation import Imported, Segmentation
from ...wording import pluralize
from ...writing.folders import JPEG_QUALITY, open_folder, save_below

NOT_LABELS = frozenset(
    {"classes.txt", "labels.txt", "requirements.txt", "test.txt", "train.txt", "val.txt"}
)
"""Text files beside labels; README*.txt is one, too."""
_BOX_NUMBERS = 4
_NUMBERS_OF_TURNED_BOX = 8
_LARGEST_SHARE = 1.5
"""Of width or height: somewhat outside the picture is still a share of it."""


def write_yolo(segmentation: Segmentation, path: Path, *, frames: bool = False) -> Path:
    """Write `labels/train/NAME_00000.txt`… of the frames that have masks, and `data.yaml`.

    Where the source's frames have names, the files have them too: `00012.txt` for `00012.jpg`.

    A line is the class and the corners x y of one polygon, over width and height. Classes are
    numbered in their order, and after them the names of objects that have none, which `data.yaml`
    lists as ``unclassed``. An object in several parts is one polygon with cuts between them.

    Parameters
    ----------
    path : the folder.
    frames : write the pictures too, as `images/train`.
    """
    classes = segmentation.categories
    names = segmentation.frame_names
    labels, images = path / "labels" / "train", path / "images" / "train"
    folders = {labels: ".txt", **({images: ".jpg"} if frames else {})}

    def name(frame: int) -> str:
        own = names.stem(frame)
        return own if names.known else f"{segmentation.name}_{own}"

    files = [
        folder / f"{name(frame)}{suffix}"
        for folder, suffix in folders.items()
        for frame in segmentation.frames
    ]
    open_folder(segmentation, path, files, list(folders))
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for frame in segmentation.frames:
        height, width = segmentation.size_hw(frame)
        lines = []
        for info, mask_hw in segmentation.shown(frame):
            points_p2 = join_polygons(mask_hw) / (width, height)
            numbers = " ".join(f"{value:.6f}" for value in points_p2.ravel())
            lines.append(f"{classes.index(segmentation.category(info))} {numbers}\n")
        file = labels / f"{name(frame)}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(lines), encoding="utf-8")
        if frames:
            picture = Image.fromarray(segmentation.picture(frame))
            save_below(images, f"{name(frame)}.jpg", picture, quality=JPEG_QUALITY)
    # JSON is YAML too, and quotes names that need it.
    listed = "".join(f"  {n}: {json.dumps(one)}\n" for n, one in enumerate(classes))
    # Without a path, trainers begin at this file; "." would be the folder that they are run in.
    text = f"train: images/train\nval: images/train\nnames:\n{listed}"
    known = {one.name for one in segmentation.classes}
    unclassed = [n for n, one in enumerate(classes) if one not in known]
    text += f"unclassed: {unclassed}\n" if unclassed else ""
    (path / "data.yaml").write_text(text, encoding="utf-8")
    return path


@dataclass(frozen=True)
class _Line:
    file: Path
    number: int
    kind: int
    values: list[str]

    @property
    def is_box(self) -> bool:
        """Whether it is x, y, width and height, which a score and a track's id may follow."""
        extra, last = len(self.values) - _BOX_NUMBERS, self.values[-1]
        if extra != 2:
            return extra < 2
        has_id = last.isdecimal() and int(last) > 1
        return has_id and all(float(value) <= _LARGEST_SHARE for value in self.values[:-1])

    def __str__(self) -> str:
        return f"Line {self.number} of {self.file}"


def read_yolo(path: Path, video: Video) -> Imported:
    """Read label files, which are named as the frames.

    Each class is an object, or each track where lines end in a track's id, as Ultralytics' do.

    Parameters
    ----------
    path : the folder of the labels, or of `data.yaml` beside them.
    video : whose frames they are of: labels do not tell their size.

    Raises
    ------
    SessionError
        When they cannot be read, with the line that is in the way, or do not fit the video.
    """
    root = path / "labels" if (path / "labels").is_dir() else path
    by_name = {file.relative_to(root).as_posix(): file for file in _label_files(root)}
    if not by_name:
        raise SessionError(f"There are no label files (*.txt) in {path}.")
    lines = [line for file in by_name.values() for line in _lines(file)]
    polygons = [line for line in lines if not line.is_box]
    boxes = len(lines) - len(polygons)
    if boxes and not polygons:
        raise SessionError(
            f"{root} has boxes alone (a class, x, y, width, height), no masks: export labels of "
            "segmentation, or add boxes as prompts."
        )
    if _are_poses(polygons):
        raise SessionError(
            f"{root} has keypoints of poses (a box, then x, y and visibility of each), no masks: "
            "export labels of segmentation, or add boxes as prompts."
        )
    matched = FrameNames(video).match(by_name, str(root))
    frames = {by_name[name]: frame for name, frame in matched.frames.items()}
    notes = [*matched.notes]
    if len(polygons) > 1 and all(len(line.values) == _NUMBERS_OF_TURNED_BOX for line in polygons):
        notes.append(
            f"All outlines in {root} have four corners, as turned boxes have: they are taken for "
            "masks all the same."
        )
    if boxes:
        notes.append(
            f"{root} has {pluralize(boxes, 'line')} of a box among its polygons, left out."
        )
    has_id, has_score = _extras(polygons)
    tracks = ObjectIds(
        sorted({int(line.values[-1]) for line in polygons}) if has_id else [], "track"
    )
    masks: dict[tuple[int, int], Mask] = {}
    kinds: dict[int, int] = {}
    parts = empty = 0
    for line in polygons:
        if line.file not in frames:
            continue
        frame = frames[line.file]
        hw = video.size_hw(frame)
        count = len(line.values) - has_id - has_score
        obj = tracks[int(line.values[-1])] if has_id else line.kind + 1
        mask_hw = fill(_corners(line, count, hw), hw)
        if not mask_hw.any():
            empty += 1
            continue
        parts += 1
        if (obj, frame) in masks:
            mask_hw |= masks[obj, frame].to_array()
        masks[obj, frame] = Mask.from_array(mask_hw)
        kinds[obj] = line.kind
    if has_id:
        notes += tracks.notes
    elif parts > len(masks):
        notes.append(f"{root} has several polygons of one class on a frame: a class is an object.")
    if empty:
        notes.append(f"{root} has {pluralize(empty, 'polygon')} {NO_PIXEL}.")
    if not has_id and len(polygons) > 1 and all(line.values[-1] == "1" for line in polygons):
        notes.append(
            f"Each line in {root} ends in 1, which is taken for the y of a corner, not for the id "
            "of a track."
        )
    names, unclassed = _names(path)
    labels = LabelReader(str(root))
    labels.add_classes(name for kind, name in sorted(names.items()) if kind not in unclassed)
    for obj, kind in kinds.items():
        labels.set_class(obj, "" if kind in unclassed else names.get(kind, ""))
    called = {obj: names[kind] for obj, kind in kinds.items() if kind in names}
    return Imported(masks, called, tuple(notes), labels.labels)


def _label_files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*.txt")
        if file.name.lower() not in NOT_LABELS and not file.name.lower().startswith(("readme", "."))
    )


def _lines(file: Path) -> Iterator[_Line]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(f"{file} cannot be read as labels of YOLO: it is no text.") from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        kind, *values = line.split()
        found = as_id(kind)
        try:
            finite = bool(np.isfinite(np.array(values, np.float64)).all())
        except ValueError:
            finite = False
        short = len(values) < _BOX_NUMBERS
        if not isinstance(found, int) or found < 0 or not finite or short:
            raise SessionError(
                f"Line {number} of {file} is not a class and the x and y of corners."
            )
        yield _Line(file, number, found, values)


def _extras(lines: list[_Line]) -> tuple[bool, bool]:
    """Whether lines end in a track's id, and have a score before it or at the end."""
    last = [line.values[-1] for line in lines]
    odd = [len(line.values) % 2 == 1 for line in lines]
    whole = all(value.isdecimal() for value in last)
    if lines and all(odd):
        return (True, False) if whole else (False, True)
    if lines and not any(odd) and whole and any(int(value) > 1 for value in last):
        return True, True
    for line, is_odd in zip(lines, odd, strict=True):
        if is_odd:
            raise SessionError(f"{line} is not a class and the x and y of corners.")
    return False, False


def _are_poses(lines: list[_Line]) -> bool:
    """Whether lines are a box, and triples whose last number is how visible a point is."""
    return len(lines) > 0 and all(
        len(line.values) > _BOX_NUMBERS + 3
        and (len(line.values) - _BOX_NUMBERS) % 3 == 0
        and len(line.values) == len(lines[0].values)
        and all(float(value) in (0, 1, 2) for value in line.values[_BOX_NUMBERS + 2 :: 3])
        for line in lines
    )


def _corners(line: _Line, count: int, hw: tuple[int, int]) -> NDArray[np.float64]:
    """Give the corners (x, y) of a line's polygon, (P, 2) in pixels."""
    shares_p2 = np.array(line.values[:count], np.float64).reshape(-1, 2)
    if np.abs(shares_p2).max() > _LARGEST_SHARE:
        raise SessionError(
            f"{line} has corners beyond 1: expected shares of width and height, not pixels."
        )
    return shares_p2 * (hw[1], hw[0])


def _names(path: Path) -> tuple[dict[int, str], set[int]]:
    """Read the names of classes: of data.yaml, or a line each in classes.txt and obj.names.

    Beside them are the numbers of those that are names of objects, and no classes.
    """
    places = (path, path.parent, path.parent.parent)
    for file in (place / name for place in places for name in ("data.yaml", "dataset.yaml")):
        if file.is_file():
            try:
                said: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
            except (OSError, ValueError, yaml.YAMLError) as error:
                raise SessionError(f"{file} cannot be read as YAML.") from error
            names = said.get("names") if isinstance(said, dict) else None
            listed = said.get("unclassed") if isinstance(said, dict) else None
            unclassed = (
                {n for n in listed if isinstance(n, int)} if isinstance(listed, list) else set()
            )
            if isinstance(names, list):
                return {n: str(name) for n, name in enumerate(names)}, unclassed
            if isinstance(names, dict):
                found = ((as_id(str(n)), str(name)) for n, name in names.items())
                return {n: name for n, name in found if isinstance(n, int)}, unclassed
    for file in (path / name for name in ("classes.txt", "obj.names", "labels.txt")):
        if file.is_file():
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            return {n: line.strip() for n, line in enumerate(lines) if line.strip()}, set()
    return {}, set()


def is_yolo(path: Path) -> bool:
    """Whether a folder is of YOLO's text files."""
    places = (path / "data.yaml", path / "obj.names")
    if any(place.is_file() for place in places) or (path / "labels").is_dir():
        return True
    return not list_pictures(path, deep=True) and any(path.rglob("*.txt"))


FORMAT = Format(
    "yolo",
    "",
    write_yolo,
    read_yolo,
    description="labels/train/*.txt, data.yaml",
    options={"frames": "True writes the pictures too, as images/train"},
    recognize=is_yolo,
)
