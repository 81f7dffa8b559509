"""Token buckets: what passes in any time is bounded, and whoever waits as long as told is let in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.rpc.buckets import Bucket

RATES = st.floats(0.1, 1e6)
BURSTS = st.floats(1, 1e6)
STEPS = st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 1e5)), max_size=60)


@given(RATES, BURSTS, STEPS)
def test_no_more_passes_than_the_burst_and_the_rate_allow(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    now, passed, largest = 100.0, 0.0, 0.0
    bucket = Bucket(rate, burst, now)
    for pause, amount in steps:
        now += pause
        wait = bucket.wait(now)
        assert bucket.admit(amount, now) == wait
        if wait == 0.0:
            passed += amount
            largest = max(largest, amount)
    # One piece more than what is allowed: the last one may be larger than what was left.
    assert passed <= (burst + rate * (now - 100.0) + largest) * (1 + 1e-9)


@given(RATES, BURSTS, st.floats(1, 1e6))
def test_who_waits_as_long_as_told_is_let_in(rate: float, burst: float, amount: float) -> None:
    bucket = Bucket(rate, burst, 0.0)
    bucket.take(burst, 0.0)
    bucket.take(amount, 0.0)
    wait = bucket.wait(0.0)
    assert wait == pytest.approx(amount / rate)
    assert bucket.wait(wait / 2) > 0
    assert bucket.wait(wait * (1 + 1e-9) + 1e-9) == 0.0


def test_a_full_one_does_not_grow() -> None:
    bucket = Bucket(10.0, 5.0, 0.0)
    assert bucket.full(0.0)
    bucket.take(6.0, 1_000.0)
    assert not bucket.full(1_000.0)
    assert bucket.wait(1_000.0) == pytest.approx(0.1)
    assert bucket.full(1_001.0)


def test_a_clock_reading_from_before_neither_drains_nor_fills() -> None:
    bucket = Bucket(1.0, 5.0, 10.0)
    bucket.take(5.0, 10.0)
    assert bucket.wait(9.0) == 0.0
    for _ in range(100):
        bucket.take(0.01, 9.0)
        bucket.wait(10.0)
    assert bucket.wait(10.0) == pytest.approx(1.0)
