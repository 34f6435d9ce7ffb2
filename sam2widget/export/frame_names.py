"""What files call the frames of a video, and which frame a file's name means.

Frames are called as their source calls them. Names from elsewhere are matched by these names, else
by the order of numbers in both, else by number; which it was is said, and nothing is guessed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias
from urllib.parse import unquote

from sam2_backend.video import Video

from ..core.errors import SessionError
from ..core.files import clean_path, fold_case
from .wording import pluralize

_SUFFIX = re.compile(
    r"\.(avif|bmp|gif|heic|heif|jfif|jpe?g|jp2|json|npy|npz|pgm|png|ppm|tiff?|txt|webp|xml)$", re.I
)
_AFFIXES = (
    re.compile(
        r"^(?P<name>.+?)[_.\- ](?:cp_)?(?:masks?|gt|labels?|label_?ids?|instances?|seg|"
        r"segmentation|annotations?|matte)$",
        re.I,
    ),
    re.compile(r"^(?:masks?|gt|labels?|seg|segmentation)[_.\- ](?P<name>.+)$", re.I),
    # Roboflow's: cat_jpg.rf.5f0c for cat.jpg.
    re.compile(
        r"^(?P<name>.+)_(?:bmp|jpe?g|png|tiff?|webp)\.rf\.[0-9a-z]+(?:[_.\-]masks?)?$", re.I
    ),
    # Label Studio's: 3f2a1b4c-cat.jpg for cat.jpg.
    re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){0,3}-(?P<name>.+)$"),
)
"""What tools add to a picture's name."""
_LISTED = 4
_Index: TypeAlias = Callable[[Callable[[str], str]], dict[str, int]]


@dataclass(frozen=True)
class Matched:
    """The frames that some names mean."""

    frames: dict[str, int]
    """By name; those that mean none are not in it."""
    notes: tuple[str, ...] = ()
    """What had to be guessed, and which names mean no frame, in sentences."""


