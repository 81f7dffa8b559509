"""Verdicts: the same whatever is remembered, one by one or in a batch, and never better than the facts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import NotFound
from node.model.calendar import Period
from node.model.catalogue import Caveat
from node.model.log import StatusEvent, StatusFlag
from node.model.policy import RecognitionPolicy
from node.model.records import PENALTY_ORDINARY
from node.model.requirement import Requirement
from node.model.subject import IdType, SubjectRef
from node.model.verdict import Authenticity, Decision, Standing, StepStatus, Verdict
from node.verification.trusting import FreshnessLimits, Recognition
from node.verification.verify import VerifyReports
from node.wire.verdict import encode_batch_response, encode_verify_response
from tests.recognition.cases import (
    DAY,
    GUIZHOU,
    ISSUED,
    LANZHOU,
    NOW,
    SHANXI,
    Report,
    leaves,
    penalty,
    policy_for,
    requirement,
)
from tests.recognition.test_properties import reports, requirements
from tests.support.trust import conditions, key
from tests.verification.world import NUMBER, SUBJECT, Issued, Relying, snapshot
from trust.bundle import Disclosure, encode_bundle, read_bundle
from trust.envelope import Signature
from trust.statements import encode_envelope
from trust.vocabulary import RecognitionScope, SuitePolicy, TrustCertificate

MARKET = requirement(GUIZHOU, *leaves("MK01"))
"""Shanxi's row 6 holds the leaf whole: met by a complete report without records."""
REPORT = Report(SHANXI, local_codes=("6",), period=Period(date(2023, 1, 1), DAY))


def relying(*issuers: str) -> Relying:
    return Relying(snapshot(GUIZHOU, *(issuers or (SHANXI,))))


def issued(world: Relying, report: Report = REPORT, *statuses: StatusEvent) -> bytes:
    """The bundle of a report that the issuer's log holds."""
    bundle, envelope = Issued.of(report).bundle()
    world.views.hold(report, envelope, *statuses)
    return bundle


def ask(
    world: Relying,
    bundle: bytes,
    against: Requirement | None = MARKET,
    subject: SubjectRef | None = SUBJECT,
    verification: VerifyReports | None = None,
) -> Verdict:
    verification = verification or world.verification()
    return asyncio.run(alone(verification, bundle, against, subject))


async def alone(
    verification: VerifyReports, bundle: bytes, against: Requirement | None, subject: SubjectRef | None
) -> Verdict:
    (verdict,) = await verification.verify_batch([(bundle, subject)], against)
    return verdict


async def ask_by_number(
    world: Relying, number: str, against: Requirement | None = None, subject: SubjectRef | None = None
) -> Verdict:
    verification = world.verification()
    return await alone(verification, await verification.find_statement(number), against, subject)


def reasons(verdict: Verdict) -> dict[int, str]:
    return {step.number: step.reason for step in verdict.steps if step.status is not StepStatus.PASS}


def test_a_report_that_proves_what_is_asked_is_accepted() -> None:
    world = relying()
    verdict = ask(world, issued(world))
    assert (verdict.authenticity, verdict.standing) == (Authenticity.GENUINE, Standing.IN_FORCE)
    assert (verdict.decision, verdict.reasons, reasons(verdict)) == (Decision.ACCEPT, (), {7: ""})
    assert verdict.report is not None
    assert verdict.report.report_number == SHANXI + NUMBER
    assert (verdict.basis.as_of, verdict.basis.known_at) == (NOW, NOW)
    assert verdict.log_view is not None
    assert verdict.requirement_title == MARKET.title_zh


# Remembering changes nothing


@st.composite
def questions(draw: st.DrawFn) -> list[tuple[Report, Requirement, int, bool]]:
    """Reports, requirements and policies, few of each and close to each other, so that most are met again."""
    issuer = draw(st.sampled_from([SHANXI, GUIZHOU, LANZHOU]))
    first = draw(requirements(issuer))
    asked = [first, replace(first, months=18), replace(first, repaired_records_count=not first.repaired_records_count)]
    told = draw(st.lists(reports(issuer, first), min_size=1, max_size=3))
    told += [replace(told[0], period=Period(date(2024, 1, 1), DAY)), replace(told[0], delivered=date(2026, 11, 1))]
    one = st.tuples(st.sampled_from(told), st.sampled_from(asked), st.integers(0, 2), st.booleans())
    return draw(st.lists(one, min_size=2, max_size=8))


