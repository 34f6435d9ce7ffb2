"""What the server answers: the list of videos, a page for each, and what a page needs.

Nothing else is reached: there is no address that takes a path, and none that runs code.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nbformat
import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from voila.notebook_renderer import NotebookRenderer
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.utils import get_page_config

from ..core.errors import SessionError
from ..core.files import replace_file
from ..storage.progress import SessionProgress
from .claims import BusyError, Claim, HeldError, Person
from .kernels import KERNEL
from .service import Service
from .videos import MAX_SLUG, ServedVideo, make_slug

MAX_NAME = 60
NAME_COOKIE = "sam2widget-name"
CELL = "from sam2widget.serve.page import show_video\nshow_video(**{options!r})"
KEEP_ALIVE_S = 10.0
BYTES_PER_S, MAX_BURST_BYTES = 4 * 2**20, 32 * 2**20
"""Of what a page sends to its kernel: more has to wait in the browser. Ours sends far less."""
MAX_PARTS = 1000
"""Of a message: what it says, and its buffers."""
MESSAGE_BYTES = 1024
"""That a message counts besides what is in it."""

_log = logging.getLogger(__name__)


class ServedHandler(JupyterHandler):
    """What every answer to a person needs."""

    @property
    def service(self) -> Service:
        """What all handlers share."""
        return self.settings["sam2widget"]

    @property
    def person(self) -> Person:
        """Who asks: known by the cookie of the login, called by the name that they gave."""
        user: Any = self.current_user
        name = self.get_signed_cookie(NAME_COOKIE)
        return Person(user.username, name.decode() if name else user.display_name)

    def remember_name(self) -> str:
        """Take the name that was sent, keep it in a cookie, and return it."""
        name = " ".join(self.get_body_argument("name", "").split())[:MAX_NAME]
        if not name:
            raise tornado.web.HTTPError(400, "Give a name.")
        self.set_signed_cookie(NAME_COOKIE, name, path=self.base_url, httponly=True, samesite="Lax")
        return name

    def show(self, template: str, **values: Any) -> None:
        """Answer with a page."""
        self.set_header("Cache-Control", "no-store")
        made = self.service.templates.get_template(template).render(
            base_url=self.base_url, xsrf=self.xsrf_form_html(), person=self.person, **values
        )
        self.finish(made)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a sentence."""
        error = kwargs.get("exc_info", (None, None))[1]
        text = getattr(error, "log_message", None) or f"{self._reason} ({status_code})."
        self.set_header("Content-Type", "text/html; charset=utf-8")
        template = self.service.templates.get_template("held.html")
        self.finish(
            template.render(
                title="That did not work", text=text, base_url=self.base_url, url=self.base_url
            )
        )


class IndexHandler(ServedHandler):
    """The list of videos."""

    @tornado.web.authenticated
    async def get(self) -> None:
        """Show it."""
        rows = await asyncio.to_thread(self._rows)
        self.show("index.html", title="Videos", rows=rows)

    def _rows(self) -> list[dict[str, Any]]:
        service = self.service
        rows: list[dict[str, Any]] = []
        for number, video in enumerate(service.videos):
            for slug in ("", *service.find_copies(video)):
                path = video.session(service.folder, slug)
                progress = service.progress(path)
                is_known = isinstance(progress, SessionProgress)
                rows.append(
                    {
                        "title": f"Copy of {slug}" if slug else video.name,
                        "copy_of": slug,
                        "session": path.name,
                        "url": page_url(self.base_url, number, slug),
                        "num_frames": video.num_frames,
                        "progress": progress,
                        "problem": "" if is_known else progress,
                        "claim": service.claims.get(path),
                    }
                )
        return rows


class NameHandler(ServedHandler):
    """The name that a person is called by."""

    @tornado.web.authenticated
    def post(self) -> None:
        """Keep it."""
        self.remember_name()
        self.redirect(self.base_url, status=303)


