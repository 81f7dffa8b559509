"""Verdicts as of a past moment: its rules, today's knowledge, and what has changed since."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import InvalidInput
from node.model.calendar import Period
from node.model.freshness import AgeLimits, FreshnessCondition, LimitSetter
from node.model.log import StatusEvent, StatusFlag
from node.model.requirement import Requirement
from node.model.verdict import Decision, LaterFlag, Standing, StepStatus, Verdict
from node.verification.trusting import KnownIssuer, Recognition, TrustSnapshot
from node.verification.verify import VerifyReports
from node.wire.verdict import encode_verify_response
from tests.recognition.cases import (
    DAY,
    GUIZHOU,
    ISSUED,
    NOW,
    SHANXI,
    Report,
    edition,
    leaves,
    policy_for,
    requirement,
    rows,
)
from tests.recognition.test_properties import reports, requirements
from tests.support.trust import conditions, salt
from tests.verification.world import SUBJECT, Issued, Relying, known, snapshot

HOUR, A_DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
MARKET = requirement(GUIZHOU, *leaves("MK01"))
REPORT = Report(SHANXI, local_codes=("6",), period=Period(date(2023, 1, 1), DAY))
T = ISSUED + 2 * A_DAY
K = ISSUED + 10 * A_DAY


def certificate(name: str, issued_at: datetime, *, withdrawn: bool = False, trust_hours: int = 24) -> Recognition:
    limits = AgeLimits(HOUR, trust_hours * HOUR, LimitSetter.CERTIFICATE)
    return Recognition(
        replace(conditions(), max_trust_state_age=limits.stale),
        replace(
            policy_for(SHANXI, GUIZHOU),
            valid_from=ISSUED - A_DAY,
            valid_until=ISSUED + 365 * A_DAY,
            withdrawn=withdrawn,
        ),
        salt(name),
        issued_at,
        limits,
        AgeLimits(HOUR, HOUR, LimitSetter.CERTIFICATE),
    )


FIRST = certificate("first", ISSUED - A_DAY)


def relying(*history: Recognition, refreshed_at: datetime = K) -> Relying:
    """Guizhou at K, with its certificates for Shanxi in order and what it knew of Shanxi at `refreshed_at`."""
    trust = TrustSnapshot({SHANXI: known(SHANXI, refreshed_at)}, {SHANXI: history or (FIRST,)})
    return Relying(trust, now=K)


def issued(world: Relying, *statuses: StatusEvent) -> bytes:
    bundle, envelope = Issued.of(REPORT).bundle()
    world.views.hold(REPORT, envelope, *statuses)
    return bundle


def ask(
    world: Relying,
    bundle: bytes,
    at: datetime | None,
    against: Requirement | None = MARKET,
    verification: VerifyReports | None = None,
) -> Verdict:
    verification = verification or world.verification()
    (verdict,) = asyncio.run(verification.verify_batch([(bundle, SUBJECT)], against, at))
    return verdict


def reasons(verdict: Verdict) -> dict[int, str]:
    return {step.number: step.reason for step in verdict.steps if step.status is not StepStatus.PASS and step.reason}


# The present is a moment like any other


@st.composite
def questions(draw: st.DrawFn) -> tuple[Report, Requirement, list[StatusEvent]]:
    issuer = draw(st.sampled_from([SHANXI, GUIZHOU]))
    against = draw(requirements(issuer))
    event = st.builds(
        StatusEvent,
        st.just(b""),
        st.sampled_from(list(StatusFlag)),
        st.booleans(),
        st.sampled_from([ISSUED, NOW, NOW + TICK, NOW + A_DAY]),
    )
    return draw(reports(issuer, against)), against, draw(st.lists(event, max_size=3))


@given(questions())
@settings(max_examples=25, deadline=None)
def test_as_of_now_is_what_no_moment_means_to_the_byte(asked: tuple[Report, Requirement, list[StatusEvent]]) -> None:
    report, against, statuses = asked
    world = Relying(snapshot(against.jurisdiction, report.issuer), against.jurisdiction)
    bundle, envelope = Issued.of(report).bundle()
    world.views.hold(report, envelope, *statuses)
    without, with_moment = ask(world, bundle, None, against), ask(world, bundle, world.now, against)
    assert encode_verify_response(without) == encode_verify_response(with_moment)


@given(st.integers(0, 12 * 24), st.integers(0, 12 * 24), st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_past_makes_no_knowledge_fresher(hours: int, refreshed: int, expiring: bool) -> None:
    """Steps 8 and 9, and the condition that is printed, are those of today for every T."""
    world = relying(refreshed_at=ISSUED + refreshed * HOUR)
    if expiring:
        held = world.trust.issuers[SHANXI]
        ending = KnownIssuer(replace(held.trusted, expires_at=ISSUED + 200 * HOUR), held.digest)
        world.trust = replace(world.trust, issuers={SHANXI: ending})
    bundle = issued(world)
    today, then = ask(world, bundle, None), ask(world, bundle, min(K, ISSUED + hours * HOUR))
    assert [today.steps[7], today.steps[8]] == [then.steps[7], then.steps[8]]
    assert (today.basis.trust_state, today.basis.log_view) == (then.basis.trust_state, then.basis.log_view)
    assert then.basis.trust_state is not None
    condition = then.basis.trust_state.condition
    told = {"TRUST_STATE_STALE": FreshnessCondition.STALE, "TRUST_STATE_EXPIRED": FreshnessCondition.EXPIRED}
    if then.steps[7].status is StepStatus.PASS:
        assert condition in {FreshnessCondition.FRESH, FreshnessCondition.GRACE}
    else:
        assert condition is told.get(then.steps[7].reason)
        assert then.decision is not Decision.ACCEPT


# Which moment


def test_both_times_are_in_the_verdict() -> None:
    world = relying()
    verdict = ask(world, issued(world), T)
    assert verdict.decision is Decision.ACCEPT
    assert (verdict.basis.as_of, verdict.basis.known_at) == (T, K)


@pytest.mark.parametrize(
    "at", [K + timedelta(seconds=60) + TICK, datetime.max.replace(tzinfo=UTC), datetime(1899, 12, 31, tzinfo=UTC)]
)
def test_a_moment_without_rules_is_refused(at: datetime) -> None:
    world = relying()
    with pytest.raises(InvalidInput) as caught:
        ask(world, issued(world), at)
    assert caught.value.field == "at"


def test_what_a_faster_clock_calls_the_present_is_now() -> None:
    world = relying()
    verdict = ask(world, issued(world), K + timedelta(seconds=60))
    assert (verdict.basis.as_of, verdict.basis.known_at, verdict.decision) == (K, K, Decision.ACCEPT)


def test_before_the_report_was_issued_there_was_none() -> None:
    world = relying()
    verdict = ask(world, issued(world), ISSUED - HOUR)
    assert (verdict.decision, verdict.reasons) == (Decision.REJECT, ("ISSUED_IN_FUTURE",))


def test_the_age_of_the_report_is_that_of_then() -> None:
    world = replace(relying(refreshed_at=ISSUED + 40 * A_DAY), now=ISSUED + 40 * A_DAY)
    bundle = issued(world)
    assert ask(world, bundle, ISSUED + 30 * A_DAY).decision is Decision.ACCEPT
    assert ask(world, bundle, None).reasons == ("REPORT_TOO_OLD",)


# Recognition has a history


def test_a_recognition_counts_from_when_it_was_signed_until_it_was_withdrawn() -> None:
    world = relying(FIRST, certificate("withdrawal", T + A_DAY, withdrawn=True))
    bundle = issued(world)
    then = ask(world, bundle, T)
    assert (then.decision, then.inputs.trust_certificate) == (Decision.ACCEPT, FIRST.digest)
    assert then.basis.recognition_withdrawn_since
    assert then.inputs.present_certificate == salt("withdrawal")
    for at in (T + A_DAY, None):
        today = ask(world, bundle, at)
        assert (today.decision, today.reasons) == (Decision.REJECT, ("RECOGNITION_WITHDRAWN",))
        assert not today.basis.recognition_withdrawn_since
        assert today.inputs.present_certificate == b""


def test_a_recognition_that_came_later_does_not_reach_back() -> None:
    world = relying(certificate("later", T + A_DAY))
    bundle = issued(world)
    then = ask(world, bundle, T)
    assert then.decision is Decision.REJECT
    assert (reasons(then)[8], reasons(then)[15]) == ("NO_CONDITIONS", "ISSUER_NOT_RECOGNISED")
    assert (then.inputs.trust_certificate, then.inputs.present_certificate) == (b"", b"")
    assert ask(world, bundle, T + A_DAY).decision is Decision.ACCEPT


def test_limits_of_age_are_those_of_today_as_well() -> None:
    """Guizhou has become stricter since: what it knows of Shanxi is too old today, whatever day is asked about."""
    history = FIRST, certificate("stricter", T + A_DAY, trust_hours=2)
    world = relying(*history, refreshed_at=K - 3 * HOUR)
    bundle = issued(world)
    for at in (T, None):
        verdict = ask(world, bundle, at)
        assert (verdict.decision, verdict.reasons) == (Decision.REFER, ("TRUST_STATE_STALE",))
        assert verdict.basis.trust_state is not None
        assert verdict.basis.trust_state.limits == AgeLimits(HOUR, 2 * HOUR, LimitSetter.CERTIFICATE)
    laxer = relying(FIRST, certificate("laxer", T + A_DAY, trust_hours=400), refreshed_at=K - 30 * HOUR)
    assert ask(laxer, issued(laxer), T).reasons == ("TRUST_STATE_STALE",)
    assert ask(laxer, issued(laxer), None).decision is Decision.ACCEPT


# Status and requirement


def test_what_happened_since_is_told_and_does_not_decide() -> None:
    world = relying()
    bundle = issued(world, StatusEvent(b"", StatusFlag.REVOKED, True, T + HOUR))
    then, today = ask(world, bundle, T), ask(world, bundle, None)
    assert (then.decision, then.standing, then.flags) == (Decision.ACCEPT, Standing.IN_FORCE, ())
    assert then.later_flags == (LaterFlag(StatusFlag.REVOKED, True, T + HOUR),)
    assert (today.decision, today.standing, today.later_flags) == (Decision.REJECT, Standing.REVOKED, ())


def test_an_announced_change_is_told_today() -> None:
    world = relying()
    bundle = issued(world, StatusEvent(b"", StatusFlag.SUPERSEDED, True, K + A_DAY))
    verdict = ask(world, bundle, None)
    assert verdict.decision is Decision.ACCEPT
    assert verdict.later_flags == (LaterFlag(StatusFlag.SUPERSEDED, True, K + A_DAY),)


def test_own_rows_are_translated_by_the_catalogue_of_then() -> None:
    world = relying()
    world.own_edition = lambda at: edition(GUIZHOU) if at > T else None
    bundle, verification = issued(world), world.verification()
    for at, wanted in ((T, Decision.REFER), (T + TICK, Decision.ACCEPT), (T, Decision.REFER), (None, Decision.ACCEPT)):
        assert ask(world, bundle, at, requirement(GUIZHOU, *rows("7")), verification).decision is wanted


def test_a_requirement_may_demand_fresher_knowledge() -> None:
    strict = replace(MARKET, max_trust_age_hours=2)
    for age, decision, condition in (
        (HOUR - TICK, Decision.ACCEPT, FreshnessCondition.FRESH),
        (HOUR, Decision.ACCEPT, FreshnessCondition.GRACE),
        (2 * HOUR, Decision.ACCEPT, FreshnessCondition.GRACE),
        (2 * HOUR + TICK, Decision.REFER, FreshnessCondition.STALE),
    ):
        world = relying(refreshed_at=K - age)
        bundle = issued(world)
        verdict = ask(world, bundle, None, strict)
        assert verdict.basis.trust_state is not None
        assert (verdict.decision, verdict.basis.trust_state.condition) == (decision, condition)
        assert verdict.basis.trust_state.limits == AgeLimits(HOUR, 2 * HOUR, LimitSetter.REQUIREMENT)
        assert ask(world, bundle, None).decision is Decision.ACCEPT


def test_an_issuer_that_is_not_recognised_has_an_age_and_no_limits() -> None:
    world = relying(refreshed_at=K - HOUR)
    world.trust = replace(world.trust, recognitions={})
    verdict = ask(world, issued(world), None)
    assert verdict.basis.trust_state is not None
    assert (verdict.basis.trust_state.condition, verdict.basis.trust_state.limits) == (None, None)
    assert verdict.trust_state_age_seconds == 3600
