"""How far our clock is from a peer's, told from what the peer cosigned and when that arrived here.

A cosignature was made before it arrived, so our reading at its arrival less its time is the difference of the clocks
plus a delay that is never negative. Just made and sent at once (`live`), the delay is small. Told later it says
nothing, unless it comes from the future: then our clock is behind by at least that much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class ClockSample:
    """What a peer's clock showed (`cosigned_at`, whole seconds), and our monotonic clock (seconds) when it arrived.

    Kept in this form and not as a difference: when our clock is set, the next judgement already knows.
    """

    cosigned_at: datetime
    arrived: float
    live: bool

    def offset(self, now: datetime, monotonic: float) -> timedelta:
        """Our clock less the peer's, positive when ours is ahead, plus the delay of the message."""
        return (now - self.cosigned_at) - timedelta(seconds=monotonic - self.arrived)


def clock_offset(
    samples: Iterable[ClockSample], now: datetime, monotonic: float, recent: timedelta
) -> timedelta | None:
    """Our clock less the peer's by the samples that arrived within `recent`; None without any that says something.

    The smallest counts: delays only ever add.
    """
    heard = [sample for sample in samples if monotonic - sample.arrived <= recent.total_seconds()]
    offsets = [(sample.offset(now, monotonic), sample.live) for sample in heard]
    return min((offset for offset, live in offsets if live or offset < timedelta(0)), default=None)
