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
        for module in ("constants", "file_download"):  # earlier versions have it in both
            name = f"huggingface_hub.{module}.HUGGINGFACE_CO_URL_TEMPLATE"
            monkeypatch.setattr(name, template, raising=False)
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


def test_a_download_is_told_of_and_can_be_ended(served, monkeypatch):
    said: list[tuple[int, int]] = []
    going = threading.Event()
    monkeypatch.setattr(hub, "_REPORT_S", 0.02)
    write = Hub.do_GET

    def wait(handler: Hub) -> None:
        handler.do_HEAD()
        handler.wfile.write(CONTENT[:1000])
        handler.wfile.flush()
        going.wait(60)
        handler.wfile.write(CONTENT[1000:])

    monkeypatch.setattr(Hub, "do_GET", wait)

    def cancel(done_bytes: int, total_bytes: int) -> bool:
        said.append((done_bytes, total_bytes))
        return len(said) < 5

    with hub.watch_downloads(cancel), pytest.raises(hub.DownloadCancelled, match="was cancelled"):
        hub.fetch("somebody/sam2-cells", "model.safetensors")
    assert len(said) == 5 and all(0 <= done <= len(CONTENT) for done, _ in said)
    going.set()
    monkeypatch.setattr(Hub, "do_GET", write)
    with hub.watch_downloads(lambda done, total: True):
        assert hub.fetch("somebody/sam2-cells", "model.safetensors").read_bytes() == CONTENT


def test_the_bytes_of_a_download_are_counted():
    counter = hub._Counter()
    bar = hub._make_bar(counter)(total=100, initial=20, desc="a file", name="hub", unit="B")
    with bar:
        bar.update(30)
        assert (counter.done_bytes, counter.total_bytes) == (50, 100)
        counter.cancelled = True
        with pytest.raises(hub.DownloadCancelled):
            bar.update(1)
