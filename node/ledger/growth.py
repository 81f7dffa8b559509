"""When this node's own word on how far a log had grown is worth a row: at most once a minute, and only for growth."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from node.model.witnesses import OURSELVES, SIGHTING_EVERY, Sighting


class SightingMemory(Protocol):
    """What was kept before, also by a process before this one."""

    async def last_sighting(self, origin: str) -> Sighting | None: ...


class Growth:
    """Decides, for one log, with which commits a sighting is written. Reads storage once."""

    def __init__(self, memory: SightingMemory, origin: str) -> None:
        self._memory = memory
        self._origin = origin
        self._last: Sighting | None = None
        self._read = False

    async def due(self, size: int, at: datetime) -> datetime | None:
        """`at`, where it is to be remembered with the commit that follows; None where it is not.

        What grew within a minute of the last sighting waits for the next commit after that, and counts as that much
        younger. A moment before the last one is no news: the clock was wrong then, or is now.
        """
        if not self._read:
            self._last, self._read = await self._memory.last_sighting(self._origin), True
        last = self._last
        if size == 0 or (last is not None and (size <= last.size or at < last.at + SIGHTING_EVERY)):
            return None
        return at

    def kept(self, size: int, seen_at: datetime | None) -> None:
        """The commit is durable."""
        if seen_at is not None:
            self._last = Sighting(OURSELVES, size, seen_at)
