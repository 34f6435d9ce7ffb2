"""`sam2widget serve` in a process of its own, and people with browsers of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page

from tests.browser.widget_page import LIMIT_MS, WidgetPage
from tests.support.data import Clip


class Server:
    """A running server.

    Parameters
    ----------
    process : its own.
    url : with the token.
    sessions : folder of the session files.
    """

    def __init__(self, process: subprocess.Popen[str], url: str, sessions: Path) -> None:
        self.process = process
        self.url = url
        self.base, _, query = url.partition("?")
        self.token = query.removeprefix("token=")
        self.sessions = sessions
        self.said: list[str] = []

    @property
    def kernels(self) -> list[psutil.Process]:
        """The processes of pages."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        found: list[psutil.Process] = []
        for one in children:
            with suppress(psutil.NoSuchProcess):  # it has just ended
                if "ipykernel_launcher" in " ".join(one.cmdline()):
                    found.append(one)
        return found

    def stop(self) -> None:
        """Stop it as Ctrl-C does, and wait until it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(120)


@contextmanager
def running_server(sources: Sequence[Path], sessions: Path, *options: str) -> Iterator[Server]:
    """Serve on a free port; stop it after."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "sam2widget", "serve", *map(str, sources)),
            *("--sessions", str(sessions), "--model", "nano", "--port", "0", *options),
        ],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if "Ctrl-C" in line:
            break
    found = re.search(r"http://\S+", "".join(said))
    assert found is not None, "".join(said)
    server = Server(process, found[0], sessions)
    server.said = said
    reader = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
    reader.start()
    try:
        yield server
    finally:
        server.stop()
        reader.join(30)


class Annotator:
    """A person with a browser, who has come with the token and given a name.

    Parameters
    ----------
    browser : in which they have a context of their own.
    """

    def __init__(self, browser: Browser, server: Server, name: str, clip: Clip) -> None:
        self.context = browser.new_context(viewport={"width": 1000, "height": 900})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(LIMIT_MS)
        self._clip = clip
        self._server = server
        self.page.goto(server.url)
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_role("button", name="Save").click()

    def list_videos(self) -> None:
        """Go to the list."""
        self.page.goto(self._server.base)

    def row(self, session: str) -> str:
        """What the list says of a session file."""
        return " ".join(self.page.locator(f"[data-session='{session}']").inner_text().split())

    def open(self, title: str) -> None:
        """Go to the list, and from there to a video."""
        self.list_videos()
        self.page.get_by_role("link", name=title, exact=True).click()

    def widget(self) -> WidgetPage:
        """Wait for the widget of the page."""
        height, width = self._clip.truth_thw.shape[1:]
        widget = WidgetPage(self.page, width, height)
        widget.wait_ready()
        widget.eventually(lambda: widget.data("frame-drawn") == widget.data("frame"))
        return widget

    @property
    def kernel_id(self) -> str:
        """Of the page."""
        return self.page.evaluate(
            "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
        )
