"""The Cell Tracking Challenge's folders: label pictures for each frame, and a text of tracks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray

from sam2_backend.video import Video

from ....core.errors import SessionError
from ....core.masks import Mask
from ....core.masks.label_maps import OverlapCounter
from ....core.user_warnings import warn
from ...frame_names import FrameNames
from ...reading.entries import check_frame_size, describe_error
from ...registry import Format
from ...segmentation import Imported, Segmentation, check_one_size
from ...wording import pluralize, shorten
from ...writing.folders import open_folder

Kind: TypeAlias = Literal["result", "truth"]
NAMES: dict[str, tuple[str, str]] = {
    "result": ("mask", "res_track.txt"),
    "truth": ("man_track", "man_track.txt"),
}
"""How pictures begin and what the list of tracks is called, by kind."""
FRAME_NAMES = "frame_names.txt"
"""Beside what the challenge has: the names of frames, a line each, where the source has names."""
_LARGEST = 2**16 - 1
_PICTURE = re.compile(r"(?:mask|man_track|man_seg)_?(?P<frame>[0-9]{1,9})\.tiff?", re.I)


@dataclass(frozen=True)
class _Track:
    """A line of the list: L B E P."""

    label: int
    begin: int
    end: int
    parent: int
    """0 for none."""


def write_ctc(segmentation: Segmentation, path: Path, *, kind: Kind = "result") -> Path:
    """Write `mask000.tif`…, 16 bits, whose values are tracks, and `res_track.txt`.

    A track has a mask on each frame from its begin to its end: where an object is out of sight, a
    new one goes on, whose parent is the one before. Of several parents the first is written. Where
    the source has names of frames, they are in `frame_names.txt`.

    Parameters
    ----------
    path : the folder, such as `01_RES`.
    kind : "result", or "truth" for `man_track000.tif`… and `man_track.txt`, as in `01_GT/TRA`.
    """
    if kind not in NAMES:
        raise SessionError(f"kind is one of {', '.join(NAMES)}, got {kind!r}.")
    check_one_size(segmentation.video)
    tracks, labels = _list_tracks(segmentation)
    if max((track.label for track in tracks), default=0) > _LARGEST:
        raise SessionError(f"Labels of ctc go up to {_LARGEST}: export 'npz'.")
    prefix, listed = NAMES[kind]
    total = len(segmentation)
    digits = max(3, len(str(total - 1)))
    files = [path / f"{prefix}{frame:0{digits}}.tif" for frame in range(total)]
    texts = [path / listed, *([path / FRAME_NAMES] if segmentation.frame_names.known else [])]
    open_folder(segmentation, path, [*files, *texts], [path])
    overlaps = OverlapCounter()
    for frame, file in enumerate(files):
        ids_hw = segmentation.label_map(frame, overlaps)
        labels_hw = np.zeros(ids_hw.shape, np.uint16)
        for obj in np.unique(ids_hw[ids_hw > 0]).tolist():
            labels_hw[ids_hw == obj] = labels[obj, frame]
        tifffile.imwrite(file, labels_hw, compression="zlib")
    if segmentation.frame_names.known:
        listed_names = (segmentation.frame_names.name(frame) for frame in range(total))
        (path / FRAME_NAMES).write_text("".join(f"{one}\n" for one in listed_names), "utf-8")
    lines = [f"{one.label} {one.begin} {one.end} {one.parent}\n" for one in tracks]
    (path / listed).write_text("".join(lines), encoding="ascii")
    names = {info.id: info.name for info in segmentation.objects}
    sentence = overlaps.describe(names, "a label map", non_overlapping=segmentation.non_overlapping)
    if sentence:
        warn(sentence)
    several = [info.name for info in segmentation.objects if len(info.parents) > 1]
    if several:
        warn(f"ctc has one parent a track: of {', '.join(several)} only the first is written.")
    return path


def _list_tracks(
    segmentation: Segmentation,
) -> tuple[list[_Track], dict[tuple[int, int], int]]:
    """List the tracks, and give the label of each object on each frame that it is seen on."""
    next_label = max((info.id for info in segmentation.objects), default=0) + 1
    tracks: list[_Track] = []
    labels: dict[tuple[int, int], int] = {}
    last_label: dict[int, int] = {}
    seen = {
        info.id: [
            frame
            for frame in segmentation.frames
            if (result := segmentation.results.get((info.id, frame))) and result.mask.area
        ]
        for info in segmentation.objects
    }
    began: list[tuple[int, int, int, bool]] = []
    for info in segmentation.objects:
        frames = seen[info.id]
        label, is_first = info.id, True
        for n, frame in enumerate(frames):
            if n and frame != frames[n - 1] + 1:
                label, next_label, is_first = next_label, next_label + 1, False
            if not n or frame != frames[n - 1] + 1:
                began.append((info.id, label, frame, is_first))
            labels[info.id, frame] = label
        last_label[info.id] = label
    ends: dict[int, int] = {}
    for (_, frame), label in labels.items():
        ends[label] = max(frame, ends.get(label, frame))
    parents = {info.id: info.parents for info in segmentation.objects}
    before: dict[int, int] = {}
    for obj, label, frame, is_first in began:
        parent = before.get(obj, 0)
        if is_first:
            parent = next((last_label[one] for one in parents[obj] if seen.get(one)), 0)
        before[obj] = label
        tracks.append(_Track(label, frame, ends[label], parent))
    return sorted(tracks, key=lambda one: one.label), labels


def read_ctc(path: Path, video: Video) -> Imported:
    """Read a folder such as `01_RES` or `01_GT/TRA`.

    A track whose one child begins after a gap is one object with it, as `write_ctc` writes it.
    """
    tracks = _read_tracks(path)
    pictures = {
        int(found["frame"]): file
        for file in sorted(path.iterdir())
        if (found := _PICTURE.fullmatch(file.name))
    }
    if not pictures:
        raise SessionError(f"{path} has no pictures called mask000.tif or man_track000.tif.")
    frames, notes = _find_frames(path, pictures, video)
    objects = _join_gaps(tracks)
    masks: dict[tuple[int, int], Mask] = {}
    unlisted: set[int] = set()
    for number, file in pictures.items():
        if number not in frames:
            continue
        frame = frames[number]
        labels_hw = _read_labels(file)
        check_frame_size((labels_hw.shape[0], labels_hw.shape[1]), video.size_hw(frame), str(file))
        for label in np.unique(labels_hw[labels_hw > 0]).tolist():
            if label not in tracks:
                unlisted.add(label)
            obj = objects[label] if label in objects else int(label)
            masks[obj, frame] = Mask.from_array(labels_hw == label)
    if unlisted:
        notes.append(
            f"{path} has {pluralize(len(unlisted), 'label')} that no track lists, such as "
            f"{min(unlisted)}: each is an object."
        )
    seen = {obj for obj, _ in masks}
    parents = {
        objects[one.label]: (objects[one.parent],)
        for one in tracks.values()
        if one.parent in tracks
        and objects[one.parent] != objects[one.label]
        and {objects[one.label], objects[one.parent]} <= seen
    }
    return Imported(masks, notes=tuple(notes), parents=parents)


def _find_frames(
    path: Path, pictures: dict[int, Path], video: Video
) -> tuple[dict[int, int], list[str]]:
    """Find the frame of each number of a picture: by name, where the source has names."""
    names = FrameNames(video)
    if not names.known:
        if max(pictures) >= len(video):
            raise SessionError(
                f"{path} has a picture of frame {max(pictures)}, but the video has frames 0 to "
                f"{len(video) - 1}: it is of another video."
            )
        return {number: number for number in pictures}, []
    called = {number: file.name for number, file in pictures.items()}
    if (path / FRAME_NAMES).is_file():
        try:
            lines = (path / FRAME_NAMES).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = describe_error(error)
            raise SessionError(f"{path / FRAME_NAMES} cannot be read: {reason}.") from error
        called = {number: lines[number] for number in called if number < len(lines)}
    matched = names.match(called.values(), str(path))
    found = {n: matched.frames[name] for n, name in called.items() if name in matched.frames}
    return found, list(matched.notes)


def _read_tracks(path: Path) -> dict[int, _Track]:
    file = next((path / name for _, name in NAMES.values() if (path / name).is_file()), None)
    if file is None:
        raise SessionError(f"{path} has no res_track.txt or man_track.txt.")
    tracks: dict[int, _Track] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(f"{file} cannot be read: {describe_error(error)}.") from error
    for line in filter(str.strip, lines):
        try:
            label, begin, end, parent = (int(word) for word in line.split())
        except ValueError as error:
            raise SessionError(
                f"{file} has a line {shorten(line)}, not four whole numbers: label, begin, end, "
                "parent."
            ) from error
        if not 0 < label <= _LARGEST or label in tracks or not 0 <= begin <= end or parent < 0:
            raise SessionError(f"{file} has a line {shorten(line)}, which is no track of its own.")
        tracks[label] = _Track(label, begin, end, parent)
    for one in tracks.values():
        parent = tracks.get(one.parent)
        if one.parent and (parent is None or parent.end >= one.begin):
            raise SessionError(
                f"{file} says that track {one.label} came from {one.parent}, which "
                f"{'is not listed' if parent is None else 'ends no earlier than it begins'}."
            )
    return tracks


def _join_gaps(tracks: dict[int, _Track]) -> dict[int, int]:
    """Give the object of each track: what goes on alone after a gap is the same."""
    children: dict[int, list[int]] = {}
    for one in tracks.values():
        children.setdefault(one.parent, []).append(one.label)
    objects: dict[int, int] = {}
    for one in sorted(tracks.values(), key=lambda track: track.begin):
        parent = tracks.get(one.parent)
        goes_on = (
            parent is not None
            and children[one.parent] == [one.label]
            and one.begin > parent.end + 1
        )
        objects[one.label] = objects[one.parent] if goes_on else one.label
    return objects


def _read_labels(file: Path) -> NDArray[np.int64]:
    try:
        labels_hw = np.asarray(tifffile.imread(file))
    except Exception as error:  # whatever a damaged file makes of tifffile
        raise SessionError(f"{file} cannot be read as TIFF ({type(error).__name__}).") from error
    if labels_hw.ndim != 2 or labels_hw.dtype.kind not in "ui" or not labels_hw.size:
        raise SessionError(
            f"{file} has the shape {labels_hw.shape} of {labels_hw.dtype}, not labels (H, W)."
        )
    if labels_hw.min() < 0 or labels_hw.max() > _LARGEST:
        raise SessionError(f"{file} has labels beyond 0 to {_LARGEST}.")
    return labels_hw.astype(np.int64)


def is_ctc(path: Path) -> bool:
    """Whether a folder has a list of tracks."""
    return path.is_dir() and any((path / name).is_file() for _, name in NAMES.values())


FORMAT = Format(
    "ctc",
    "",
    write_ctc,
    read_ctc,
    description="a folder as the Cell Tracking Challenge: labels as TIFF, the text of tracks with "
    "parents",
    options={"kind": "'result', mask000.tif and res_track.txt, or 'truth', as man_track"},
    recognize=is_ctc,
)
