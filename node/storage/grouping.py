"""Many look-ups, one query.

A query through SQLAlchemy costs about 0.6 ms, of which SQLite needs 0.02 ms: so callers that ask at the same time
share one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

from node.gathering import Gathering

PATIENCE_SECONDS = 0.010
"""Longest wait of a group for callers that are on their way."""

K = TypeVar("K")
V = TypeVar("V")


class GroupedLookup(Generic[K, V]):
    """Groups concurrent `get` calls into calls of `fetch_many(keys) -> {key: value}`.

    Calls of one turn of the event loop, and all that arrive while a query is under way, form the next group. One query
    at a time, at most `limit` keys each; the same key asked twice is fetched once. With a `gathering`, a group also
    waits a moment for the callers that are known to be on their way; a single caller's query starts in the next turn.
    """

    def __init__(
        self,
        fetch_many: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        limit: int = 256,
        gathering: Gathering | None = None,
    ) -> None:
        self._fetch_many = fetch_many
        self._limit = limit
        self._group = (gathering or Gathering()).meeting_point(limit, PATIENCE_SECONDS)
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._runner: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """The value of one key, or None. Raises whatever `fetch_many` raised for the group.

        A caller that is cancelled leaves; the others of its group are answered all the same.
        """
        self._group.arrived()
        return await self._asked(key)

    async def get_many(self, keys: Sequence[K]) -> list[V | None]:
        """The values of several keys, in their order, asked for by one caller. Otherwise as `get`."""
        if not keys:
            return []
        self._group.arrived()
        return await asyncio.gather(*[self._asked(key) for key in keys])

    def _asked(self, key: K) -> asyncio.Future[V | None]:
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        while self._waiting:
            await self._group.gathered()
            group = {key: self._waiting.pop(key) for key in list(islice(self._waiting, self._limit))}
            keys = [key for key, futures in group.items() if _open({key: futures})]
            if not keys:
                continue
            try:
                found = await self._fetch_many(keys)
            except Exception as error:  # noqa: BLE001 - every caller of the group raises it
                for future in _open(group):
                    future.set_exception(error)
            except BaseException:
                # The loop is ending: nobody may wait for an answer that will not come.
                for future in (*_open(group), *_open(self._waiting)):
                    future.cancel()
                self._waiting.clear()
                raise
            else:
                for key, futures in group.items():
                    for future in _open({key: futures}):
                        future.set_result(found.get(key))


def _open(group: Mapping[K, list[asyncio.Future[V | None]]]) -> list[asyncio.Future[V | None]]:
    """The futures whose callers still wait."""
    return [future for futures in group.values() for future in futures if not future.done()]