class FrameNames:
    """The names of a video's frames.

    Parameters
    ----------
    video : whose frames they are.
    """

    def __init__(self, video: Video) -> None:
        self._video = video
        self._names = None if video.names is None else [clean_path(name) for name in video.names]
        self._stems = None if self._names is None else _unique_stems(self._names)

    @property
    def known(self) -> bool:
        """Whether the source has names."""
        return self._names is not None

    @property
    def have_folders(self) -> bool:
        """Whether names tell pictures of several folders apart."""
        return self._names is not None and any("/" in name for name in self._names)

    def name(self, frame: int, pattern: str = "{:05}.jpg") -> str:
        """Give the source's own name of a frame, or where it has none, one made of its number.

        Parameters
        ----------
        pattern : of that number.
        """
        return pattern.format(frame) if self._names is None else self._names[frame]

    def stem(self, frame: int, pattern: str = "{:05}") -> str:
        """Give the name of a frame without suffix; no two frames have the same.

        It may have folders before a "/", but none leads upwards. Where the source has no names, it
        is made of the frame's number by `pattern`.
        """
        return pattern.format(frame) if self._stems is None else self._stems[frame]

    def match(self, names: Iterable[str], where: str) -> Matched:
        """Find the frames that names from elsewhere mean.

        Parameters
        ----------
        names : such as "00012.png", "frame_000012" or "folder/cat.jpg".
        where : names their file or folder in errors.

        Raises
        ------
        SessionError
            When none means a frame, two mean the same, or it is doubtful which they mean.
        """
        names = list(dict.fromkeys(names))
        if not names:
            return Matched({})
        if self._names is None:
            return self._match_numbers(names, where)
        found, notes = self._match_names(names, where)
        if found:
            return self._check_partial(names, found, notes, where)
        return self._match_order(names, where)

    # By name

    def _match_names(self, names: Sequence[str], where: str) -> tuple[dict[str, int], list[str]]:
        assert self._names is not None
        found: dict[str, int] = {}
        notes: list[str] = []
        tiers: list[tuple[Callable[[str], Iterable[str]], _Index, Callable[[str], str], str]] = [
            (_tails, self._index, str, ""),
            (_tails, self._index, fold_case, ""),
            (_bare_tails, self._index, fold_case, "adds to the names of frames"),
            (_all_tails, self._bare_index, fold_case, "has other additions to the names of frames"),
        ]
        for variants, make_index, fold, added in tiers:
            if len(found) == len(names):
                break
            index = make_index(fold)
            claims: defaultdict[int, list[str]] = defaultdict(list)
            for name in names:
                if name not in found:
                    known = (index[fold(one)] for one in variants(name) if fold(one) in index)
                    frame = next(known, None)
                    if frame is not None:
                        claims[frame].append(name)
            for frame in claims.keys() - set(found.values()):
                found[self._only(claims[frame], frame, where)] = frame
                if added and not notes:
                    name = next(name for name in claims[frame] if name in found)
                    notes = [f"{where} {added}: {name} is taken for {self._names[frame]}."]
        return found, notes

    def _index(self, fold: Callable[[str], str]) -> dict[str, int]:
        """Frames by name, and by name without suffix; names of several frames are left out."""
        assert self._names is not None and self._stems is not None
        whole = [(fold(name), frame) for frame, name in enumerate(self._names)]
        bare = [(fold(_stem(name)), frame) for frame, name in enumerate(self._names)]
        own = [(fold(stem), frame) for frame, stem in enumerate(self._stems)]
        index: dict[str, int] = {}
        for pairs in (whole, own, bare):
            times = Counter(name for name, _ in pairs)
            for name, frame in pairs:
                if times[name] == 1:
                    index.setdefault(name, frame)
        return index

    def _bare_index(self, fold: Callable[[str], str]) -> dict[str, int]:
        """Frames by their names without what tools have added to them, as Roboflow did.

        Names of several frames are left out.
        """
        assert self._names is not None
        bare = [{fold(one) for one in _bare_tails(name)} for name in self._names]
        times = Counter(name for names in bare for name in names)
        return {
            name: frame for frame, names in enumerate(bare) for name in names if times[name] == 1
        }

    def _only(self, names: list[str], frame: int, where: str) -> str:
        """Give the one of several names of a frame that is in the folder of this video."""
        own = fold_case(_stem(self._video.name))
        inside = [name for name in names if fold_case(PurePosixPath(name).parent.name) == own]
        if len(names) == 1 or len(inside) == 1:
            return (names if len(names) == 1 else inside)[0]
        raise SessionError(
            f"{where} has {_listed(names)}, which all mean the frame {self.name(frame)}: keep one."
        )

    def _check_partial(
        self, names: list[str], found: dict[str, int], notes: list[str], where: str
    ) -> Matched:
        left = [name for name in names if name not in found]
        if not left:
            return Matched(found, tuple(notes))
        total = len(self._video)
        if len(names) == total and _series(names) and _series(self._names or ()):
            raise SessionError(
                f"{where} names {len(names)} frames, as many as there are, but {_listed(left)} "
                f"is none of them, which are {_listed(self._names or ())}: either they count "
                "from another number, or they belong to other frames. Rename them."
            )
        if 2 * len(found) < min(len(names), total):
            raise SessionError(
                f"{where} names {len(names)} frames, but only {len(found)} of them are in this "
                f"video. Not in it: {_listed(left)}. Its frames: {_listed(self._names or ())}."
            )
        notes.append(
            f"{where} names {pluralize(len(left), 'frame')} that this video has not, left out: "
            f"{_listed(left)}."
        )
        return Matched(found, tuple(notes))

    # By number

    def _match_order(self, names: list[str], where: str) -> Matched:
        """Match names with frames by the numbers in them and in the source's names."""
        assert self._names is not None
        own, given = _series(self._names), _series(names)
        total = len(self._video)
        by = f"{where} has no names of this video's frames"
        if own is None and not any(re.search(r"\d", name) for name in self._names):
            if given is not None and all(0 <= number < total for number in given):
                found = dict(zip(names, given, strict=True))
                return Matched(found, (self._said(by, "number, from 0", found),))
        elif own is not None and given is not None:
            frames = {number: frame for frame, number in enumerate(own)}
            if all(number in frames for number in given):
                found = {name: frames[n] for name, n in zip(names, given, strict=True)}
                self._check_no_other(found, where)
                return Matched(found, (self._said(by, "the numbers in both", found),))
        if len(names) == total and given is not None and (own is not None or total == 1):
            order = [name for _, name in sorted(zip(given, names, strict=True))]
            places = range(total) if own is None else _ranks(own)
            found = dict(zip(order, places, strict=True))
            return Matched(found, (self._said(by, "the order of numbers in both", found),))
        if len(names) == total == 1:
            found = {names[0]: 0}
            return Matched(found, (self._said(by, "being the only one", found),))
        raise SessionError(
            f"{where} has masks of {_listed(names)}, but the frames are called "
            f"{_listed(self._names)}: name them alike, or give masks by frame as arrays."
        )

    def _check_no_other(self, found: dict[str, int], where: str) -> None:
        """Refuse names that begin with the name of another frame.

        What they differ in is the number of an object.
        """
        assert self._names is not None
        stems = {fold_case(_stem(name)): frame for frame, name in enumerate(self._names)}
        for name, frame in found.items():
            last = fold_case(_stem(PurePosixPath(name.replace("\\", "/")).name))
            for end in re.finditer(r"[_.\- (]", last):
                other = stems.get(last[: end.start()].rstrip(), frame)
                if other != frame:
                    raise SessionError(
                        f"{where} has {name}, whose number may be that of the frame "
                        f"{self._names[frame]}, or of an object on {self._names[other]}: name "
                        "masks as the frames, those of each object in a folder of its own, such as "
                        "001/00000.png."
                    )

    def _said(self, begin: str, how: str, found: dict[str, int]) -> str:
        first = min(found, key=found.__getitem__)
        return f"{begin}; they are matched by {how}: {first} is {self.name(found[first])}."

    def _match_numbers(self, names: list[str], where: str) -> Matched:
        """Match names with frames that have none, by number, from 0."""
        total = len(self._video)
        numbers = [_number(name) for name in names]
        if len(names) == total == 1 and numbers != [0]:
            return Matched({names[0]: 0})
        unnumbered = [name for name, n in zip(names, numbers, strict=True) if n is None]
        series = _series(names) if len(unnumbered) == len(names) > 1 else None
        if series is not None:
            numbers = list[int | None](series)
        elif unnumbered:
            raise SessionError(
                f"{where} has masks of {_listed(unnumbered)}, which does not end in the number of "
                "a frame, as 00012.png does, and the frames of this video have no names."
            )
        found = {name: n for name, n in zip(names, numbers, strict=True) if n is not None}
        low, high = min(found.values()), max(found.values())
        notes: tuple[str, ...] = ()
        if high == total and low >= 1:
            found = {name: n - 1 for name, n in found.items()}
            notes = (
                f"{where} numbers frames up to {total}, which is one more than the last, "
                f"{total - 1}: its numbers are taken to count from 1.",
            )
        elif high >= total:
            beyond = [name for name, n in found.items() if n >= total]
            raise SessionError(
                f"{where} names {_listed(beyond)}, but this video has frames 0 to {total - 1}, "
                "without names: give the folder of the pictures as the video, or name masks by "
                "frame."
            )
        elif low == 1 and high >= 3 and set(found.values()) == set(range(1, high + 1)):
            notes = (
                f"{where} numbers frames from 1 to {high}; frames count from 0, so that the first "
                "frame has no mask.",
            )
        _check_distinct(found, where)
        return Matched(found, notes)


