"""Following one peer's log: pull from where our view ends, prove, store, and begin again after any trouble.

A peer that is away is asked again after a pause that doubles from `Backoff.least` to `Backoff.most`, with jitter. Any
entry or head that it sends resets the pause, and so does any call that it makes to us: who calls is there again. What
it asks us to wait (RetryInfo) is waited in any case. Its endpoints are tried in the order in which it published them,
one per attempt, each over a new connection; when it answered, the first one is preferred again. What is stored is
acknowledged to it. Each follower has its own task, connection and batch, so that no peer can slow another one down. A
peer that shows two histories is not asked again: what it showed first stays our view, which grows stale, so that
nothing it signs later is accepted, and an operator must look.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from node.errors import NotReady
from node.federation.acknowledging import Acknowledging
from node.federation.hearing import Hearing
from node.federation.unavailable import PeerUnavailable
from node.model.log import FeedBatch, LogHead, LogMoved
from node.model.peers import PeerCondition, PeerState
from trust.errors import HeadInconsistent, TrustError

_log = structlog.get_logger(__name__)

_HEAD_PAUSE_SECONDS = 0.05
"""Pause after a batch that only tells a head: each is proven and written, and a peer could send them without end."""


class PeerClient(Protocol):
    """One connection to a peer's FederationService. Raises PeerUnavailable, also in the middle of a stream."""

    def follow(self, origin: str, start: int, limit: int) -> AsyncIterator[FeedBatch]: ...
    async def acknowledge(self, origin: str, size: int) -> None: ...
    async def close(self) -> None: ...


Connect = Callable[[str], PeerClient]
"""Makes a connection to one endpoint of the peer. Nothing is sent before it is used."""


