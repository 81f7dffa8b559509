"""The limit: a bare grpc.aio server that answers the bytes it was sent, on uvloop, with or without mutual TLS."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

import grpc.aio
import uvloop


async def _echo(request: bytes, _context: Any) -> bytes:
    return request


async def serve(port: int, home: Path | None) -> None:
    """Serves until it is killed."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 64 << 20)])
    handler = grpc.method_handlers_generic_handler("bench.Echo", {"Echo": grpc.unary_unary_rpc_method_handler(_echo)})
    server.add_generic_rpc_handlers((handler,))
    address = f"127.0.0.1:{port}"
    if home is None:
        server.add_insecure_port(address)
    else:
        ca = (home / "certificates/ca.crt").read_bytes()
        pair = ((home / "keys/node.key").read_bytes(), (home / "certificates/node.crt").read_bytes())
        server.add_secure_port(address, grpc.ssl_server_credentials([pair], ca, require_client_auth=True))
    await server.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args()
    uvloop.run(serve(given.port, given.home))
