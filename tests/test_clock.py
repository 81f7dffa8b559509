from __future__ import annotations

from datetime import timedelta

from node.clock import Clock, SystemClock
from tests.support.clock import SettableClock


def test_the_system_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_monotonic_time_does_not_run_backwards() -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()


def test_the_clock_of_tests_moves_only_when_told() -> None:
    settable = SettableClock()
    clock: Clock = settable
    before, seconds = clock.now(), clock.monotonic()
    settable.advance(timedelta(minutes=2))
    assert clock.now() - before == timedelta(minutes=2)
    assert clock.monotonic() - seconds == 120
    settable.set(before)
    assert (clock.now(), clock.monotonic() - seconds) == (before, 120)
