"""What somebody who means harm gets out of `sam2widget serve`: a server that really runs.

`tests/browser/test_serve.py` has what a browser can try.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import struct
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psutil
import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from sam2widget.serve.handlers import MAX_BURST_BYTES
from sam2widget.serve.server import MAX_BODY_BYTES, MAX_MESSAGE_BYTES
from sam2widget.serve.videos import MAX_COPIES
from sam2widget.storage.session_file import SUFFIX
from tests.browser.serving import Server, running_server
from tests.support.waiting import LIMIT_S, wait_until

SCRIPT = "<script>alert(1)</script>"
V1 = "v1.kernel.websocket.jupyter.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    # The second has the session file that bob's copy of the first would have.
    sources = [folder / "cat.npy", folder / "cat.bob.npy"]
    for path in sources:
        np.save(path, np.zeros((3, 32, 48, 3), np.uint8))
    with running_server(sources, folder / "sessions", "--workers", "4") as running:
        yield running


class Visitor:
    """Somebody with a token and a program of their own in place of a browser."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.get(f"?token={server.token}")

    def get(self, path: str) -> tuple[int, str]:
        return self._open(urllib.request.Request(self.server.base + path))

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        fields["_xsrf"] = self.cookie("_xsrf")
        data = urllib.parse.urlencode(fields).encode()
        return self._open(urllib.request.Request(self.server.base + path, data))

    def cookie(self, name: str) -> str:
        return next(one.value or "" for one in self.cookies if one.name == name)

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{one.name}={one.value}" for one in self.cookies)

    def open_page(self, number: int = 0) -> tuple[str, str]:
        """Open a video, and give the id of the page's kernel and the page."""
        status, page = self.get(f"video/{number}")
        assert status == 200, page
        found = re.search(r'"kernelId": "([0-9a-f-]+)"', page)
        assert found is not None, page
        return found[1], page

    def leave(self, kernel: str) -> None:
        assert self.post(f"voila/api/shutdown/{kernel}")[0] == 204

    async def connect(self, kernel: str, **headers: str) -> WebSocketClientConnection:
        """Open the way to a kernel."""
        address = self.server.base.replace("http:", "ws:", 1)
        request = HTTPRequest(
            f"{address}api/kernels/{kernel}/channels?session_id={uuid4().hex}",
            headers={"Cookie": self.cookie_header, "Sec-WebSocket-Protocol": V1, **headers},
            connect_timeout=LIMIT_S,
            request_timeout=LIMIT_S,
        )
        return await open_socket(request)

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=LIMIT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture(scope="module")
def visitor(server: Server) -> Visitor:
    return Visitor(server)


@pytest.fixture(scope="module")
def kernel(visitor: Visitor) -> str:
    return visitor.open_page()[0]


def message(kind: str, content: dict[str, Any], channel: str = "shell", padding: int = 0) -> bytes:
    """A message of the kernel's protocol, as the browser frames it."""
    header = {
        "msg_id": uuid4().hex,
        "msg_type": kind,
        "username": "",
        "session": "s",
        "version": "5.3",
        "date": "2026-01-01T00:00:00Z",
    }
    parts = [channel.encode(), *(json.dumps(one).encode() for one in (header, {}, {}, content))]
    parts.append(b"\0" * padding)
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def read_header(data: str | bytes | None) -> dict[str, Any]:
    assert isinstance(data, bytes), data
    (count,) = struct.unpack_from("<Q", data)
    offsets = struct.unpack_from(f"<{count}Q", data, 8)
    return json.loads(data[offsets[1] : offsets[2]])


