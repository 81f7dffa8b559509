"""Reports as issued, and which request id each one answers. They are written by `LogStore.append` alone."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, func, or_, select, tuple_

from node.errors import InvalidInput
from node.model.calendar import Period
from node.model.issuing import IssuedReport
from node.model.log import StatusEvent, StatusFlag
from node.model.subject import IdType, SubjectRef
from node.storage.database import Database
from node.storage.grouping import GroupedLookup
from node.storage.schema import from_instant, log_heads, log_status, reports, requests

_COLUMNS = [column for column in reports.columns if column.name != "bundle"]


class ReportStore:
    """Committed reports: every read sees each report whose append has returned."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._grouped = GroupedLookup(self._get_many)

    async def get(self, report_number: str) -> IssuedReport | None:
        """A report, or None. Concurrent calls share queries."""
        return await self._grouped.get(report_number)

    async def _get_many(self, numbers: Sequence[str]) -> dict[str, IssuedReport]:
        async with self._database.read() as connection:
            rows = await connection.execute(select(*_COLUMNS).where(reports.c.report_number.in_(numbers)))
            return {row.report_number: _issued(row) for row in rows}

    async def bundle(self, report_number: str) -> bytes | None:
        """The stored bundle of a report: every section, no proof of inclusion yet."""
        query = select(reports.c.bundle).where(reports.c.report_number == report_number)
        async with self._database.read() as connection:
            return await connection.scalar(query)

    async def list_for_subject(self, subject: SubjectRef, limit: int, after: str) -> tuple[list[IssuedReport], str]:
        """At most `limit` reports of a subject, newest first, and the token of the next page ("" on the last).

        `after` is the token of an earlier answer, or "". Raises InvalidInput for any other.
        """
        table = reports.c
        place = tuple_(table.issued_at, table.report_number)
        query = select(*_COLUMNS).where(table.id_type == subject.id_type.value, table.id == subject.id)
        if after:
            query = query.where(place < _opened(after))
        query = query.order_by(table.issued_at.desc(), table.report_number.desc()).limit(limit + 1)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        page = [_issued(row) for row in rows[:limit]]
        return page, _token(rows[limit - 1]) if len(rows) > limit else ""

    async def status_changes(self, division: str, digests: Sequence[bytes]) -> dict[bytes, list[StatusEvent]]:
        """By attestation what the logs of its issuer `division` say of it, oldest first, in one query.

        Logs in the order in which they were founded: each successor has a longer or a later name.
        """
        own = f"huxin/{division}"
        logs = select(log_heads.c.origin).where(
            or_(log_heads.c.origin == own, and_(log_heads.c.origin > f"{own}/", log_heads.c.origin < f"{own}0"))
        )
        table = log_status.c
        query = (
            select(log_status)
            .where(table.origin.in_(logs), table.attestation_digest.in_(digests))
            .order_by(func.length(table.origin), table.origin, table.idx)
        )
        found: dict[bytes, list[StatusEvent]] = {}
        async with self._database.read() as connection:
            for row in await connection.execute(query):
                event = StatusEvent(
                    row.attestation_digest, StatusFlag(row.flag), row.is_set, from_instant(row.effective_at)
                )
                found.setdefault(event.attestation_digest, []).append(event)
        return found

    async def find_request(self, caller: str, request_id: str) -> tuple[bytes, IssuedReport] | None:
        """(content of the request, the report it brought), or None when that id brought no report here."""
        query = (
            select(requests.c.content, *_COLUMNS)
            .join(reports, reports.c.report_number == requests.c.report_number)
            .where(requests.c.caller == caller, requests.c.request_id == request_id)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else (row.content, _issued(row))

    async def find_status_request(self, caller: str, request_id: str) -> tuple[bytes, int] | None:
        """(content of the request, index of the status change it brought), or None when it brought none here."""
        query = select(requests.c.content, requests.c.log_index).where(
            requests.c.caller == caller, requests.c.request_id == request_id, requests.c.report_number.is_(None)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else (row.content, row.log_index)


def _issued(row: Row[Any]) -> IssuedReport:
    return IssuedReport(
        report_number=row.report_number,
        subject=SubjectRef(IdType(row.id_type), row.id),
        issued_at=from_instant(row.issued_at),
        period=Period(row.period_start, row.period_end),
        section_count=row.section_count,
        record_count=row.record_count,
        scenario=row.scenario,
        attestation_digest=row.attestation_digest,
        log_index=row.log_index,
    )


def _token(row: Row[Any]) -> str:
    return urlsafe_b64encode(f"{row.issued_at}.{row.report_number}".encode()).decode()


def _opened(token: str) -> tuple[int, str]:
    try:
        issued_at, number = urlsafe_b64decode(token.encode()).decode().split(".")
        place = int(issued_at), number
    except (binascii.Error, UnicodeError, ValueError):
        place = 0, ""
    if not 0 < place[0] < 2**63 or not place[1].isalnum():
        raise InvalidInput("page_token", "Pass the next_page_token of the page before, unchanged.")
    return place
