"""An issuer that is down: what it logged verifies as before, with its age stated; past the limit people look at it.

Shanxi issues, Guizhou decides, both real and with one clock that the test moves. All subjects are synthetic.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from huxin.v1 import admin_service_pb2, requirement_pb2, verdict_pb2

from tests.integration.provinces import (
    ACCEPT,
    LOG_VIEW_SECONDS,
    OF_SHANXI,
    REFER,
    REJECT,
    Provinces,
    provinces,
    verify,
)
from tests.support import nodes

FRESH_SECONDS = 1_800
"""From this age on a view warns here."""
SETTINGS = {"HUXIN_FRESHNESS__LOG_VIEW_FRESH_SECONDS": str(FRESH_SECONDS)}
STRICT = requirement_pb2.Requirement()
STRICT.CopyFrom(OF_SHANXI)
STRICT.max_log_view_age_minutes = 10


async def three_reports(pair: Provinces) -> dict[str, bytes]:
    """One that is accepted, one under objection, one revoked; Guizhou knows of all of it."""
    bundles = {}
    for name in ("good", "UNDER_OBJECTION", "REVOKED"):
        number, bundles[name] = await pair.report(pair.shanxi)
        if name == "good":
            continue
        answer = await pair.shanxi.admin().ChangeStatus(
            admin_service_pb2.ChangeStatusRequest(
                request_id=str(uuid.uuid4()),
                report_number=number,
                flag=f"STATUS_FLAG_{name}",
                set=True,
                reason_code="synthetic_reason",
            )
        )
        await nodes.caught_up(pair.guizhou, pair.shanxi, answer.log_index + 1)
    return bundles


async def verdicts(
    pair: Provinces, bundles: Mapping[str, bytes], requirement: requirement_pb2.Requirement = OF_SHANXI
) -> dict[str, verdict_pb2.Verdict]:
    return {
        name: await verify(pair.guizhou, bundle, pair.shanxi.subject, requirement) for name, bundle in bundles.items()
    }


def decisions(found: Mapping[str, verdict_pb2.Verdict]) -> list[int]:
    return [verdict.decision for verdict in found.values()]


def ageless(verdict: verdict_pb2.Verdict) -> verdict_pb2.Verdict:
    """Everything in it but when it was given, how old what it rests on is, and the digests of that."""
    same = verdict_pb2.Verdict()
    same.CopyFrom(verdict)
    for name in ("decided_at", "known_at", "as_of", "inputs", "trust_state_age_seconds"):
        same.ClearField(name)
    same.log_view.ClearField("age_seconds")
    for freshness in (same.trust_state, same.log_view_freshness):
        freshness.ClearField("age_seconds")
        freshness.ClearField("condition")
    return same


async def test_a_verdict_stays_as_it_was_but_for_its_age_and_is_never_accept_beyond_the_limit(tmp_path: Path) -> None:
    async with provinces(tmp_path, extra=SETTINGS) as pair:
        bundles = await three_reports(pair)
        before = await verdicts(pair, bundles)
        assert decisions(before) == [ACCEPT, REFER, REJECT]
        await pair.shanxi.stop()

        down = 0
        for age, condition in (
            (1, verdict_pb2.FRESHNESS_CONDITION_FRESH),
            (FRESH_SECONDS, verdict_pb2.FRESHNESS_CONDITION_GRACE),
            (LOG_VIEW_SECONDS, verdict_pb2.FRESHNESS_CONDITION_GRACE),
        ):
            pair.clock.advance(timedelta(seconds=age - down))
            down = age
            during = await verdicts(pair, bundles)
            for name, verdict in during.items():
                assert ageless(verdict) == ageless(before[name]), name
                assert verdict.log_view.fresh_at == before[name].log_view.fresh_at
                told = (verdict.log_view.age_seconds, verdict.log_view_freshness.age_seconds)
                assert told == (age, age)
                assert verdict.log_view_freshness.condition == condition
            # What it knows of Shanxi lies in its database: a restart changes nothing.
            await pair.guizhou.stop()
            await pair.guizhou.start(pair.clock)
            assert decisions(await verdicts(pair, bundles)) == [ACCEPT, REFER, REJECT]

        for longer in (timedelta(seconds=1), timedelta(days=1), timedelta(days=3)):
            pair.clock.advance(longer)
            down += int(longer.total_seconds())
            beyond = await verdicts(pair, bundles)
            assert decisions(beyond) == [REFER, REFER, REJECT]
            for name, verdict in beyond.items():
                assert "LOG_VIEW_STALE" in verdict.reasons, name
                assert verdict.log_view.age_seconds == down
                assert verdict.log_view_freshness.condition == verdict_pb2.FRESHNESS_CONDITION_STALE
                assert verdict.authenticity == before[name].authenticity
                assert verdict.standing == before[name].standing


async def test_a_procedure_may_set_a_stricter_limit_and_is_told_whose_it_is(tmp_path: Path) -> None:
    async with provinces(tmp_path) as pair:
        bundles = {"good": (await pair.report(pair.shanxi))[1]}
        await nodes.caught_up(pair.guizhou, pair.shanxi, 1)
        await pair.shanxi.stop()
        pair.clock.advance(timedelta(minutes=10))
        assert decisions(await verdicts(pair, bundles, STRICT)) == [ACCEPT]
        pair.clock.advance(timedelta(seconds=1))
        strict = (await verdicts(pair, bundles, STRICT))["good"]
        assert (strict.decision, list(strict.reasons)) == (REFER, ["LOG_VIEW_STALE"])
        assert strict.log_view_freshness.limit_set_by == verdict_pb2.LIMIT_SETTER_REQUIREMENT
        assert decisions(await verdicts(pair, bundles)) == [ACCEPT], "another procedure may go on"