def policies(issuer: str, own: str) -> list[RecognitionPolicy]:
    whole = policy_for(issuer, own)
    return [
        whole,
        replace(whole, accepted_caveats=whole.accepted_caveats | {Caveat.CLOSE_MATCH}),
        replace(whole, leaves=frozenset(sorted(whole.leaves)[:20])),
    ]


@given(questions())
@settings(max_examples=25, deadline=None)
def test_what_was_asked_before_does_not_matter(asked: list[tuple[Report, Requirement, int, bool]]) -> None:
    issuer, own = asked[0][0].issuer, asked[0][1].jurisdiction
    world = Relying(snapshot(own, issuer), own)
    recognitions = [snapshot(own, issuer, policy=policy) for policy in policies(issuer, own)]
    remembering = world.verification()
    for report, against, policy, claimed in asked:
        world.trust = recognitions[policy]
        bundle = issued(world, report)
        subject = SUBJECT if claimed else None
        verdict = ask(world, bundle, against, subject, remembering)
        assert verdict == ask(world, bundle, against, subject)
        assert encode_verify_response(verdict) == encode_verify_response(ask(world, bundle, against, subject))


def test_a_memo_of_no_size_gives_the_same_verdicts() -> None:
    world = relying()
    bundle = issued(world)
    forgetful = replace(world, memo_bytes=0).verification()
    for _ in range(2):
        assert ask(world, bundle, verification=forgetful) == ask(world, bundle)


def test_many_requirements_do_not_take_each_others_answers() -> None:
    """Requirements come and go with their callers: memory is used again for others."""
    world = relying()
    bundle = issued(world)
    remembering = world.verification()
    for turn in range(600):
        months, wanted = (12, Decision.ACCEPT) if turn % 2 else (60, Decision.REFER)
        against = requirement(GUIZHOU, *leaves("MK01"), months=months)
        assert ask(world, bundle, against, verification=remembering).decision is wanted


def test_facts_are_judged_anew_each_time() -> None:
    world = relying()
    bundle = issued(world)
    verification = world.verification()
    assert ask(world, bundle, verification=verification).decision is Decision.ACCEPT
    whole = world.trust
    world.trust = replace(whole, recognitions={})
    assert ask(world, bundle, verification=verification).decision is Decision.REJECT
    world.trust = replace(whole, issuers={})
    assert ask(world, bundle, verification=verification).authenticity is Authenticity.UNDECIDED
    world.trust = whole
    issued(world, REPORT, StatusEvent(b"", StatusFlag.UNREADABLE, True, ISSUED))
    flagged = ask(world, bundle, verification=verification)
    assert (flagged.decision, flagged.reasons) == (Decision.REFER, ("STATUS_UNREADABLE",))
    issued(world, REPORT, StatusEvent(b"", StatusFlag.REVOKED, True, ISSUED))
    assert ask(world, bundle, verification=verification).decision is Decision.REJECT
    issued(world)
    world.heads = False
    assert ask(world, bundle, verification=verification).decision is Decision.REFER
    world.heads = True
    assert ask(world, bundle, verification=verification).decision is Decision.ACCEPT
    world.now = NOW + timedelta(days=31)
    assert ask(world, bundle, verification=verification).decision is Decision.REFER


# Batches


def _forged(bundle: bytes) -> bytes:
    whole = read_bundle(bundle)
    signature = whole.envelope.signatures[0]
    forged = replace(whole.envelope, signatures=(Signature(signature.key_id, bytes(64)),))
    return encode_bundle(encode_envelope(forged), whole.subject_salt, whole.disclosure, whole.report_salt)


def _part(bundle: bytes) -> bytes:
    whole = read_bundle(bundle)
    assert isinstance(whole.disclosure, Disclosure)
    return encode_bundle(whole.envelope_bytes, whole.subject_salt, whole.disclosure.narrowed([0, 2]))


