"""Clocks that are moved by hand. Only tests have them: production code reads `node.clock.SystemClock`."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class SettableClock:
    """Both readings move together, and only by `advance` or `set`."""

    def __init__(self, now: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, step: timedelta) -> None:
        self._now += step
        self._monotonic += step.total_seconds()

    def set(self, now: datetime) -> None:
        """Moves civil time alone, as an operator does who sets the clock."""
        self._now = now


class PacedClock(SettableClock):
    """Civil time as it was set; the other reading is the computer's, so that what depends on pace is real."""

    def monotonic(self) -> float:
        return time.monotonic()


class RunningClock:
    """Goes on from a day of the test's choice at the pace of the computer's clock. `error` is what it is ahead by."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._origin = time.monotonic()
        self.error = timedelta(0)

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.monotonic() - self._origin) + self.error

    def monotonic(self) -> float:
        return time.monotonic()
