"""A relying jurisdiction's verification over real bundles of real catalogues; only the log view is kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from node.issuance.attesting import ReportDraft, attest
from node.model.catalogue import Edition
from node.model.freshness import AgeLimits, LimitSetter
from node.model.log import EntryView, LogHead, StatusEvent, StatusFlag
from node.model.policy import RecognitionPolicy
from node.model.report import Selection, Summary
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.model.witnesses import Lifting, Sighting
from node.verification.assessing import Assessor, Catalogues
from node.verification.logs import Logs, StatementKey, StatusKey
from node.verification.reading import ContentReader, SectionDecoders
from node.verification.trusting import KnownIssuer, Recognition, TrustSnapshot
from node.verification.verify import Surroundings, VerifyReports
from node.wire.report import decode_section, decode_summary, encode_section, encode_summary
from tests.recognition.cases import ISSUED, NOW, Report, edition, policy_for, registry
from tests.support.trust import CLAIM, conditions, key, salt
from trust.issuers import ClosedLog, TrustedIssuer
from trust.memo import ArithmeticMemo
from trust.verify import Tolerances
from trust.vocabulary import JurisdictionBundle, LogKeys, SigningKeyInfo
from trust.witnesses import Witnessing

SUBJECT = SubjectRef(IdType(CLAIM[0]), CLAIM[1])
NUMBER = "20261122ABCDEFGHJKMNPQRS7"
"""What follows the division in a synthetic report number; the kernel does not look at its check character."""

_ISSUED_BY_DIVISION = {division: f"{division}{NUMBER}" for division in ("140000", "520000", "620100", "210000")}


def _drawn(count: int) -> bytes:
    return b"".join(sha256(at.to_bytes(4, "big")).digest() for at in range(-(-count // 32)))[:count]


@dataclass(frozen=True)
class Issued:
    """A signed report. What its summary says can be made to contradict its statement."""

    report: Report
    summary: Summary
    sections: tuple[bytes, ...]

    @staticmethod
    def of(report: Report) -> Issued:
        sections = report.sections()
        cells = frozenset((section.local_code, section.record_type) for section in sections)
        records = sum(len(section.records) for section in sections)
        summary = Summary(
            _ISSUED_BY_DIVISION[report.issuer],
            "测试企业（合成数据）",
            SUBJECT,
            report.period,
            records,
            Selection(not report.local_codes, cells),
            "合成",
        )
        return Issued(report, summary, tuple(encode_section(section) for section in sections))

    def bundle(self) -> tuple[bytes, bytes]:
        """The serialised bundle and its envelope."""
        theirs = self.report.edition
        draft = ReportDraft(
            _ISSUED_BY_DIVISION[self.report.issuer],
            Registration(SUBJECT, "测试企业（合成数据）", SubjectKind.ENTERPRISE, self.report.issuer),
            self.report.issued_at,
            self.report.period,
            None,
            self.report.scenario,
            [encode_summary(self.summary, theirs.catalogue), *self.sections],
            theirs.catalogue,
            theirs.crosswalk.digest,
        )
        attested = attest(draft, [key("signing")], _drawn)
        return attested.bundle, attested.envelope


@dataclass
class Views:
    """Log views kept in memory, as `node.storage.log_store` answers them."""

    entries: dict[tuple[str, bytes], EntryView] = field(default_factory=dict)
    numbers: dict[tuple[str, str], EntryView] = field(default_factory=dict)
    sightings: dict[tuple[str, str, int], Sighting] = field(default_factory=dict)
    lifted: dict[tuple[str, bytes], Sequence[Lifting]] = field(default_factory=dict)

    def hold(self, report: Report, envelope: bytes, *statuses: StatusEvent) -> None:
        origin = f"huxin/{report.issuer}"
        view = EntryView(origin, 0, envelope, statuses)
        self.entries[origin, sha256(envelope).digest()] = view
        self.numbers[origin, _ISSUED_BY_DIVISION[report.issuer]] = view

    async def find_by_digests(self, keys: Sequence[StatementKey]) -> Mapping[StatementKey, EntryView]:
        return {each: self.entries[each[:2]] for each in keys if each[:2] in self.entries}

    async def first_sightings(self, keys: Sequence[tuple[str, str, int]]) -> Mapping[tuple[str, str, int], Sighting]:
        return {each: self.sightings[each] for each in keys if each in self.sightings}

    async def liftings(self, keys: Sequence[tuple[str, bytes]]) -> Mapping[tuple[str, bytes], Sequence[Lifting]]:
        return {each: self.lifted[each] for each in keys if each in self.lifted}

    async def find_by_report_number(self, origin: str, report_number: str) -> EntryView | None:
        return self.numbers.get((origin, report_number))


def known(division: str, refreshed_at: datetime = NOW) -> KnownIssuer:
    keys = (SigningKeyInfo(key("signing").spki, "ed25519", ISSUED - timedelta(days=3_000)),)
    log = LogKeys(f"huxin/{division}", key("head").spki, key("cosigner").spki)
    bundle = JurisdictionBundle(division, "甲", "A", 1, ISSUED, (b"synthetic",), keys, log)
    return KnownIssuer(TrustedIssuer.of(bundle, refreshed_at), salt(f"bundle {division}"))


def snapshot(recogniser: str, *issuers: str, policy: RecognitionPolicy | None = None) -> TrustSnapshot:
    """Everybody's keys; these issuers are recognised."""
    return TrustSnapshot(
        {division: known(division) for division in _ISSUED_BY_DIVISION},
        {
            issuer: (
                Recognition(
                    conditions(),
                    policy or policy_for(issuer, recogniser),
                    salt(f"certificate {issuer}"),
                    ISSUED - timedelta(days=3_000),
                    AgeLimits(timedelta(hours=12), timedelta(days=1), LimitSetter.NODE),
                    AgeLimits(timedelta(minutes=30), timedelta(hours=1), LimitSetter.CERTIFICATE),
                ),
            )
            for issuer in issuers
        },
    )


