"""Groups that share a cost wait a moment for callers that are known to be on their way.

A transaction, or a query through SQLAlchemy, costs a thousand times what one more row in it costs. Whoever begins a
call that will join a group says so (`under_way`); a group forms when everybody under way has arrived, or after a
moment. A lone caller therefore never waits, and sixty-four share a few commits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator


class Gathering:
    """Counts callers under way, for the groups that they will join one after the other."""

    def __init__(self) -> None:
        self._under_way = 0
        self._groups: list[MeetingPoint] = []

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Announces a caller for as long as the context is open."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            for group in self._groups:
                group.look()

    def meeting_point(self, limit: int, patience_seconds: float) -> MeetingPoint:
        """A place where groups of at most `limit` callers form."""
        point = MeetingPoint(lambda: min(self._under_way, limit), patience_seconds)
        self._groups.append(point)
        return point


class MeetingPoint:
    """Where one kind of group forms. Callers tell `arrived`; who forms the group waits in `gathered`."""

    def __init__(self, expected: Callable[[], int], patience_seconds: float) -> None:
        self._expected = expected
        self._patience = patience_seconds
        self._waiting = 0
        self._complete: asyncio.Event | None = None

    def arrived(self) -> None:
        """One more caller waits for the next group."""
        self._waiting += 1
        self.look()

    def look(self) -> None:
        """Somebody came or went: the group may be complete now."""
        if self._complete is not None and self._waiting >= self._expected():
            self._complete.set()

    async def gathered(self) -> None:
        """Returns when all callers under way have arrived, or when they took too long. The next group begins then."""
        if self._waiting < self._expected():
            self._complete = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._complete.wait()
            self._complete = None
        self._waiting = 0
