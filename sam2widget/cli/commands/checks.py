"""What a command is given, checked before anything takes long."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...core.errors import SessionError


def check_choices(arguments: argparse.Namespace) -> None:
    """Refuse a model, a memory policy or a device that there is not; nothing is loaded.

    Parameters
    ----------
    arguments : of which model, memory, device and devices are checked, where a command has them.

    Raises
    ------
    SessionError
        When there is none of that name.
    """
    from ...models.source import check_device, check_model, memory_source

    given = vars(arguments)
    if given.get("model") is not None:
        check_model(given["model"])
    memory_source(given.get("memory"))
    for device in (given.get("device"), *(given.get("devices") or ())):
        check_device(device)


def check_weights(arguments: argparse.Namespace) -> None:
    """Refuse what is no network of SAM 2, as `check_choices` does any model.

    Raises
    ------
    SessionError, CheckpointError
        When there is none of that name, or no such device.
    """
    from sam2_backend.checkpoints.names import check_name

    from ...models.source import check_device

    check_name(arguments.model)
    check_device(getattr(arguments, "device", None))


def check_folder(folder: Path, option: str) -> None:
    """Refuse to write to a folder where a file is in the way.

    Raises
    ------
    SessionError
        When it is so.
    """
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not there.is_dir():
        raise SessionError(
            f"{option} is a folder to write to, and {there} is a file: give another."
        )
