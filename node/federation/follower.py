"""Following one peer's log: pull from where our view ends, prove, store, and begin again after any trouble.

A peer that is away is asked again after a pause that doubles from `Backoff.least` to `Backoff.most`, with jitter. Any
entry or head that it sends resets the pause, and so does any call that it makes to us: who calls is there again. What
it asks us to wait (RetryInfo) is waited in any case. Its endpoints are tried in the order in which it published them,
one per attempt, each over a new connection; when it answered, the first one is preferred again, unless it sent what it
must not. What is stored is acknowledged to it. Each follower has its own task, connection and batch, so that no peer
can slow another one down. A peer that shows two histories is not asked again: what it showed first stays our view,
which grows stale, so that nothing it signs later is accepted, and an operator must look.

A peer can also waste our time without a wrong word (`patience`): one that is silent, or drips, is left and asked again,
and its last error stands until it has told all that it announced; batches and heads beyond what this node is willing to
commit are read later, which holds the peer back by flow control, not in memory. Long logs make way for live work.
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
from node.federation.patience import Allowance, Courtesy, Pace, Patience
from node.federation.unavailable import PeerUnavailable
from node.model.log import FeedBatch, LogHead, LogMoved
from node.model.peers import PeerCondition, PeerState, PeerTrouble
from trust.errors import HeadInconsistent, TrustError

_log = structlog.get_logger(__name__)

_HEADS_PER_SECOND, _HEADS_AT_ONCE = 2.0, 20
"""Batches that only tell a head: each is proven, and a peer could send them without end. Honest ones: one a second."""
_BATCHES_PER_SECOND, _BATCHES_AT_ONCE = 50.0, 200
"""Small batches of entries, each a commit of ours. A peer that logs faster tells more in each of them."""
_SMALL_BYTES = 512 << 10
"""Peers send a mebibyte at once where they have it."""
_HELD_BACK = {
    PeerTrouble.LOGS_TOO_MUCH: "The peer logs more than federation.entries_per_hour; the rest is read slowly. Ask its "
    "operator what it logs; if it is right, raise that setting.",
    PeerTrouble.FLOODS: "The peer sends batches or heads faster than they are worth a commit; they are read slowly. "
    "Its operator should look at its node.",
}
_OFFENCES = {PeerTrouble.TOO_MUCH, PeerTrouble.NO_MESSAGE, PeerTrouble.DRIPS}


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
    """Who the peer is, and where: at least one endpoint (`host:port`), in order of preference.

    `ends_at`: how many entries of its log count, if that was closed; None for the log that goes on.
    """

    division: str
    name_zh: str
    endpoints: tuple[str, ...]
    origin: str
    ends_at: int | None = None


class Follower:
    """Keeps our view of one peer's log up to date.

    `run` ends only when cancelled, when the peer showed a fork, or with a log that was closed.
    """

    def __init__(
        self,
        names: PeerNames,
        connect: Connect,
        view: View,
        backoff: Backoff,
        jitter: Callable[[], float],
        batch_limit: int,
        hearing: Hearing,
        patience: Patience,
    ) -> None:
        self._names = names
        self._connect = connect
        self._view = view
        self._backoff = backoff
        self._jitter = jitter
        self._batch_limit = batch_limit
        self._hearing = hearing
        self._status = PeerCondition.WAITING
        self._silence_seconds = patience.silence_seconds
        self._last_error = ""
        self._last_reason = ""
        self._endpoint = names.endpoints[0]
        self._replicated = 0
        self._fresh_at: datetime | None = None
        self._failures = 0
        """Attempts without an answer since the last one: they say which endpoint is next."""
        self._pauses = 0
        """Attempts since the last contact of either kind: they say how long the next pause is."""
        self._called = asyncio.Event()
        # Of the peer, not of a connection: another connection gives it no more of our time.
        self._heads = Allowance(_HEADS_PER_SECOND, _HEADS_AT_ONCE)
        self._batches = Allowance(_BATCHES_PER_SECOND, _BATCHES_AT_ONCE)
        self._entries = Allowance(patience.entries_per_hour / 3600, patience.entries_per_hour)
        self._courtesy = Courtesy(names.division, patience.traffic)
        self._offences = 0
        """Attempts in a row that ended with something that no honest peer sends: contact does not excuse them."""

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
            last_reason=self._last_reason,
            clock_samples=self._hearing.samples,
        )

    def heard(self) -> None:
        """The peer has called this node: while we pause, it is asked again as soon as after a first failure."""
        self._called.set()

    async def run(self) -> None:
        """Follows until cancelled. Returns when the peer contradicted itself: then only an operator helps.

        Also returns when a log that was closed is here as far as it counts.
        """
        while True:
            tried = max(self._failures, self._offences)
            self._endpoint = self._names.endpoints[tried % len(self._names.endpoints)]
            self._failures += 1
            self._pauses += 1
            self._called.clear()
            asked_to_wait = 0.0
            offences, self._offences = self._offences, 0
            try:
                await self._follow()
            except PeerUnavailable as error:
                asked_to_wait = error.retry_seconds
                self._offences = offences + 1 if error.trouble in _OFFENCES else 0
                condition = PeerCondition.REFUSED if error.refused else PeerCondition.WAITING
                self._note(condition, str(error), error.trouble.value)
            except HeadInconsistent as error:
                self._note(PeerCondition.HALTED, error.message, error.reason)
                _log.error("peer_shows_two_histories", peer=self._names.division, reason=error.reason)
                return
            except TrustError as error:
                self._offences = offences + 1
                self._note(PeerCondition.WAITING, f"What the peer sent was refused: {error.message}", error.reason)
                _log.warning("peer_batch_refused", peer=self._names.division, reason=error.reason)
            except LogMoved:
                self._failures = self._pauses = 0
                continue
            except NotReady as error:
                self._note(
                    PeerCondition.WAITING, f"What the peer sent could not be stored: {error.message}", error.reason
                )
            except Exception:  # noqa: BLE001 - a follower that ended would let its view grow stale behind our back
                self._note(
                    PeerCondition.WAITING, "Something unforeseen happened here; see the log of this node.", "UNFORESEEN"
                )
                _log.exception("following_failed", peer=self._names.division)
            else:
                return
            await self._rest(asked_to_wait)

    async def _rest(self, asked_to_wait: float) -> None:
        """The pause after an attempt; its part beyond the least ends when the peer calls."""
        whole = self._backoff.pause(max(self._pauses, self._offences, 1), self._jitter())
        # An offence is not excused by a call.
        least = max(whole if self._offences else min(whole, self._backoff.least), asked_to_wait)
        await asyncio.sleep(least)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, whole - least)):
                await self._called.wait()
        if self._called.is_set():
            self._pauses = 0

    async def _follow(self) -> None:
        """One connection, from where our view ends until it breaks. Whatever is accepted counts as contact.

        Returns only where the log ends, and does.
        """
        known = await self._view.open()
        if known is not None:
            self._replicated, self._fresh_at = known.size, known.fresh_at
        client = self._connect(self._endpoint)
        self._hearing.connected()
        origin = self._names.origin
        telling = Acknowledging(self._names.division, lambda size: client.acknowledge(origin, size))
        acknowledging = asyncio.create_task(telling.run(), name=f"acknowledge {self._names.division}")
        pace = Pace(self._silence_seconds)
        batches = client.follow(origin, self._replicated, self._batch_limit)
        try:
            while (batch := await self._next(batches)) is not None:
                began = _clock()
                head = await self._accepted(batch)
                self._replicated, self._fresh_at = head.size, head.fresh_at
                self._failures = self._pauses = 0
                if self._names.ends_at is None:  # nobody waits for word of a log to which nothing is added
                    telling.holds(head.size)
                elif head.size >= self._names.ends_at:
                    return
                await self._bear(batch, pace, _clock() - began)
        finally:
            acknowledging.cancel()
            # Gathered, for awaited by itself its end would be taken for ours, and ours, if it comes now, for its own.
            await asyncio.gather(acknowledging, return_exceptions=True)
            await client.close()
        raise PeerUnavailable("The peer ended the stream.", PeerTrouble.ENDED)

    async def _next(self, batches: AsyncIterator[FeedBatch]) -> FeedBatch | None:
        """What the peer says next; None when it ended the stream. A message that never ends is silence, too."""
        try:
            async with asyncio.timeout(self._silence_seconds):
                return await anext(batches, None)
        except TimeoutError:
            raise PeerUnavailable(
                f"The peer said nothing whole for {self._silence_seconds:g} seconds, not even a head; if that goes on, "
                "its operator should look at its node and at the network between.",
                PeerTrouble.SILENT,
            ) from None

    async def _bear(self, batch: FeedBatch, pace: Pace, spent: float) -> None:
        """Notes the contact, and waits where the peer asks for more of our time than it gets.

        `spent`: seconds that its batch took.
        """
        now, told = _clock(), len(batch.entries)
        behind = self._replicated < self._view.head_size
        if pace.too_slow(now, told, behind=behind):
            raise PeerUnavailable(
                "The peer tells its log more slowly than an entry a second, though it announced more; if that goes on, "
                "its operator should look at its node and at the network between.",
                PeerTrouble.DRIPS,
            )
        pause, trouble = self._over_limits(batch, now)
        if trouble is not None:
            self._note(PeerCondition.CONNECTED, _HELD_BACK[trouble], trouble.value)
        elif behind:
            # What it was last left for stands until it has told everything: a drip looks like contact each time.
            self._note(PeerCondition.CONNECTED, self._last_error, self._last_reason)
        else:
            self._note(PeerCondition.CONNECTED, "", "")
        bulk = told > 0 and (behind or 2 * told >= self._batch_limit or pause > 0)
        pause = max(pause, self._courtesy.pause(spent, bulk=bulk))
        if pause > 0:
            await asyncio.sleep(pause)

    def _over_limits(self, batch: FeedBatch, now: float) -> tuple[float, PeerTrouble | None]:
        """Seconds until more is read of a peer that says more than we take in, and how that is called."""
        told, pause = len(batch.entries), 0.0
        if 2 * told < self._batch_limit and sum(map(len, batch.entries)) < _SMALL_BYTES:
            pause = (self._batches if told else self._heads).pause(now)
        of_entries = self._entries.pause(now, told)
        if of_entries > 0 or self._still(PeerTrouble.LOGS_TOO_MUCH, now, self._entries):
            return max(pause, of_entries), PeerTrouble.LOGS_TOO_MUCH
        flooded = pause > 0 or self._still(PeerTrouble.FLOODS, now, self._batches, self._heads)
        return pause, PeerTrouble.FLOODS if flooded else None

    def _still(self, trouble: PeerTrouble, now: float, *allowances: Allowance) -> bool:
        """Whether it was called so and has not been quiet since: else each message at the limit would change it."""
        return self._last_reason == trouble and not all(each.rested(now) for each in allowances)

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

    def _note(self, status: PeerCondition, error: str, reason: str) -> None:
        if (status, reason) != (self._status, self._last_reason):
            _log.info("peer_state", peer=self._names.division, state=status.value, reason=reason, error=error)
        self._status, self._last_error, self._last_reason = status, error, reason


def _clock() -> float:
    """Monotonic seconds of the loop: the clock by which we sleep and wait, not one that can be moved."""
    return asyncio.get_running_loop().time()
