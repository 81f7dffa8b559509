"""Token buckets: how much of something may pass in a time. Pure arithmetic; the time is passed in."""

from __future__ import annotations


class Bucket:
    """Lets `rate` units a second pass on average, and `burst` more at once. Full at first.

    Whoever finds it not overdrawn may take any amount, also more than is in it: what comes in one piece can be larger
    than a burst, and is paid off by whoever comes next. Times are seconds of a clock that never runs backwards.
    """

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until something may be taken; 0.0: now."""
        level = self._refilled(now)
        return 0.0 if level >= 0.0 else -level / self._rate

    def take(self, amount: float, now: float) -> None:
        """Takes it, whatever is left; gives back what is negative."""
        self._level = self._refilled(now) - amount
        self._at = max(self._at, now)

    def admit(self, amount: float, now: float) -> float:
        """Takes it if something may be taken. Seconds until then, 0.0 when it is taken."""
        level = self._refilled(now)
        if level < 0.0:
            return -level / self._rate
        self._level = level - amount
        self._at = max(self._at, now)
        return 0.0

    def full(self, now: float) -> bool:
        """Whether it is as if nothing had ever been taken."""
        return self._refilled(now) >= self._burst

    def _refilled(self, now: float) -> float:
        # A time before the last one (two threads, two readings of a clock) must neither drain nor fill it.
        passed = now - self._at
        level = self._level + passed * self._rate if passed > 0.0 else self._level
        return min(self._burst, level)