class VideoHandler(ServedHandler):
    """The page of a video, or of somebody's copy."""

    def find(self, number: str, slug: str | None) -> tuple[ServedVideo, Path, str, str]:
        """Find the video, its session file, its title and its address."""
        try:
            video = self.service.videos[int(number)]
        except (IndexError, ValueError):
            raise tornado.web.HTTPError(404, "There is no such video.") from None
        slug = slug or ""
        path = video.session(self.service.folder, slug)
        service = self.service
        if slug and slug not in service.begun[video] and slug not in service.find_copies(video):
            raise tornado.web.HTTPError(404, "There is no such copy.")
        title = f"{video.name}, copy of {slug}" if slug else video.name
        return video, path, title, page_url(self.base_url, int(number), slug)

    @tornado.web.authenticated
    async def get(self, number: str, slug: str | None = None) -> None:
        """Open the page, unless another person has it."""
        video, path, title, url = self.find(number, slug)
        try:
            claim = await self._claim(path, title)
        except HeldError as held:
            self.set_status(423)
            text = f"{held} One person at a time works on a video."
            self.show("held.html", title=title, text=text, claim=held.claim, url=url)
            return
        except BusyError as busy:
            self.set_status(503)
            self.show("held.html", title=title, text=str(busy), claim=None, url=url)
            return
        try:
            async for part in self._render(video, path, title, claim):
                self.write(part)
                await self.flush()
        except tornado.iostream.StreamClosedError:
            await self.service.pages.end(claim, "The page was closed while it was opened.")
        except Exception:
            _log.exception("A page could not be opened")
            text = "The page could not be opened: the server's log says why."
            await self.service.pages.end(claim, text)
            if not self._headers_written:
                raise tornado.web.HTTPError(500, text) from None
            self.write(f'<p role="alert">{text}</p>')

    async def _claim(self, path: Path, title: str) -> Claim:
        pages, claims, person = self.service.pages, self.service.claims, self.person
        async with pages.changing(path):
            held = claims.get(path)
            if held is not None and held.person.id == person.id:
                # Reloaded, or opened in a further window: what was done there is written first.
                await pages.end(held, "You have opened this video again in another window.")
            claim = claims.add(path, title, person)
            await pages.start(claim)
        return claim

    async def _render(
        self, video: ServedVideo, path: Path, title: str, claim: Claim
    ) -> AsyncIterator[str]:
        service = self.service
        options = {
            **service.options,
            "video": video.source,
            "session": str(path),
            "device": claim.device,
        }
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(CELL.format(options=options))],
            metadata={
                "kernelspec": {"name": KERNEL, "display_name": KERNEL, "language": "python"},
                "sam2widget": {"title": title, "person": claim.person.name},
            },
        )
        renderer = _Renderer(
            notebook,
            request_handler=self,
            voila_configuration=service.voila,
            notebook_path="",
            template_paths=service.template_paths,
            base_url=self.base_url,
            kernel_spec_manager=service.pages.specs,
            page_config=get_page_config(self.base_url, self.settings, self.log, service.voila),
        )
        await renderer.initialize()
        kernel_id = claim.kernel_id
        assert kernel_id is not None
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        parts: asyncio.Queue[str | Exception | None] = asyncio.Queue()

        async def render() -> None:
            kernel = service.pages.manager.get_kernel(kernel_id)
            try:
                async for part, _ in renderer.generate_content_generator(kernel_id, kernel):
                    parts.put_nowait(part)
            except Exception as error:
                parts.put_nowait(error)
            else:
                parts.put_nowait(None)

        rendering = asyncio.ensure_future(render())
        try:
            while True:
                try:
                    part = await asyncio.wait_for(parts.get(), KEEP_ALIVE_S)
                except asyncio.TimeoutError:
                    # Proxies end what is silent, and this tells whether somebody is there.
                    yield "<script>window.voila_heartbeat?.()</script>\n"
                    continue
                if part is None:
                    return
                if isinstance(part, Exception):
                    raise part
                yield part
        finally:
            rendering.cancel()


class TakeOverHandler(VideoHandler):
    """Another person's page is ended, to go on from what they did."""

    SUPPORTED_METHODS = ("POST",)

    @tornado.web.authenticated
    async def post(self, number: str, slug: str | None = None) -> None:
        """End that page once its work is saved, and open the video."""
        _, path, _, url = self.find(number, slug)
        pages = self.service.pages
        async with pages.changing(path):
            held = pages.claims.get(path)
            if held is not None:
                reason = f"{self.person.name} has taken over this video. What you did is saved."
                await pages.end(held, reason)
        self.redirect(url, status=303)


class CopyHandler(VideoHandler):
    """A copy of a person's own, beside the session of all."""

    SUPPORTED_METHODS = ("POST",)

    @tornado.web.authenticated
    async def post(self, number: str) -> None:
        """Make it of what is saved, unless there is one, and open it."""
        video, path, _, _ = self.find(number, None)
        try:
            slug = make_slug(self.remember_name())
            self.service.begin_copy(video, slug)
        except SessionError as error:
            raise tornado.web.HTTPError(400, str(error)) from None
        copy = video.session(self.service.folder, slug)
        async with self.service.pages.changing(copy):
            await asyncio.to_thread(_copy_session, path, copy)
        self.redirect(page_url(self.base_url, int(number), slug), status=303)


