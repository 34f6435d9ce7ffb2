"""What is at a URL is read in ranges; what cannot be read gets a sentence without secrets."""

from __future__ import annotations

import re
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from sam2_backend.video import VideoError, open_video
from sam2_backend.video.remote.files import BLOCK_BYTES, access_error, strip_secrets
from sam2widget.annotation.session import Session
from sam2widget.storage.saved_session import SavedSession
from tests.support.films import write_film
from tests.support.missing_library import hide_library
from tests.support.zarr_stores import need_zarr

from .test_arrays import DEEP, GREY, RGB, same
from .test_stores import OMERO, ome

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
pytest.importorskip("aiohttp", reason="aiohttp is not installed")


class Handler(BaseHTTPRequestHandler):
    """Files of a folder, as a web server gives them."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        site: Site = self.server.site
        path = urlsplit(self.path).path
        place = site.folder / path.lstrip("/")
        if path in site.errors:
            return self.give(site.errors[path], b"no")
        if place.is_dir():
            links = "".join(f'<a href="{one.name}">{one.name}</a>' for one in place.iterdir())
            return self.give(200, links.encode(), {"Content-Type": "text/html"})
        if not place.is_file():
            return self.give(404, b"none")
        content = place.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)?", self.headers.get("Range", ""))
        if wanted is None or not site.ranges:
            return self.give(200, content)
        start, end = int(wanted[1]), int(wanted[2] or len(content) - 1)
        part = content[start : end + 1]
        span = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        return self.give(206, part, {"Content-Range": span})

    def give(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if self.server.site.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.server.site.sent += len(body)
            self.wfile.write(body)

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_):
        pass


class Site:
    """A web server of a folder that counts what it sends."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sent, self.ranges = folder, 0, True
        self.errors: dict[str, int] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.site = self
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=partial(self.server.serve_forever, 0.02))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """Of noise, so that it is large: 240 frames with a keyframe each 12."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (16, 240, 320, 3), dtype=np.uint8)
    frames = (np.roll(noise[n % 16], n, 0) for n in range(240))
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return write_film(path, frames, preset="ultrafast", crf=12, g=12)


def test_a_video_is_read_in_ranges(site, film):
    (site.folder / "film.mp4").write_bytes(film.read_bytes())
    size = film.stat().st_size
    assert size > 20 * BLOCK_BYTES
    disk, video = open_video(film), open_video(f"{site.url}/film.mp4")
    assert len(video) == 240 and video.name == "film.mp4" and video.path is None
    for frame in (120, 3, 121):
        assert np.array_equal(video[frame], disk[frame])
    assert site.sent < size / 2
    sent = site.sent
    assert np.array_equal(video[120], disk[120]) and site.sent == sent


def test_threads_read_a_remote_video_at_the_same_time(site, film, monkeypatch):
    monkeypatch.setattr("sam2_backend.video.containers.container.CACHE_BYTES", 0)
    (site.folder / "film.mp4").write_bytes(film.read_bytes())
    disk, video = open_video(film), open_video(f"{site.url}/film.mp4")
    expected = {frame: disk[frame] for frame in (5, 60, 110, 230)}
    wrong = []

    def read(order) -> None:
        for frame in order:
            if not np.array_equal(video[frame], expected[frame]):
                wrong.append(frame)

    threads = [
        threading.Thread(target=read, args=(order,))
        for order in ((5, 230, 60), (110, 5, 230), (60, 110, 5))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_server_without_ranges_gets_a_sentence(site, film):
    (site.folder / "film.mp4").write_bytes(film.read_bytes())
    site.ranges = False
    with pytest.raises(VideoError, match=r"film\.mp4 does not give parts of a file.*download it"):
        open_video(f"{site.url}/film.mp4")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (404, r"There is nothing at http://127\.0\.0\.1:\d+/film\.mp4 \(404\)"),
        (403, r"film\.mp4 may not be read \(403\): it asks for credentials"),
        (401, r"film\.mp4 may not be read \(401\)"),
        (500, r"refuses \(500\): try again"),
    ],
)
def test_what_a_server_refuses_gets_a_sentence_without_the_token(site, status, sentence):
    site.errors["/film.mp4"] = status
    with pytest.raises(VideoError, match=sentence) as caught:
        open_video(f"{site.url.replace('//', '//me:hidden@')}/film.mp4?token=hidden")
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_file_that_goes_while_it_is_read_gets_a_sentence(site, film, monkeypatch):
    monkeypatch.setattr("sam2_backend.video.containers.container.CACHE_BYTES", 0)
    (site.folder / "film.mp4").write_bytes(film.read_bytes())
    video = open_video(f"{site.url}/film.mp4")
    site.errors["/film.mp4"] = 403
    with pytest.raises(VideoError, match="may not be read"):
        video[120]


def test_a_server_that_is_away_gets_a_sentence(site):
    site.close()
    site.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.thread = threading.Thread(target=partial(site.server.serve_forever, 0.02))
    site.thread.start()
    with pytest.raises(VideoError, match=r"127\.0\.0\.1:\d+ cannot be reached"):
        open_video(f"{site.url}/film.mp4")


def test_a_server_that_does_not_answer_gets_a_sentence():
    said = str(access_error("https://there.org/a.mp4", TimeoutError()))
    assert (
        said == "https://there.org/a.mp4 does not answer in time: try again, or download it first."
    )


@pytest.mark.parametrize("where", ["http", "memory"])
def test_pictures_and_folders_of_them_are_read_by_url(site, where, request):
    for n in (10, 9, 0):
        Image.fromarray(RGB[n % 7]).save(site.folder / f"f{n}.png")
        Image.fromarray(DEEP[n % 7]).save(site.folder / f"deep{n}.png")
    base = site.url
    (site.folder / "frames").mkdir()
    for n in (10, 9, 0):
        (site.folder / f"f{n}.png").rename(site.folder / "frames" / f"f{n}.png")
    (site.folder / "frames" / "._f0.png").write_bytes(b"of a Mac")
    if where == "memory":
        memory, base = fsspec.filesystem("memory"), "memory://pictures"
        memory.put(str(site.folder), "/pictures", recursive=True)
        request.addfinalizer(lambda: memory.rm("/pictures", recursive=True))
    video = open_video(f"{base}/frames/")
    assert same(video, RGB[[0, 2, 3]]) and video.names == ["f0.png", "f9.png", "f10.png"]
    assert video.location == f"{base}/frames/"
    one = open_video(f"{base}/frames/f9.png")
    assert one.kind == "images" and np.array_equal(one[0], RGB[2])
    assert open_video(f"{base}/frames/", "images").sizes == [(56, 40)] * 3


def test_a_folder_without_pictures_says_so(site):
    (site.folder / "notes.txt").write_text("none")
    with pytest.raises(VideoError, match="holds no images"):
        open_video(f"{site.url}/")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_is_read_by_url(site, version):
    ome(site.folder / "a.ome.zarr", version, omero=OMERO)
    video = open_video(f"{site.url}/a.ome.zarr")
    assert np.array_equal(video.raw(3)[..., 0], DEEP[3])
    assert video.contrast.channels[0].color == "#00ff00"
    assert video.location == f"{site.url}/a.ome.zarr"
    small = open_video(f"{site.url}/a.ome.zarr/1")
    assert np.array_equal(small.raw(3)[..., 0], DEEP[3, ::2, ::2])


def test_zarr_is_read_by_url(site):
    need_zarr().save_array(str(site.folder / "a.zarr"), RGB)
    assert same(open_video(f"{site.url}/a.zarr"))
    with pytest.raises(VideoError, match=r"none\.zarr cannot be read as zarr"):
        open_video(f"{site.url}/none.zarr")
    with pytest.raises(VideoError, match=r"a\.zarr is a store of many files, to which a query"):
        open_video(f"{site.url}/a.zarr?token=hidden")


def test_hdf5_is_read_by_url(site):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(site.folder / "a.h5", "w") as file:
        file["film"] = GREY
    assert same(open_video(f"{site.url}/a.h5"), GREY)


def test_any_place_of_fsspec_is_read(film, request):
    memory = fsspec.filesystem("memory")
    memory.pipe("/films/film.mp4", film.read_bytes())
    request.addfinalizer(lambda: memory.rm("/films", recursive=True))
    video = open_video("memory://films/film.mp4")
    assert np.array_equal(video[100], open_video(film)[100])
    with pytest.raises(VideoError, match=r"There is nothing at memory://films/none\.mp4"):
        open_video("memory://films/none.mp4")


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://me:secret@there.org/a.mp4?X-Amz-Signature=1#t", "https://there.org/a.mp4"),
        ("https://token@there.org:8080/a/", "https://there.org:8080/a/"),
        ("sftp://me:secret@there.org/a.mp4", "sftp://me@there.org/a.mp4"),
        ("s3://bucket/frames/", "s3://bucket/frames/"),
        ("hf://datasets/me/films@main/a.mp4", "hf://datasets/me/films@main/a.mp4"),
        ("simplecache::https://u:p@there.org/a?b", "simplecache::https://there.org/a"),
    ],
)
def test_a_location_holds_no_secrets(url, bare):
    assert strip_secrets(url) == bare


def test_a_session_opens_its_remote_video_again(site, film):
    (site.folder / "film.mp4").write_bytes(film.read_bytes())
    video = open_video(f"{site.url}/film.mp4?token=hidden")
    saved = SavedSession.of(Session(len(video), video.height, video.width), video, "", None)
    assert saved.video_path == f"{site.url}/film.mp4"
    assert len(saved.open_video()) == len(video)


def test_an_unknown_protocol_and_a_missing_package_get_a_sentence(monkeypatch):
    with pytest.raises(VideoError, match=r"abacus://a\.mp4 cannot be read .*abacus"):
        open_video("abacus://a.mp4")
    with pytest.raises(VideoError, match="needs another package"):
        open_video("gdrive://a.mp4")
    hide_library(monkeypatch, "fsspec")
    with pytest.raises(VideoError, match=r"needs fsspec: .*\[remote\]"):
        open_video("https://there.org/a.mp4")
