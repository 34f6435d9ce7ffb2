"""A JupyterLab of its own for the tests: server, notebook page, and a line to its kernel."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

EXAMPLES = Path(__file__).parents[2] / "examples"
START_LIMIT_S = 90
AUTOSAVED = "autosaved"
ANNOUNCEMENTS = "@jupyterlab/apputils-extension:announcements"
"""Asks a question over the page, and fetches news."""

PLAIN_HOST = "lab.test"
"""A name by which the browser finds the lab too: over plain http, it is no secure context."""

CHROMIUM_FLAGS = [
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


class Lab:
    """A running JupyterLab.

    Parameters
    ----------
    folder : its root, with notebooks.
    port, token : where and how it is reached.
    prefix : the path that all of its addresses begin with.
    """

    def __init__(self, folder: Path, port: int, token: str, prefix: str = "") -> None:
        self.folder = folder
        self.port = port
        self.prefix = prefix
        self._base = f"http://127.0.0.1:{port}{prefix}"
        self._token = token

    def through(self, port: int) -> Lab:
        """The same, reached at another port of this machine."""
        return Lab(self.folder, port, self._token, self.prefix)

    def forget(self) -> None:
        """Remove what widgets have saved by themselves: a new one would go on with it."""
        shutil.rmtree(self.folder / AUTOSAVED, ignore_errors=True)

    def url(self, notebook: str, host: str = "127.0.0.1") -> str:
        """The address of a notebook's page, where no other notebook is open."""
        workspace = notebook.removesuffix(".ipynb")
        path = f"lab/workspaces/{workspace}/tree/{notebook}"
        return f"http://{host}:{self.port}{self.prefix}/{path}?token={self._token}"

    def notebook_url(self, notebook: str) -> str:
        """The address of a notebook's page in Notebook 7."""
        return f"{self._base}/notebooks/{notebook}?token={self._token}"

    def copy_of(self, notebook: str, name: str) -> str:
        """Copy an example under a name of its own, which it returns."""
        shutil.copy(EXAMPLES / notebook, self.folder / name)
        return name

    def api(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(
            f"{self._base}/api/{path}",
            method=method,
            headers={"Authorization": f"token {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    @contextmanager
    def kernel_of(self, notebook: str) -> Iterator[BlockingKernelClient]:
        """A client of the kernel that a notebook runs in."""
        sessions = {session["path"]: session["kernel"]["id"] for session in self.api("sessions")}
        client = BlockingKernelClient()
        client.load_connection_file(
            str(self.folder / "runtime" / f"kernel-{sessions[notebook]}.json")
        )
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            yield client
        finally:
            client.stop_channels()

    def shut_down_kernel(self, notebook: str) -> None:
        """End the kernel that a notebook runs in."""
        for session in self.api("sessions"):
            if session["path"] == notebook:
                self.api(f"sessions/{session['id']}", "DELETE")


@contextmanager
def running_lab(folder: Path, prefix: str = "", **environment: str) -> Iterator[Lab]:
    """Start JupyterLab on a free port with its own settings, examples copied; end it after."""
    for notebook in EXAMPLES.glob("*.ipynb"):
        shutil.copy(notebook, folder)
    own = {f"JUPYTER_{kind.upper()}_DIR": str(folder / kind) for kind in ("config", "runtime")}
    own["SAM2WIDGET_AUTOSAVE"] = str(folder / AUTOSAVED)
    page_config = folder / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    page_config.write_text(json.dumps({"disabledExtensions": {ANNOUNCEMENTS: True}}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
            f"--ServerApp.root_dir={folder}",
            f"--ServerApp.base_url={prefix}/",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            *(f"--ServerApp.local_hostnames={name}" for name in ("localhost", PLAIN_HOST)),
            f"--IdentityProvider.token={token}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ],
        env={**os.environ, **own, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    started = threading.Event()
    log: list[str] = []

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            log.append(line)
            if "is running at" in line:
                started.set()
        started.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        in_time = started.wait(START_LIMIT_S)
        assert in_time and process.poll() is None, "JupyterLab did not start:\n" + "".join(log)
        yield Lab(folder, port, token, prefix)
    finally:
        process.terminate()
        process.wait(30)
        reader.join()


def run_in(kernel: BlockingKernelClient, code: str) -> str:
    """Run code in a kernel, and return what it prints."""
    printed: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            printed.append(content["text"])
        elif message["msg_type"] == "error":
            raise AssertionError("\n".join(content["traceback"]))

    kernel.execute_interactive(code, output_hook=keep, timeout=300, store_history=False)
    return "".join(printed)
