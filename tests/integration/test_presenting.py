"""Reports of two provinces on one subject, held together against one requirement over both (R031, R179)."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from huxin.v1 import joint_verdict_pb2, verdict_pb2, verification_service_pb2

from tests.integration.provinces import ACCEPT, REFER, REJECT, provinces
from tests.support import nodes

BOTH = ("140000", "520000")


async def present(
    relying: nodes.TestJurisdiction, bundles: list[bytes], subject: str, territories: tuple[str, ...] = BOTH
) -> joint_verdict_pb2.JointVerdict:
    request = verification_service_pb2.PresentRequest(
        bundles=bundles,
        subject=nodes.claim(subject),
        requirement_id="520000/tender",
        territories=territories,
    )
    verdict: joint_verdict_pb2.JointVerdict = (await relying.verification().Present(request)).verdict
    return verdict


async def test_two_provinces_together_prove_what_neither_proves_alone(tmp_path: Path) -> None:
    async with provinces(tmp_path) as pair:
        shanxi, guizhou, subject = pair.shanxi, pair.guizhou, pair.shanxi.subject
        await nodes.register(guizhou, subject)
        bundles = [
            await nodes.download(issuer, await nodes.create_report(issuer, subject)) for issuer in (shanxi, guizhou)
        ]
        await nodes.caught_up(guizhou, shanxi, 1)
        joint = await present(guizhou, bundles, subject)
        assert joint.decision == ACCEPT, joint
        assert [(each.territory, list(each.reports)) for each in joint.territories] == [
            ("140000", [0]),
            ("520000", [1]),
        ]
        kinds = {finding.kind for each in joint.territories for finding in each.findings}
        assert kinds == {verdict_pb2.FINDING_KIND_NO_RECORD_FOUND}
        for place, alone in enumerate(bundles):
            joint = await present(guizhou, [alone], subject)
            assert (joint.decision, list(joint.reasons)) == (REFER, ["OUTSIDE_TERRITORY"])
            assert list(joint.territories[1 - place].reports) == []
            assert joint.verdicts[0].verdict.decision == ACCEPT, "by itself it proves its own territory"
        assert (await present(guizhou, [bundles[0], bundles[1][:-1]], subject)).decision == REJECT
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await present(guizhou, bundles, subject, ("140000", "140000"))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
