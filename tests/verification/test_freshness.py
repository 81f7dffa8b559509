"""Which limits of age apply to a question, and how what we hold stands against them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from node.model.freshness import AgeLimits, Freshness, FreshnessCondition, LimitSetter
from node.verification.freshness import Terms, freshness
from node.verification.trusting import Recognition
from tests.recognition.cases import GUIZHOU, ISSUED, NOW, SHANXI, policy_for, requirement
from tests.support.trust import conditions, salt

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SKEW = MINUTE
LIMITS = AgeLimits(HOUR, 24 * HOUR, LimitSetter.NODE)


def certificate(trust_hours: int, view_hours: int) -> Recognition:
    return Recognition(
        replace(conditions(), max_trust_state_age=trust_hours * HOUR, max_log_view_age=view_hours * HOUR),
        policy_for(SHANXI, GUIZHOU),
        salt("certificate"),
        ISSUED,
        AgeLimits(HOUR, trust_hours * HOUR, LimitSetter.CERTIFICATE),
        AgeLimits(HOUR, view_hours * HOUR, LimitSetter.CERTIFICATE),
    )


def held(terms: Terms) -> tuple[timedelta, timedelta]:
    """What steps 8 and 9 will judge by: always the limits that are printed."""
    ages = terms.conditions.max_trust_state_age, terms.conditions.max_log_view_age
    assert ages == (terms.trust_state.stale, terms.log_view.stale)
    return ages


def test_the_stricter_of_then_and_today_counts() -> None:
    then = certificate(trust_hours=10, view_hours=5)
    assert held(Terms.of(then, then, None)) == (10 * HOUR, 5 * HOUR)
    assert held(Terms.of(then, certificate(20, 2), None)) == (10 * HOUR, 2 * HOUR)
    assert held(Terms.of(then, certificate(3, 9), None)) == (3 * HOUR, 5 * HOUR)
    assert held(Terms.of(then, None, None)) == (10 * HOUR, 5 * HOUR)


def test_a_requirement_is_stricter_or_says_nothing() -> None:
    then, asked = certificate(10, 5), requirement(GUIZHOU)
    assert held(Terms.of(then, then, asked)) == (10 * HOUR, 5 * HOUR)
    laxer = replace(asked, max_trust_age_hours=11, max_log_view_age_minutes=301)
    assert held(Terms.of(then, then, laxer)) == (10 * HOUR, 5 * HOUR)
    stricter = Terms.of(then, then, replace(asked, max_trust_age_hours=2, max_log_view_age_minutes=30))
    assert held(stricter) == (2 * HOUR, HOUR / 2)
    assert stricter.trust_state == AgeLimits(HOUR, 2 * HOUR, LimitSetter.REQUIREMENT)
    assert stricter.log_view == AgeLimits(HOUR / 2, HOUR / 2, LimitSetter.REQUIREMENT)


def test_what_was_never_seen_has_no_age() -> None:
    assert freshness(None, NOW, SKEW, LIMITS) is None


def test_nothing_is_called_fresh_without_limits_or_from_the_future() -> None:
    assert freshness(NOW, NOW, SKEW, None) == Freshness(None, 0, None)
    assert freshness(NOW + SKEW + MINUTE, NOW, SKEW, LIMITS) == Freshness(None, 0, LIMITS)
    assert freshness(NOW + SKEW, NOW, SKEW, LIMITS) == Freshness(FreshnessCondition.FRESH, 0, LIMITS)


def test_metadata_that_has_ended_outweighs_any_age() -> None:
    ended = freshness(NOW, NOW, SKEW, LIMITS, NOW)
    assert ended == Freshness(FreshnessCondition.EXPIRED, 0, LIMITS, NOW)
    ends = freshness(NOW - HOUR, NOW, SKEW, LIMITS, NOW + MINUTE)
    assert ends == Freshness(FreshnessCondition.GRACE, 3600, LIMITS, NOW + MINUTE)
