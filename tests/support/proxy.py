"""A TCP proxy on loopback between a node and its peer, that can be cut and resumed.

It knows nothing of what passes: TLS goes through it untouched.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.nodes import free_port

_PIECE = 64 * 1024


@dataclass(eq=False)
class Proxy:
    """Listens on `port` and passes everything on to `target`, a port of this machine, while it is not cut."""

    target: int
    port: int = field(default_factory=free_port)
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def resume(self) -> None:
        """Takes connections from now on."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Ends every connection; new ones are refused until `resume`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        passing = list(self._open)
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
        else:
            await _both_ways(reader, writer, there, back)
        finally:
            self._open.discard(task)


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    back: asyncio.StreamWriter,
) -> None:
    """Until one side ends, or the proxy is cut: then both connections are reset."""
    ways = [asyncio.create_task(_pass_on(reader, back)), asyncio.create_task(_pass_on(there, writer))]
    try:
        # A cut cancels this task: that ends here, quietly.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        writer.transport.abort()
        back.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_PIECE):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def proxy_to(target: int) -> AsyncIterator[Proxy]:
    """A proxy that passes on, and is ended with the block."""
    proxy = Proxy(target)
    await proxy.resume()
    try:
        yield proxy
    finally:
        await proxy.cut()
