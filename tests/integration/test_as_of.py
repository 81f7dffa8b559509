"""Verification as of a past moment, and freshness in its conditions, through the real doors of two provinces.

Shanxi issues, Guizhou decides, both with one clock. All subjects are synthetic.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import grpc.aio
import pytest
import pytest_asyncio
from huxin.v1 import admin_service_pb2, requirement_pb2, statement_pb2, verdict_pb2, verification_service_pb2

from node.app import trusting
from node.app.keyring import load_keyring
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
from trust.bundle import read_bundle
from trust.envelope import seal, to_json
from trust.keys import generate
from trust.vocabulary import SigningKeyInfo

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINUTE = timedelta(minutes=1)
FRESH_SECONDS = 600
FRESH, GRACE, STALE = (
    verdict_pb2.FRESHNESS_CONDITION_FRESH,
    verdict_pb2.FRESHNESS_CONDITION_GRACE,
    verdict_pb2.FRESHNESS_CONDITION_STALE,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provinces]:
    async with provinces(tmp_path_factory.mktemp("as-of")) as found:
        yield found


async def known_report(pair: Provinces) -> tuple[str, bytes]:
    """Number and bundle of a report whose entry Guizhou holds."""
    number, bundle = await pair.report(pair.shanxi)
    inclusion = read_bundle(bundle).inclusion
    assert inclusion is not None
    await nodes.caught_up(pair.guizhou, pair.shanxi, inclusion.index + 1)
    return number, bundle


async def ask(
    pair: Provinces,
    bundle: bytes,
    at: datetime | None = None,
    requirement: requirement_pb2.Requirement = OF_SHANXI,
) -> verdict_pb2.Verdict:
    return await verify(pair.guizhou, bundle, pair.shanxi.subject, requirement, at)


async def decided(pair: Provinces, bundle: bytes, decision: verdict_pb2.Decision) -> bool:
    return (await ask(pair, bundle)).decision == decision


async def cosigned_again(pair: Provinces, bundle: bytes) -> None:
    """Shanxi cosigns its head at the present moment, and Guizhou learns of it."""
    await pair.shanxi.stop()
    await pair.shanxi.start(pair.clock)

    async def young() -> bool:
        return (await ask(pair, bundle)).log_view.age_seconds == 0

    await nodes.eventually(young)


async def test_as_of_now_is_what_no_moment_means_to_the_byte(pair: Provinces) -> None:
    _, bundle = await known_report(pair)
    without, of_now = await ask(pair, bundle), await ask(pair, bundle, pair.clock.now())
    assert without.decision == ACCEPT
    assert without.SerializeToString(deterministic=True) == of_now.SerializeToString(deterministic=True)
    assert without.as_of == without.known_at == without.decided_at


async def test_recognition_withdrawn_between_two_days(pair: Provinces) -> None:
    _, bundle = await known_report(pair)
    before = pair.clock.now()
    pair.clock.advance(MINUTE)
    trusting.withdraw(pair.guizhou.settings, "140000", pair.clock.now())
    await nodes.eventually(lambda: decided(pair, bundle, REJECT))
    pair.clock.advance(MINUTE)
    then = await ask(pair, bundle, before)
    assert (then.decision, then.recognition_withdrawn_since) == (ACCEPT, True)
    assert then.inputs.present_certificate not in (b"", then.inputs.trust_certificate)
    after = await ask(pair, bundle, pair.clock.now() - MINUTE)
    assert (after.decision, list(after.reasons)) == (REJECT, ["RECOGNITION_WITHDRAWN"])
    nodes.recognise(pair.guizhou, "140000", pair.clock.now())
    await nodes.eventually(lambda: decided(pair, bundle, ACCEPT))
    assert (await ask(pair, bundle, pair.clock.now() - MINUTE)).decision == REJECT


async def test_a_report_revoked_afterwards(pair: Provinces) -> None:
    number, bundle = await known_report(pair)
    before = pair.clock.now()
    pair.clock.advance(MINUTE)
    answer = await pair.shanxi.admin().ChangeStatus(
        admin_service_pb2.ChangeStatusRequest(
            request_id=str(uuid.uuid4()),
            report_number=number,
            flag=statement_pb2.STATUS_FLAG_REVOKED,
            set=True,
            reason_code="synthetic_reason",
        )
    )
    await nodes.caught_up(pair.guizhou, pair.shanxi, answer.log_index + 1)
    then, today = await ask(pair, bundle, before), await ask(pair, bundle)
    assert (then.decision, then.standing) == (ACCEPT, verdict_pb2.STANDING_IN_FORCE)
    (later,) = then.later_flags
    assert (later.flag, later.set) == (statement_pb2.STATUS_FLAG_REVOKED, True)
    assert later.effective_at == today.known_at
    assert (today.decision, list(today.reasons), len(today.later_flags)) == (REJECT, ["REVOKED"], 0)
    request = verification_service_pb2.BatchVerifyRequest(
        items=[verification_service_pb2.BatchItem(bundle=bundle, subject=nodes.claim(pair.shanxi.subject))],
        requirement=OF_SHANXI,
        at=before,
    )
    assert (await pair.guizhou.verification().BatchVerify(request)).verdicts[0] == then


async def test_a_report_did_not_exist_before_it_was_issued(pair: Provinces) -> None:
    before = pair.clock.now()
    pair.clock.advance(timedelta(seconds=30))
    _, bundle = await known_report(pair)
    verdict = await ask(pair, bundle, before)
    assert (verdict.decision, list(verdict.reasons)) == (REJECT, ["ISSUED_IN_FUTURE"])


async def test_a_moment_to_come_is_refused(pair: Provinces) -> None:
    _, bundle = await known_report(pair)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(pair, bundle, pair.clock.now() + 2 * MINUTE)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "future" in (caught.value.details() or "")


async def test_an_expired_report_as_of_the_day_before(tmp_path: Path) -> None:
    async with provinces(tmp_path) as pair:
        _, genuine = await known_report(pair)
        issued_at = pair.clock.now()
        ending = dishonest.resigned(
            genuine, load_keyring(pair.shanxi.settings).signing.first, valid_until=issued_at + 10 * MINUTE
        )
        proof = await dishonest.log_anything(pair.shanxi, read_bundle(ending).envelope_bytes)
        await nodes.caught_up(pair.guizhou, pair.shanxi, proof.index + 1)
        pair.clock.advance(10 * MINUTE)
        today, then = await ask(pair, ending), await ask(pair, ending, issued_at + 9 * MINUTE)
        assert (today.decision, list(today.reasons)) == (REFER, ["EXPIRED"])
        assert (then.decision, then.standing) == (ACCEPT, verdict_pb2.STANDING_IN_FORCE)


@pytest.mark.parametrize(
    ("what", "earlier", "later"),
    [
        ("retired_at", (ACCEPT, []), (REJECT, "KEY_RETIRED")),
        ("compromised_at", (ACCEPT, []), (REJECT, "KEY_COMPROMISED")),
    ],
)
async def test_a_key_that_ends_between_two_reports(
    tmp_path: Path,
    what: str,
    earlier: tuple[verdict_pb2.Decision, list[str]],
    later: tuple[verdict_pb2.Decision, str],
) -> None:
    """Guizhou learns of it afterwards. Neither reaches back to what it held before (`test_witnessed_time.py`)."""
    async with provinces(tmp_path) as pair:
        _, first = await known_report(pair)
        pair.clock.advance(MINUTE)
        then = pair.clock.now()
        pair.clock.advance(MINUTE)
        ended = pair.clock.now()
        pair.clock.advance(MINUTE)
        _, second = await known_report(pair)
        assert (await ask(pair, first, then)).decision == ACCEPT
        await publish_end_of_key(pair, what, ended)
        await nodes.eventually(lambda: decided(pair, second, REJECT))
        for at in (then, None):
            verdict = await ask(pair, first, at)
            assert (verdict.decision, list(verdict.reasons)) == earlier
        verdict = await ask(pair, second)
        assert (verdict.decision, verdict.reasons[0]) == later


async def publish_end_of_key(pair: Provinces, what: str, at: datetime) -> None:
    """Guizhou is handed a bundle in which Shanxi's key has ended, signed by a new key that was compared."""
    fresh, now = generate(Suite.ED25519), pair.clock.now()
    own = trusting.trusted_state(pair.shanxi.settings).own.bundle
    (old,) = own.signing_keys
    ended = replace(old, retired_at=at) if what == "retired_at" else replace(old, compromised_at=at)
    keys = (ended, SigningKeyInfo(fresh.spki, fresh.suite, now))
    bundle = replace(own, version=own.version + 1, issued_at=now, signing_keys=keys)
    sealed = seal(statements.JURISDICTION_BUNDLE, statements.encode_jurisdiction_bundle(bundle), [fresh])
    trusting.import_bundle(pair.guizhou.settings, to_json(sealed), fresh.key_id)


