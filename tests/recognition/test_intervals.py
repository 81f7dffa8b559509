from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from node.model.calendar import Period
from node.recognition.intervals import overlap, span, subtract, union

FIRST = date(2024, 1, 1)
days = st.integers(0, 30).map(lambda n: FIRST + timedelta(days=n))
periods = st.builds(lambda start, length: Period(start, start + timedelta(days=length)), days, st.integers(1, 30))
spans = st.lists(periods, max_size=5).map(union)


def in_any(windows: tuple[Period, ...]) -> set[date]:
    every = (FIRST + timedelta(days=n) for n in range(61))
    return {day for day in every if any(day in window for window in windows)}


def test_a_reversed_or_empty_span_is_nothing() -> None:
    assert span(FIRST, FIRST) == ()
    assert span(FIRST + timedelta(days=1), FIRST) == ()
    assert span(FIRST, FIRST + timedelta(days=1)) == (Period(FIRST, FIRST + timedelta(days=1)),)


@given(spans, spans)
def test_overlap_and_subtract_split_the_days(one: tuple[Period, ...], other: tuple[Period, ...]) -> None:
    both, rest = overlap(one, other), subtract(one, other)
    assert in_any(both) == in_any(one) & in_any(other)
    assert in_any(rest) == in_any(one) - in_any(other)
    assert list(rest) == sorted(rest)


@given(st.lists(periods, max_size=6))
def test_union_is_disjoint_ordered_and_joined(many: list[Period]) -> None:
    joined = union(many)
    assert in_any(joined) == in_any(tuple(many))
    assert all(before.end < after.start for before, after in pairwise(joined))
