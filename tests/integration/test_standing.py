"""What happens to a good report's verdict when the world around it changes: flags, recognition, subjects, silence.

Shanxi issues, Guizhou decides, both real and with one clock. All subjects are synthetic.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import grpc.aio
import pytest
import pytest_asyncio
from huxin.v1 import (
    admin_service_pb2,
    report_service_pb2,
    statement_pb2,
    subject_pb2,
    verdict_pb2,
    verification_service_pb2,
)

from node.app import trusting
from tests.integration import dishonest
from tests.integration.provinces import (
    ACCEPT,
    LOG_VIEW_SECONDS,
    OF_SHANXI,
    REFER,
    REJECT,
    TRUST_STATE_SECONDS,
    Provinces,
    provinces,
    verify,
)
from tests.support import nodes
from trust import statements
from trust.algorithms import Suite
from trust.bundle import encode_bundle, read_bundle
from trust.envelope import seal
from trust.keys import generate, load
from trust.vocabulary import StatusChange, StatusFlag

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOMEBODY_ELSE = nodes.synthetic_code("140000", 9)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provinces]:
    async with provinces(tmp_path_factory.mktemp("standing")) as found:
        yield found


async def accepted_report(pair: Provinces) -> tuple[str, bytes]:
    """Number and bundle of a report that Guizhou accepts."""
    number, bundle = await pair.report(pair.shanxi)
    await seen(pair, bundle)
    assert (await ask(pair, bundle)).decision == ACCEPT
    return number, bundle


async def seen(pair: Provinces, bundle: bytes) -> None:
    """Waits until Guizhou holds the report's entry."""
    inclusion = read_bundle(bundle).inclusion
    assert inclusion is not None
    await nodes.caught_up(pair.guizhou, pair.shanxi, inclusion.index + 1)


async def ask(pair: Provinces, bundle: bytes, subject: str | None = None) -> verdict_pb2.Verdict:
    return await verify(pair.guizhou, bundle, pair.shanxi.subject if subject is None else subject, OF_SHANXI)


async def flag(pair: Provinces, number: str, name: str, *, on: bool) -> None:
    """Shanxi's operator changes a flag, and Guizhou learns of it."""
    answer = await pair.shanxi.admin().ChangeStatus(
        admin_service_pb2.ChangeStatusRequest(
            request_id=str(uuid.uuid4()),
            report_number=number,
            flag=f"STATUS_FLAG_{name}",
            set=on,
            reason_code="synthetic_reason",
        )
    )
    await nodes.caught_up(pair.guizhou, pair.shanxi, answer.log_index + 1)


