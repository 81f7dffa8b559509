"""Comparing heads with one peer: it is asked again and again what it holds of every log that we follow, and of our own.

A log's own node shows each of its followers what it likes; what it cannot do is to keep followers from comparing. Each
peer has its own task, connection and limits of time and bytes, so that one that is slow, silent or lying keeps nobody
from the others. What it shows is judged elsewhere (`node/ledger/comparison.py`); a head that does not verify says
something about the peer and nothing about the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from node.errors import NotReady
from node.federation.follower import Backoff
from node.federation.unavailable import PeerUnavailable
from node.model.witnesses import ShownHead
from trust.errors import TrustError

_log = structlog.get_logger(__name__)

ORIGINS_AT_ONCE = 64
"""As many as a node answers about (FederationService.GetHeads)."""

MAX_ANSWER_BYTES = 4 << 20
"""Three notes of 16 KiB for each log asked about, and some room."""

_ANSWER_SECONDS = 10.0
"""How long a peer may take to answer: it signs and writes for a few dozen logs."""


class HeadsClient(Protocol):
    """One connection to a peer's FederationService. Raises PeerUnavailable."""

    async def heads(
        self, origins: Sequence[str], seconds: float, before: datetime | None = None
    ) -> Sequence[ShownHead]: ...
    async def close(self) -> None: ...


class Recall(Protocol):
    """What the peer is to be asked about the past: one question at a time, None for none."""

    def next(self) -> tuple[str, datetime] | None: ...
    async def answered(self, origin: str, before: datetime, shown: ShownHead | None) -> None: ...


ConnectForHeads = Callable[[str], HeadsClient]
"""Makes a connection to one endpoint of the peer. Nothing is sent before it is used."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """When to ask: every `seconds` with jitter; a peer that does not answer is asked more and more seldom."""

    seconds: float
    backoff: Backoff
    jitter: Callable[[], float]
    """Random numbers in [0, 1)."""

    def pause(self, failures: int, asked_to_wait: float = 0.0) -> float:
        """Seconds until the next question: half to one and a half rounds, so that nodes do not ask in step.

        No sooner than the peer asked us to come back.
        """
        spread = self.seconds * (0.5 + self.jitter())
        own = spread if not failures else max(spread, self.backoff.pause(failures, self.jitter()))
        return max(own, asked_to_wait)


class Gossip:
    """Asks one peer for heads until cancelled."""

    def __init__(
        self,
        division: str,
        endpoints: tuple[str, ...],
        connect: ConnectForHeads,
        origins: Callable[[], Sequence[str]],
        judge: Callable[[ShownHead], Awaitable[None]],
        rounds: Rounds,
        recall: Recall | None = None,
    ) -> None:
        """`judge` gets each head of a log that was asked about, and raises TrustError for what does not verify.

        `recall`: what is asked about the past, one question in each round.
        """
        self._recall = recall
        self._division = division
        self._endpoints = endpoints
        self._connect = connect
        self._origins = origins
        self._judge = judge
        self._rounds = rounds
        self._failures = 0
        self._asked_to_wait = 0.0
        self._client: HeadsClient | None = None
        self._told = ""

    async def run(self) -> None:
        """Asks at the end of each pause, the first time as well: nodes that start together do not ask together."""
        try:
            while True:
                await asyncio.sleep(self._rounds.pause(self._failures, self._asked_to_wait))
                await self._round()
        finally:
            await self._disconnect()

    async def _round(self) -> None:
        self._asked_to_wait = 0.0
        try:
            await self._ask()
        except PeerUnavailable as error:
            self._failures += 1
            self._asked_to_wait = error.retry_seconds
            await self._disconnect()
            _log.debug("heads_not_told", peer=self._division, error=str(error))
        except NotReady as error:
            _log.warning("heads_not_compared", peer=self._division, reason=error.reason)
        except Exception:  # noqa: BLE001 - a comparison that ended would leave split views unseen behind our back
            await self._disconnect()
            _log.exception("gossip_failed", peer=self._division)
        else:
            self._failures = 0

    async def _ask(self) -> None:
        wanted = list(self._origins())
        for start in range(0, len(wanted), ORIGINS_AT_ONCE):
            asked = wanted[start : start + ORIGINS_AT_ONCE]
            if self._client is None:
                self._client = self._connect(self._endpoints[self._failures % len(self._endpoints)])
            for shown in await self._client.heads(asked, _ANSWER_SECONDS):
                if shown.origin not in asked:
                    raise PeerUnavailable("The peer showed a head of a log that it was not asked about.")
                await self._judged(shown)

        asked_past = None if self._recall is None else self._recall.next()
        if self._recall is not None and asked_past is not None and self._client is not None:
            origin, before = asked_past
            answer = await self._client.heads([origin], _ANSWER_SECONDS, before)
            if any(shown.origin != origin for shown in answer):
                raise PeerUnavailable("The peer showed a head of a log that it was not asked about.")
            await self._recall.answered(origin, before, answer[0] if answer else None)

    async def _judged(self, shown: ShownHead) -> None:
        trouble = ""
        try:
            await self._judge(shown)
        except TrustError as error:
            trouble = f"{shown.origin} {error.reason}"
            if trouble != self._told:  # the same lie each round would fill the log
                _log.warning("shown_head_refused", peer=self._division, origin=shown.origin, reason=error.reason)
        self._told = trouble or self._told

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