class View(Protocol):
    """Our proven view of the peer's log. `head_size` is the size of the newest head that the peer signed.

    `open` loads what is stored, None when nothing is; `accept` proves and stores one batch. `cosigned_at` is what the
    peer's clock showed in the head of the newest batch, once that was authenticated, even if it was refused then.
    """

    @property
    def head_size(self) -> int: ...
    @property
    def cosigned_at(self) -> datetime | None: ...
    async def open(self) -> LogHead | None: ...
    async def accept(self, batch: FeedBatch) -> LogHead: ...


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts, in seconds."""

    least: float
    most: float

    def pause(self, attempts: int, jitter: float) -> float:
        """The pause after so many failed attempts; `jitter` in [0, 1) spreads it over its upper half."""
        whole: float = min(self.most, self.least * 2 ** min(attempts - 1, 30))
        return whole * (0.5 + jitter / 2)


@dataclass(frozen=True, slots=True)
class PeerNames:
    """Who the peer is, and where: at least one endpoint (`host:port`), in order of preference."""

    division: str
    name_zh: str
    endpoints: tuple[str, ...]
    origin: str


class Follower:
    """Keeps our view of one peer's log up to date. `run` ends only when cancelled or when the peer showed a fork."""

    def __init__(
        self,
        names: PeerNames,
        connect: Connect,
        view: View,
        backoff: Backoff,
        jitter: Callable[[], float],
        batch_limit: int,
        hearing: Hearing,
    ) -> None:
        self._names = names
        self._connect = connect
        self._view = view
        self._backoff = backoff
        self._jitter = jitter
        self._batch_limit = batch_limit
        self._hearing = hearing
        self._status = PeerCondition.WAITING
        self._last_error = ""
        self._endpoint = names.endpoints[0]
        self._replicated = 0
        self._fresh_at: datetime | None = None
        self._failures = 0
        """Attempts without an answer since the last one: they say which endpoint is next."""
        self._pauses = 0
        """Attempts since the last contact of either kind: they say how long the next pause is."""
        self._called = asyncio.Event()

    def state(self) -> PeerState:
        """What an operator is told about this peer."""
        return PeerState(
            division=self._names.division,
            name_zh=self._names.name_zh,
            endpoint=self._endpoint,
            state=self._status,
            replicated=self._replicated,
            head_size=self._view.head_size,
            fresh_at=self._fresh_at,
            last_error=self._last_error,
            clock_samples=self._hearing.samples,
        )

    def heard(self) -> None:
        """The peer has called this node: while we pause, it is asked again as soon as after a first failure."""
        self._called.set()

    async def run(self) -> None:
        """Follows until cancelled. Returns when the peer contradicted itself: then only an operator helps."""
        while True:
            self._endpoint = self._names.endpoints[self._failures % len(self._names.endpoints)]
            self._failures += 1
            self._pauses += 1
            self._called.clear()
            asked_to_wait = 0.0
            try:
                await self._follow()
            except PeerUnavailable as error:
                asked_to_wait = error.retry_seconds
                self._note(PeerCondition.REFUSED if error.refused else PeerCondition.WAITING, str(error))
            except HeadInconsistent as error:
                self._note(PeerCondition.HALTED, error.message)
                _log.error("peer_shows_two_histories", peer=self._names.division, reason=error.reason)
                return
            except TrustError as error:
                self._note(PeerCondition.WAITING, f"What the peer sent was refused: {error.message}")
                _log.warning("peer_batch_refused", peer=self._names.division, reason=error.reason)
            except LogMoved:
                self._failures = self._pauses = 0
                continue
            except NotReady as error:
                self._note(PeerCondition.WAITING, f"What the peer sent could not be stored: {error.message}")
            except Exception:  # noqa: BLE001 - a follower that ended would let its view grow stale behind our back
                self._note(PeerCondition.WAITING, "Something unforeseen happened here; see the log of this node.")
                _log.exception("following_failed", peer=self._names.division)
            await self._rest(asked_to_wait)

    async def _rest(self, asked_to_wait: float) -> None:
        """The pause after an attempt; its part beyond the least ends when the peer calls."""
        whole = self._backoff.pause(max(self._pauses, 1), self._jitter())
        least = max(min(whole, self._backoff.least), asked_to_wait)
        await asyncio.sleep(least)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, whole - least)):
                await self._called.wait()
        if self._called.is_set():
            self._pauses = 0

    async def _follow(self) -> None:
        """One connection, from where our view ends until it breaks. Whatever is accepted counts as contact."""
        known = await self._view.open()
        if known is not None:
            self._replicated, self._fresh_at = known.size, known.fresh_at
        client = self._connect(self._endpoint)
        self._hearing.connected()
        origin = self._names.origin
        telling = Acknowledging(self._names.division, lambda size: client.acknowledge(origin, size))
        acknowledging = asyncio.create_task(telling.run(), name=f"acknowledge {self._names.division}")
        try:
            async for batch in client.follow(origin, self._replicated, self._batch_limit):
                head = await self._accepted(batch)
                self._replicated, self._fresh_at = head.size, head.fresh_at
                self._failures = self._pauses = 0
                telling.holds(head.size)
                self._note(PeerCondition.CONNECTED, "")
                if not batch.entries:
                    await asyncio.sleep(_HEAD_PAUSE_SECONDS)
        finally:
            acknowledging.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await acknowledging
            await client.close()
        raise PeerUnavailable("The peer ended the stream.")

    async def _accepted(self, batch: FeedBatch) -> LogHead:
        """What the view makes of a batch. A head that it refuses for its time is evidence of one wrong clock, too."""
        arrival = self._hearing.arrival()
        caught_up = False
        try:
            head = await self._view.accept(batch)
            caught_up = head.size == self._view.head_size
        finally:
            self._hearing.heard(self._view.cosigned_at, arrival, caught_up=caught_up)
        return head

    def _note(self, status: PeerCondition, error: str) -> None:
        if status != self._status:
            _log.info("peer_state", peer=self._names.division, state=status.value, error=error)
        self._status, self._last_error = status, error
