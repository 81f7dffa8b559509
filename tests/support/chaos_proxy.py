"""A TCP proxy that makes a network as bad as a test wants it, while it runs: delay, loss, resets, half-open, partition.

TCP loses no bytes, so what is lost below it shows as a stall (the time until it is sent again) or as a reset. A
connection that went half-open stays so for good, whatever the weather later: its bytes are swallowed, and neither side
hears of the other again, not even its end. A partition holds everything back; when it ends, what was held back goes on
as TCP would send it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_PIECE_BYTES = 16 << 10
_PIECES = 16
"""Pieces on their way in one direction: what a link holds before its sender has to wait."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to each piece of at most 16 KiB, in each direction. Times in seconds, shares in [0, 1].

    `delay` keeps every piece back, `jitter` up to so much more (order is kept). `stalls` and `resets` are the shares of
    pieces that wait `stall` seconds longer, or end the connection. `half_opens` is the share of pieces at which the
    connection goes half-open. `bytes_per_second` None: as fast as the machine.
    """

    delay: float = 0.0
    jitter: float = 0.0
    stalls: float = 0.0
    stall: float = 0.3
    resets: float = 0.0
    half_opens: float = 0.0
    bytes_per_second: float | None = None
    partition: bool = False
    refuse: bool = False
    """New connections are reset at once."""


CALM = Weather()


@dataclass(slots=True)
class Tally:
    """What a proxy did: so that a test knows that its trouble took place."""

    connections: int = 0
    resets: int = 0
    stalls: int = 0
    half_opened: int = 0
    refused: int = 0
    bytes: int = 0


@dataclass(eq=False, slots=True)
class _Connection:
    """Both ends of one connection, and whether it is half-open."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    half_open: bool = False

    def reset(self) -> None:
        for writer in (self.near, self.far):
            if writer is not None:
                writer.transport.abort()


@dataclass(eq=False)
class ChaosProxy:
    """Passes connections to one address on to another port of loopback. All randomness comes from `rng`."""

    target: int
    rng: random.Random
    weather: Weather = CALM
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int = 0) -> int:
        """Begins to accept on loopback, and answers the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    def change(self, weather: Weather) -> None:
        """From now on this weather, on connections that exist as well."""
        self.weather = weather
        self._changed.set()
        self._changed = asyncio.Event()

    def reset_all(self) -> None:
        """Ends every connection with a reset."""
        for connection in list(self._connections):
            self.tally.resets += 1
            connection.reset()

    def forget_all(self) -> None:
        """Resets whoever connected, and the other side never hears of it: as a firewall does that has restarted."""
        for connection in self._connections:
            self._swallow(connection)
            connection.near.transport.abort()

    def half_open_all(self) -> None:
        """Every present connection goes half-open, for good."""
        for connection in self._connections:
            self._swallow(connection)

    async def close(self) -> None:
        """Ends everything."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio complains of one of its own that is cancelled.
        task = asyncio.create_task(self._hold(reader, _Connection(writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hold(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        self._connections.add(connection)
        try:
            with contextlib.suppress(OSError):
                await self._serve(reader, connection)
        finally:
            connection.reset()
            self._connections.discard(connection)

    async def _serve(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        if self.weather.refuse:
            self.tally.refused += 1
            return
        self.tally.connections += 1
        while self.weather.partition:
            await self._changed.wait()
        far_reader, connection.far = await asyncio.open_connection("127.0.0.1", self.target)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pass_on(connection, reader, connection.far))
            both.create_task(self._pass_on(connection, far_reader, connection.near))

    async def _pass_on(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One direction, with as much on its way as a link holds."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_PIECES)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._arrive(connection, under_way, writer))
            await self._depart(connection, reader, under_way)

    async def _depart(
        self, connection: _Connection, reader: asyncio.StreamReader, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        now = asyncio.get_running_loop().time
        piece = b"?"
        while piece:
            try:
                piece = await reader.read(_PIECE_BYTES)
            except ConnectionError:
                piece = b""
            self.tally.bytes += len(piece)
            await under_way.put((now() + self._lag(connection), piece))

    def _lag(self, connection: _Connection) -> float:
        """Seconds that this piece is kept back. It may end the connection instead, or make it half-open."""
        weather, rng = self.weather, self.rng
        if rng.random() < weather.resets:
            self.tally.resets += 1
            connection.reset()
        if rng.random() < weather.half_opens:
            self._swallow(connection)
        lag = weather.delay + rng.random() * weather.jitter
        if rng.random() < weather.stalls:
            self.tally.stalls += 1
            lag += weather.stall
        return lag

    def _swallow(self, connection: _Connection) -> None:
        self.tally.half_opened += not connection.half_open
        connection.half_open = True

    async def _arrive(
        self, connection: _Connection, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due, piece = await under_way.get()
            await asyncio.sleep(max(0.0, due - now()))
            while self.weather.partition:
                await self._changed.wait()
            if connection.half_open:
                if not piece:
                    await asyncio.Event().wait()  # the other side never hears that this one is gone
                continue
            try:
                if not piece:
                    writer.write_eof()
                    return
                await self._write(writer, piece)
            except OSError:
                # Whoever reads is gone. What is still on its way falls into nothing, until its sender has ended too.
                connection.reset()
                if not piece:
                    return

    async def _write(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        """At the speed of the link: what is left of a piece goes at the speed that holds by then."""
        at = 0
        while at < len(piece):
            if writer.transport.is_closing():
                raise ConnectionResetError
            rate = self.weather.bytes_per_second
            step = len(piece) if rate is None else max(1, int(rate / 10))
            writer.write(piece[at : at + step])
            await writer.drain()
            at += step
            if rate is not None:
                await asyncio.sleep(step / rate)


@asynccontextmanager
async def proxy_to(target: int, rng: random.Random, weather: Weather = CALM) -> AsyncIterator[tuple[ChaosProxy, int]]:
    """A proxy in front of a port of loopback, and the port where it listens."""
    proxy = ChaosProxy(target, rng, weather)
    try:
        yield proxy, await proxy.listen()
    finally:
        await proxy.close()
