"""When a peer is too slow, when it asks too much, and when long work makes way: with the time passed in."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.federation.patience import Allowance, Courtesy, Pace, Traffic


def judged(pace: Pace, told: list[tuple[float, int]], *, behind: bool = True) -> list[bool]:
    return [pace.too_slow(at, entries, behind=behind) for at, entries in told]


def test_a_peer_that_tells_less_than_an_entry_a_second_is_too_slow() -> None:
    assert judged(Pace(10), [(at, 1) for at in range(0, 30, 2)]).index(True) == 5


def test_a_peer_at_that_pace_is_borne() -> None:
    assert not any(judged(Pace(10), [(at, 1) for at in range(100)]))


def test_one_large_batch_in_a_window_is_pace_enough() -> None:
    assert not any(judged(Pace(10), [(at, 1_000) for at in range(0, 100, 9)]))


def test_a_peer_that_has_nothing_more_to_tell_may_take_its_time() -> None:
    assert not any(judged(Pace(10), [(at, 0) for at in range(0, 1_000, 60)], behind=False))


def test_the_pace_is_judged_anew_once_it_has_told_everything() -> None:
    pace = Pace(10)
    assert not pace.too_slow(0, 1, behind=True)
    assert not pace.too_slow(9, 1, behind=False)
    assert not pace.too_slow(18, 1, behind=True)
    assert not pace.too_slow(27, 1, behind=True), "nine seconds of this window"
    assert pace.too_slow(28, 1, behind=True)


def test_a_burst_is_free_and_the_rest_comes_at_the_rate() -> None:
    allowance = Allowance(rate=2, burst=3)
    assert [allowance.pause(100.0) for _ in range(5)] == [0, 0, 0, 0.5, 1.0]


def test_quiet_time_gives_the_burst_back_and_no_more() -> None:
    allowance = Allowance(rate=2, burst=3)
    for _ in range(3):
        allowance.pause(100.0)
    assert [allowance.pause(1_000.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_what_costs_more_is_waited_for_longer() -> None:
    assert [Allowance(rate=2, burst=3).pause(100.0, cost) for cost in (0, 3, 4, 13)] == [0, 0, 0.5, 5.0]


def test_it_is_rested_when_half_of_the_burst_is_back() -> None:
    allowance = Allowance(rate=2, burst=8)
    assert allowance.rested(100.0)
    for _ in range(8):
        allowance.pause(100.0)
    assert [allowance.rested(at) for at in (100.0, 101.9, 102.0)] == [False, False, True]


@given(st.floats(0.5, 100), st.integers(1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_whoever_waits_as_told_never_exceeds_the_rate(rate: float, burst: int, gaps: list[float]) -> None:
    allowance, now, taken = Allowance(rate, burst), 0.0, []
    for gap in gaps:
        taken.append(now)
        now += allowance.pause(now) + gap
    for (first, began), (last, ended) in itertools.combinations(enumerate(taken), 2):
        assert last - first <= burst + rate * (ended - began) + 1e-6


@pytest.mark.parametrize(("others", "bulk", "rest"), [(0, True, 0.0), (1, True, 0.5), (1, False, 0.0)])
def test_long_work_rests_only_while_somebody_else_is_served(others: int, bulk: bool, rest: float) -> None:
    traffic = Traffic()
    traffic.count("callers")
    courtesy = Courtesy("140000", traffic)
    for _ in range(others):
        traffic.count("callers")
    assert courtesy.pause(0.1, bulk=bulk) == rest
    assert courtesy.pause(0.1, bulk=True) == 0.0, "nobody came since"


def test_ones_own_work_is_nobody_elses() -> None:
    traffic = Traffic()
    one, other = Courtesy("140000", traffic), Courtesy("520000", traffic)
    assert one.pause(0.1, bulk=True) == 0.0
    assert one.pause(0.1, bulk=True) == 0.0
    assert other.pause(0.1, bulk=True) == 0.5, "the first peer was served"
    assert one.pause(0.1, bulk=True) == 0.5
