"""Limits of age: whoever adds one can only make them stricter."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.model.freshness import AgeLimits, FreshnessCondition, LimitSetter

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
LIMITS = AgeLimits(HOUR, 24 * HOUR, LimitSetter.NODE)
lengths = st.timedeltas(timedelta(0), timedelta(days=4_000))


@pytest.mark.parametrize(
    ("age", "condition"),
    [
        (timedelta(0), FreshnessCondition.FRESH),
        (HOUR - TICK, FreshnessCondition.FRESH),
        (HOUR, FreshnessCondition.GRACE),
        (24 * HOUR, FreshnessCondition.GRACE),
        (24 * HOUR + TICK, FreshnessCondition.STALE),
    ],
)
def test_conditions_meet_at_the_limits(age: timedelta, condition: FreshnessCondition) -> None:
    assert LIMITS.condition(age) is condition


def test_who_set_a_limit_is_who_made_it_stricter() -> None:
    assert LIMITS.at_most(24 * HOUR, LimitSetter.CERTIFICATE) == LIMITS
    assert LIMITS.at_most(2 * HOUR, LimitSetter.CERTIFICATE) == AgeLimits(HOUR, 2 * HOUR, LimitSetter.CERTIFICATE)
    short = LIMITS.at_most(HOUR / 2, LimitSetter.REQUIREMENT)
    assert short == AgeLimits(HOUR / 2, HOUR / 2, LimitSetter.REQUIREMENT)


@given(lengths, lengths, lengths)
def test_nobody_can_make_a_limit_laxer(fresh: timedelta, stale: timedelta, demanded: timedelta) -> None:
    before = AgeLimits(min(fresh, stale), stale, LimitSetter.NODE)
    after = before.at_most(demanded, LimitSetter.REQUIREMENT)
    assert after.stale == min(stale, demanded)
    assert after.fresh == min(before.fresh, after.stale)
