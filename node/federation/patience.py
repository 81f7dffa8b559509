"""How long a peer is waited for, and how much of this node's time it may take: rules with the time passed in.

A peer that answers pings and says nothing, that hands out its log a few entries a minute, or that signs heads without
end breaks no rule of the log. It is not told from a slow one by what it says, only by when.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_LEAST_PER_SECOND = 1.0
"""Entries of a peer that has more to tell: slower than any link on which a federation could work."""


_COURTESY = 5.0
"""Bulk work rests so many times as long as it worked while others are served: it gets a sixth of the event loop."""


class Pace:
    """Whether a peer that has more of its log to tell goes on telling it. All times are monotonic seconds."""

    def __init__(self, window: float) -> None:
        """`window`: over how many seconds the pace is judged."""
        self._window = window
        self._began: float | None = None
        self._entries = 0

    def too_slow(self, now: float, entries: int, *, behind: bool) -> bool:
        """Whether the peer, `behind` in telling what it announced all the time, told too little in the last window.

        `entries`: how many it told just now. To be asked after each batch.
        """
        if not behind:
            self._began = None
            return False
        if self._began is None:
            self._began, self._entries = now, 0
            return False
        self._entries += entries
        if now - self._began < self._window:
            return False
        slow = self._entries < _LEAST_PER_SECOND * (now - self._began)
        self._began, self._entries = now, 0
        return slow


class Allowance:
    """How much a peer may make this node take in: `rate` a second, after a `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._paid_until: float | None = None

    def pause(self, now: float, cost: int = 1) -> float:
        """Takes `cost`, and tells how many seconds to wait before more. `now` is monotonic."""
        earliest = now - self._burst / self._rate
        self._paid_until = max(self._paid_until if self._paid_until is not None else earliest, earliest)
        self._paid_until += cost / self._rate
        return max(0.0, self._paid_until - now)

    def rested(self, now: float) -> bool:
        """Whether at least half of the burst could be taken at once again."""
        return self._paid_until is None or self._paid_until <= now - self._burst / self._rate / 2


class Traffic:
    """What this node did for whom, counted, so that bulk work notices when somebody else is being served."""

    def __init__(self) -> None:
        self._done: Counter[str] = Counter()
        self.all = 0
        """How much was done for anybody so far."""

    def count(self, whom: str) -> None:
        """One piece of work was done: a call answered, a peer's batch stored."""
        self._done[whom] += 1
        self.all += 1

    def of_others(self, than: str) -> int:
        """How much was done for everybody else so far."""
        return self.all - self._done[than]


class Courtesy:
    """How long one peer's bulk work rests, so that a long log, or an endless one, slows nobody else down."""

    def __init__(self, peer: str, traffic: Traffic) -> None:
        self._peer = peer
        self._traffic = traffic
        self._seen = traffic.of_others(peer)

    def pause(self, spent: float, *, bulk: bool) -> float:
        """Seconds to rest after a piece of work that took `spent` seconds: none while nobody else is served."""
        self._traffic.count(self._peer)
        others = self._traffic.of_others(self._peer)
        busy, self._seen = others > self._seen, others
        return spent * _COURTESY if busy and bulk else 0.0


@dataclass(frozen=True, slots=True)
class Patience:
    """What a follower bears. `silence_seconds`: how long a peer may say nothing, and over how long its pace is judged.

    `entries_per_hour`: how many entries of a peer are taken in in an hour, and at once after a quiet hour. `traffic` is
    shared by all followers, and by whoever serves callers.
    """

    silence_seconds: float
    entries_per_hour: int
    traffic: Traffic = field(default_factory=Traffic)
