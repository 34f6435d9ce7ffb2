"""Weights from the Hugging Face hub, the official ones checked to the last byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

OFFICIAL_OWNER = "facebook"
_TIMEOUT_S = 10.0
_CHUNK_BYTES = 2**22

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


def official_file(name: str) -> tuple[str, str]:
    """Return repository id and file name of an official model."""
    return f"{OFFICIAL_OWNER}/{name}", name.replace("-", "_") + ".pt"


def is_cached(name: str) -> bool:
    """Return whether an official model is in the hub's cache on this machine."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(*official_file(name)), str)


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
        When it is not there and cannot be downloaded, or is not what Meta published.
    """
    from huggingface_hub import (
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
        try_to_load_from_cache,
    )
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
        path = Path(hf_hub_download(repository, filename))
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
