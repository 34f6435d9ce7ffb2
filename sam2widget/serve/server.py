"""The server behind `sam2widget serve`."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import tornado.httpserver
import tornado.netutil
import tornado.web
from filelock import FileLock, Timeout
from jinja2 import Environment, FileSystemLoader, PackageLoader
from jupyter_server import DEFAULT_STATIC_FILES_PATH, DEFAULT_TEMPLATE_PATH_LIST
from jupyter_server.auth.authorizer import AllowAllAuthorizer
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import FileFindHandler
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from voila.configuration import VoilaConfiguration
from voila.paths import collect_static_paths, collect_template_paths
from voila.static_file_handler import MultiStaticFileHandler
from voila.utils import get_voila_labextensions_path
from voila.voila_identity_provider import VoilaLoginHandler

from ..core.errors import SessionError
from .claims import Claims
from .handlers import HANDLERS, ServedHandler
from .kernels import TOKEN_ENVIRONMENT, Pages
from .service import Service
from .videos import find_videos

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "lab"
"""Of Voilà, whose style sheets pages have."""
EXTENSIONS = [
    "@voila-dashboards/widgets-manager8",
    "@jupyter-widgets/jupyterlab-manager",
    "anywidget",
    "ipycanvas",
]
"""Of JupyterLab's, those that pages have."""
NO_SCRIPT = "data:text/javascript,//"
"""In place of MathJax, which would come from elsewhere."""
MAX_BODY_BYTES = 2**16
"""Of what a form may send; there are no uploads."""
MAX_MESSAGE_BYTES = 10 * 2**20
"""Of what a widget may send at a time; ours stay below 1 MiB."""
MAX_IDLE_S = 60.0
"""That a connection may take to ask for something, or to send a form."""
LOCK = ".serve.lock"


