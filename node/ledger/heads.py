"""The newest head of each log, for everyone in this process who waits for one."""

from __future__ import annotations

import asyncio
import contextlib

from node.model.log import LogHead


class HeadBoard:
    """Holds the newest committed head per origin. Heads only ever grow in size, or in freshness at the same size."""

    def __init__(self) -> None:
        self._heads: dict[str, LogHead] = {}
        self._changed = asyncio.Event()

    def newest(self, origin: str) -> LogHead | None:
        """The newest head published here, or None."""
        return self._heads.get(origin)

    def publish(self, head: LogHead) -> None:
        """Tells a committed head. An older one (another task was faster) is ignored."""
        known = self._heads.get(head.origin)
        if known is not None and (head.size, _freshness(head)) <= (known.size, _freshness(known)):
            return
        self._heads[head.origin] = head
        self._changed.set()
        self._changed = asyncio.Event()

    async def newer_than(self, known: LogHead | None, origin: str, timeout_seconds: float) -> LogHead | None:
        """Waits until the head of `origin` differs from `known`; returns what it is then, or at the time-out."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while self._heads.get(origin) == known:
                    await self._changed.wait()
        return self._heads.get(origin)


def _freshness(head: LogHead) -> float:
    return head.fresh_at.timestamp() if head.fresh_at is not None else 0.0
