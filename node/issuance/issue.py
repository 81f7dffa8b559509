"""The use case behind ReportService: issue, look up, list and hand out reports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from node.errors import Conflict, InvalidInput, IssuingStopped, NotEligible, NotFound, NotReady
from node.issuance.attesting import AttestedReport, RandomBytes, ReportDraft, attest
from node.issuance.eligibility import assess_eligibility, require_eligible
from node.issuance.period import choose_period
from node.issuance.presenting import present
from node.issuance.sections import (
    SectionEncoder,
    SectionTemplate,
    Window,
    choose_rows,
    section_template,
)
from node.model.calendar import Period, day_in_china
from node.model.catalogue import Catalogue, Edition
from node.model.identifiers import make_report_number
from node.model.issuing import Eligibility, IssuedReport, ReportOrder, ReportRow, RequestKey, SubjectFacts
from node.model.log import StatusEvent, StatusFlag
from node.model.report import Section, Summary
from node.model.subject import Registration, SubjectRef
from trust.bundle import Inclusion
from trust.flags import flags_in_force
from trust.keys import Signer

_TEMPLATES_KEPT = 256


class ReportStore(Protocol):
    """Committed reports. Reads see every report whose `create` was answered."""

    async def get(self, report_number: str) -> IssuedReport | None: ...
    async def bundle(self, report_number: str) -> bytes | None: ...
    async def find_request(self, caller: str, request_id: str) -> tuple[bytes, IssuedReport] | None: ...
    async def status_changes(
        self, division: str, digests: Sequence[bytes]
    ) -> Mapping[bytes, Sequence[StatusEvent]]: ...
    async def list_for_subject(self, subject: SubjectRef, limit: int, after: str) -> tuple[list[IssuedReport], str]: ...


class Ledger(Protocol):
    """The own log. `append` returns only after entry, head and attachment are durably committed together.

    It raises IssuingStopped while nothing may be attested in that log.
    """

    async def append(
        self, entry: bytes, digest: bytes, report_number: str, attach: Callable[[int], ReportRow]
    ) -> int: ...
    async def prove(self, index: int, digest: bytes, report_number: str) -> Inclusion: ...


class Encoders(Protocol):
    """The wire forms of what a report contains."""

    @property
    def section(self) -> SectionEncoder: ...
    def summary(self, summary: Summary, catalogue: Catalogue) -> bytes: ...
    def decode_section(self, section: bytes) -> Section: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the facts come from. Look-ups of concurrent callers share queries."""

    edition_at: Callable[[datetime], Edition]
    """The catalogue and crosswalk in force at an instant. Raises NotReady when there is none."""
    registration: Callable[[SubjectRef], Awaitable[Registration | None]]
    facts: Callable[[SubjectRef], Awaitable[SubjectFacts]]
    """Registration, records and deliveries, read after the call began."""


