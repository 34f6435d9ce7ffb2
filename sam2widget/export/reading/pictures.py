"""Masks in picture files: labels, black and white, colours.

There is a file a frame, in a folder for each object or for all, or a stack of TIFF.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sam2_backend.masks.mask_input import is_nearly_grey, values_of_picture
from sam2_backend.video import Video
from sam2_backend.video.pictures.images import get_picture_names

from ...core.errors import SessionError
from ...core.files import fold_case
from ...core.masks import Mask
from ..frame_names import FrameNames
from ..segmentation import Imported
from ..wording import shorten
from .arrays import read_slices
from .entries import check_frame_size, read_json
from .labels import LabelReader
from .object_ids import ObjectIds

SUFFIX_GROUPS = ((".png",), (".tif", ".tiff"), (".bmp",), (".gif", ".webp"), (".jpg", ".jpeg"))
"""A folder's masks are of the first of these that are there."""
MASK_SUFFIXES = frozenset(suffix for group in SUFFIX_GROUPS for suffix in group)
_LAYOUTS = (
    *("Annotations", "480p", "Full-Resolution", "SegmentationObject", "SegmentationClass"),
    "Annotations_6fps",
)
"""Folders of DAVIS, YouTube-VOS, Pascal VOC and SA-V that masks, or folders of them, are in."""
_MAX_COLOURS = 256
_MAX_PICTURE_COLOURS = 2**12
"""More are those of a picture, also where some are what lossy compression makes of grey."""
_MAX_EDGE_SHARE = 0.5
"""A background has more than this share of each edge of a picture."""


def read_pictures(path: Path, video: Video) -> Imported:
    """Read pictures of masks, named as the frames: a folder, one file, or a stack of TIFF.

    A folder may also be a data set of DAVIS', YouTube-VOS' or Pascal VOC's layout with one video in
    it, or hold a folder for each object, ``001/00000.png``, as SA-V and SAM 2's `vos_inference.py`
    have them.

    Raises
    ------
    SessionError
        When they are no masks, or do not fit the video.
    """
    if path.is_file():
        return read_picture_files([path], video, str(path))
    names = FrameNames(video)
    folder = path
    for below in _LAYOUTS:
        folder = folder / below if (folder / below).is_dir() else folder
    objects = None if names.have_folders else find_object_folders(folder, video)
    if objects is not None:
        folder = objects[0].parent
        found = _read_object_folders(objects, video, folder)
    else:
        folder = _pick_folder(folder, names)
        files = list_pictures(folder, deep=names.have_folders)
        found = read_picture_files(files, video, str(folder), folder)
        below = [] if names.have_folders else _folders_of_pictures(folder)
        if below:
            note = f"Folders of pictures in {folder} are left out: {', '.join(below[:4])}."
            found = Imported(found.masks, found.names, (*found.notes, note))
    if not (path / "meta.json").is_file():
        return found
    videos = read_json(path / "meta.json", "videos")["videos"]
    named: dict[int, str] = {}
    labels = LabelReader(str(path / "meta.json"))
    for obj, said in videos.get(folder.name, {}).get("objects", {}).items():
        category = said.get("category", "")
        named[int(obj)] = str(said.get("name") or category or f"Object {obj}")
        labels.set_class(int(obj), said.get("class", category))
        labels.add_attributes(int(obj), said.get("attributes"))
    notes = (*found.notes, *labels.notes)
    return Imported(found.masks, {**found.names, **named}, notes, labels.labels)


def read_picture_files(
    files: Sequence[Path], video: Video, where: str, root: Path | None = None
) -> Imported:
    """Read masks from picture files, one for each frame, or from a stack.

    Parameters
    ----------
    files : named as the frames; or one, a stack with a page for each frame.
    where : names them in sentences.
    root : folder that their names begin in; if None, they have as many folders as tell them apart.
    """
    if len(files) == 1:
        pages = _pages(files[0])
        if pages is not None and len(pages) > 1:
            return _read_stack(pages, video, files[0])
    if root is None:
        by_name = dict(zip(get_picture_names(files), files, strict=True))
    else:
        by_name = {file.relative_to(root).as_posix(): file for file in files}
    matched = FrameNames(video).match(by_name, where)
    by_frame = {frame: by_name[name] for name, frame in matched.frames.items()}
    pictures = {frame: _Picture(file) for frame, file in sorted(by_frame.items())}
    colours = _Colours.of(pictures.values(), where)
    if colours is not None:
        masks = {
            (obj, frame): mask
            for frame, picture in pictures.items()
            for obj, mask in colours.masks(picture).items()
        }
        notes = (colours.note,)
    else:
        reading, masks = read_slices(pictures, where)
        doubts = [picture.doubt for picture in pictures.values() if picture.doubt]
        doubts += [] if reading.labels else _doubt_background(masks, where)
        notes = tuple(note for note in (reading.note, *doubts[:1]) if note)
        lossy = next((file for file in by_frame.values() if _is_jpeg(file)), None)
        if reading.labels and lossy is not None:
            raise SessionError(
                f"{lossy} is a JPEG, which changes values near edges, so that labels in it are not "
                "what they were: write masks as PNG, or in black and white."
            )
    for (_, frame), mask in masks.items():
        check_frame_size(mask.shape, video.size_hw(frame), str(by_frame[frame]))
    return _with_ids(masks, (*matched.notes, *notes), where)


