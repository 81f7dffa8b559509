"""uvicorn inside the node's own event loop. The node handles signals; this server only starts and stops."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from node.errors import BadConfiguration

GRACE_SECONDS = 2
"""How long open requests may take to end when the node stops."""


class _Server(uvicorn.Server):
    """uvicorn takes over SIGINT and SIGTERM unless told otherwise; the node's own order of stopping must win."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int, *, key: str) -> AsyncIterator[int]:
    """Serves `app` over HTTP while the context is open; yields the bound port (asked for by port 0).

    Connections are accepted from the moment the context is entered. Raises BadConfiguration naming `key`, the
    setting the address came from, when it cannot be listened on.
    """
    listener = _listen(host, port, key)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        log_level="warning",  # that it started and ended is the node's to say
        access_log=False,
        server_header=False,
        http="h11",
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    bound: int = listener.getsockname()[1]
    task = asyncio.create_task(server.serve(sockets=[listener]), name=f"http {key}")
    try:
        yield bound
    finally:
        server.should_exit = True
        await task


def _listen(host: str, port: int, key: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError:
        message = f"cannot listen on {host} port {port}. Choose an address of this machine and a port that is free."
        raise BadConfiguration(key, message) from None
