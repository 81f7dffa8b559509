"""Findings, gaps, decisions, verdicts. There is no value that means "clear"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from node.model.calendar import Period
from node.model.catalogue import Caveat
from node.model.freshness import Basis
from node.model.log import StatusFlag
from node.model.records import RecordType
from node.model.subject import SubjectKind


class GapReason(StrEnum):
    """Why an interval of a cell was not covered, in order of precedence."""

    CATALOGUE_UNKNOWN = "CATALOGUE_UNKNOWN"
    CATALOGUE_NOT_REVIEWED = "CATALOGUE_NOT_REVIEWED"
    OUTSIDE_TERRITORY = "OUTSIDE_TERRITORY"
    NOT_RECOGNISED = "NOT_RECOGNISED"
    NOT_IN_CATALOGUE = "NOT_IN_CATALOGUE"
    RECORD_TYPE_NOT_COLLECTED = "RECORD_TYPE_NOT_COLLECTED"
    PARTIAL_MATCH = "PARTIAL_MATCH"
    NOT_SELECTED = "NOT_SELECTED"
    NOT_DISCLOSED = "NOT_DISCLOSED"
    BEFORE_DATA_SINCE = "BEFORE_DATA_SINCE"
    PERIOD_NOT_CHOSEN = "PERIOD_NOT_CHOSEN"
    SOURCE_LATE = "SOURCE_LATE"
    AFTER_CUTOFF = "AFTER_CUTOFF"
    REPAIRED_NOT_SHOWN = "REPAIRED_NOT_SHOWN"
    CAVEAT_REFUSED = "CAVEAT_REFUSED"


class Remedy(StrEnum):
    """What could fill a gap."""

    OTHER_JURISDICTION = "OTHER_JURISDICTION"
    WIDER_SELECTION = "WIDER_SELECTION"
    FULL_DISCLOSURE = "FULL_DISCLOSURE"
    LONGER_PERIOD = "LONGER_PERIOD"
    FRESH_REPORT = "FRESH_REPORT"
    REVIEW_OF_CATALOGUE = "REVIEW_OF_CATALOGUE"
    CERTIFICATE_CHANGE = "CERTIFICATE_CHANGE"
    COMMITMENT = "COMMITMENT"


class FindingKind(StrEnum):
    """What was found in one required cell."""

    HAS_RECORDS = "HAS_RECORDS"
    NO_RECORD_FOUND = "NO_RECORD_FOUND"
    NOT_COVERED = "NOT_COVERED"
    COMMITTED = "COMMITTED"


class Decision(StrEnum):
    """What a relying party may do with the report for its procedure."""

    ACCEPT = "ACCEPT"
    REFER = "REFER"
    REJECT = "REJECT"


@dataclass(frozen=True, slots=True)
class Gap:
    """An interval of a cell that was not covered, and why. `leaf` is empty where own rows are compared directly."""

    leaf: str
    record_type: RecordType
    interval: Period
    reason: GapReason
    required_wording: tuple[str, ...]
    issuer_wording: tuple[str, ...]
    remedies: tuple[Remedy, ...]
    caveat: Caveat | None = None


@dataclass(frozen=True, slots=True)
class CaveatUse:
    """A reservation under which an interval of a cell was covered."""

    caveat: Caveat
    interval: Period


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in one required cell. `covered_until` (exclusive) is None when some unit never delivered."""

    leaf: str
    record_type: RecordType
    interval: Period
    kind: FindingKind
    records: int
    counted_records: int
    gaps: tuple[Gap, ...]
    caveats: tuple[CaveatUse, ...]
    covered_until: date | None
    required_rows: tuple[str, ...]


class Authenticity(StrEnum):
    """Whether the document is what its issuer issued."""

    GENUINE = "GENUINE"
    NOT_GENUINE = "NOT_GENUINE"
    UNDECIDED = "UNDECIDED"


class Standing(StrEnum):
    """Whether the report still stands."""

    UNKNOWN = "UNKNOWN"
    IN_FORCE = "IN_FORCE"
    FLAGGED = "FLAGGED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class StepStatus(StrEnum):
    """Result of one numbered step."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"
    NOT_REQUIRED = "NOT_REQUIRED"


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step (`docs/protocol.md`, Verification steps). `reason` is empty when it passed."""

    number: int
    status: StepStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the authenticated statement says of the report."""

    report_number: str
    issuer: str
    territory: str
    subject_kind: SubjectKind
    issued_at: datetime
    period: Period
    scheme: str
    data_cutoff: datetime


@dataclass(frozen=True, slots=True)
class ViewFacts:
    """Our view of the issuer's log at the decision."""

    origin: str
    size: int
    fresh_at: datetime | None
    age_seconds: int


@dataclass(frozen=True, slots=True)
class LaterFlag:
    """A flag set or cleared after the moment whose rules apply: it tells, and does not decide."""

    flag: StatusFlag
    set: bool
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class Existed:
    """Proof that a report whose key was compromised later is older than that: it stood in its issuer's log at `at`.

    By our own record (`own`), or by the word of these `witnesses`, such as `huxin/520000/node`.
    """

    at: datetime
    own: bool
    witnesses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InputDigests:
    """SHA-256 of everything the decision is a function of; empty bytes where an input was absent."""

    bundle: bytes = b""
    trust_certificate: bytes = b""
    requirement: bytes = b""
    issuer_catalogue: bytes = b""
    issuer_crosswalk: bytes = b""
    own_crosswalk: bytes = b""
    trusted_state: bytes = b""
    log_root: bytes = b""
    present_certificate: bytes = b""
    """Our certificate of `known_at`, where it is another than that of `as_of`: its limits of age apply as well."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole answer. `decision` is None when no requirement was named.

    Standing, flags and decision are those of `basis.as_of`; what has changed since is in `later_flags`. `witnesses`
    counts those known to have cosigned a head of the issuer's log which holds the report, at least as many as
    `witness_quorum` demands, or all that are known. `existed` is None unless step 4 rests on it. `retry_seconds`: after
    about how long more of them may be known, 0 unless they were too few and nothing else keeps it from the log.
    """

    authenticity: Authenticity
    standing: Standing
    decision: Decision | None
    reasons: tuple[str, ...]
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    report: ReportFacts | None
    flags: tuple[StatusFlag, ...]
    log_view: ViewFacts | None
    trust_state_age_seconds: int
    basis: Basis
    inputs: InputDigests
    requirement_title: str = ""
    later_flags: tuple[LaterFlag, ...] = ()
    witnesses: int = 0
    witness_quorum: int = 0
    existed: Existed | None = None
    retry_seconds: int = 0