def _doubt_background(masks: dict[tuple[int, int], Mask], where: str) -> list[str]:
    """Give a note where white is all around on each picture, as if black were the object."""
    for mask in masks.values():
        mask_hw = mask.to_array()
        edges = (mask_hw[0], mask_hw[-1], mask_hw[:, 0], mask_hw[:, -1])
        if mask_hw.all() or not all(edge.mean() > _MAX_EDGE_SHARE for edge in edges):
            return []
    return [
        f"White is taken for the object in {where}, though it is all around on each picture: if "
        "black is the object, invert them."
    ]


def _is_jpeg(path: Path) -> bool:
    return path.suffix.lower() in (".jpg", ".jpeg")


def list_pictures(folder: Path, *, deep: bool = False) -> list[Path]:
    """List the files in a folder that may be masks, PNGs alone where there are some.

    Parameters
    ----------
    deep : in its folders, too.
    """
    files = sorted(
        file
        for file in (folder.rglob("*") if deep else folder.iterdir())
        if file.is_file() and not file.name.startswith(".")
    )
    for group in SUFFIX_GROUPS:
        found = [file for file in files if file.suffix.lower() in group]
        if found:
            return found
    return []


def _folders_of_pictures(folder: Path) -> list[str]:
    return sorted(
        one.name
        for one in folder.iterdir()
        if one.is_dir() and one.name[0] not in "._" and list_pictures(one)
    )


def find_object_folders(folder: Path, video: Video) -> list[Path] | None:
    """Find the folders of a video's objects, in a folder or in the only one in it.

    None where those in it are of videos, or there are none. Objects' folders are numbered, or are
    in a folder of the video's name.
    """
    if not folder.is_dir() or list_pictures(folder):
        return None
    below = sorted(one for one in folder.iterdir() if one.is_dir() and one.name[0] not in "._")
    if len(below) == 1 and not list_pictures(below[0]):
        return find_object_folders(below[0], video)
    called = fold_case(video.name), fold_case(Path(video.name).stem)
    if not below or any(fold_case(one.name) in called for one in below):
        return None
    is_of_video = fold_case(folder.name) in called
    if not is_of_video and not all(one.name.isdecimal() for one in below):
        return None
    return below if all(map(list_pictures, below)) else None


def _read_object_folders(objects: Sequence[Path], video: Video, where: Path) -> Imported:
    by_name = {int(one.name) if one.name.isdecimal() else one.name: one for one in objects}
    if len(by_name) < len(objects):
        raise SessionError(f"{where} has two folders of one number: keep one.")
    ids = ObjectIds(by_name, f"The folders in {where}")
    masks: dict[tuple[int, int], Mask] = {}
    listed = ", ".join(one.name for one in objects[:4])
    more = f" and {len(objects) - 4} more" if len(objects) > 4 else ""
    notes = [f"The folders {listed}{more} in {where} are taken for an object each.", *ids.notes]
    for name, one in by_name.items():
        found = read_picture_files(list_pictures(one), video, str(one), one)
        labels = sorted({obj for obj, _ in found.masks})
        if len(labels) > 1 and len(objects) == 1:
            return found  # A folder of one video, which has a number for a name.
        if len(labels) > 1:
            raise SessionError(
                f"{one} holds the objects {', '.join(map(str, labels[:4]))}, so that folders in "
                f"{where} are of videos, not of objects: give the folder of one video."
            )
        masks |= {(ids[name], frame): mask for (_, frame), mask in found.masks.items()}
        notes += [note.replace(str(one), str(where)) for note in found.notes]
    return Imported(masks, ids.names, tuple(dict.fromkeys(notes)))


def _pick_folder(folder: Path, names: FrameNames) -> Path:
    """Give the folder itself if it has masks, or the only one in it that has some."""
    if not folder.is_dir():
        raise SessionError(f"There is no folder {folder}.")
    if list_pictures(folder):
        return folder
    below = sorted(one for one in folder.iterdir() if one.is_dir())
    found = [one for one in below if list_pictures(one)]
    if names.have_folders:
        deep = [one for one in below if list_pictures(one, deep=True)]
        return deep[0] if len(deep) == 1 and not found else folder
    if len(found) != 1:
        listed = ", ".join(one.name for one in found[:5]) or "none"
        raise SessionError(
            f"Expected pictures of masks, such as PNGs, in {folder}, or one folder of them, and "
            f"found {listed}: give the folder of one video. Folders of its objects are numbered, "
            "as 001, or lie in a folder of the video's name."
        )
    return found[0]


def _with_ids(masks: dict[tuple[int, int], Mask], notes: tuple[str, ...], where: str) -> Imported:
    """Give masks by object id: their labels, unless those are larger than ids may be."""
    ids = ObjectIds(sorted({label for label, _ in masks}), f"The labels in {where}")
    return Imported(
        {(ids[label], frame): mask for (label, frame), mask in masks.items()},
        {},
        (*notes, *ids.notes),
    )