@pytest.mark.parametrize("against", [MARKET, None])
@pytest.mark.parametrize("warm", [False, True])
async def test_a_batch_gives_what_one_by_one_gives_to_the_byte(against: Requirement | None, warm: bool) -> None:
    world = relying(SHANXI, LANZHOU)
    good = issued(world)
    recorded = issued(world, replace(REPORT, records={("6", PENALTY_ORDINARY): (penalty(date(2025, 1, 1)),)}))
    unlogged, _ = Issued.of(replace(REPORT, scenario="listing")).bundle()
    foreign = issued(world, Report(LANZHOU, period=Period(date(2024, 6, 1), DAY)))
    unrecognised = issued(world, Report(GUIZHOU, period=Period(date(2024, 6, 1), DAY)))
    bundles = [good, b"", b"\xff", _forged(good), good[:-1], recorded, unlogged, foreign, unrecognised, _part(good)]
    other = SubjectRef(IdType.USCC, "91140000MA0TE00000")
    items = [(bundle, subject) for bundle in bundles * 3 for subject in (SUBJECT, None, other)]
    verification = world.verification()
    if warm:
        await verification.verify_batch(items, against)
    batch = await verification.verify_batch(items, against)
    another = world.verification()
    single = [await alone(another, bundle, against, subject) for bundle, subject in items]
    assert batch == single
    assert encode_batch_response(batch) == encode_batch_response(single)
    assert len({verdict.decision for verdict in batch}) == (1 if against is None else 3)


async def test_an_empty_batch_has_no_verdicts() -> None:
    assert await relying().verification().verify_batch([], MARKET) == []


# Issuers that contradict themselves


def contradicting(which: str) -> Issued:
    whole = Issued.of(REPORT)
    summary = whole.summary
    fewer = frozenset(sorted(summary.selection.cells)[1:])
    changed = {
        "number": replace(summary, report_number=SHANXI + NUMBER[:-1] + "8"),
        "period": replace(summary, period=Period(date(2021, 11, 22), DAY)),
        "fewer": replace(summary, selection=replace(summary.selection, cells=fewer)),
        "complete": replace(summary, selection=replace(summary.selection, complete=True)),
    }
    if which == "section":
        return replace(whole, sections=(b"\x08\x01", *whole.sections[1:]))
    return replace(whole, summary=changed[which])


@pytest.mark.parametrize("which", ["number", "period", "fewer", "complete", "section"])
def test_a_report_that_contradicts_its_statement_is_not_relied_on(which: str) -> None:
    """Signed as it is, by its issuer: genuine, and worth nothing."""
    world = relying()
    bundle, envelope = contradicting(which).bundle()
    world.views.hold(REPORT, envelope)
    verdict = ask(world, bundle)
    assert (verdict.authenticity, verdict.decision) == (Authenticity.GENUINE, Decision.REFER)
    assert verdict.findings == ()
    assert [reasons(verdict)[number] for number in (14, 15, 16, 17)] == ["NOT_REACHED"] * 4


# By number


async def test_a_number_alone_tells_authenticity_and_standing() -> None:
    world = relying()
    issued(world)
    verdict = await ask_by_number(world, SHANXI + NUMBER)
    assert (verdict.authenticity, verdict.standing, verdict.decision) == (
        Authenticity.GENUINE,
        Standing.IN_FORCE,
        None,
    )
    assert verdict.report is not None
    assert verdict.report.report_number == SHANXI + NUMBER


async def test_a_number_alone_never_proves_content() -> None:
    world = relying()
    issued(world)
    verdict = await ask_by_number(world, SHANXI + NUMBER, MARKET, SUBJECT)
    assert verdict.decision is not Decision.ACCEPT
    assert verdict.findings == ()


async def test_a_revoked_number_is_told() -> None:
    world = relying()
    issued(world, REPORT, StatusEvent(b"", StatusFlag.REVOKED, True, ISSUED))
    verdict = await ask_by_number(world, SHANXI + NUMBER)
    assert (verdict.standing, verdict.flags) == (Standing.REVOKED, (StatusFlag.REVOKED,))


