"""A clock that stands still until it is moved. Only tests have one: production code reads `node.clock.SystemClock`."""

from __future__ import annotations

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
