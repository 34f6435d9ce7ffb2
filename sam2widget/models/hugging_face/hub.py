"""Loading from folders and the Hugging Face hub, and what to do where that fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from sam2_backend.extras import install_command

from ...core.errors import SessionError

INSTALL = install_command("transformers")


def require_transformers(what: str) -> Any:
    """Import transformers.

    Parameters
    ----------
    what : needs it, at the beginning of a sentence.

    Raises
    ------
    SessionError
        When it is not installed, or too old.
    """
    try:
        transformers = import_module("transformers")
    except ImportError as error:
        raise SessionError(
            f"{what} needs the package transformers: {INSTALL}, then restart the kernel."
        ) from error
    if int(transformers.__version__.partition(".")[0]) < 5:
        raise SessionError(
            f"{what} needs transformers 5, and {transformers.__version__} is installed: {INSTALL}, "
            "then restart the kernel."
        )
    return transformers


def find_class(name: str) -> Any:
    """A class of transformers, which is imported now.

    Raises
    ------
    SessionError
        When this transformers has none, or cannot import it.
    """
    transformers = require_transformers(name)
    try:
        return getattr(transformers, name)
    except AttributeError as error:
        raise SessionError(
            f"transformers {transformers.__version__} has no {name}: pip install --upgrade "
            "transformers, then restart the kernel."
        ) from error
    except (ImportError, RuntimeError) as error:
        cause = list(_causes(error))[-1]
        raise SessionError(
            f"transformers cannot import {name} ({type(cause).__name__}: {_first_line(cause)}). "
            "Most often torchvision is not of the same build as torch: install both from one place."
        ) from error


def load_from_hub(source: str, class_name: str) -> Any:
    """Call `from_pretrained` of a class of transformers with a hub id or a folder.

    Raises
    ------
    SessionError
        When it is not there or cannot be had, with what to do.
    """
    folder = Path(os.path.expanduser(source))
    is_folder = os.path.isdir(folder)
    if not is_folder and _is_path(source):
        raise SessionError(
            f"There is no folder {folder}: give one that save_pretrained() has written, or the id "
            "of a model on the hub such as facebook/sam2.1-hiera-tiny."
        )
    if is_folder and not (folder / "config.json").is_file():
        raise SessionError(
            f"{folder} has no config.json: give a folder that save_pretrained() has written."
        )
    cls = find_class(class_name)
    try:
        return cls.from_pretrained(str(folder) if is_folder else source)
    except ImportError as error:
        raise SessionError(f"{source} needs another package. {_first_line(error)}") from error
    except (OSError, ValueError) as error:
        raise SessionError(_describe(source, is_folder, error)) from error


def _describe(source: str, is_folder: bool, error: Exception) -> str:
    """Say why a model cannot be had, and what to do."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    if is_folder:
        return f"{source} cannot be loaded. {_first_line(error)}"
    causes = list(_causes(error))

    def is_one(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    page = f"{constants.ENDPOINT}/{source}"
    if is_one(GatedRepoError) or "gated repo" in str(error):
        return (
            f"{source} is gated. Ask for access on {page}, make a token on "
            f"{constants.ENDPOINT}/settings/tokens, log in with `hf auth login`, and load it again."
        )
    if is_one(HFValidationError):
        return f"{source!r} is neither a folder nor an id of a model such as facebook/sam3."
    if is_one(RepositoryNotFoundError):
        return (
            f"The hub has no {source}, or it is private: see {page}. Private ones need "
            "`hf auth login`."
        )
    if constants.HF_HUB_OFFLINE or is_one(OfflineModeIsEnabled):
        return (
            f"{source} is not on this machine, and HF_HUB_OFFLINE forbids to download it: unset "
            "that, or give the folder of a copy."
        )
    if is_one(LocalEntryNotFoundError, ConnectionError) or "connect to" in str(error):
        return (
            f"{source} is not on this machine, and {constants.ENDPOINT} does not answer: try again "
            "with a network, or give the folder of a copy."
        )
    return f"{source} cannot be loaded. {_first_line(error)}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it came of."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _is_path(source: str) -> bool:
    return source.startswith((".", "~", "/", os.sep)) or Path(source).is_absolute()