@pytest.mark.parametrize("number", [SHANXI + NUMBER, "110000" + NUMBER, ""])
async def test_an_unknown_number_is_not_found(number: str) -> None:
    with pytest.raises(NotFound) as caught:
        await ask_by_number(relying(), number)
    assert caught.value.reason == "NO_SUCH_REPORT"


# Trust certificates


def test_too_few_witnesses_say_after_how_long_to_ask_again() -> None:
    """As often as this node asks them, rounded up; and never where there are enough."""
    world, witness = relying(), f"huxin/{LANZHOU}/node"
    bundle = issued(world)
    demanding = tuple(replace(each, conditions=conditions(quorum=1)) for each in world.trust.recognitions[SHANXI])
    shanxi = world.trust.issuers[SHANXI]
    trusted = shanxi.trusted.with_witnesses({witness: key("witness").public})
    issuers = {**world.trust.issuers, SHANXI: replace(shanxi, trusted=trusted)}
    world.trust = replace(world.trust, issuers=issuers, recognitions={SHANXI: demanding})
    world.compared_every_seconds = 9.5
    few = ask(world, bundle)
    assert (few.decision, reasons(few)[7], few.retry_seconds) == (Decision.REFER, "WITNESS_QUORUM_UNMET", 10)
    world.witnesses = {witness: 1}
    enough = ask(world, bundle)
    assert (enough.decision, enough.retry_seconds) == (Decision.ACCEPT, 0)


@pytest.mark.parametrize("asked", [MARKET, None], ids=["with a requirement", "without"])
@pytest.mark.parametrize("which", ["LOG_SPLIT", "NOT_IN_LOG", "REVOKED"])
def test_where_witnesses_change_nothing_nobody_is_told_to_ask_again(which: str, asked: Requirement | None) -> None:
    world = relying()
    world.compared_every_seconds = 10.0
    revocations = (StatusEvent(b"", StatusFlag.REVOKED, True, ISSUED),) if which == "REVOKED" else ()
    bundle = issued(world, REPORT, *revocations)
    demanding = tuple(replace(each, conditions=conditions(quorum=1)) for each in world.trust.recognitions[SHANXI])
    world.trust = replace(world.trust, recognitions={SHANXI: demanding})
    if which == "LOG_SPLIT":
        world.agreed = 0
    elif which == "NOT_IN_LOG":
        world.views.entries.clear()
    verdict = ask(world, bundle, asked)
    assert which in verdict.reasons
    assert "WITNESS_QUORUM_UNMET" in verdict.reasons
    assert verdict.retry_seconds == 0


def test_a_node_may_be_stricter_than_its_certificates_never_laxer() -> None:
    certificate = TrustCertificate(
        recogniser=GUIZHOU,
        issuer=SHANXI,
        scope=RecognitionScope(("MK01",), ("criminal_judgment",), ("tender",)),
        reviewed_catalogues=(b"c" * 32,),
        reviewed_crosswalks=(b"x" * 32,),
        accepted_caveats=("CLOSE_MATCH", "A_CAVEAT_OF_LATER_VERSIONS"),
        suites=SuitePolicy(any_of=("ed25519",)),
        witness_quorum=0,
        max_trust_state_age_seconds=100,
        max_log_view_age_seconds=200,
        valid_from=ISSUED,
        valid_until=ISSUED + timedelta(days=1),
        legal_basis=(),
        issued_at=ISSUED,
    )
    for limit, trust_age, view_age in ((150, 100, 150), (10, 10, 10), (1_000, 100, 200)):
        limits = FreshnessLimits(timedelta(seconds=limit), timedelta(seconds=limit))
        recognition = Recognition.of(certificate, b"d" * 32, limits)
        for ages in (recognition.conditions, recognition.policy):
            assert ages.max_trust_state_age == timedelta(seconds=trust_age)
            assert ages.max_log_view_age == timedelta(seconds=view_age)
        assert recognition.policy.accepted_caveats == {Caveat.CLOSE_MATCH}
        assert recognition.policy.leaves == {"MK01"}
        assert recognition.digest == b"d" * 32