def serve(
    sources: Sequence[str],
    sessions: Path,
    *,
    ip: str = "127.0.0.1",
    port: int = 8866,
    base_url: str = "/",
    has_token: bool = True,
    devices: Sequence[str | None] = (None,),
    workers: int = 1,
    keep_s: float = 600.0,
    options: dict[str, Any] | None = None,
) -> None:
    """Serve videos until the process is interrupted or terminated.

    Parameters
    ----------
    sources : videos, as `find_videos` takes them.
    sessions : folder of the session files; made where it is missing.
    ip, port : where to listen; port 0 is any that is free.
    base_url : the path below which all addresses are, for a proxy that keeps it.
    has_token : whether one has to know a token. It is the one in the environment variable
        SAM2WIDGET_TOKEN, or else a new one, which is printed.
    devices : on which models run; None for the best there is.
    workers : pages that may be open at a time.
    keep_s : how long a page without its browser goes on.
    options : further ones of `Sam2Widget`.

    Raises
    ------
    VideoError
        When a video cannot be opened.
    SessionError
        When two videos would share a session file, the folder is in use by another server, or
        nothing would keep others out.
    OSError
        When the port cannot be listened at.
    """
    if not has_token and not _is_loopback(ip):
        raise SessionError(
            f"Without a token, whoever reaches {ip} could open every video: leave out --no-token, "
            "or serve at 127.0.0.1."
        )
    videos = find_videos(sources)
    sessions = sessions.expanduser().absolute()
    sessions.mkdir(parents=True, exist_ok=True)
    lock = FileLock(sessions / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SessionError(
            f"Another sam2widget serve uses {sessions}: two servers would write one session "
            "file. Stop it, or give another folder with --sessions."
        ) from None
    scratch = Path(tempfile.mkdtemp(prefix="sam2widget-serve-"))
    try:
        sockets = _listen(ip, port)
        token = (os.environ.get(TOKEN_ENVIRONMENT) or secrets.token_hex(24)) if has_token else ""
        if token:
            for name in ("tornado.access", "tornado.application", "tornado.general"):
                logging.getLogger(name).addFilter(_TokenFilter(token))
        base_url = "/" + f"{base_url.strip('/')}/".lstrip("/")
        pages = Pages(Claims(devices, workers), scratch, keep_s)
        service = Service(
            *(videos, sessions, options or {}, pages),
            Environment(loader=PackageLoader("sam2widget.serve"), autoescape=True),
            *(_configure_voila(), [str(TEMPLATES / "page"), *_collect_templates()]),
        )
        application = _build(service, base_url, token, is_local=_is_loopback(ip))
        address = f"http://{ip if ':' not in ip else f'[{ip}]'}:{sockets[0].getsockname()[1]}"
        given = TOKEN_ENVIRONMENT in os.environ
        query = "" if not token else f"?token={'…' if given else token}"
        count = f"{len(videos)} video{'' if len(videos) == 1 else 's'}"
        print(f"Serving {count} at {address}{base_url}{query}", flush=True)
        print(f"Sessions are kept in {sessions}. Ctrl-C stops the server.", flush=True)
        asyncio.run(_run(application, sockets, pages))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()
    print("Stopped; everything is saved.", flush=True)


async def _run(
    application: tornado.web.Application, sockets: list[socket.socket], pages: Pages
) -> None:
    server = tornado.httpserver.HTTPServer(
        application,
        max_body_size=MAX_BODY_BYTES,
        idle_connection_timeout=MAX_IDLE_S,
        body_timeout=MAX_IDLE_S,
    )
    server.add_sockets(sockets)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: int, frame: object) -> None:
        loop.call_soon_threadsafe(stopped.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        # Also where the loop has no handlers of signals, as on Windows.
        signal.signal(number, stop)
    watching = asyncio.ensure_future(pages.watch())
    await stopped.wait()
    watching.cancel()
    server.stop()
    print("Stopping: open pages save what is left…", flush=True)
    await pages.close()
    await server.close_all_connections()


def _build(
    service: Service, base_url: str, token: str, *, is_local: bool
) -> tornado.web.Application:
    identity = IdentityProvider(
        token=token,
        login_handler_class=VoilaLoginHandler,
        # Not all browsers keep cookies from requests of other sites unless told so.
        cookie_options={"samesite": "Lax"},
    )
    labextensions = get_voila_labextensions_path([])
    static = [*collect_static_paths(["voila", "nbconvert"], TEMPLATE), DEFAULT_STATIC_FILES_PATH]
    below: list[tuple[Any, ...]] = [
        *HANDLERS,
        *(
            (rf"voila/{kind}/(.*)", MultiStaticFileHandler, {"paths": static})
            for kind in ("static", f"templates/{TEMPLATE}/static")
        ),
        (
            r"voila/labextensions/(.*)",
            FileFindHandler,
            {"path": labextensions, "no_cache_paths": ["/"]},
        ),
    ]
    login: list[tuple[Any, ...]] = [
        (path.lstrip("/"), *rest) for path, *rest in identity.get_handlers()
    ]
    voila_templates = Environment(loader=FileSystemLoader(service.template_paths), autoescape=True)
    login_templates = Environment(
        loader=FileSystemLoader(DEFAULT_TEMPLATE_PATH_LIST),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
    )
    login_templates.install_null_translations()  # pyright: ignore[reportAttributeAccessIssue]
    return tornado.web.Application(
        [(base_url + path, *rest) for path, *rest in [*below, *login]],
        sam2widget=service,
        base_url=base_url,
        server_url=base_url,
        login_url=f"{base_url}login",
        cookie_secret=secrets.token_bytes(32),
        xsrf_cookies=True,
        identity_provider=identity,
        authorizer=AllowAllAuthorizer(identity_provider=identity),
        kernel_manager=service.pages.manager,
        kernel_spec_manager=service.pages.specs,
        kernel_websocket_connection_class=ZMQChannelsWebsocketConnection,
        websocket_max_message_size=MAX_MESSAGE_BYTES,
        # A page of elsewhere whose name leads here, by a trick with DNS, is refused.
        allow_remote_access=not is_local,
        local_hostnames=["localhost"],
        jinja2_env=login_templates,
        voila_jinja2_env=voila_templates,
        default_handler_class=_NotFoundHandler,
        mathjax_url=NO_SCRIPT,
        mathjax_config="none",
    )


class _NotFoundHandler(ServedHandler):
    """Any other address."""

    async def prepare(self, *, _redirect_to_login: bool = True) -> None:
        """Say so."""
        await super().prepare()  # pyright: ignore[reportGeneralTypeIssues]
        raise tornado.web.HTTPError(404, "There is nothing at this address.")


class _TokenFilter(logging.Filter):
    """Keeps a token, which addresses have in them, out of what is logged."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._texts = {token, quote(token), quote_plus(token)}

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        for one in self._texts:
            text = text.replace(one, "…")
        record.msg, record.args = text, None
        return True


def _configure_voila() -> VoilaConfiguration:
    return VoilaConfiguration(
        template=TEMPLATE,
        allow_template_override="NO",
        allow_theme_override="NO",
        show_tracebacks=False,
        extension_allowlist=EXTENSIONS,
    )


def _collect_templates() -> list[str]:
    return collect_template_paths(["voila", "nbconvert"], TEMPLATE, prune=True)


def _listen(ip: str, port: int) -> list[socket.socket]:
    try:
        return tornado.netutil.bind_sockets(port, ip)
    except OSError as error:
        raise OSError(
            f"{ip}:{port} cannot be listened at ({error.strerror or error}): choose another with "
            "--port or --ip."
        ) from error


def _is_loopback(ip: str) -> bool:
    if ip == "localhost":
        return True
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False