class _Picture:
    """A file of masks, read when it is needed."""

    def __init__(self, path: Path, page: int | None = None) -> None:
        self.path = path
        self._page = page
        self.doubt = ""
        """How else it may be meant, once it was read; "" where that is clear."""

    def __call__(self) -> NDArray[Any]:
        what = str(self.path) if self._page is None else f"Page {self._page} of {self.path}"

        def read(image: Image.Image) -> NDArray[Any]:
            return values_of_picture(image, what, self._note)

        return _open(self.path, read, self._page or 0)

    def _note(self, doubt: str) -> None:
        self.doubt = doubt

    def has_colours(self) -> bool:
        """Whether it may have colours other than grey."""
        mode: str = _open(self.path, lambda image: image.mode)
        return mode not in ("1", "L", "LA", "P", "F") and not mode.startswith("I")

    def colours(self) -> NDArray[np.int64]:
        """Give the colours as one number each, (H, W), red first; what is transparent is black."""

        def read(image: Image.Image) -> NDArray[np.int64]:
            rgba = np.asarray(image.convert("RGBA")).astype(np.int64)
            joined = (rgba[..., 0] << 16) + (rgba[..., 1] << 8) + rgba[..., 2]
            return np.where(rgba[..., 3] == 0, 0, joined)

        return _open(self.path, read)


class _Colours:
    """The colours of objects, each an object's own."""

    def __init__(self, ids: dict[int, int], note: str) -> None:
        self._ids = ids
        self.note = note

    @classmethod
    def of(cls, pictures: Iterable[_Picture], where: str) -> _Colours | None:
        """Find the colours of pictures in which each object has one of its own, on black.

        None where the pictures are grey, or no masks.
        """
        pictures = list(pictures)
        if not pictures or not all(picture.has_colours() for picture in pictures):
            return None
        known, has_black = {0: 0}, False
        for picture in pictures:
            colours = np.unique(picture.colours()).tolist()
            has_black |= 0 in colours
            for colour in colours[: _MAX_COLOURS + 1]:
                known.setdefault(colour, len(known))
            if len(known) > _MAX_PICTURE_COLOURS:
                return None
        found = np.array([[one >> 16, one >> 8 & 255, one & 255] for one in known], np.uint8)
        is_grey = (found == found[:, :1]).all() or is_nearly_grey(found)
        if is_grey or not has_black or len(known) > _MAX_COLOURS:
            return None
        del known[0]
        listed = ", ".join(f"#{colour:06x} is {obj}" for colour, obj in list(known.items())[:4])
        return cls(known, f"Each colour in {where} is taken for an object: {listed}.")

    def masks(self, picture: _Picture) -> dict[int, Mask]:
        colours_hw = picture.colours()
        return {
            self._ids[colour]: Mask.from_array(colours_hw == colour)
            for colour in np.unique(colours_hw).tolist()
            if colour
        }


def _read_stack(pages: Sequence[_Picture], video: Video, path: Path) -> Imported:
    if len(pages) != len(video):
        raise SessionError(
            f"{path} has {len(pages)} pages, but the video has {len(video)} frames: expected a "
            "page for each."
        )
    reading, masks = read_slices(dict(enumerate(pages)), str(path))
    for (_, frame), mask in masks.items():
        check_frame_size(mask.shape, video.size_hw(frame), f"Page {frame} of {path}")
    doubts = [page.doubt for page in pages if page.doubt]
    doubts += [] if reading.labels else _doubt_background(masks, str(path))
    notes = tuple(note for note in (reading.note, *doubts[:1]) if note)
    return _with_ids(masks, notes, str(path))


def _pages(path: Path) -> list[_Picture] | None:
    """List the pages of a file, each read when it is needed; None where it is no TIFF."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return None
    count = _open(path, lambda image: getattr(image, "n_frames", 1))
    said = _open(path, lambda image: str(getattr(image, "tag_v2", {}).get(270, "")))
    listed = [line[7:] for line in said.splitlines() if line.startswith("images=")]
    if listed and listed[0].isdecimal() and int(listed[0]) > count:
        raise SessionError(
            f"{path} holds {shorten(int(listed[0]))} images in a way that ImageJ alone reads, as "
            "it writes stacks above 4 GB: save them as a sequence of files."
        )
    return [_Picture(path, n) for n in range(count)]


def _open(path: Path, read: Callable[[Image.Image], Any], page: int = 0) -> Any:
    """Give what `read` makes of a page of a picture file."""
    try:
        with Image.open(path) as image:
            image.seek(page)
            image.load()
            try:
                return read(image)
            except ValueError as error:
                raise SessionError(str(error)) from error
    except SessionError:
        raise
    except UnidentifiedImageError as error:
        raise SessionError(f"{path} is no picture that can be read.") from error
    except Exception as error:
        # Whatever Pillow raises: of data with faults there is no end.
        raise SessionError(f"{path} cannot be read as a picture ({error}).") from error
