"""What is committed together with log entries: issued reports, and the request ids that caused them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.issuing import ReportRow, RequestKey, StatusRow
from node.storage.bulk import insert_rows, key_table
from node.storage.database import Database
from node.storage.errors import StorageFault
from node.storage.schema import reports, to_instant


async def insert_attachments(connection: AsyncConnection, attachments: Sequence[ReportRow | StatusRow]) -> None:
    """Insert reports and requests. Raises SQLAlchemy's IntegrityError when one is there already."""
    rows = [row for row in attachments if isinstance(row, ReportRow)]
    if rows:
        await connection.execute(insert(reports), [_report_values(row) for row in rows])
    await insert_rows(
        connection,
        "requests",
        ("caller", "request_id", "content", "report_number", "log_index"),
        [(row.request.caller, row.request.request_id, row.request.content, *_answer(row)) for row in attachments],
    )


def _answer(row: ReportRow | StatusRow) -> tuple[str | None, int]:
    return (row.issued.report_number, row.issued.log_index) if isinstance(row, ReportRow) else (None, row.log_index)


def _report_values(row: ReportRow) -> dict[str, object]:
    issued = row.issued
    return {
        "report_number": issued.report_number,
        "id_type": issued.subject.id_type.value,
        "id": issued.subject.id,
        "issued_at": to_instant(issued.issued_at),
        "period_start": issued.period.start,
        "period_end": issued.period.end,
        "section_count": issued.section_count,
        "record_count": issued.record_count,
        "scenario": issued.scenario,
        "attestation_digest": issued.attestation_digest,
        "log_index": issued.log_index,
        "bundle": row.bundle,
    }


def repeated_requests(attachments: Sequence[ReportRow | StatusRow]) -> frozenset[int]:
    """Positions of attachments whose request id stands earlier in the same group."""
    seen: set[tuple[str, str]] = set()
    places = set()
    for place, row in enumerate(attachments):
        key = _identity(row.request)
        if key in seen:
            places.add(place)
        seen.add(key)
    return frozenset(places)


async def stored_requests(database: Database, attachments: Sequence[ReportRow | StatusRow]) -> frozenset[int]:
    """Positions of attachments whose request id is stored. Raises StorageFault when there is none to blame."""
    identities = [_identity(row.request) for row in attachments]
    table, parameters = key_table(database.dialect, {"caller": str, "request_id": str}, identities)
    query = f"""{table}
        SELECT r.caller, r.request_id FROM keys CROSS JOIN requests r
        WHERE r.caller = keys.caller AND r.request_id = keys.request_id"""  # noqa: S608 - own names
    stored = {tuple(row) for row in await database.fetch(query, parameters)}
    places = frozenset(place for place, identity in enumerate(identities) if identity in stored)
    if not places:
        raise StorageFault("REPORT_NOT_UNIQUE")
    return places


def _identity(key: RequestKey) -> tuple[str, str]:
    return key.caller, key.request_id
