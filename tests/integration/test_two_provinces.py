"""The main job end to end: Shanxi issues, Guizhou follows and decides (R179-R190)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from huxin.v1 import subject_pb2, verdict_pb2, verification_service_pb2

from node.adapters.catalogues.registry import discover
from node.app.storing import prepare_database
from tests.support import nodes


async def test_guizhou_accepts_what_shanxi_issued(tmp_path: Path) -> None:
    shanxi, guizhou = nodes.found(tmp_path, "140000"), nodes.found(tmp_path, "520000")
    nodes.introduce([shanxi, guizhou])
    nodes.recognise(guizhou, "140000")
    catalogue = discover().on("140000", date(2026, 11, 22)).catalogue
    await prepare_database(shanxi.settings)
    await nodes.register(shanxi)
    await nodes.deliver(shanxi, catalogue, date(2026, 11, 20))
    async with nodes.running([shanxi, guizhou]):
        number = await nodes.create_report(shanxi)
        bundle = await nodes.download(shanxi, number)
        await nodes.caught_up(guizhou, shanxi, 1)
        response = await guizhou.verification().Verify(
            verification_service_pb2.VerifyRequest(
                bundle=bundle,
                subject=subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=shanxi.subject),
                requirement_id="520000/tender",
            )
        )
    verdict = response.verdict
    assert verdict.authenticity == verdict_pb2.AUTHENTICITY_GENUINE, verdict
    assert verdict.decision == verdict_pb2.DECISION_ACCEPT, verdict
