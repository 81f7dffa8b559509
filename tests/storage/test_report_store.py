"""ReportStore on both engines: reports, pages, and requests answered before (AIP-155, AIP-158)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace

import pytest

from node.errors import InvalidInput
from node.model.issuing import ReportRow, StatusRow
from node.model.subject import IdType, SubjectRef
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.report_store import ReportStore
from tests.storage.samples import SUBJECT, sample_entry, sample_head, sample_report, sample_status_row


@pytest.fixture
def store(database: Database) -> ReportStore:
    return ReportStore(database)


async def _append(database: Database, rows: Sequence[ReportRow | StatusRow]) -> None:
    entries = [sample_entry(index) for index in range(len(rows))]
    await LogStore(database).append(0, sample_head(len(rows)), entries, (), rows)


async def test_report_and_bundle_come_back(store: ReportStore, database: Database) -> None:
    row = sample_report(0, bundle=b"\x00bundle" * 1000)
    await _append(database, [row])
    assert await store.get(row.issued.report_number) == row.issued
    assert await store.bundle(row.issued.report_number) == row.bundle
    assert await store.get("unknown") is None
    assert await store.bundle("unknown") is None


async def test_pages_run_newest_first_and_end(store: ReportStore, database: Database) -> None:
    # Three of the seven share their instant: the order is still total.
    hours = [0, 5, 5, 5, 2, 9, 1]
    rows = [sample_report(index, hours=hour) for index, hour in enumerate(hours)]
    foreign = sample_report(7, hours=99)
    foreign = replace(foreign, issued=replace(foreign.issued, subject=SubjectRef(IdType.RESIDENT_ID, SUBJECT.id)))
    await _append(database, [*rows, foreign])
    newest_first = sorted((row.issued for row in rows), key=lambda i: (i.issued_at, i.report_number), reverse=True)
    listed, token, pages = [], "", 0
    while pages == 0 or token:
        page, token = await store.list_for_subject(SUBJECT, 2, token)
        listed += page
        pages += 1
    assert listed == newest_first
    assert pages == 4
    assert await store.list_for_subject(SUBJECT, 7, "") == (newest_first, "")


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "!",
        "MTIz",
        "é",
        "MS4yLjM=",
        *(urlsafe_b64encode(odd).decode() for odd in (b"9" * 30 + b".x", b"1.\0", b"-1.x")),
    ],
)
async def test_a_foreign_page_token_is_refused(store: ReportStore, token: str) -> None:
    with pytest.raises(InvalidInput, match="next_page_token"):
        await store.list_for_subject(SUBJECT, 2, token)


async def test_a_request_finds_what_it_brought(store: ReportStore, database: Database) -> None:
    report, status = sample_report(0, "report"), sample_status_row(1, "status")
    await _append(database, [report, status])
    caller = report.request.caller
    assert await store.find_request(caller, "report") == (report.request.content, report.issued)
    assert await store.find_status_request(caller, "status") == (status.request.content, 1)
    assert await store.find_request(caller, "status") is None
    assert await store.find_status_request(caller, "report") is None
    assert await store.find_request("spiffe://520000.huxin/gateway", "report") is None
