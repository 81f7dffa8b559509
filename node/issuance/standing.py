"""The use case behind AdminService.ChangeStatus: flags of own reports, stated in the log and never silently (R165)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from node.errors import Conflict, InvalidInput, NotFound
from node.model.issuing import IssuedReport, RequestKey, StatusRow
from node.model.log import StatusEvent, StatusFlag
from trust import statements, vocabulary
from trust.envelope import seal
from trust.keys import Signer


class ReportStore(Protocol):
    """Committed reports and the status requests that were answered."""

    async def get(self, report_number: str) -> IssuedReport | None: ...
    async def find_status_request(self, caller: str, request_id: str) -> tuple[bytes, int] | None: ...


class Ledger(Protocol):
    """The own log. `append` returns only after entry, head and attachment are durably committed together."""

    async def append_status(
        self, entry: bytes, digest: bytes, status: StatusEvent, attach: Callable[[int], StatusRow]
    ) -> int: ...


class ChangeStanding:
    """Sets and clears status flags of this jurisdiction's reports. `signers`: as for IssueReports."""

    def __init__(
        self,
        division: str,
        reports: ReportStore,
        ledger: Ledger,
        signers: Callable[[datetime], Awaitable[Sequence[Signer]]],
        now: Callable[[], datetime],
    ) -> None:
        self._division = division
        self._reports = reports
        self._ledger = ledger
        self._signers = signers
        self._now = now

    async def change_status(
        self, request_id: str, report_number: str, flag: StatusFlag, is_set: bool, reason_code: str, caller: str, /
    ) -> int:
        """Index of the statement in the own log, or of the one that the same request id already made (AIP-155).

        Raises NotFound, InvalidInput for clearing a revocation, and Conflict for a reused request id.
        """
        if flag is StatusFlag.REVOKED and not is_set:
            raise InvalidInput("set", "A revocation is never cleared; issue a new report instead.")
        meaning = sha256("\x1f".join((report_number, flag.value, str(is_set), reason_code)).encode()).digest()
        report = await self._reports.get(report_number)
        if report is None:
            raise NotFound("NO_SUCH_REPORT", "This node issued no report of that number; check the digits.")
        now = self._now()
        change = vocabulary.StatusChange(
            issuer=self._division,
            attestation_digest=report.attestation_digest,
            flag=vocabulary.StatusFlag(flag.value),
            set=is_set,
            effective_at=now,
            issued_at=now,
            reason_code=reason_code,
        )
        signers = await self._signers(now)
        entry = statements.encode_envelope(
            seal(statements.STATUS_CHANGE, statements.encode_status_change(change), signers)
        )
        key = RequestKey(caller, request_id, meaning)
        try:
            return await self._ledger.append_status(
                entry,
                sha256(entry).digest(),
                StatusEvent(report.attestation_digest, flag, is_set, now),
                lambda index: StatusRow(index, key),
            )
        except Conflict:
            earlier = await self._reports.find_status_request(caller, request_id)
            if earlier is None or earlier[0] != meaning:
                raise Conflict(
                    "REQUEST_ID_REUSED", "This request_id was used before with other content; choose a new UUID."
                ) from None
            return earlier[1]
