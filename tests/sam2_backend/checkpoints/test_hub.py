"""Downloads are what Meta published, or refused: a hub of our own serves right and wrong files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sam2_backend import CONFIGS, CheckpointError
from sam2_backend.checkpoints import hub

CONTENT = b"weights, or so they say" * 1000
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """Serves the same bytes as any file of any repository."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.send_header("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(monkeypatch, tmp_path) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        yield
        server.shutdown()


def test_the_hash_of_every_official_model_is_known():
    names = [name for name in CONFIGS if name.startswith("sam2")]
    assert {hub.official_file(name)[1] for name in names} == set(hub.SHA256)
    assert all(len(digest) == 64 for digest in hub.SHA256.values())


def test_a_file_that_is_right_is_fetched_once(served, monkeypatch):
    name = "sam2.1_hiera_tiny.pt"
    monkeypatch.setitem(hub.SHA256, name, hashlib.sha256(CONTENT).hexdigest())
    path = hub.fetch("facebook/sam2.1-hiera-tiny", name)
    assert path.read_bytes() == CONTENT
    assert hub.is_cached("sam2.1-hiera-tiny")
    assert hub.fetch("facebook/sam2.1-hiera-tiny", name) == path


def test_a_file_that_is_another_is_refused_and_not_kept(served, tmp_path):
    says = r"sam2_hiera_small\.pt came from the hub with the SHA-256 .* has been deleted"
    with pytest.raises(CheckpointError, match=says):
        hub.fetch("facebook/sam2-hiera-small", "sam2_hiera_small.pt")
    assert not hub.is_cached("sam2-hiera-small")
    assert CONTENT not in (file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_files_of_others_are_theirs_to_vouch_for(served):
    assert hub.fetch("somebody/sam2-cells", "model.safetensors").read_bytes() == CONTENT