async def test_a_revoked_report_is_rejected_for_good(pair: Provinces) -> None:
    number, bundle = await accepted_report(pair)
    await flag(pair, number, "REVOKED", on=True)
    verdict = await ask(pair, bundle)
    assert (verdict.decision, verdict.reasons[0]) == (REJECT, "REVOKED")
    assert (verdict.authenticity, verdict.standing) == (
        verdict_pb2.AUTHENTICITY_GENUINE,
        verdict_pb2.STANDING_REVOKED,
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await flag(pair, number, "REVOKED", on=False)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("name", ["UNDER_OBJECTION", "CORRECTED", "SUPERSEDED", "NEWER_INFORMATION"])
async def test_a_flagged_report_is_referred_until_the_flag_is_cleared(pair: Provinces, name: str) -> None:
    number, bundle = await accepted_report(pair)
    await flag(pair, number, name, on=True)
    verdict = await ask(pair, bundle)
    assert (verdict.decision, list(verdict.flags), verdict.standing) == (
        REFER,
        [statement_pb2.StatusFlag.Value(f"STATUS_FLAG_{name}")],
        verdict_pb2.STANDING_FLAGGED,
    )
    await flag(pair, number, name, on=False)
    assert (await ask(pair, bundle)).decision == ACCEPT


async def test_a_flag_signed_by_a_key_that_we_do_not_know_yet_counts_and_lifting_one_does_not(pair: Provinces) -> None:
    """Shanxi has changed its signing key, and Guizhou does not hold the bundle that says so."""
    _, bundle = await accepted_report(pair)
    await log_change(pair, bundle, StatusFlag.UNDER_OBJECTION, on=True)
    flagged = await ask(pair, bundle)
    assert (flagged.decision, flagged.standing) == (REFER, verdict_pb2.STANDING_FLAGGED)
    await log_change(pair, bundle, StatusFlag.UNDER_OBJECTION, on=False)
    assert (await ask(pair, bundle)).decision == REFER
    await log_change(pair, bundle, StatusFlag.REVOKED, on=True)
    assert (await ask(pair, bundle)).decision == REJECT


async def log_change(pair: Provinces, bundle: bytes, flag: StatusFlag, *, on: bool) -> None:
    """Shanxi's log gets a change signed by a key that is in no bundle, and Guizhou learns of it."""
    change = StatusChange(
        issuer="140000",
        attestation_digest=sha256(read_bundle(bundle).envelope_bytes).digest(),
        flag=flag,
        set=on,
        effective_at=pair.clock.now(),
        issued_at=pair.clock.now(),
        reason_code="synthetic_reason",
    )
    sealed = seal(statements.STATUS_CHANGE, statements.encode_status_change(change), [generate(Suite.ED25519)])
    proof = await dishonest.log_anything(pair.shanxi, statements.encode_envelope(sealed))
    await nodes.caught_up(pair.guizhou, pair.shanxi, proof.index + 1)


async def test_a_flag_of_one_report_is_no_flag_of_another(pair: Provinces) -> None:
    number, _ = await accepted_report(pair)
    _, other = await accepted_report(pair)
    await flag(pair, number, "REVOKED", on=True)
    assert (await ask(pair, other)).decision == ACCEPT


async def test_whose_report_it_is(pair: Provinces) -> None:
    _, bundle = await accepted_report(pair)
    another = await ask(pair, bundle, SOMEBODY_ELSE)
    assert (another.decision, another.steps[11].reason) == (REJECT, "SUBJECT_MISMATCH")
    nobody = await ask(pair, bundle, "")
    assert (nobody.decision, nobody.steps[11].reason) == (REFER, "NO_SUBJECT_CLAIMED")
    lower_case = await ask(pair, bundle, pair.shanxi.subject.lower())
    assert lower_case.decision == ACCEPT


async def test_a_number_alone_proves_no_content(pair: Provinces) -> None:
    number, _ = await accepted_report(pair)
    response = await pair.guizhou.verification().Verify(
        verification_service_pb2.VerifyRequest(
            report_number=number, subject=nodes.claim(pair.shanxi.subject), requirement=OF_SHANXI
        )
    )
    verdict = response.verdict
    assert (verdict.decision, verdict.standing) == (REFER, verdict_pb2.STANDING_IN_FORCE)
    assert verdict.report.report_number == number
    assert {finding.kind for finding in verdict.findings} <= {verdict_pb2.FINDING_KIND_NOT_COVERED}


async def test_natural_persons_get_no_report_yet_and_are_told_why(pair: Provinces) -> None:
    person = subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_RESIDENT_ID, id="11010519491231002X")
    reports = pair.shanxi.reports()
    answer = await reports.CheckEligibility(report_service_pb2.CheckEligibilityRequest(subject=person))
    assert (answer.eligible, answer.reason) == (False, "NATURAL_PERSON_NEEDS_CONSENT")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await reports.CreateReport(
            report_service_pb2.CreateReportRequest(request_id=str(uuid.uuid4()), subject=person, scenario="tender")
        )
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert nodes.reason_of(caught.value) == "NATURAL_PERSON_NEEDS_CONSENT"
    assert "consent" in (caught.value.details() or "")


async def test_recognition_withdrawn_and_given_again(pair: Provinces) -> None:
    _, bundle = await accepted_report(pair)
    pair.clock.advance(timedelta(seconds=1))
    trusting.withdraw(pair.guizhou.settings, "140000", pair.clock.now())
    await nodes.eventually(lambda: decided(pair, bundle, REJECT))
    verdict = await ask(pair, bundle)
    assert verdict.reasons[0] == "RECOGNITION_WITHDRAWN"
    assert verdict.authenticity == verdict_pb2.AUTHENTICITY_GENUINE
    pair.clock.advance(timedelta(seconds=1))
    nodes.recognise(pair.guizhou, "140000", pair.clock.now())
    await nodes.eventually(lambda: decided(pair, bundle, ACCEPT))


