"""Weights from the Hugging Face hub, the official ones checked to the last byte."""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OFFICIAL_OWNER = "facebook"
_TIMEOUT_S = 10.0
_CHUNK_BYTES = 2**22
_REPORT_S = 0.25
"""How often a download is told of."""

SHA256 = {
    "sam2_hiera_tiny.pt": "65b50056e05bcb13694174f51bb6da89c894b57b75ccdf0ba6352c597c5d1125",
    "sam2_hiera_small.pt": "95949964d4e548409021d47b22712d5f1abf2564cc0c3c765ba599a24ac7dce3",
    "sam2_hiera_base_plus.pt": "d0bb7f236400a49669ffdd1be617959a8b1d1065081789d7bbff88eded3a8071",
    "sam2_hiera_large.pt": "7442e4e9b732a508f80e141e7c2913437a3610ee0c77381a66658c3a445df87b",
    "sam2.1_hiera_tiny.pt": "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69",
    "sam2.1_hiera_small.pt": "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38",
    "sam2.1_hiera_base_plus.pt": "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5",
    "sam2.1_hiera_large.pt": "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318",
}
"""Digests of the files that Meta published, in any revision of its repositories."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, downloaded or used; the message says which and why."""


class DownloadCancelled(CheckpointError):
    """A download that a person has cancelled."""


OnProgress = Callable[[int, int], bool]
"""Called with the bytes that are there and those in all, 0 where that is not known; False ends the
download."""

_watching = threading.local()


@contextmanager
def watch_downloads(on_progress: OnProgress) -> Generator[None, None, None]:
    """Tell of downloads that this thread asks for meanwhile, some times a second.

    Parameters
    ----------
    on_progress : called in this thread; it may end a download.
    """
    before = getattr(_watching, "on_progress", None)
    _watching.on_progress = on_progress
    try:
        yield
    finally:
        _watching.on_progress = before


def official_file(name: str) -> tuple[str, str]:
    """Return repository id and file name of an official model."""
    return f"{OFFICIAL_OWNER}/{name}", name.replace("-", "_") + ".pt"


def is_cached(name: str) -> bool:
    """Return whether an official model is in the hub's cache on this machine."""
    return cached_file(name) is not None


def cached_file(name: str) -> Path | None:
    """Return the file of an official model in the hub's cache; None if it is not there."""
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(*official_file(name))
    return Path(cached) if isinstance(cached, str) else None


def fetch(repository: str, filename: str) -> Path:
    """Fetch a file of the hub, from the cache if it is there.

    Parameters
    ----------
    repository : its id, such as ``"facebook/sam2.1-hiera-tiny"``.
    filename : of the file in it. Official ones are checked against `SHA256`.

    Returns
    -------
    Path
        Of the file in the cache.

    Raises
    ------
    CheckpointError
        When it is not there and cannot be downloaded, or is not what Meta published;
        `DownloadCancelled` when a function given to `watch_downloads` has ended it.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import (
        EntryNotFoundError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    cached = try_to_load_from_cache(repository, filename)
    if isinstance(cached, str):
        return Path(cached)
    try:
        # The download itself would go on asking an unreachable hub for half a minute.
        get_hf_file_metadata(hf_hub_url(repository, filename), timeout=_TIMEOUT_S)
        path = _download(repository, filename)
    except DownloadCancelled:
        raise
    except Exception as error:  # those of the HTTP library differ between versions of the hub's
        absent = isinstance(error, RepositoryNotFoundError | EntryNotFoundError)
        # LocalEntryNotFoundError is an EntryNotFoundError too: it means offline, not absent.
        if absent and not isinstance(error, LocalEntryNotFoundError):
            raise CheckpointError(
                f"The hub has no {filename} in {repository!r}. Check the repository's name."
            ) from error
        raise CheckpointError(
            f"{filename} of {repository!r} is not in the cache and could not be downloaded "
            f"({type(error).__name__}). Check the connection, load a file you have by its path, "
            "or use the bundled model: load_model('nano')."
        ) from error
    if repository.startswith(f"{OFFICIAL_OWNER}/") and filename in SHA256:
        _verify_digest(path, SHA256[filename])
    return path


def _download(repository: str, filename: str) -> Path:
    """Download a file, in a thread of its own where someone is told of it.

    What has been cancelled goes on there to the end of what cannot be interrupted; a later download
    begins where it stopped.
    """
    from huggingface_hub import hf_hub_download

    on_progress: OnProgress | None = getattr(_watching, "on_progress", None)
    if on_progress is None:
        return Path(hf_hub_download(repository, filename))
    counter = _Counter()
    options: dict[str, Any] = {}
    if "tqdm_class" in inspect.signature(hf_hub_download).parameters:
        options["tqdm_class"] = _make_bar(counter)
    done: list[Path | BaseException] = []
    ended = threading.Event()

    def run() -> None:
        try:
            done.append(Path(hf_hub_download(repository, filename, **options)))
        except BaseException as error:
            done.append(error)
        ended.set()

    threading.Thread(target=run, name="sam2widget download", daemon=True).start()
    while not ended.wait(_REPORT_S):
        if not on_progress(counter.done_bytes, counter.total_bytes):
            counter.cancelled = True
            raise DownloadCancelled(f"The download of {filename} was cancelled.")
    found = done[0]
    if isinstance(found, BaseException):
        raise found
    return found


class _Counter:
    """How much of a download is there."""

    def __init__(self) -> None:
        self.done_bytes = 0
        self.total_bytes = 0
        self.cancelled = False


def _make_bar(counter: _Counter) -> type[Any]:
    """A class of progress bars that draw nothing and count."""
    from tqdm import tqdm

    class Bar(tqdm):  # pyright: ignore
        def __init__(self, *args: Any, **options: Any) -> None:
            # What draws nothing counts nothing either, but for what it is told here.
            options = {k: v for k, v in options.items() if k in ("total", "initial", "unit")}
            super().__init__(*args, **options, disable=True)
            counter.total_bytes = int(options.get("total") or 0)
            counter.done_bytes = int(options.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            if counter.cancelled:
                raise DownloadCancelled("It was cancelled.")
            counter.done_bytes += int(n or 0)
            counter.total_bytes = int(getattr(self, "total", 0) or counter.total_bytes)
            return None

    return Bar


def _verify_digest(path: Path, expected: str) -> None:
    """Refuse a file of another digest, and delete it from the cache."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != expected:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise CheckpointError(
            f"{path.name} came from the hub with the SHA-256 {digest.hexdigest()}, but what Meta "
            f"published has {expected}: it was damaged on the way or replaced, and has been "
            "deleted. Fetch it again, or load a file that you trust by its path."
        )