async def test_knowledge_grows_old_in_steps_and_heals(tmp_path: Path) -> None:
    extra = {
        "HUXIN_FRESHNESS__LOG_VIEW_FRESH_SECONDS": str(FRESH_SECONDS),
        "HUXIN_FRESHNESS__TRUST_STATE_FRESH_SECONDS": "86400",
    }
    strict = requirement_pb2.Requirement()
    strict.CopyFrom(OF_SHANXI)
    strict.max_log_view_age_minutes = 20
    async with provinces(tmp_path, extra=extra) as pair:
        _, bundle = await known_report(pair)
        issued_at = pair.clock.now()
        await pair.shanxi.stop()

        for age, condition, decision in (
            (FRESH_SECONDS - 1, FRESH, ACCEPT),
            (FRESH_SECONDS, GRACE, ACCEPT),
            (LOG_VIEW_SECONDS, GRACE, ACCEPT),
            (LOG_VIEW_SECONDS + 1, STALE, REFER),
        ):
            pair.clock.set(issued_at + timedelta(seconds=age))
            # As of then or of now: knowledge is as old as it is.
            for at in (issued_at, None):
                verdict = await ask(pair, bundle, at)
                found = verdict.log_view_freshness
                assert (found.condition, verdict.decision, found.age_seconds) == (condition, decision, age)
                assert (found.fresh_limit_seconds, found.stale_limit_seconds) == (FRESH_SECONDS, LOG_VIEW_SECONDS)
                assert found.limit_set_by == verdict_pb2.LIMIT_SETTER_NODE

        pair.clock.set(issued_at + timedelta(seconds=1_200))
        assert (await ask(pair, bundle, None, strict)).decision == ACCEPT
        pair.clock.advance(timedelta(seconds=1))
        verdict = await ask(pair, bundle, None, strict)
        assert (verdict.decision, list(verdict.reasons)) == (REFER, ["LOG_VIEW_STALE"])
        assert verdict.log_view_freshness.limit_set_by == verdict_pb2.LIMIT_SETTER_REQUIREMENT
        assert verdict.log_view_freshness.stale_limit_seconds == 1_200
        assert (await ask(pair, bundle)).decision == ACCEPT

        await pair.shanxi.start(pair.clock)
        for age, condition, decision in (
            (86_399, FRESH, ACCEPT),
            (86_400, GRACE, ACCEPT),
            (TRUST_STATE_SECONDS, GRACE, ACCEPT),
            (TRUST_STATE_SECONDS + 1, STALE, REFER),
        ):
            pair.clock.set(nodes.THE_DAY + timedelta(seconds=age))
            await cosigned_again(pair, bundle)
            verdict = await ask(pair, bundle)
            assert (verdict.trust_state.condition, verdict.decision) == (condition, decision)
            assert (verdict.trust_state.age_seconds, verdict.log_view_freshness.condition) == (age, FRESH)

        trusting.import_bundle(
            pair.guizhou.settings, trusting.export_bundle(pair.shanxi.settings, pair.clock.now()), None
        )
        await nodes.eventually(lambda: decided(pair, bundle, ACCEPT))
