"""A way to a server that takes time, and that can be cut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK_BYTES = 65536


class SlowLink:
    """A TCP proxy; what it takes in is passed on after half a round trip.

    Parameters
    ----------
    port : of the server, on this machine.
    """

    def __init__(self, port: int) -> None:
        self.round_trip_s = 0.0
        """Of what is sent from now on."""
        self.port = 0
        """Where it is reached."""
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._passes = asyncio.Event()
        self._passes.set()

    def hold(self) -> None:
        """Pass nothing on from now on, and say so to nobody, as where a cable is out."""
        self._call(self._passes.clear)

    def release(self) -> None:
        """Pass on what was held, and what comes."""
        self._call(self._passes.set)

    def cut(self) -> None:
        """End all connections, and take no more."""
        self._call(self._cut)

    def mend(self) -> None:
        """Take connections again, at the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)

    def _call(self, action: object) -> None:
        done = threading.Event()

        def run() -> None:
            assert callable(action)
            action()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(30)

    def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._connect, "127.0.0.1", self.port, limit=CHUNK_BYTES
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _connect(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        writers = [to_client]
        self._open.add(to_client)
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(to_server)
            self._open.add(to_server)
            await asyncio.gather(
                self._pass_on(from_client, to_server), self._pass_on(from_server, to_client)
            )
        except (OSError, asyncio.CancelledError):
            pass  # it was cut, or stopped
        finally:
            for writer in writers:
                self._open.discard(writer)
                writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Whatever is read is written half a round trip later, and reading goes on meanwhile."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await on_the_way.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                await self._passes.wait()
                if not data:
                    with suppress(OSError, RuntimeError):
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        delivery = asyncio.ensure_future(deliver())
        try:
            data = b"-"
            while data:
                data = await reader.read(CHUNK_BYTES)
                on_the_way.put_nowait((self._loop.time() + self.round_trip_s / 2, data))
            await delivery
        finally:
            delivery.cancel()

    def run(self) -> None:
        """Serve until it is stopped."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def stop(self) -> None:
        """End it all. Any thread."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def slow_link(port: int) -> Iterator[SlowLink]:
    """A link to a port of this machine, without delay at first."""
    link = SlowLink(port)
    thread = threading.Thread(target=link.run, name="slow link", daemon=True)
    thread.start()
    link.mend()
    try:
        yield link
    finally:
        link.stop()
        thread.join(30)
