"""The formats of masks: each a file below `formats/`, or an entry point of another package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING

from sam2_backend.registry import (
    RegistryError,
    UnknownPartError,
    find,
    is_built_in,
    load_all,
    names,
    origin,
    register_modules,
)
from sam2_backend.video import Video

from ..core.errors import SessionError
from ..core.user_warnings import warn

if TYPE_CHECKING:
    from .segmentation import Imported

GROUP = "sam2widget.export"
"""Of entry points."""
FORMAT = "FORMAT"
"""What a module of a format calls it."""
FOLDERS = ("annotation_tools", "datasets", "movies", "science")
"""Of `formats/`, in which the formats are."""

register_modules(GROUP, [f"{__package__}.formats.{folder}" for folder in FOLDERS], FORMAT)


@dataclass(frozen=True)
class Format:
    """How masks are written to files, and read."""

    name: str
    """By which `export_masks` is told."""
    suffix: str
    """Of the file, in small letters, such as ".json"; "" for a folder."""
    write: Callable[..., Path]
    """``write(segmentation, path, *, …)`` writes a `Segmentation` and returns what it has written;
    what comes after the path are the format's options. The folder of a file is there already, and
    so is `path` where that is a folder."""
    read: Callable[[Path, Video], Imported] | None = None
    """``read(path, video)`` reads it; None where it is written only."""
    description: str = ""
    """What is written, in a few words."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """What each option of `write` does, by its name."""
    recognize: Callable[[Path], bool] | None = None
    """Whether a file or folder with one of the suffixes is of this format, by what is in it. A
    format without it is taken where no other of its suffix recognizes what is there."""
    more_suffixes: frozenset[str] = frozenset()
    """Of other files that `read` reads."""
    is_sparse: bool = False
    """Whether it is written without an array of a mask or a picture: of large pictures too."""

    def __post_init__(self) -> None:
        known = option_names(self.write)
        if set(self.options) != set(known):
            raise ValueError(
                f"The options of the format {self.name!r} are described as "
                f"{list(self.options)}, but it is written with {known}."
            )

    @property
    def read_suffixes(self) -> frozenset[str]:
        """Suffixes of the files that the format reads; "" for a folder."""
        return frozenset() if self.read is None else self.more_suffixes | {self.suffix}


def option_names(write: Callable[..., Path]) -> list[str]:
    """List the keywords of a writer, after the segmentation and the path."""
    given = list(signature(write).parameters.values())[2:]
    return [one.name for one in given if one.kind is not Parameter.VAR_KEYWORD]


def flag_names(write: Callable[..., Path]) -> set[str]:
    """List those keywords of a writer that are True or False, by what they are if not given."""
    parameters = signature(write).parameters
    return {name for name in option_names(write) if isinstance(parameters[name].default, bool)}


class _Formats(Mapping[str, Format]):
    """All formats by name, loaded when one is asked for."""

    def __getitem__(self, name: str) -> Format:
        return self._load()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def __repr__(self) -> str:
        return f"<formats: {', '.join(names(GROUP))}>"

    def _load(self) -> dict[str, Format]:
        formats: dict[str, Format] = {}
        for name, one in load_all(GROUP).items():
            try:
                formats[name] = _checked(name, one)
            except SessionError as error:
                warn(str(error))
        return formats


FORMATS: Mapping[str, Format] = _Formats()
"""By name: the built-in ones, then those of other packages."""


def find_format(name: str) -> Format:
    """Find the format of a name.

    Raises
    ------
    SessionError
        When there is none, or another package's cannot be used.
    """
    try:
        return _checked(name, find(GROUP, name))
    except UnknownPartError:
        raise SessionError(
            f"There is no format {name!r}. Formats: {_listed(FORMATS.values())}."
        ) from None
    except RegistryError as error:
        raise SessionError(str(error)) from error


def format_for_writing(path: Path) -> Format:
    """Find the format that a path's suffix says.

    Raises
    ------
    SessionError
        When it says none, or several have it.
    """
    suffix = path.suffix.lower()
    found = [one for one in FORMATS.values() if one.suffix and one.suffix == suffix]
    # What another package adds does not make doubtful what was clear.
    for choice in ([one for one in found if is_built_in(GROUP, one.name)], found):
        if len(choice) == 1:
            return choice[0]
    raise SessionError(
        f"Which format shall {path} have? Say format= one of {_listed(found or FORMATS.values())}."
    )


def format_for_reading(path: Path) -> Format:
    """Find the format of what is at a path, by its suffix and contents.

    Raises
    ------
    SessionError
        When it is of none.
    """
    suffix = "" if path.is_dir() else path.suffix.lower()
    candidates = [one for one in FORMATS.values() if suffix in one.read_suffixes]
    for one in candidates:
        if _recognizes(one, path):
            return one
    for one in candidates:
        if one.recognize is None:
            return one
    raise SessionError(
        f"{path} is of no format that can be read: {list_readable()}. Say which it is with format=."
    )


def list_readable() -> str:
    """List the names of the formats that can be read, for a sentence."""
    return _listed(one for one in FORMATS.values() if one.read is not None)


def _checked(name: str, part: object) -> Format:
    if isinstance(part, Format) and part.name == name:
        return part
    raise SessionError(
        f"{name!r} of {GROUP} in {origin(GROUP, name)} is no Format of that name, and is left out."
    )


def _recognizes(one: Format, path: Path) -> bool:
    if one.recognize is None:
        return False
    try:
        return one.recognize(path)
    except SessionError:
        raise
    except Exception as error:  # whatever another package may do
        warn(
            f"{one.name!r} of {GROUP} in {origin(GROUP, one.name)} cannot tell whether {path} is "
            f"its own ({type(error).__name__}: {error}): it is not asked."
        )
        return False


def _listed(formats: Iterable[Format]) -> str:
    return ", ".join(one.name for one in formats)
