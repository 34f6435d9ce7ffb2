"""Names of files that their system takes, and files that are replaced in one step."""

from __future__ import annotations

import os
import re
import time
import unicodedata
from pathlib import Path

_IS_WINDOWS = os.name == "nt"
MAX_NAME_BYTES = 150
"""Of a name that is made of a text: file systems take 255, and suffixes follow."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)", re.I)
"""Names of devices on Windows, also with a suffix."""
_IN_USE = 5, 32
"""Errors of Windows where another program has a file open."""
_PAUSES_S = 0.02, 0.05, 0.1, 0.2, 0.4, 0.8


def fold_case(name: str) -> str:
    """Give a name as most file systems compare it: composed, without case."""
    return unicodedata.normalize("NFC", name).casefold()


def make_file_name(text: str, *, default: str) -> str:
    """Make a text fit to name a file on any system, so that it never leads to another folder.

    What names of files cannot have is replaced; `default` where nothing is left.
    """
    name = "".join(c if c.isalnum() or c in " -_." else "_" for c in text)
    name = name.encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(" .") or default
    return f"_{name}" if _RESERVED.match(name) else name


def clean_path(path: str) -> str:
    """Make a relative path, with "/" or "\\\\" between its parts, lead to no other folder.

    It is kept as it is otherwise, but for what the system of this machine does not take.
    """
    return "/".join(_clean(part) for part in re.split(r"[/\\]", path))


def replace_file(made: Path, target: Path) -> None:
    """Put a file in place of another in one step.

    On Windows that fails while another program has the other open, for instance to look for
    viruses in it: it is tried again for a second or two.

    Raises
    ------
    OSError
        When it cannot be done.
    """
    for pause_s in _PAUSES_S:
        try:
            os.replace(made, target)
            return
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _IN_USE:
                raise
        time.sleep(pause_s)
    os.replace(made, target)


def _clean(part: str) -> str:
    if part in ("", ".", ".."):
        return "_"
    part = "".join("_" if unicodedata.category(c) == "Cc" else c for c in part)
    if _IS_WINDOWS:
        # A colon would hide what is written in a stream beside the file.
        part = re.sub(r'[<>:"|?*]', "_", part)
        part = re.sub(r"[. ]+$", lambda end: "_" * len(end[0]), part)
        part = f"_{part}" if _RESERVED.match(part) else part
    return part