class IssueReports:
    """Issues reports of one jurisdiction. Time and randomness are passed in.

    `signers`: whose keys sign at an instant, one of each suite; raises NotReady when none may sign now.
    """

    def __init__(
        self,
        sources: Sources,
        reports: ReportStore,
        ledger: Ledger,
        signers: Callable[[datetime], Awaitable[Sequence[Signer]]],
        encoders: Encoders,
        now: Callable[[], datetime],
        random: RandomBytes,
    ) -> None:
        self._sources = sources
        self._reports = reports
        self._ledger = ledger
        self._signers = signers
        self._encoders = encoders
        self._now = now
        self._random = random
        self._templates: dict[tuple[bytes, int, tuple[str, ...]], SectionTemplate] = {}

    async def create(self, order: ReportOrder, caller: str) -> IssuedReport:
        """Issues a report, or returns the one that the same request id of this caller already made (AIP-155).

        Raises NotEligible, InvalidInput, IssuingStopped, and Conflict when the request id came before with other
        content.
        """
        key = RequestKey(caller, order.request_id, _meaning(order))
        try:
            return await self._issue(order, key)
        except (NotEligible, InvalidInput, IssuingStopped, NotReady):
            # The rules, our log or our keys may have changed since the first time; the first answer still stands.
            earlier = await self._earlier(key)
            if earlier is None:
                raise
            return earlier

    async def _issue(self, order: ReportOrder, key: RequestKey) -> IssuedReport:
        now = self._now()
        edition = self._sources.edition_at(now)
        scheme = edition.catalogue.scheme
        if order.scenario not in scheme.scenarios:
            raise InvalidInput(
                "scenario", f"The scheme {scheme.scheme} names these scenarios: {', '.join(scheme.scenarios)}."
            )
        facts = await self._sources.facts(order.subject)
        registration = require_eligible(order.subject, facts.registration, scheme, edition.catalogue.territory)
        today = day_in_china(now)
        period, exception = choose_period(edition.catalogue, order.period, order.exception, today)
        template = self._template(edition.catalogue, order.local_codes, facts)
        sections, record_count = template.filled(
            facts.records, Window.of(period, today, scheme), self._encoders.section
        )
        number = make_report_number(edition.catalogue.division, today, self._random(10))
        summary = Summary(
            number,
            registration.name,
            registration.ref,
            period,
            record_count,
            template.selection,
            f"本报告仅反映所列领域在{edition.catalogue.name_zh}行政区域内、所列期间与数据截止时间之前归集到的记录。",
        )
        draft = ReportDraft(
            number,
            registration,
            now,
            period,
            exception,
            order.scenario,
            [self._encoders.summary(summary, edition.catalogue), *sections],
            edition.catalogue,
            edition.crosswalk.digest,
        )
        attested = attest(draft, await self._signers(now), self._random)
        return await self._commit(draft, attested, record_count, key)

    async def _commit(
        self, draft: ReportDraft, attested: AttestedReport, record_count: int, key: RequestKey
    ) -> IssuedReport:
        issued: list[IssuedReport] = []

        def attach(index: int) -> ReportRow:
            report = IssuedReport(
                draft.report_number,
                draft.registration.ref,
                draft.issued_at,
                draft.period,
                len(draft.sections),
                record_count,
                draft.scenario,
                attested.digest,
                index,
            )
            issued.append(report)
            return ReportRow(report, attested.bundle, key)

        try:
            await self._ledger.append(attested.envelope, attested.digest, draft.report_number, attach)
        except Conflict:
            earlier = await self._earlier(key)
            if earlier is None:
                raise
            return earlier
        return issued[-1]

    async def _earlier(self, key: RequestKey) -> IssuedReport | None:
        found = await self._reports.find_request(key.caller, key.request_id)
        if found is None:
            return None
        content, report = found
        if content != key.content:
            raise Conflict(
                "REQUEST_ID_REUSED", "This request_id was used before with other content; choose a new UUID."
            )
        return report

    def _template(self, catalogue: Catalogue, local_codes: tuple[str, ...], facts: SubjectFacts) -> SectionTemplate:
        key = (catalogue.digest, facts.deliveries_version, local_codes)
        template = self._templates.get(key)
        if template is None:
            template = section_template(
                catalogue, choose_rows(catalogue, local_codes), facts.deliveries, self._encoders.section
            )
            if len(self._templates) >= _TEMPLATES_KEPT:
                self._templates.clear()
            self._templates[key] = template
        return template

    async def get(self, report_number: str) -> IssuedReport:
        """A committed report, with its flags. Raises NotFound."""
        (report,) = await self._flagged([await self._get(report_number)])
        return report

    async def _get(self, report_number: str) -> IssuedReport:
        report = await self._reports.get(report_number)
        if report is None:
            raise NotFound("NO_SUCH_REPORT", "This node issued no report of that number; check the digits.")
        return report

    async def _flagged(self, reports: Sequence[IssuedReport]) -> list[IssuedReport]:
        """The same with the flags in force; all in one look-up."""
        if not reports:
            return []
        now = self._now()
        changes = await self._reports.status_changes(
            reports[0].report_number[:6], [report.attestation_digest for report in reports]
        )
        return [
            replace(report, flags=tuple(StatusFlag(flag.value) for flag in flags_in_force(told, now)))
            for report in reports
            for told in (changes.get(report.attestation_digest, ()),)
        ]

    async def list(self, subject: SubjectRef, limit: int, after: str) -> tuple[list[IssuedReport], str]:
        """Reports of a subject with their flags, newest first, and the token of the next page ("" on the last)."""
        reports, following = await self._reports.list_for_subject(subject, limit, after)
        return await self._flagged(reports), following

    async def bundle(self, report_number: str, disclosed_codes: tuple[str, ...]) -> bytes:
        """The bundle of a report with proof of inclusion: complete, or only the named rows and the summary.

        Raises NotFound for the report, InvalidInput for a row that the report does not have.
        """
        report = await self._get(report_number)
        stored = await self._reports.bundle(report_number)
        if stored is None:
            raise NotFound("NO_SUCH_REPORT", "This node holds no bundle of that report any more.")
        evidence = await self._ledger.prove(report.log_index, report.attestation_digest, report.report_number)
        return present(stored, evidence, disclosed_codes, self._encoders.decode_section)

    async def eligibility(self, subject: SubjectRef) -> Eligibility:
        """Whether a report can be issued here for a subject, and if not, why (R022)."""
        edition = self._sources.edition_at(self._now())
        registration = await self._sources.registration(subject)
        return assess_eligibility(subject, registration, edition.catalogue.scheme, edition.catalogue.territory)


def _meaning(order: ReportOrder) -> bytes:
    """SHA-256 of what is asked, so that the same request id cannot come to mean something else."""
    period: Period | None = order.period
    parts = (
        order.subject.id_type.value,
        order.subject.id,
        period.start.isoformat() if period else "",
        period.end.isoformat() if period else "",
        order.exception.relying_party if order.exception else "",
        order.exception.reason if order.exception else "",
        *order.local_codes,
        order.scenario,
    )
    return sha256("\x1f".join(parts).encode()).digest()
