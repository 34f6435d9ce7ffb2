"""The kernels behind served pages: started for a claim, ended when nobody is at the page."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets.config import Config

from .claims import Claim, Claims

KERNEL = "sam2widget"
TOKEN_ENVIRONMENT = "SAM2WIDGET_TOKEN"
SAVE_LIMIT_S = 120.0
"""What a kernel may take to write what is not yet saved, before it is killed."""
CHECK_INTERVAL_S = 2.0
"""Between checks of which pages are left."""

_log = logging.getLogger(__name__)


class OwnKernelSpecs(KernelSpecManager):
    """One kind of kernel: this very Python, whatever kernels the machine has besides."""

    def find_kernel_specs(self) -> dict[str, str]:
        """Name the one kind that there is."""
        return {KERNEL: ""}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give the one kind that there is."""
        if kernel_name != KERNEL:
            raise NoSuchKernel(kernel_name)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name=KERNEL, language="python")

    def get_all_specs(self) -> dict[str, Any]:
        """Describe the one kind that there is."""
        spec = self.get_kernel_spec(KERNEL).to_dict()
        return {KERNEL: {"resource_dir": "", "spec": spec}}


class Pages:
    """The pages that are open: a claim and a kernel each.

    Parameters
    ----------
    claims : on session files.
    folder : an empty one, in which kernels run.
    keep_s : how long a kernel goes on without its page.
    """

    def __init__(self, claims: Claims, folder: Path, keep_s: float) -> None:
        self.claims = claims
        self._keep_s = keep_s
        self._locks: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)
        (connections := folder / "connections").mkdir(mode=0o700)
        (files := folder / "files").mkdir()
        config = Config({"KernelManager": {"shutdown_wait_time": SAVE_LIMIT_S}})
        self.specs = OwnKernelSpecs()
        self.manager = AsyncMappingKernelManager(
            config=config,
            connection_dir=str(connections),
            root_dir=str(files),
            kernel_spec_manager=self.specs,
            # A browser speaks with widgets; it runs no code, and ends no kernel by a message.
            allowed_message_types=[
                *("comm_open", "comm_close", "comm_msg", "comm_info_request"),
                "kernel_info_request",
            ],
        )

    @asynccontextmanager
    async def changing(self, session: Path) -> AsyncGenerator[None, None]:
        """Be alone in deciding who holds a session file."""
        async with self._locks[session]:
            yield

    async def start(self, claim: Claim) -> str:
        """Start the kernel of a claim, and return its id."""
        env = {name: value for name, value in os.environ.items() if name != TOKEN_ENVIRONMENT}
        try:
            claim.kernel_id = await self.manager.start_kernel(kernel_name=KERNEL, env=env)
        except BaseException:
            self.claims.end(claim, "The page could not be opened.")
            raise
        assert claim.kernel_id is not None
        return claim.kernel_id

    async def end(self, claim: Claim, reason: str) -> None:
        """End a page; when it returns, what was done there is in the session file."""
        kernel_id = claim.kernel_id
        if kernel_id is not None and kernel_id in self.manager:
            with suppress(KeyError):  # it was ended meanwhile
                # Asked to, a kernel ends as an interpreter does, which saves what is left.
                await self.manager.shutdown_kernel(kernel_id)
        self.claims.end(claim, reason)

    async def watch(self) -> None:
        """End pages that nobody is at any more, for ever."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            for claim in self.claims:
                try:
                    await self._check_page(claim)
                except Exception:
                    _log.exception("A page could not be looked after")

    async def _check_page(self, claim: Claim) -> None:
        kernel_id = claim.kernel_id
        if kernel_id is None:
            return
        if kernel_id not in self.manager:
            await self.end(claim, "The page's kernel has died: open the video again.")
            return
        now = time.monotonic()
        connections = self.manager.kernel_model(kernel_id)["connections"]
        if connections:
            claim.alone_since = None
        elif claim.alone_since is None:
            claim.alone_since = now
        elif now - claim.alone_since > self._keep_s:
            async with self.changing(claim.session):
                minutes = f"{self._keep_s / 60:g}"
                await self.end(
                    claim,
                    f"The page was without its browser for {minutes} minutes, and was ended. "
                    "Everything is saved: open the video again.",
                )

    async def close(self) -> None:
        """End all pages, each after it has saved."""
        await asyncio.gather(
            *(self.end(claim, "The server was stopped.") for claim in self.claims),
            return_exceptions=True,
        )
        await self.manager.shutdown_all()
