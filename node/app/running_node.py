"""What the running node of this home says of itself, for commands that look at the database beside it."""

from __future__ import annotations

import asyncio
import http.client
import json

from node.config.settings import Settings

_SECONDS = 2.0
_MAX_BYTES = 1 << 16
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound: who listens everywhere is asked on loopback


async def failing_checks(settings: Settings) -> dict[str, str]:
    """The checks of /readyz that fail, name and sentence; none where no node answers at our operations address."""
    listen = settings.operations.listen
    return await asyncio.to_thread(_failing, _ANY.get(listen.host, listen.host), listen.port)


def _failing(host: str, port: int) -> dict[str, str]:
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", "/readyz")
        told = json.loads(connection.getresponse().read(_MAX_BYTES))
        return {str(check["name"]): str(check["sentence"]) for check in told["checks"] if not check["ok"]}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return {}  # nobody, or something else that listens there
    finally:
        connection.close()
