"""An abusive peer, in a process of its own: floods a node with calls, streams and huge messages, and reads nothing.

`python -m tests.support.abuser ADDRESS SERVER_NAME CA CERTIFICATE KEY ORIGIN`. Each line on standard input begins or
ends its abuse; at the end of input it prints how its calls ended, as JSON by code, and waits to be killed. It heeds
nothing that it is told.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Coroutine
from pathlib import Path

import grpc
import grpc.aio
from huxin.v1 import federation_service_pb2 as pb

SERVICE = "/huxin.v1.FederationService/"
CALLERS, OPENERS, SENDERS, DEAF = 64, 20, 2, 8
HUGE_PAUSE_SECONDS = 0.05
"""The test shares its processors with this process, which real peers do not: copying megabytes is work of its own."""
HUGE = (1 << 20, 20 << 20)
"""A request that is received though it is far too large for its method, and one that no node receives."""


class Abuser:
    """Everything that one peer can do, at once, over two connections."""

    def __init__(self, address: str, name: str, ca: str, certificate: str, key: str, origin: str) -> None:
        credentials = grpc.ssl_channel_credentials(
            Path(ca).read_bytes(), Path(key).read_bytes(), Path(certificate).read_bytes()
        )
        options = (
            ("grpc.ssl_target_name_override", name),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", -1),
        )
        self._channels = [grpc.aio.secure_channel(address, credentials, options=options) for _ in range(2)]
        self._origin = origin
        self.ended: Counter[str] = Counter()
        self._on = False

    def work(self) -> list[Coroutine[object, object, None]]:
        """All of it."""
        self._on = True
        small = pb.GetCheckpointRequest(origin=self._origin).SerializeToString()
        calls = [self._call(small) for _ in range(CALLERS)]
        huge = [self._call(bytes(size), HUGE_PAUSE_SECONDS) for size in HUGE for _ in range(SENDERS // len(HUGE))]
        return [*calls, *huge, *(self._open() for _ in range(OPENERS)), *(self._do_not_read() for _ in range(DEAF))]

    async def _call(self, request: bytes, pause: float = 0.0) -> None:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
        call = self._channels[0].unary_unary(f"{SERVICE}GetCheckpoint")
        while self._on:
            await self._noted(call(request))
            await asyncio.sleep(pause)

    async def _open(self) -> None:
        """One stream after the other, each held for as long as it may be."""
        request = pb.FollowRequest(origin=self._origin, start=0).SerializeToString()
        while self._on:
            await self._noted(self._follow(request).code())

    async def _do_not_read(self) -> None:
        """The log from its beginning, of which nothing is taken from the stream."""
        request = pb.FollowRequest(origin=self._origin, start=0, batch_limit=1_000).SerializeToString()
        await self._noted(self._follow(request).code())

    def _follow(self, request: bytes) -> grpc.aio.UnaryStreamCall[bytes, bytes]:
        follow: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = self._channels[1].unary_stream(f"{SERVICE}Follow")
        return follow(request)

    async def _noted(self, call: Awaitable[object]) -> None:
        try:
            code = await call
            self.ended[code.name if isinstance(code, grpc.StatusCode) else "OK"] += 1
        except grpc.aio.AioRpcError as error:
            self.ended[error.code().name] += 1

    async def rest(self, tasks: list[asyncio.Task[None]]) -> None:
        """Ends all of it. A cancelled call that was refused in the same moment tells of its refusal alone."""
        self._on = False
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def main() -> None:
    """Abuses from one line to the next, until the input ends."""
    abuser = Abuser(*sys.argv[1:])
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []
    while await loop.run_in_executor(None, sys.stdin.readline):
        if tasks:
            await abuser.rest(tasks)
            tasks = []
        else:
            tasks = [asyncio.create_task(each) for each in abuser.work()]
        sys.stdout.write("so be it\n")
        sys.stdout.flush()
    sys.stdout.write(json.dumps(abuser.ended) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()  # as an abuser does, it leaves its connections as they are, until it is killed


if __name__ == "__main__":
    asyncio.run(main())
