"""The data sets that nano is trained on, as `sources.toml` lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomllib
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.training.datasets import DatasetError, open_dataset
from sam2_backend.training.datasets.files import read_image
from sam2_backend.training.datasets.records import Frames, Record

HERE = Path(__file__).parent

EVALUATION = frozenset(
    """
    blackswan bmx-trees breakdance camel car-roundabout car-shadow cows dance-twirl dog
    drift-chicane drift-straight goat horsejump-high kite-surf libby motocross-jump
    paragliding-launch parkour scooter-black soapbox
    bike-packing dogs-jump gold-fish india judo lab-coat loading mbike-trick pigs shooting
    """.split()  # noqa: SIM905
)
"""The validation sequences of DAVIS 2016 and 2017: evaluated on, so never trained on."""

_VOID = (255, 65535)
"""In label maps of 8 and 16 bits: pixels that belong to nothing for certain."""


@dataclass(frozen=True)
class Source:
    """A data set; see the head of `sources.toml`."""

    name: str
    origin: str
    licence: str
    words: str
    """Of the licence itself, and where they stand."""
    note: str
    weight: float
    commit: str = ""
    photographs: str = ""
    """Whose they are, where the licence does not say it all."""
    held_out: int = 0
    """n where every n-th picture is never trained on."""
    people: str = ""
    """"one" where what is labelled is one whole person, "none" where nobody is."""
    videos: bool = False
    optional: bool = False
    format: str = "label-maps"
    root: str = ""
    annotations: str = ""
    limit: int | None = None
    archives: tuple[str, ...] = ()
    debian: str = ""

    def records(self, data: Path) -> list[Record]:
        """List the records in `data/name`, whose pictures are read only when asked for.

        Raises
        ------
        DatasetError
            When it is not there, or not of its form.
        """
        folder = data / self.name
        if self.format == "label-maps":
            return list(find_label_maps(folder))
        annotations = folder / self.annotations if self.annotations else None
        return open_dataset(folder / self.root, self.format, annotations=annotations).records


def read_sources(path: Path = HERE / "sources.toml") -> dict[str, Source]:
    """Read the sources, by name."""
    with path.open("rb") as file:
        document = tomllib.load(file)
    return {
        name: Source(name, **{**entry, "archives": tuple(entry.get("archives", ()))})
        for name, entry in document.items()
    }


@dataclass(frozen=True)
class LabelMaps:
    """A still, or a video, of pictures NAME.jpg with label maps NAME.png; see `Record`."""

    name: str
    pictures: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.pictures)

    def read(self, positions: Sequence[int]) -> Frames:
        """Decode some frames; see `Record`."""
        return [self._read(self.pictures[position]) for position in positions]

    def _read(self, path: Path) -> tuple[NDArray[np.uint8], dict[int, NDArray[np.bool_]]]:
        rgb = read_image(path)
        labels = np.asarray(Image.open(path.with_suffix(".png")))
        labels = labels[..., 0] if labels.ndim == 3 else labels
        if labels.shape != rgb.shape[:2]:
            raise DatasetError(
                f"{path.with_suffix('.png')} is {labels.shape[1]}x{labels.shape[0]}: expected "
                f"{rgb.shape[1]}x{rgb.shape[0]}, the size of its picture."
            )
        return rgb, {int(v): labels == v for v in np.unique(labels) if v and v not in _VOID}


def find_label_maps(folder: Path) -> list[LabelMaps]:
    """Find the stills in a folder, and the videos in folders in it.

    Raises
    ------
    DatasetError
        When there are none.
    """
    folders = [folder, *sorted(path for path in folder.glob("*") if path.is_dir())]
    records: list[LabelMaps] = []
    for place in folders:
        pictures = [p for p in sorted(place.glob("*.jpg")) if p.with_suffix(".png").is_file()]
        if place == folder:
            records += [LabelMaps(picture.stem, (picture,)) for picture in pictures]
        elif pictures:
            records.append(LabelMaps(place.name, tuple(pictures)))
    if not records:
        raise DatasetError(
            f"There are no pictures in {folder}: expected NAME.jpg with NAME.png, a map of object "
            "numbers, or folders of them."
        )
    return records


def check_no_evaluation_data(records: Sequence[Record], of: str = "") -> None:
    """Make sure that nothing that is evaluated on is trained on.

    Parameters
    ----------
    records : videos, and stills, of which those from DAVIS are checked.
    of : set that they are of, where their names do not begin with it.

    Raises
    ------
    DatasetError
        When one of them is a validation sequence of DAVIS.
    """
    names = [f"{of}/{r.name}" for r in records if len(r) > 1 or "davis" in f"{of}/{r.name}"]
    # Stills of a video are called after it, such as bear_00012.
    found = [n for n in names if n.split("/")[-1].split("_")[0] in EVALUATION]
    if found:
        raise DatasetError(
            f"{', '.join(sorted(found)[:5])}: validation sequences of DAVIS would be learnt from, "
            "and they are what the model is measured on. Take them out of the data."
        )
