"""Groups that share a cost wait a moment for callers that are known to be on their way, or that will soon come again.

A transaction, or a query through SQLAlchemy, costs a thousand times what one more row in it costs. Whoever begins a
call that will join a group says so (`under_way`); a group forms when everybody under way has arrived, or after a
moment. A caller who comes alone and again therefore never waits, and sixty-four share a few commits.

Whoever was answered a moment ago mostly has a next question: a group waits for it too, as long as callers keep coming
and going. Without that, the callers of a busy node settle into many small groups, each formed while the one before it
is at work: sixty-four callers in groups of four, at less than half the speed (`docs/performance.md`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Iterator

QUIET_SECONDS = 0.002
"""After so long without anybody coming or going, no group waits for callers who may come again."""


class Gathering:
    """Counts callers under way, and callers who have just gone, for the groups that they will join."""

    def __init__(self) -> None:
        self._under_way = 0
        self._gone = 0
        self._moved = -math.inf
        self._groups: list[MeetingPoint] = []

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Announces a caller for as long as the context is open."""
        self._under_way += 1
        self._gone = max(0, self._gone - 1)  # whoever comes stands for one who went
        self._moved = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self._under_way -= 1
            self._gone += 1
            self._moved = asyncio.get_running_loop().time()
            for group in self._groups:
                group.look()

    def meeting_point(self, limit: int, patience_seconds: float) -> MeetingPoint:
        """A place where groups of at most `limit` callers form."""
        point = MeetingPoint(self, limit, patience_seconds)
        self._groups.append(point)
        return point

    def expected(self) -> tuple[int, int, float]:
        """Callers under way, callers who may come again, and until when (the loop's clock) a group waits for those."""
        return self._under_way, self._gone, self._moved + QUIET_SECONDS

    def expect_no_return(self) -> None:
        """Nobody waits any longer for those who have gone."""
        self._gone = 0


class MeetingPoint:
    """Where one kind of group forms. Callers tell `arrived`; who forms the group waits in `gathered`."""

    def __init__(self, gathering: Gathering, limit: int, patience_seconds: float) -> None:
        self._gathering = gathering
        self._limit = limit
        self._patience = patience_seconds
        self._waiting = 0
        self._latest = -math.inf
        self._forming: asyncio.Event | None = None
        self._timer: asyncio.TimerHandle | None = None

    def arrived(self) -> None:
        """One more caller waits for the next group."""
        self._waiting += 1
        self.look()

    def look(self) -> None:
        """Somebody came or went, or time has passed: the group may be complete now."""
        if self._forming is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        loop, until = asyncio.get_running_loop(), self._until()
        if until <= loop.time():
            self._forming.set()
        else:
            self._timer = loop.call_at(until, self.look)

    async def gathered(self) -> None:
        """Returns when all who are expected have arrived, or when they took too long. The next group begins then."""
        now = asyncio.get_running_loop().time()
        self._latest = now + self._patience
        if self._until() > now:
            await self._formed()
        self._waiting = 0
        self._gathering.expect_no_return()

    async def _formed(self) -> None:
        self._forming = asyncio.Event()
        self.look()
        try:
            await self._forming.wait()
        finally:
            self._forming = None
            if self._timer is not None:
                self._timer.cancel()

    def _until(self) -> float:
        """When the group forms if nobody comes or goes, in seconds of the loop's clock; the past means at once."""
        under_way, gone, until = self._gathering.expected()
        if self._waiting < min(under_way, self._limit):
            return self._latest
        return min(until, self._latest) if gone and self._waiting < self._limit else -math.inf
