"""What a peer's heads tell of its clock, beside what they tell of its log."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

from node.model.offsets import ClockSample

_KEPT = 5
"""Samples per peer: enough that one slow moment of this node is outvoted by the next heads."""


class Hearing:
    """Collects samples of one peer's clock. `now` is aware civil time, `monotonic` seconds that never run backwards."""

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._now = now
        self._monotonic = monotonic
        self._samples: deque[ClockSample] = deque(maxlen=_KEPT)
        self._last: datetime | None = None
        self._waiting = False

    @property
    def samples(self) -> tuple[ClockSample, ...]:
        """The newest samples, oldest first."""
        return tuple(self._samples)

    def connected(self) -> None:
        """A connection begins: its first head may be as old as any."""
        self._last = None
        self._waiting = False

    def arrival(self) -> tuple[datetime, float]:
        """Both clocks at this moment: to be read before a batch is proven and stored, which takes its time."""
        return self._now(), self._monotonic()

    def heard(self, cosigned_at: datetime | None, arrival: tuple[datetime, float], *, caught_up: bool) -> None:
        """An authenticated head, accepted or not. `caught_up`: our view now ends where it does, so the next is news.

        A head is live when we waited for it and it is newer than the one before on this connection.
        """
        if cosigned_at is not None:
            now, monotonic = arrival
            live = self._waiting and self._last is not None and cosigned_at > self._last
            if live or cosigned_at > now:
                self._samples.append(ClockSample(cosigned_at, monotonic, live))
            self._last = cosigned_at
        self._waiting = caught_up