def run(action: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        return await asyncio.wait_for(action, LIMIT_S)

    return asyncio.run(limited())


async def open_socket(request: HTTPRequest) -> WebSocketClientConnection:
    return await websocket_connect(request, max_message_size=2**30)


async def answers_until(socket: WebSocketClientConnection, last: str) -> list[str]:
    """Kinds of what a kernel answers, up to the last."""
    found: list[str] = []
    while last not in found:
        found.append(read_header(await socket.read_message())["msg_type"])
    return found


def ask(server: Server, act: Callable[[http.client.HTTPConnection], None]) -> tuple[int, str]:
    """Ask by a connection of one's own, byte by byte if need be; 0 where it is only closed."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.base).netloc, timeout=60)
    try:
        act(connection)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (ConnectionError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


# Who gets in


def test_no_socket_opens_without_the_token_nor_from_a_page_of_elsewhere(
    server: Server, visitor: Visitor, kernel: str
) -> None:
    address = server.base.replace("http:", "ws:", 1) + f"api/kernels/{kernel}/channels"
    with pytest.raises(HTTPClientError) as stranger:
        run(open_socket(HTTPRequest(address)))
    assert stranger.value.code == 403
    for origin in ("http://evil.example", "null", f"{server.base.rstrip('/')}.evil.example"):
        with pytest.raises(HTTPClientError) as foreign:
            run(visitor.connect(kernel, Origin=origin))
        assert foreign.value.code == 403, origin
    with pytest.raises(HTTPClientError) as other:
        run(Visitor(server).connect(kernel))
    assert other.value.code == 404

    async def of_this_page() -> None:
        socket = await visitor.connect(kernel, Origin=server.base.rstrip("/"))
        socket.close()

    run(of_this_page())


def test_cookies_stay_at_home_and_pages_in_no_frame_of_elsewhere(
    server: Server, visitor: Visitor
) -> None:
    visitor.post("name", name="Anna")
    for one in visitor.cookies:
        if one.name != "_xsrf":
            assert one.get_nonstandard_attr("SameSite") == "Lax", one.name
            assert one.has_nonstandard_attr("HttpOnly"), one.name
    with urllib.request.urlopen(f"{server.base}?token={server.token}", timeout=60) as answer:
        assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["//evil.example", "http:///evil.example", "\\\\evil.example"])
def test_nobody_is_sent_elsewhere_after_the_login(server: Server, path: str) -> None:
    quoted = urllib.parse.quote(path)
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.base).netloc, timeout=60)
    connection.request("GET", f"/login?next={quoted}&token={server.token}")
    answer = connection.getresponse()
    where = urllib.parse.urlsplit(answer.headers["Location"])
    assert answer.status == 302 and not where.netloc and where.path.startswith("/")
    assert not where.path.startswith(("//", "/\\"))


def test_a_token_that_was_guessed_in_part_is_none(server: Server) -> None:
    for token in ("", server.token[:-1], server.token + "0", server.token.upper(), "%00", "*"):
        status, _ = ask(
            server, lambda one, token=token: one.request("GET", f"/video/0?token={token}")
        )
        assert status == 302, token


# What a person at a page gets


def test_code_is_not_run_whatever_a_message_is_framed_as(
    server: Server, visitor: Visitor, kernel: str, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    code = {"code": f"open({str(made)!r}, 'w')", "silent": False}

    async def attack() -> list[str]:
        socket = await visitor.connect(kernel)
        for channel in ("shell", "control", "stdin", "iopub"):
            for kind in ("execute_request", "shutdown_request", "debug_request", "input_reply"):
                await socket.write_message(message(kind, code, channel), binary=True)
        for kind in ("complete_request", "inspect_request", "create_subshell_request"):
            await socket.write_message(message(kind, code), binary=True)
        # A widget of the page's own making: a file of the machine, shown.
        state = {"_model_module": "@jupyter-widgets/controls", "_model_name": "FileUploadModel"}
        opened = {"comm_id": uuid4().hex, "target_name": "jupyter.widget", "data": {"state": state}}
        await socket.write_message(message("comm_open", opened), binary=True)
        answers = await answers_until(socket, "comm_close")
        await socket.write_message(message("kernel_info_request", {}), binary=True)
        answers += await answers_until(socket, "kernel_info_reply")
        socket.close()
        return answers

    answers = run(attack())
    assert not {"execute_reply", "execute_result", "comm_open", "shutdown_reply"} & set(answers)
    assert not made.exists()
    assert json.loads(visitor.get(f"status/{kernel}")[1]) == {"ended": ""}


# Bytes of a few lines that say they have 2**64 parts, or half as many, or none, or one outside.
NO_MESSAGES = [
    *(b"", b"\xff" * 64, b"\xff\xff\xff\x7f" * 16, b"\0" * 8, struct.pack("<3Q", 2, 2**40, 2**50)),
    *("[]", "{}", '{"header": 1}', '{"header": {"msg_type": []}}', "x", "[" * 10_000),
]


@pytest.mark.parametrize("protocol", [V1, "none"])
@pytest.mark.parametrize("data", NO_MESSAGES, ids=range(len(NO_MESSAGES)))
def test_what_is_no_message_ends_the_connection_at_most(
    visitor: Visitor, kernel: str, data: bytes | str, protocol: str
) -> None:
    async def attack() -> list[str]:
        socket = await visitor.connect(kernel, **{"Sec-WebSocket-Protocol": protocol})
        await socket.write_message(data, binary=isinstance(data, bytes))
        socket.close()
        socket = await visitor.connect(kernel)
        await socket.write_message(message("kernel_info_request", {}), binary=True)
        return await answers_until(socket, "kernel_info_reply")

    assert run(attack())[-1] == "kernel_info_reply"


def test_a_message_without_end_is_not_taken(visitor: Visitor, kernel: str) -> None:
    async def attack() -> int | None:
        socket = await visitor.connect(kernel)
        huge = message("comm_msg", {"comm_id": "x", "data": {}}, padding=MAX_MESSAGE_BYTES)
        with suppress(WebSocketClosedError):
            await socket.write_message(huge, binary=True)
        while await socket.read_message() is not None:
            pass
        return socket.close_code

    assert run(attack()) in (1009, None)
    assert json.loads(visitor.get(f"status/{kernel}")[1]) == {"ended": ""}


def test_what_is_sent_to_a_kernel_that_takes_nothing_fills_no_memory(
    server: Server, visitor: Visitor, kernel: str
) -> None:
    """It waits in the browser."""
    (process,) = server.kernels
    serving = psutil.Process(server.process.pid)
    large = message("comm_msg", {"comm_id": "x", "data": {}}, padding=MAX_MESSAGE_BYTES - 2**16)

    async def attack() -> int:
        socket = await visitor.connect(kernel)
        before = serving.memory_info().rss

        async def send() -> None:
            for _ in range(60):
                await socket.write_message(large, binary=True)

        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(send(), 8)
        grown = serving.memory_info().rss - before
        socket.close()
        return grown

    process.suspend()
    try:
        assert run(attack()) < 5 * MAX_BURST_BYTES
    finally:
        process.resume()
    assert visitor.get("")[0] == 200


def test_a_name_is_never_markup(server: Server, visitor: Visitor) -> None:
    visitor.post("name", name=SCRIPT)
    assert SCRIPT not in visitor.get("")[1] and "&lt;script&gt;alert(1)" in visitor.get("")[1]
    kernel, page = visitor.open_page(1)
    assert SCRIPT not in page and "alert(1)" in page
    other = Visitor(server)
    status, held = other.get("video/1")
    assert status == 423 and SCRIPT not in held and "alert(1)" in held
    visitor.leave(kernel)


def test_a_copy_is_no_file_of_another_video_nor_of_nobody(visitor: Visitor) -> None:
    status, said = visitor.post("video/0/copy", name="Bob")
    assert status == 400 and f"cat.bob{SUFFIX} is the session of another video" in said
    assert visitor.get("video/0/of/bob")[0] == 404
    assert visitor.get("video/0/of/eve")[0] == 404
    assert "Copy of bob" not in visitor.get("")[1]


def test_copies_are_not_made_without_end(server: Server, visitor: Visitor) -> None:
    """A page that is begun for each is ended again: there are fewer workers."""
    session = server.sessions / f"cat{SUFFIX}"
    session.write_bytes(b"a session")
    try:
        codes: list[int] = []
        for n in range(MAX_COPIES + 2):
            # As a program asks, which does not follow to the page.
            body = urllib.parse.urlencode({"name": f"n{n}", "_xsrf": visitor.cookie("_xsrf")})
            headers = {
                "Cookie": visitor.cookie_header,
                "Content-Type": "application/x-www-form-urlencoded",
            }
            status, said = ask(
                server,
                lambda one, body=body, headers=headers: one.request(
                    "POST", "/video/0/copy", body, headers
                ),
            )
            codes.append(status)
        assert codes == [303] * MAX_COPIES + [400] * 2
        assert f"There are {MAX_COPIES} copies of cat.npy" in said
        assert len(list(server.sessions.glob(f"cat.n*{SUFFIX}"))) == MAX_COPIES
    finally:
        for path in server.sessions.glob(f"cat*{SUFFIX}"):
            path.unlink()


# What takes memory, time or connections


def test_forms_and_headers_without_end_are_refused(server: Server, visitor: Visitor) -> None:
    cookie = {"Cookie": visitor.cookie_header}

    def send_form(connection: http.client.HTTPConnection) -> None:
        connection.request("POST", "/name", b"x" * (MAX_BODY_BYTES + 1), cookie)

    def send_chunks(connection: http.client.HTTPConnection) -> None:
        chunks = (b"x" * 2**16 for _ in range(64))
        connection.request("POST", "/name", chunks, cookie, encode_chunked=True)

    def send_header(connection: http.client.HTTPConnection) -> None:
        connection.request("GET", "/", headers={"X": "x" * 2**20, **cookie})

    for act in (send_form, send_chunks, send_header):
        assert ask(server, act)[0] in (0, 400, 413, 431), act.__name__
    assert visitor.get("")[0] == 200


def test_a_message_of_the_server_is_no_trace_of_python(server: Server, visitor: Visitor) -> None:
    for path in ("video/0/of/%00", "video/9", "nowhere", "status/x", "login?next=%ff"):
        said = visitor.get(path)[1]
        assert "Traceback" not in said and "site-packages" not in said, path


def test_the_token_is_not_written_to_the_servers_log(server: Server, visitor: Visitor) -> None:
    for path in ("nowhere", "video/9", "status/x", "voila/static/nothing.js"):
        assert visitor.get(f"{path}?token={server.token}")[0] in (403, 404)
    wait_until(lambda: any("nothing.js" in line for line in server.said))
    assert server.token not in "".join(line for line in server.said if "Serving" not in line)


def test_after_all_that_the_server_goes_on_and_no_kernel_is_left(
    server: Server, visitor: Visitor, kernel: str
) -> None:
    assert visitor.get("")[0] == 200
    visitor.leave(kernel)
    wait_until(lambda: not server.kernels)
    assert not [line for line in server.said if "could not be" in line], server.said
