"""Reports to judge: real catalogues, real signatures, synthetic subjects and records.

A `Report` says what an issuer delivered and what a subject chose and shows; `Report.judge` signs it with a real key,
runs steps 1 to 13 of `trust.verify` over it and lets recognition decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

from node.adapters.catalogues.registry import CatalogueRegistry, discover
from node.model.calendar import Period, months_before
from node.model.catalogue import Caveat, Edition, Row
from node.model.log import EntryView, LogHead, StatusEvent
from node.model.policy import RecognitionPolicy
from node.model.records import (
    CRIMINAL,
    ENFORCEMENT,
    PENALTY_ORDINARY,
    PENALTY_SUMMARY,
    RECORD_TYPES,
    SEVERE_LIST,
    RecordType,
    ViolationRecord,
)
from node.model.report import Coverage, DisclosedReport, Section, Selection, Summary
from node.model.requirement import RequiredItem, Requirement
from node.model.subject import IdType, SubjectRef
from node.recognition.cells import Plan, translate
from node.recognition.coverage import IssuerView, RowType
from node.recognition.decision import Asked, Judgement, judge
from node.recognition.findings import Assessment, assess
from node.recognition.presented import Presented
from tests.support.trust import CLAIM, complete, conditions, key, salt
from trust.bundle import encode_bundle, report_document
from trust.disclosure import commitment, report_digest, tree_root
from trust.envelope import seal
from trust.issuers import TrustedIssuer
from trust.statements import ATTESTATION, encode_attestation, encode_envelope
from trust.verify import Examination, verify
from trust.vocabulary import Attestation, JurisdictionBundle, LogKeys, PeriodException, SigningKeyInfo, SubjectKind
from trust.vocabulary import Period as StatedPeriod

DAY = date(2026, 11, 22)
ISSUED = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
NOW = ISSUED + timedelta(minutes=10)
DELIVERED = date(2026, 11, 20)
LONGEST = Period(months_before(DAY, 60), DAY)

SHANXI, LIAONING, GUIZHOU, LANZHOU = "140000", "210000", "520000", "620100"
PENALTIES = (PENALTY_ORDINARY, PENALTY_SUMMARY)
ALL_TYPES = (PENALTY_ORDINARY, PENALTY_SUMMARY, ENFORCEMENT, SEVERE_LIST, CRIMINAL)
COMMON_CAVEATS = frozenset({Caveat.TYPES_SCHEME_WIDE, Caveat.SINCE_YEAR_ONLY, Caveat.SINCE_ASSUMED})


@cache
def registry() -> CatalogueRegistry:
    return discover()


def edition(division: str) -> Edition:
    return registry().on(division, DAY)


@cache
def view_of(division: str) -> IssuerView:
    return IssuerView.of(edition(division).catalogue, edition(division).crosswalk)


def requirement(jurisdiction: str, *items: RequiredItem, months: int = 36) -> Requirement:
    """A synthetic requirement over three years unless said."""
    return Requirement("test", "测试", "test", jurisdiction, "tender", items, months=months, illustrative=True)


def rows(*codes: str, types: Sequence[RecordType] = (*PENALTIES, SEVERE_LIST)) -> tuple[RequiredItem, ...]:
    return tuple(RequiredItem(tuple(types), local_code=code) for code in codes)


def leaves(*codes: str, types: Sequence[RecordType] = (*PENALTIES, SEVERE_LIST)) -> tuple[RequiredItem, ...]:
    return tuple(RequiredItem(tuple(types), leaf=code) for code in codes)


def plan_of(asked: Requirement) -> Plan:
    own = edition(asked.jurisdiction)
    return translate(asked, registry().taxonomy, own.catalogue, own.crosswalk)


def policy_for(issuer: str, recogniser: str) -> RecognitionPolicy:
    """A trust certificate for everything that the issuer publishes today."""
    theirs = edition(issuer)
    return RecognitionPolicy(
        recogniser=recogniser,
        issuer=issuer,
        leaves=frozenset(registry().taxonomy.leaves),
        record_types=frozenset(RECORD_TYPES),
        scenarios=frozenset({"tender"}),
        reviewed_catalogues=frozenset({theirs.catalogue.digest}),
        reviewed_crosswalks=frozenset({theirs.crosswalk.digest}),
        accepted_caveats=COMMON_CAVEATS,
        max_trust_state_age=timedelta(days=1),
        max_log_view_age=timedelta(hours=1),
        valid_from=ISSUED - timedelta(days=30),
        valid_until=ISSUED + timedelta(days=335),
    )


def penalty(decided_on: date) -> ViolationRecord:
    """A synthetic penalty."""
    return ViolationRecord("示例机关", f"示例罚〔{decided_on}〕1号", decided_on, "合成示例", "示例单位")


@dataclass(frozen=True)
class Report:
    """What one issuer reports of one synthetic subject. `local_codes` are the rows chosen, () for all.

    `until` overrides the last complete delivery of rows; `records` are filed by (row, type); `extra` are sections that
    no catalogue knows; `shown` are the positions disclosed (0 is the summary), None for all.
    """

    issuer: str
    local_codes: tuple[str, ...] = ()
    period: Period = LONGEST
    delivered: date | None = DELIVERED
    until: Mapping[str, date | None] = field(default_factory=dict)
    since: Mapping[RowType, date] = field(default_factory=dict)
    records: Mapping[RowType, tuple[ViolationRecord, ...]] = field(default_factory=dict)
    extra: tuple[Section, ...] = ()
    shown: tuple[int, ...] | None = None
    show_repaired: bool | None = None
    territory: str = ""
    scenario: str = "tender"
    template_version: str = "1"
    scheme: str = ""
    subject_kind: SubjectKind = SubjectKind.ENTERPRISE
    exception: PeriodException | None = None
    issued_at: datetime = ISSUED
    data_cutoff: datetime | None = None
    valid_until: datetime | None = None

    @property
    def edition(self) -> Edition:
        theirs = edition(self.issuer)
        if self.show_repaired is None:
            return theirs
        scheme = replace(theirs.catalogue.scheme, show_repaired=self.show_repaired)
        return Edition(replace(theirs.catalogue, scheme=scheme), theirs.crosswalk)

    @property
    def view(self) -> IssuerView:
        if self.show_repaired is None:
            return view_of(self.issuer)
        return IssuerView.of(self.edition.catalogue, self.edition.crosswalk)

    def sections(self) -> tuple[Section, ...]:
        """All sections, the summary apart, in catalogue order."""
        chosen = self.local_codes or tuple(self.edition.catalogue.rows)
        found = (
            self._section(row, collected.record_type, collected.since)
            for row in self.edition.catalogue.rows.values()
            if row.local_code in chosen
            for collected in row.types
        )
        return (*found, *self.extra)

    def _section(self, row: Row, kind: RecordType, since: date) -> Section:
        place = row.local_code, kind
        until = self.until.get(row.local_code, self.delivered)
        records = self.records.get(place, ())
        if not self.edition.catalogue.scheme.show_repaired:
            records = tuple(record for record in records if not record.repaired)
        return Section(row.local_code, row.local_name, kind, Coverage(self.since.get(place, since), until), records)

    def disclosed(self) -> DisclosedReport:
        sections = self.sections()
        cells = frozenset((section.local_code, section.record_type) for section in sections)
        subject = SubjectRef(IdType(CLAIM[0]), CLAIM[1])
        summary = Summary("n", "示例企业", subject, self.period, 0, Selection(not self.local_codes, cells), "")
        shown = range(len(sections) + 1) if self.shown is None else self.shown
        return DisclosedReport(
            summary if 0 in shown else None, tuple(sections[position - 1] for position in shown if position)
        )

    def attestation(self, encoded: tuple[bytes, ...]) -> Attestation:
        number = f"{self.issuer}20261122ABCDEFGHJKMNPQRS7"
        theirs = self.edition
        return Attestation(
            report_number=number,
            issuer=self.issuer,
            territory=self.territory or self.issuer,
            subject_kind=self.subject_kind,
            scheme=self.scheme or theirs.catalogue.scheme.scheme,
            template_version=self.template_version,
            legal_basis=("synthetic legal basis",),
            issued_at=self.issued_at,
            valid_until=self.valid_until,
            data_cutoff=self.data_cutoff or self.issued_at,
            period=StatedPeriod(self.period.start, self.period.end),
            period_exception=self.exception,
            scenario=self.scenario,
            subject_commitment=commitment(salt("subject"), *CLAIM),
            section_count=len(encoded),
            section_root=tree_root(complete(encoded).leaves()),
            report_digest=report_digest(salt("report"), report_document(number, encoded)),
            catalogue_digest=theirs.catalogue.digest,
            crosswalk_digest=theirs.crosswalk.digest,
        )

    def examine(
        self,
        now: datetime = NOW,
        *statuses: StatusEvent,
        claim: tuple[str, str] | None = CLAIM,
        trusted_for: timedelta = timedelta(hours=1),
    ) -> Examination:
        """Signs the report and verifies it: steps 1 to 13, for real. The kernel does not look into sections."""
        encoded = (b"summary", *(repr(section).encode() for section in self.sections()))
        shown = complete(encoded)
        if self.shown is not None:
            shown = shown.narrowed(self.shown)
        signer = key("signing")
        envelope = encode_envelope(seal(ATTESTATION, encode_attestation(self.attestation(encoded)), [signer]))
        origin = f"huxin/{self.issuer}"
        keys = (SigningKeyInfo(signer.spki, signer.suite, ISSUED - timedelta(days=3_000)),)
        log = LogKeys(origin, key("head").spki, key("cosigner").spki)
        issuer = JurisdictionBundle(self.issuer, "甲", "A", 1, ISSUED, (b"synthetic",), keys, log)
        return verify(
            encode_bundle(envelope, salt("subject"), shown, salt("report") if shown.complete else b""),
            claim=claim,
            trusted=TrustedIssuer.of(issuer, now - trusted_for),
            terms=conditions(),
            view=LogHead(origin, 1, b"\0" * 32, "", now),
            entry=EntryView(origin, 0, envelope, statuses),
            as_of=now,
            known_at=now,
        )

    def presented(self, examination: Examination) -> Presented:
        assert examination.examined is not None, examination.outcomes
        return Presented.of(examination.examined, self.disclosed())

    def assess(self, asked: Requirement, policy: RecognitionPolicy | None = None) -> Assessment:
        policy = policy or policy_for(self.issuer, asked.jurisdiction)
        return assess(plan_of(asked), self.view, policy, self.presented(self.examine()))

    def judge(
        self,
        asked: Requirement,
        policy: RecognitionPolicy | None = None,
        now: datetime = NOW,
        examination: Examination | None = None,
    ) -> Judgement:
        """The whole way, under a trust certificate for everything unless said."""
        policy = policy or policy_for(self.issuer, asked.jurisdiction)
        examination = examination or self.examine(now)
        presented = self.presented(examination)
        assessment = assess(plan_of(asked), self.view, policy, presented)
        return judge(examination, presented, self.edition.catalogue, Asked(asked, policy, assessment), now)
