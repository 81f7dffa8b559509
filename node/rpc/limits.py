"""What one caller may ask of this node: calls, bytes, streams. Whoever asks more is told when to come back (ADR 0022).

A peer jurisdiction has one account, whichever of its certificates calls: none can take what belongs to the others. Each
workload of the own jurisdiction has one, with higher limits. Accounts are kept by each replica of a node for itself.

A refused call costs a node nearly as much as an answered one, so a refusal is held back for a moment: whoever does not
wait by itself is kept waiting, and its connection has only so many open calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from node.errors import OverLimit
from node.rpc.buckets import Bucket
from node.rpc.caller import Caller
from node.rpc.permissions import role_of

CALLS, RECEIVED, SENT = "calls", "received_bytes", "sent_bytes"
OPEN_CALLS, OPEN_STREAMS = "concurrent_calls", "concurrent_streams"
LIMITS = frozenset({CALLS, RECEIVED, SENT, OPEN_CALLS, OPEN_STREAMS})
"""Names of the limits, as metrics know them."""

BUSY_SECONDS = 1.0
"""When to come back to a node on which too much of one's own is open: nobody knows when that ends."""
LEAST_RETRY_SECONDS = 0.001
HOLD_SECONDS = 1.0
"""How long a refusal is held back: by the time it is told, the caller has waited for most of what it should."""
MOST_HELD = 1_024
"""Refusals of one caller that are held at once; further ones are told at once, so that memory is bounded."""
HELD_BYTES = 32 << 20
"""Bytes of their requests, which gRPC keeps for so long; the same holds for what is beyond."""
_ACCOUNTS = 4_096
"""So many accounts before those at rest are closed."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one caller may have: rates per second, each with a burst of `burst_seconds` of it, and what may be open."""

    calls_per_second: float
    received_bytes_per_second: float
    sent_bytes_per_second: float
    concurrent_calls: int
    concurrent_streams: int
    burst_seconds: float


class Account:
    """What one caller has used of its allowance. `counted` is told each limit that was met."""

    __slots__ = (
        "_allowance",
        "_calls",
        "_counted",
        "_held",
        "_held_bytes",
        "_open_calls",
        "_open_streams",
        "_received",
        "_sent",
    )

    def __init__(self, allowance: Allowance, counted: Callable[[str], None], now: float) -> None:
        self._allowance = allowance
        self._counted = counted
        self._calls = _bucket(allowance.calls_per_second, allowance, now)
        self._received = _bucket(allowance.received_bytes_per_second, allowance, now)
        self._sent = _bucket(allowance.sent_bytes_per_second, allowance, now)
        self._open_calls = 0
        self._open_streams = 0
        self._held = 0
        self._held_bytes = 0

    def begin_call(self, size: int, now: float) -> None:
        """A call with a request of so many bytes. Every one that was let in is to be ended. Raises OverLimit."""
        if self._open_calls >= self._allowance.concurrent_calls:
            raise self._over(OPEN_CALLS, BUSY_SECONDS)
        self._admit(size, now)
        self._open_calls += 1

    def end_call(self) -> None:
        """It was answered."""
        self._open_calls -= 1

    def begin_stream(self, size: int, now: float) -> None:
        """The same for a call that is answered by a stream. Raises OverLimit."""
        if self._open_streams >= self._allowance.concurrent_streams:
            raise self._over(OPEN_STREAMS, BUSY_SECONDS)
        self._admit(size, now)
        self._open_streams += 1

    def end_stream(self) -> None:
        """It ended."""
        self._open_streams -= 1

    def receive(self, size: int, now: float) -> None:
        """One more message of a caller that streams. Raises OverLimit."""
        wait = self._received.admit(size, now)
        if wait:
            raise self._over(RECEIVED, wait)

    def send(self, size: int, now: float) -> float:
        """Seconds to wait before these bytes are written to a stream: cutting it off would make it begin again."""
        wait = self._sent.wait(now)
        self._sent.take(size, now)
        if wait:
            self._counted(SENT)
        return wait

    def refused(self, over: OverLimit) -> None:
        """Counts a refusal, by whichever part of this node."""
        self._counted(_BY_REASON[over.reason])

    def hold(self, size: int) -> float:
        """For how long a refusal is held back, 0.0 for one that is told at once. What was held is to be released."""
        if self._held >= MOST_HELD or self._held_bytes + size > HELD_BYTES:
            return 0.0
        self._held += 1
        self._held_bytes += size
        return HOLD_SECONDS

    def release(self, size: int) -> None:
        """A held refusal is told."""
        self._held -= 1
        self._held_bytes -= size

    def at_rest(self, now: float) -> bool:
        """Whether a new account would be the same."""
        open_now = self._open_calls or self._open_streams or self._held
        return not open_now and self._calls.full(now) and self._received.full(now) and self._sent.full(now)

    def _admit(self, size: int, now: float) -> None:
        wait = self._calls.admit(1.0, now)
        if wait:
            raise self._over(CALLS, wait)
        wait = self._received.admit(size, now)
        if wait:
            self._calls.take(-1.0, now)
            raise self._over(RECEIVED, wait)

    @staticmethod
    def _over(limit: str, retry_seconds: float) -> OverLimit:
        reason, message = _WORDS[limit]
        return OverLimit(reason, message, max(retry_seconds, LEAST_RETRY_SECONDS))


class Limiter:
    """The accounts of all callers. `counted` is told whose limit was met, and which.

    Whose: the division code of a peer, or the party of an own workload, such as `own-gateway`.
    """

    def __init__(
        self, own_division: str, peers: Allowance, own: Allowance, counted: Callable[[str, str], None]
    ) -> None:
        self._own_division = own_division
        self._peers = peers
        self._own = own
        self._counted = counted
        self._accounts: dict[str | Caller, Account] = {}
        self._sweep_at = _ACCOUNTS

    def account(self, caller: Caller, now: float) -> Account:
        """The caller's account, opened when it is not there."""
        is_own = caller.division == self._own_division
        found = self._accounts.get(caller if is_own else caller.division)
        return self._opened(caller, is_own, now) if found is None else found

    def _opened(self, caller: Caller, is_own: bool, now: float) -> Account:
        if len(self._accounts) >= self._sweep_at:
            self._accounts = {key: each for key, each in self._accounts.items() if not each.at_rest(now)}
            self._sweep_at = max(_ACCOUNTS, 2 * len(self._accounts))
        who = role_of(caller, self._own_division).value if is_own else caller.division

        def counted(limit: str) -> None:
            self._counted(who, limit)

        account = Account(self._own if is_own else self._peers, counted, now)
        self._accounts[caller if is_own else caller.division] = account
        return account


def _bucket(rate: float, allowance: Allowance, now: float) -> Bucket:
    return Bucket(rate, rate * allowance.burst_seconds, now)


_WORDS = {
    CALLS: ("RATE_LIMITED", "More calls came than this node answers to one caller; wait as long as RetryInfo says."),
    RECEIVED: (
        "BYTES_LIMITED",
        "More bytes came than this node takes from one caller; wait as long as RetryInfo says, and send less at once.",
    ),
    OPEN_CALLS: ("TOO_MANY_CALLS", "Too many calls of this caller are open; wait for answers before you ask more."),
    OPEN_STREAMS: ("TOO_MANY_STREAMS", "Too many streams of this caller are open; end some of them."),
}
_BY_REASON = {reason: limit for limit, (reason, _) in _WORDS.items()}
