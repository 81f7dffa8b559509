"""Shanxi's issuing over a real database: real catalogue, real log, real signatures. Subjects are synthetic."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from node.adapters.catalogues.registry import discover
from node.app.ledgers import OwnLedger, require_whole
from node.gathering import Gathering
from node.issuance.issue import IssueReports, Sources
from node.issuance.standing import ChangeStanding
from node.ledger.feed import Feed
from node.ledger.heads import HeadBoard
from node.ledger.sequencer import LogKeys, Sequencer
from node.ledger.standings import Standings
from node.model.calendar import Period
from node.model.catalogue import Edition
from node.model.delivery import Delivery, DeliveryHeader, RecordRow
from node.model.issuing import PeriodExceptionNote, ReportOrder
from node.model.records import PENALTY_ORDINARY, RecordType, ViolationRecord
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.record_store import RecordStore
from node.storage.registration_store import RegistrationStore
from node.storage.report_store import ReportStore
from node.storage.subject_facts import SubjectFactsReader
from node.wire.report import ReportEncoding
from tests.support.clock import SettableClock
from tests.support.nodes import synthetic_code
from tests.support.trust import key
from trust.keys import Signer
from trust.log.checkpoint import own_cosigner

ORIGIN = "huxin/140000"
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
SUBJECT = SubjectRef(IdType.USCC, synthetic_code("140000", 1))
ENTERPRISE = Registration(SUBJECT, "测试企业（合成数据）", SubjectKind.ENTERPRISE, "140105")
RECORD = ViolationRecord("示例监管局（合成）", "示例〔2025〕1号", date(2025, 3, 1), "罚款2000元", "示例监管局（合成）")


@cache
def edition() -> Edition:
    return discover().on("140000", TODAY)


def order(
    request_id: str = "",
    codes: Sequence[str] = (),
    period: Period | None = None,
    exception: PeriodExceptionNote | None = None,
    subject: SubjectRef = SUBJECT,
    scenario: str = "tender",
) -> ReportOrder:
    """An order of its own unless its request id is given."""
    return ReportOrder(request_id or str(uuid.uuid4()), subject, period, exception, tuple(codes), scenario)


@dataclass
class Issuing:
    """Everything that issues, on one database."""

    database: Database
    clock: SettableClock
    issue: IssueReports
    standing: ChangeStanding
    feed: Feed
    log: LogStore
    reports: ReportStore
    edition: Edition
    standings: Standings

    async def register(self, *registrations: Registration) -> None:
        await RegistrationStore(self.database).upsert(registrations)

    async def deliver(
        self,
        unit: str,
        codes: Iterable[str],
        as_of: date,
        records: Iterable[tuple[str, RecordType, ViolationRecord]] = (),
    ) -> None:
        """A complete delivery of a unit, with these records of the subject."""
        rows = [
            RecordRow(2, SUBJECT, code, record_type, record, True, False, False, False, False)
            for code, record_type, record in records
        ]
        header = DeliveryHeader(unit, tuple(codes), as_of, complete=True)
        await RecordStore(self.database).apply_delivery(Delivery(header, NOW, os.urandom(32)), rows)


@asynccontextmanager
async def issuing_in(database: Database, now: datetime = NOW) -> AsyncIterator[Issuing]:
    log, reports, board, gathering = LogStore(database), ReportStore(database), HeadBoard(), Gathering()
    clock = SettableClock(now)
    keys = LogKeys(ORIGIN, key("head"), own_cosigner(ORIGIN), key("cosigner"))
    sequencer = Sequencer(log, keys, board, clock.now, gathering)
    feed = Feed(log, ORIGIN, board)
    standings = Standings("140000")
    ledger = OwnLedger(
        sequencer,
        feed,
        log,
        require_issuable=lambda: require_whole(ORIGIN, split=bool(standings.splits(ORIGIN)), newest=ORIGIN),
    )
    registrations = RegistrationStore(database)

    async def signers(_at: datetime) -> list[Signer]:
        return [key("signing")]

    facts = SubjectFactsReader(registrations, RecordStore(database), gathering)
    issuing = Issuing(
        database,
        clock,
        IssueReports(
            Sources(lambda _at: issuing.edition, registrations.get, facts.get),
            reports,
            ledger,
            signers,
            ReportEncoding(),
            clock.now,
            os.urandom,
        ),
        ChangeStanding("140000", reports, ledger, signers, clock.now),
        feed,
        log,
        reports,
        edition(),
        standings,
    )
    await issuing.register(ENTERPRISE)
    task = asyncio.create_task(sequencer.run())
    try:
        yield issuing
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def with_scheme(issuing: Issuing, **changes: Any) -> None:
    """From now on another version of the catalogue is in force, with these changes to its scheme."""
    catalogue = issuing.edition.catalogue
    changed = replace(catalogue, scheme=replace(catalogue.scheme, **changes), digest=os.urandom(32))
    issuing.edition = replace(issuing.edition, catalogue=changed)


PENALTY = (("6", PENALTY_ORDINARY, RECORD),)
