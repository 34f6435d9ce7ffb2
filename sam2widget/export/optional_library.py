"""Imports of libraries that a person may not have."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sam2_backend.extras import install_command

from ..core.errors import SessionError


def import_library(name: str, instead: str) -> Any:
    """Import a library.

    Parameters
    ----------
    name : by which it is imported; the sentence says how it is installed.
    instead : what else a person can do, as the end of a sentence.

    Raises
    ------
    SessionError
        When it is not installed, or cannot be imported.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise SessionError(f"{name} cannot be imported ({error}): reinstall it.") from error
        raise SessionError(
            f"{name} is not installed: {install_command(name)}, or {instead}."
        ) from error
    except ImportError as error:
        raise SessionError(f"{name} cannot be imported ({error}): reinstall it.") from error