async def decided(pair: Provinces, bundle: bytes, decision: verdict_pb2.Decision) -> bool:
    return (await ask(pair, bundle)).decision == decision


async def test_the_view_grows_stale_while_the_peer_is_away_and_heals_when_it_is_back(tmp_path: Path) -> None:
    async with provinces(tmp_path) as pair:
        number, bundle = await accepted_report(pair)
        await pair.shanxi.stop()

        pair.clock.advance(timedelta(seconds=LOG_VIEW_SECONDS))
        at_the_limit = await ask(pair, bundle)
        assert (at_the_limit.decision, at_the_limit.log_view.age_seconds) == (ACCEPT, LOG_VIEW_SECONDS)
        pair.clock.advance(timedelta(seconds=1))
        beyond = await ask(pair, bundle)
        assert (beyond.decision, beyond.log_view.age_seconds) == (REFER, LOG_VIEW_SECONDS + 1)
        assert list(beyond.reasons) == ["LOG_VIEW_STALE"]
        assert beyond.authenticity == verdict_pb2.AUTHENTICITY_GENUINE

        await pair.shanxi.start(pair.clock)
        await nodes.eventually(lambda: decided(pair, bundle, ACCEPT))
        assert (await ask(pair, bundle)).log_view.age_seconds == 0
        await flag(pair, number, "REVOKED", on=True)
        assert (await ask(pair, bundle)).decision == REJECT


async def test_the_trusted_state_grows_stale(tmp_path: Path) -> None:
    """A bundle of Shanxi that nobody has renewed: genuine, but no more than a matter for a person."""
    async with provinces(tmp_path) as pair:
        _, bundle = await accepted_report(pair)
        limit = timedelta(seconds=TRUST_STATE_SECONDS)
        pair.clock.advance(limit + timedelta(seconds=1))
        await pair.shanxi.stop()
        await pair.shanxi.start(pair.clock)
        await nodes.eventually(lambda: fresh(pair, bundle))
        verdict = await ask(pair, bundle)
        assert (verdict.decision, list(verdict.reasons)) == (REFER, ["TRUST_STATE_STALE"])
        assert verdict.trust_state_age_seconds == limit.total_seconds() + 1


async def fresh(pair: Provinces, bundle: bytes) -> bool:
    return (await ask(pair, bundle)).log_view.age_seconds == 0


async def test_a_report_issued_a_moment_ago(tmp_path: Path) -> None:
    """Guizhou's view ends before it: its own proof tells that it is logged, and without one nothing is decided."""
    async with provinces(tmp_path) as pair:
        await accepted_report(pair)
        await pair.guizhou.stop()
        _, bundle = await pair.report(pair.shanxi)
        await pair.shanxi.stop()
        await pair.guizhou.start(pair.clock)
        without_proof = unproven(bundle)
        verdict = await ask(pair, bundle)
        assert (verdict.decision, verdict.log_view.size) == (ACCEPT, 1)
        verdict = await ask(pair, without_proof)
        assert (verdict.decision, verdict.steps[5].reason) == (REFER, "NOT_YET_IN_VIEW")

        await pair.shanxi.start(pair.clock)
        await seen(pair, bundle)
        assert (await ask(pair, without_proof)).decision == ACCEPT


async def test_a_report_that_was_never_logged_is_rejected_once_the_log_should_hold_it(tmp_path: Path) -> None:
    async with provinces(tmp_path) as pair:
        _, bundle = await accepted_report(pair)
        hidden = dishonest.resigned(
            bundle, load(pair.shanxi.layout.key("signing")), template_version="1", legal_basis=()
        )
        verdict = await ask(pair, hidden)
        assert (verdict.decision, verdict.steps[5].reason) == (REFER, "NOT_YET_IN_VIEW")
        pair.clock.advance(timedelta(minutes=2))
        await pair.shanxi.stop()
        await pair.shanxi.start(pair.clock)
        await nodes.eventually(lambda: fresh(pair, hidden))
        verdict = await ask(pair, hidden)
        assert (verdict.decision, verdict.steps[5].reason) == (REJECT, "NOT_IN_LOG")


def unproven(bundle: bytes) -> bytes:
    whole = read_bundle(bundle)
    return encode_bundle(whole.envelope_bytes, whole.subject_salt, whole.disclosure, whole.report_salt)
