"""Data sets that are folders of pictures and masks: DAVIS, YouTube-VOS, and your own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ...arguments import check_flag
from .files import IMAGE_SUFFIXES, MASK_SUFFIXES, list_folder, read_image, read_json, read_mask
from .records import MAX_STRIDE, DatasetError, Frames, VideoRecords


@dataclass(frozen=True)
class FolderRecord:
    """Pictures with a mask file each."""

    name: str
    pairs: tuple[tuple[Path, Path], ...]
    """Picture and mask of each annotated frame, in order."""
    binary: bool

    def __len__(self) -> int:
        return len(self.pairs)

    def read(self, positions: Sequence[int]) -> Frames:
        """Decode some frames; see `Record`."""
        frames: list[Any] = []
        for position in positions:
            picture, mask = self.pairs[position]
            rgb_hw3 = read_image(picture)
            frames.append((rgb_hw3, read_mask(mask, rgb_hw3.shape[:2], binary=self.binary)))
        return frames


def open_davis(
    root: str | os.PathLike[str],
    *,
    year: int = 2017,
    split: str = "train",
    resolution: str = "480p",
    augment: bool = True,
    max_stride: int = MAX_STRIDE,
) -> VideoRecords:
    """Open DAVIS 2016 or 2017 (Perazzi et al. 2016, Pont-Tuset et al. 2017).

    ::

        DAVIS
        ├── JPEGImages/480p/bear/00000.jpg, 00001.jpg, …
        ├── Annotations/480p/bear/00000.png, …     indexed: 0 background, 1, 2, … objects
        └── ImageSets
            ├── 2016/train.txt, val.txt            a sequence's name on each line
            └── 2017/train.txt, val.txt

    Parameters
    ----------
    root : the folder `DAVIS`.
    year : 2017 for each object apart; 2016 for one foreground object of all of them.
    split : name of a list in `ImageSets`.
    resolution : "480p" or "Full-Resolution".
    augment, max_stride : see `VideoRecords`.

    Raises
    ------
    DatasetError
        When a folder, a list or a mask is missing.
    """
    augment = check_flag(augment, "augment")
    if year not in (2016, 2017):
        raise ValueError(f"There is a DAVIS of 2016 and one of 2017, got {year}.")
    root = Path(root).expanduser()
    listed = root / "ImageSets" / str(year) / f"{split}.txt"
    if not listed.is_file():
        raise DatasetError(
            f"There is no {listed}: expected the names of sequences, one on each line."
        )
    records = [
        FolderRecord(
            name,
            _pairs(
                root / "JPEGImages" / resolution / name,
                root / "Annotations" / resolution / name,
            ),
            binary=year == 2016,
        )
        for name in listed.read_text(encoding="utf-8").split()
    ]
    return VideoRecords(records, augment=augment, max_stride=max_stride)


def open_youtube_vos(
    root: str | os.PathLike[str],
    *,
    augment: bool = True,
    max_stride: int = MAX_STRIDE,
) -> VideoRecords:
    """Open YouTube-VOS (Xu et al. 2018), annotated on every fifth frame.

    ::

        train
        ├── JPEGImages/003234408d/00000.jpg, 00005.jpg, …    more of them may be there
        ├── Annotations/003234408d/00000.png, 00005.png, …   indexed: 0 background, 1, 2, …
        └── meta.json   {"videos": {"003234408d": {"objects": {"1": {"frames": ["00000", …]}}}}}

    Parameters
    ----------
    root : the folder `train`.
    augment, max_stride : see `VideoRecords`.

    Raises
    ------
    DatasetError
        When a folder or file is missing, or `meta.json` is of another form.
    """
    augment = check_flag(augment, "augment")
    root = Path(root).expanduser()
    records: list[FolderRecord] = []
    for name, stems in _annotated_frames(root / "meta.json").items():
        pictures, masks = root / "JPEGImages" / name, root / "Annotations" / name
        pairs = _pairs(pictures, masks)
        absent = stems - {mask.stem for _, mask in pairs}
        if absent:
            raise DatasetError(
                f"There is no {masks / min(absent)}.png: {root / 'meta.json'} lists this "
                "frame as annotated."
            )
        records.append(FolderRecord(name, pairs, binary=False))
    return VideoRecords(records, augment=augment, max_stride=max_stride)


def open_image_masks(
    images: str | os.PathLike[str],
    masks: str | os.PathLike[str],
    *,
    indexed: bool = False,
    augment: bool = True,
) -> VideoRecords:
    """Open pictures of your own, each with a mask of the same name.

    ::

        pictures/dog.jpg, cat.png, …
        masks/dog.png, cat.png, …      no JPEG

    Parameters
    ----------
    images, masks : the two folders. Pictures without a mask are left out.
    indexed : whether each value of a mask but 0 and 255 is an object of its own; else all that
        is not black is one object.
    augment : see `VideoRecords`. Without it the picture stands still.

    Raises
    ------
    DatasetError
        When a folder is missing, or there is no pair.
    """
    indexed, augment = check_flag(indexed, "indexed"), check_flag(augment, "augment")
    pairs = _pairs(Path(images).expanduser(), Path(masks).expanduser(), every_mask=False)
    records = [FolderRecord(pair[0].stem, (pair,), binary=not indexed) for pair in pairs]
    return VideoRecords(records, augment=augment)


def _pairs(
    pictures: Path, masks: Path, *, every_mask: bool = True
) -> tuple[tuple[Path, Path], ...]:
    """Pictures and masks of the same stem, by name."""
    by_stem = {
        path.stem: path
        for path in list_folder(pictures, "pictures")
        if path.suffix.lower() in IMAGE_SUFFIXES
    }
    found = [path for path in list_folder(masks, "masks") if path.suffix.lower() in MASK_SUFFIXES]
    for mask in found if every_mask else ():
        if mask.stem not in by_stem:
            raise DatasetError(f"{mask} has no picture: expected {pictures / mask.stem}.jpg.")
    pairs = tuple((by_stem[mask.stem], mask) for mask in found if mask.stem in by_stem)
    if not pairs:
        raise DatasetError(
            f"No file in {masks} has the name of a picture in {pictures}: expected pairs such as "
            "00000.jpg and 00000.png."
        )
    return pairs


def _annotated_frames(meta: Path) -> dict[str, set[str]]:
    """By video, the stems of all frames that some object is annotated on."""
    document = read_json(meta, '{"videos": {name: {"objects": {id: {"frames": [...]}}}}}')
    try:
        videos = cast("dict[str, dict[str, dict[str, dict[str, list[str]]]]]", document["videos"])
        return {
            name: {frame for obj in video["objects"].values() for frame in obj["frames"]}
            for name, video in videos.items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{meta} is of another form ({error!r}): expected "
            '{"videos": {name: {"objects": {id: {"frames": [...]}}}}}.'
        ) from error