@dataclass
class Closed:
    """What is held of logs that were closed: by default nothing, and none is settled."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    said: dict[StatusKey, tuple[StatusEvent, ...]] = field(default_factory=dict)
    discarded: dict[StatusKey, frozenset[StatusFlag]] = field(default_factory=dict)
    asked_as_settled: frozenset[str] = frozenset()

    def settled(self, log: ClosedLog) -> bool:
        return self.sizes.get(log.origin) == log.size

    async def statuses(self, keys: Sequence[StatusKey]) -> Mapping[StatusKey, Sequence[StatusEvent]]:
        return {key: self.said[key] for key in keys if key in self.said}

    async def discarded_flags(
        self, keys: Sequence[StatusKey], settled: Collection[str]
    ) -> Mapping[StatusKey, frozenset[StatusFlag]]:
        self.asked_as_settled = frozenset(settled)
        return {key: self.discarded[key] for key in keys if key in self.discarded}


@dataclass
class Relying:
    """One relying jurisdiction. `trust` may be replaced between questions, as a node does."""

    trust: TrustSnapshot
    division: str = "520000"
    views: Views = field(default_factory=Views)
    closed: Closed = field(default_factory=Closed)
    now: datetime = NOW
    heads: bool = True
    memo_bytes: int = 1 << 26
    witnesses: dict[str, int] = field(default_factory=dict)
    """Sizes of the newest heads that witnesses cosigned, by name, of whatever log is asked about."""
    agreed: int | None = None
    """Of a log with two histories the size up to which they agree."""
    compared_every_seconds: float = 0.0
    own_edition: Callable[[datetime], Edition | None] | None = None
    """The own catalogue in force at an instant; None: the same one always."""

    def verification(self) -> VerifyReports:
        """With nothing remembered yet."""
        memo = ArithmeticMemo(self.memo_bytes)
        catalogues = registry()
        return VerifyReports(
            Logs(self.views, self.closed),
            self.views,
            Surroundings(
                lambda: self.trust,
                self._head,
                lambda: self.now,
                Tolerances(),
                lambda _origin: Witnessing(self.witnesses, self.agreed, f"huxin/{self.division}/node"),
                self.compared_every_seconds,
            ),
            Assessor(
                Catalogues(
                    catalogues.taxonomy,
                    catalogues.catalogue,
                    catalogues.crosswalk,
                    self.own_edition or (lambda _at: edition(self.division)),
                )
            ),
            ContentReader(SectionDecoders(decode_summary, decode_section), catalogues.catalogue, memo),
            memo,
            _THREADS,
        )

    def _head(self, origin: str) -> LogHead | None:
        return LogHead(origin, 1, b"\0" * 32, "", self.now) if self.heads else None


_THREADS = ThreadPoolExecutor(2)