class StatusHandler(ServedHandler):
    """Whether a page is still its person's."""

    @tornado.web.authenticated
    def get(self, kernel_id: str) -> None:
        """Tell it; "" where nothing has ended it."""
        claims = self.service.claims
        ended = "" if claims.find(kernel_id) is not None else claims.why_ended(kernel_id)
        self.finish({"ended": ended})


class LeaveHandler(ServedHandler):
    """A page is closed: the browser says so as it goes."""

    @tornado.web.authenticated
    async def post(self, kernel_id: str) -> None:
        """End it."""
        pages = self.service.pages
        claim = find_own(self, kernel_id)
        async with pages.changing(claim.session):
            await pages.end(claim, "This page was closed: open the video again.")
        self.set_status(204)


class OwnKernelHandler(KernelHandler):
    """What a kernel is, for the person whose page it is behind."""

    SUPPORTED_METHODS = ("GET", "HEAD")

    async def prepare(self) -> None:
        """Refuse all others."""
        await super().prepare()  # pyright: ignore[reportGeneralTypeIssues]
        if self.current_user is not None:
            find_own(self, self.path_kwargs["kernel_id"])


class OwnKernelSocketHandler(VoilaKernelWebsocketHandler):
    """The messages of a kernel, for the person whose page it is behind."""

    _owed, _paid_at = 0.0, 0.0
    """Bytes that were passed on and not paid for by time, and until when it was."""

    async def pre_get(self) -> None:
        """Refuse all others."""
        find_own(self, self.kernel_id)
        await super().pre_get()

    async def on_message(self, ws_message: str | bytes) -> None:
        """Pass a message on; the next is read after that."""
        if self.connection is None or not has_parts(ws_message, self.connection.subprotocol):
            self.close(1007, "This is no message of a page.")
            return
        # A kernel that is busy takes none: what is sent to it meanwhile is kept in memory here.
        now = time.monotonic()
        self._owed = max(0.0, self._owed - BYTES_PER_S * (now - self._paid_at))
        self._owed += len(ws_message) + MESSAGE_BYTES
        self._paid_at = now
        if self._owed > MAX_BURST_BYTES:
            await asyncio.sleep((self._owed - MAX_BURST_BYTES) / BYTES_PER_S)
        if self.connection is not None:  # it may have been closed meanwhile
            super().on_message(ws_message)


def find_own(handler: JupyterHandler, kernel_id: str) -> Claim:
    """Find the claim of a kernel of the person who asks, or answer that there is none."""
    service: Service = handler.settings["sam2widget"]
    claim = service.claims.find(kernel_id)
    user: Any = handler.current_user
    if claim is None or user is None or claim.person.id != user.username:
        raise tornado.web.HTTPError(404, "There is no such page.")
    return claim


def has_parts(message: str | bytes, subprotocol: str | None) -> bool:
    """Whether a message has as many parts as it says.

    Jupyter's server believes the number: of a message of 64 bytes that names 2**64 parts it would
    make a list of them.
    """
    if isinstance(message, str):
        return not subprotocol
    size = 8 if subprotocol else 4
    count = int.from_bytes(message[:size], "little" if subprotocol else "big")
    return 1 <= count <= MAX_PARTS and len(message) >= size * (count + 1)


def page_url(base_url: str, number: int, slug: str = "") -> str:
    """Give the address of a video's page, or of the copy of the person with this slug."""
    return f"{base_url}video/{number}" + (f"/of/{slug}" if slug else "")


def _copy_session(path: Path, copy: Path) -> None:
    if path.exists() and not copy.exists():
        # In one step, as sessions are written: a reader never sees a half.
        part = copy.with_name(f"{copy.name}.part")
        shutil.copyfile(path, part)
        replace_file(part, copy)


class _Renderer(NotebookRenderer):
    """Renders a notebook that is in no file."""

    def __init__(self, notebook: Any, **options: Any) -> None:
        super().__init__(**options)
        self._given = notebook

    async def load_notebook(self, path: str) -> Any:
        return self._given


VIDEO = r"video/(?P<number>\d{1,6})"
SLUG = rf"(?:/of/(?P<slug>[a-z0-9-]{{1,{MAX_SLUG}}}))?"
KERNEL_ID = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
HANDLERS = [
    ("", IndexHandler),
    ("name", NameHandler),
    (VIDEO + SLUG, VideoHandler),
    (VIDEO + SLUG + "/take-over", TakeOverHandler),
    (VIDEO + "/copy", CopyHandler),
    (f"status/{KERNEL_ID}", StatusHandler),
    (f"voila/api/shutdown/{KERNEL_ID}", LeaveHandler),
    (f"api/kernels/{KERNEL_ID}", OwnKernelHandler),
    (f"api/kernels/{KERNEL_ID}/channels", OwnKernelSocketHandler),
]
"""By address, below the base of all."""
