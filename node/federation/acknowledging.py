"""Telling a peer how much of its log we hold: at once after quiet, and otherwise a few times a second.

Nothing of following waits for it or fails with it. What could not be told is told again later, the newest size only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from node.federation.unavailable import PeerUnavailable

_log = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.1
"""Least time between two acknowledgements to one peer."""
_LONGEST_PAUSE_SECONDS = 60.0
"""A peer of an earlier version knows no acknowledgements: it is asked seldom."""


class Acknowledging:
    """The acknowledgements over one connection. `send` tells a size or raises PeerUnavailable; `run` is a task."""

    def __init__(self, peer: str, send: Callable[[int], Awaitable[None]]) -> None:
        self._peer = peer
        self._send = send
        self._held = -1
        self._told = -1
        self._news = asyncio.Event()

    def holds(self, size: int) -> None:
        """So many entries are durable here."""
        self._held = size
        if size != self._told:
            self._news.set()

    async def run(self) -> None:
        """Tells what is new, until cancelled."""
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            size, asked_to_wait = self._held, 0.0
            try:
                await self._send(size)
            except PeerUnavailable as error:
                failures, asked_to_wait = failures + 1, error.retry_seconds
            except Exception:  # noqa: BLE001 - whatever it is, the log is followed all the same
                failures += 1
                _log.exception("not_acknowledged", peer=self._peer)
            else:
                failures, self._told = 0, size
            if failures:
                self._news.set()
            await asyncio.sleep(_pause(failures, asked_to_wait))


def _pause(failures: int, asked_to_wait: float) -> float:
    own: float = min(PAUSE_SECONDS * 4 ** min(failures, 10), _LONGEST_PAUSE_SECONDS)
    return max(own, asked_to_wait)  # which is bounded where it is read
