"""Records of organisations of elsewhere, filed beside a running node as by `huxin ingest`, and who was told of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date

from huxin.v1 import exchange_service_pb2 as pb

from node.app.storing import open_database
from node.model.delivery import Delivery, DeliveryHeader, RecordRow
from node.model.records import PENALTY_ORDINARY, ViolationRecord
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.storage.record_store import RecordStore
from node.storage.registration_store import RegistrationStore
from tests.integration.exchanging import exchange
from tests.support import nodes
from tests.support.nodes import THE_DAY, TestJurisdiction

DOCUMENT, AUTHORITY, WHAT = "示例罚〔2026〕7号", "示例市执法局", "罚款壹佰元（合成示例）"
NAME = "邻省示例企业（合成数据）"
UNIT = "省市场监管局"


def row(code: str) -> RecordRow:
    """A penalty of that organisation, under row 6."""
    record = ViolationRecord(AUTHORITY, DOCUMENT, date(2026, 1, 5), WHAT, UNIT)
    return RecordRow(2, SubjectRef(IdType.USCC, code), "6", PENALTY_ORDINARY, record, True, False, False, False, False)


async def file(one: TestJurisdiction, *codes: str, withdrawn: Sequence[str] = ()) -> None:
    """One delivery: records of these, and those of others revoked."""
    header = DeliveryHeader(UNIT, ("6",), date(2026, 11, 21), complete=True)
    async with open_database(one.settings) as database:
        await RecordStore(database).apply_delivery(
            Delivery(header, THE_DAY, os.urandom(32)),
            [row(code) for code in codes],
            withdrawn=[row(code) for code in withdrawn],
        )


async def register_at(
    one: TestJurisdiction, code: str, division: str, name: str = NAME, kind: SubjectKind = SubjectKind.ENTERPRISE
) -> None:
    """What one's register says of an organisation."""
    async with open_database(one.settings) as database:
        await RegistrationStore(database).upsert([Registration(SubjectRef(IdType.USCC, code), name, kind, division)])


async def elsewhere(one: TestJurisdiction) -> list[pb.SubjectElsewhere]:
    """What others told of ours."""
    return list((await exchange(one).ListSubjectsElsewhere(_ALL)).subjects)


async def shared(one: TestJurisdiction) -> list[pb.SharedSubject]:
    """What others were told of theirs."""
    return list((await exchange(one).ListSharedSubjects(pb.ListSharedSubjectsRequest(page_size=100))).subjects)


async def known(one: TestJurisdiction, *codes: str, seconds: float = 60) -> list[pb.SubjectElsewhere]:
    """Waits until exactly these are known to be elsewhere. A sweep rests the longer, the slower the machine is."""
    stub = exchange(one)

    async def reached() -> bool:
        return [each.subject.id for each in (await stub.ListSubjectsElsewhere(_ALL)).subjects] == sorted(codes)

    await nodes.eventually(reached, seconds)
    return await elsewhere(one)


_ALL = pb.ListSubjectsElsewhereRequest(page_size=100)
