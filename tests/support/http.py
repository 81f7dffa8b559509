"""One HTTP/1.1 request over a real socket, without blocking the event loop that serves it."""

from __future__ import annotations

import asyncio
import http.client
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes


async def get(port: int, path: str, *, accept: str = "*/*", host: str = "127.0.0.1") -> Answer:
    """GET of a path of a server on this machine."""
    return await asyncio.to_thread(_get, host, port, path, accept)


def _get(host: str, port: int, path: str, accept: str) -> Answer:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", path, headers={"accept": accept})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()