def file_number(name: str) -> int | None:
    """Give the number that a name ends in, as 00012.png and frame_000012.txt do; None if none."""
    return _number(name)


def _check_distinct(found: dict[str, int], where: str) -> None:
    by_frame: dict[int, str] = {}
    for name, frame in found.items():
        other = by_frame.setdefault(frame, name)
        if other != name:
            raise SessionError(f"{where} has both {other} and {name} for frame {frame}: keep one.")


def _unique_stems(names: Sequence[str]) -> list[str]:
    """Take the suffix off names, but not where that would make two alike."""
    numbered = [f"{name}_{n:05}" for n, name in enumerate(names)]
    stems = [_stem(name) for name in names]
    for longer in (names, numbered):
        times = Counter(map(fold_case, stems))
        stems = [
            long if times[fold_case(stem)] > 1 else stem
            for stem, long in zip(stems, longer, strict=True)
        ]
    return stems


def _stem(name: str) -> str:
    return _SUFFIX.sub("", name) or name


def _tails(name: str) -> Iterable[str]:
    """Yield a path with and without suffix, and without each of the folders before it."""
    for one in dict.fromkeys((name, unquote(re.sub(r"[?#].*$", "", name)))):
        parts = PurePosixPath(one.replace("\\", "/")).parts
        for begin in range(len(parts)):
            tail = "/".join(parts[begin:])
            yield tail
            yield _stem(tail)


def _bare_tails(name: str) -> Iterable[str]:
    for tail in _tails(name):
        yield from _bare(tail)


def _all_tails(name: str) -> Iterable[str]:
    yield from _tails(name)
    yield from _bare_tails(name)


def _bare(name: str) -> Iterable[str]:
    """Yield a name without what tools add to it."""
    stem = _stem(name)
    for affix in _AFFIXES:
        found = affix.match(stem)
        if found:
            yield found["name"]
            yield _stem(found["name"])
            yield from _bare(found["name"])


def _number(name: str) -> int | None:
    stem = _stem(PurePosixPath(name.replace("\\", "/")).name)
    for one in (stem, *_bare(stem)):
        digits = re.search(r"([0-9]{1,18})$", one)
        if digits:
            return int(digits[1])
    return None


def _series(names: Sequence[str]) -> list[int] | None:
    """The numbers in names that differ in one number alone; None where they differ otherwise."""
    split = [re.split(r"([0-9]+)", _stem(name)) for name in names]
    if len({len(parts) for parts in split}) != 1:
        return None
    varying = [n for n, parts in enumerate(zip(*split, strict=True)) if len(set(parts)) > 1]
    if not varying:
        numbers = [_number(name) for name in names]
        return None if len(names) != 1 or numbers[0] is None else [numbers[0]]
    if len(varying) > 1 or varying[0] % 2 == 0:
        return None
    numbers = [int(parts[varying[0]][:18]) for parts in split]
    return numbers if len(set(numbers)) == len(numbers) else None


def _ranks(numbers: Sequence[int]) -> list[int]:
    """Give the places of numbers in a list, that of the smallest first."""
    return sorted(range(len(numbers)), key=numbers.__getitem__)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = len(names) - _LISTED
    listed = ", ".join(names[:_LISTED])
    return f"{listed} and {more} more" if more > 0 else listed
