"""`Present` through real mutual TLS: what it takes and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from huxin.v1 import subject_pb2 as subject_pb
from huxin.v1 import verdict_pb2
from huxin.v1 import verification_service_pb2 as verification_pb

from node.model.subject import IdType, SubjectRef
from node.rpc.verification_service import MAX_BUNDLE_BYTES, MAX_PRESENTED
from tests.rpc.asking import call, refused
from tests.rpc.federation import SHANXI
from tests.rpc.world import REQUIREMENTS, USCC, Door, opened

CLAIM = subject_pb.SubjectClaim(id_type=subject_pb.ID_TYPE_USCC, id=USCC)
REF = SubjectRef(IdType.USCC, USCC)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened(Door()) as door:
        yield door


def presented_together(**changed: Any) -> verification_pb.PresentRequest:
    values = {"bundles": [b"one", b"two"], "requirement_id": REQUIREMENTS[0].requirement_id, "territories": [SHANXI]}
    return verification_pb.PresentRequest(**{**values, **changed})


async def test_several_reports_reach_verification_together(door: Door) -> None:
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    request = presented_together(territories=[SHANXI, "520000"], subject=CLAIM, at=moment)
    answer = await call(
        door, "own-relying-party", "VerificationService/Present", request, verification_pb.PresentResponse
    )
    assert [each.territory for each in answer.verdict.territories] == [SHANXI, "520000"]
    assert answer.verdict.verdicts[0].verdict.inputs.bundle == b"one"
    assert (answer.verdict.decision, list(answer.verdict.reasons)) == (verdict_pb2.DECISION_REFER, ["SYNTHETIC"])
    assert [(each.bundle, each.subject, each.at) for each in door.verification.presented] == [
        (b"one", REF, moment),
        (b"two", REF, moment),
    ]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"bundles": []}, "bundles"),
        ({"bundles": [b"x"] * (MAX_PRESENTED + 1)}, "bundles"),
        ({"requirement_id": ""}, "requirement_id"),
        ({"territories": []}, "territories"),
        ({"territories": [SHANXI, SHANXI]}, "territories"),
        ({"territories": [SHANXI, "14"]}, "territories[1]"),
        ({"territories": [str(100_000 + at) for at in range(MAX_PRESENTED + 1)]}, "territories"),
    ],
)
async def test_what_cannot_be_presented_together_names_the_field(
    door: Door, changed: dict[str, Any], field: str
) -> None:
    code, reason, named = await refused(
        door, "own-gateway", "VerificationService/Present", presented_together(**changed)
    )
    if field == "requirement_id":
        assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "NO_SUCH_REQUIREMENT")
    else:
        assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, field)


async def test_reports_together_need_a_requirement(door: Door) -> None:
    request = verification_pb.PresentRequest(bundles=[b"x"], territories=[SHANXI])
    code, _, named = await refused(door, "own-gateway", "VerificationService/Present", request)
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, "against")
    huge = presented_together(bundles=[bytes(MAX_BUNDLE_BYTES + 1)])
    code, reason, _ = await refused(door, "own-gateway", "VerificationService/Present", huge)
    assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUNDLE_TOO_LARGE")
