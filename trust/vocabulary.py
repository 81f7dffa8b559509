"""What signed statements say, as frozen values. The values check themselves: an invalid one cannot be built.

They mirror `proto/huxin/v1/statement.proto` and `trust.proto`, with instants as aware UTC datetimes, days as dates and
digests as 32 bytes. Each constructor raises MalformedInput naming the field. The wire form is in `trust.statements`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NoReturn

from trust.errors import MalformedInput

MAX_SECTIONS = 65_536
"""Sections of one report: Shanxi's 40 rows by five types make 201. Bounds what a proof can make a verifier do."""

MAX_TEXT_CHARS = 4_096
MAX_ITEMS = 4_096
MAX_SEALING_KEYS = 16
MAX_SECONDS = 10 * 366 * 86_400
"""Longest age that a trust certificate can allow: ten years."""

FIRST_YEAR, LAST_YEAR = 1900, 9_000
"""What verifiers reckon with (days in China, months back, merge delay) keeps clear of the ends of the calendar."""

REPORT_NUMBER_CHARS = 31
"""division(6) day(8) random(16) check(1)."""


class SubjectKind(StrEnum):
    """What kind of subject a report speaks about. A branch is a subject of its own (R021)."""

    ENTERPRISE = "enterprise"
    INDIVIDUAL_BUSINESS = "individual_business"
    FARMERS_COOPERATIVE = "farmers_cooperative"
    BRANCH = "branch"
    SOCIAL_ORGANISATION = "social_organisation"
    PUBLIC_INSTITUTION = "public_institution"
    NATURAL_PERSON = "natural_person"


class StatusFlag(StrEnum):
    """Flags that a report can carry, each on its own."""

    UNDER_OBJECTION = "under_objection"
    CORRECTED = "corrected"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    NEWER_INFORMATION = "newer_information"
    UNREADABLE = "unreadable"
    """A flag of a later version, which may mean anything: read from logs, never stated, never cleared."""


@dataclass(frozen=True, slots=True)
class Period:
    """Calendar days in China from `start` (inclusive) to `end` (exclusive)."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            refuse("period", "needs its start before its end")
        if self.end.year < FIRST_YEAR:
            refuse("period", f"does not end before the year {FIRST_YEAR}")


@dataclass(frozen=True, slots=True)
class PeriodException:
    """Why a period is longer than the scheme's cap (R060, R061)."""

    relying_party: str
    reason: str

    def __post_init__(self) -> None:
        require_text("period_exception.relying_party", self.relying_party)
        require_text("period_exception.reason", self.reason)


@dataclass(frozen=True, slots=True)
class Attestation:
    """Says: we issued this report. Digests are 32 bytes; `valid_until` is exclusive. Holds no personal data."""

    report_number: str
    issuer: str
    territory: str
    subject_kind: SubjectKind
    scheme: str
    template_version: str
    legal_basis: tuple[str, ...]
    issued_at: datetime
    valid_until: datetime | None
    data_cutoff: datetime
    period: Period
    period_exception: PeriodException | None
    scenario: str
    subject_commitment: bytes
    section_count: int
    section_root: bytes
    report_digest: bytes
    catalogue_digest: bytes
    crosswalk_digest: bytes

    def __post_init__(self) -> None:
        require_division("issuer", self.issuer)
        require_division("territory", self.territory)
        require_report_number(self.report_number)
        if self.report_number[:6] != self.issuer:
            refuse("report_number", "begins with its issuer's division code")
        for name in ("scheme", "template_version", "scenario"):
            require_text(name, getattr(self, name))
        require_texts("legal_basis", self.legal_basis)
        for name in ("issued_at", "data_cutoff"):
            require_instant(name, getattr(self, name))
            if not FIRST_YEAR <= getattr(self, name).year <= LAST_YEAR:
                refuse(name, f"lies in the years {FIRST_YEAR} to {LAST_YEAR}")
        if self.data_cutoff > self.issued_at:
            refuse("data_cutoff", "cannot be later than issued_at")
        if self.valid_until is not None:
            require_instant("valid_until", self.valid_until)
            if self.valid_until <= self.issued_at:
                refuse("valid_until", "must be later than issued_at")
        if not 1 <= self.section_count <= MAX_SECTIONS:
            refuse("section_count", f"is 1 to {MAX_SECTIONS}")
        for name in ("subject_commitment", "section_root", "report_digest", "catalogue_digest", "crosswalk_digest"):
            require_digest(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class StatusChange:
    """Says: the standing of a report changed. `attestation_digest` is SHA-256 of that attestation's envelope bytes."""

    issuer: str
    attestation_digest: bytes
    flag: StatusFlag
    set: bool
    effective_at: datetime
    issued_at: datetime
    reason_code: str

    def __post_init__(self) -> None:
        require_division("issuer", self.issuer)
        require_digest("attestation_digest", self.attestation_digest)
        if self.flag is StatusFlag.UNREADABLE:
            refuse("flag", "must be one that this version knows")
        require_instant("effective_at", self.effective_at)
        require_instant("issued_at", self.issued_at)
        require_text("reason_code", self.reason_code)
        if self.flag is StatusFlag.REVOKED and not self.set:
            refuse("set", "is true for a revocation, which is never cleared: issue a new report")


@dataclass(frozen=True, slots=True)
class SigningKeyInfo:
    """A key that may sign statements. `suite` may be one that this version does not know: others still work."""

    spki: bytes
    suite: str
    valid_from: datetime
    retired_at: datetime | None = None
    compromised_at: datetime | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.spki) <= MAX_TEXT_CHARS:
            refuse("signing_keys.spki", f"holds 1 to {MAX_TEXT_CHARS} bytes")
        require_text("signing_keys.suite", self.suite)
        require_instant("signing_keys.valid_from", self.valid_from)
        for name in ("retired_at", "compromised_at"):
            instant = getattr(self, name)
            if instant is not None:
                require_instant(f"signing_keys.{name}", instant)


@dataclass(frozen=True, slots=True)
class SealingKeyInfo:
    """A key that messages are sealed to (`trust.sealing`). `suite` may be one that this version does not know."""

    spki: bytes
    suite: str
    valid_from: datetime

    def __post_init__(self) -> None:
        if not 0 < len(self.spki) <= MAX_TEXT_CHARS:
            refuse("sealing_keys.spki", f"holds 1 to {MAX_TEXT_CHARS} bytes")
        require_text("sealing_keys.suite", self.suite)
        require_instant("sealing_keys.valid_from", self.valid_from)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """Keys of a jurisdiction's log: origin of its checkpoints, DER SPKI of the head key and of the cosigner key."""

    origin: str
    head_spki: bytes
    cosigner_spki: bytes

    def __post_init__(self) -> None:
        require_text("log.origin", self.origin)
        for name in ("head_spki", "cosigner_spki"):
            if not 0 < len(getattr(self, name)) <= MAX_TEXT_CHARS:
                refuse(f"log.{name}", f"holds 1 to {MAX_TEXT_CHARS} bytes")


@dataclass(frozen=True, slots=True)
class JurisdictionBundle:
    """What a jurisdiction publishes of itself: DER CA certificates and CRLs, signing, log, sealing keys, endpoints."""

    division: str
    name_zh: str
    name_en: str
    version: int
    issued_at: datetime
    ca_certificates: tuple[bytes, ...]
    signing_keys: tuple[SigningKeyInfo, ...]
    log: LogKeys
    endpoints: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    revocation_lists: tuple[bytes, ...] = ()
    sealing_keys: tuple[SealingKeyInfo, ...] = ()

    def __post_init__(self) -> None:
        require_division("division", self.division)
        require_text("name_zh", self.name_zh)
        require_text("name_en", self.name_en)
        if not 1 <= self.version < 2**64:
            refuse("version", "counts from 1")
        require_instant("issued_at", self.issued_at)
        require_count("ca_certificates", self.ca_certificates, at_least=1)
        require_count("signing_keys", self.signing_keys, at_least=1)
        if len({key.spki for key in self.signing_keys}) != len(self.signing_keys):
            refuse("signing_keys", "names each key once")
        own = f"huxin/{self.division}"
        if self.log.origin != own and not self.log.origin.startswith(f"{own}/"):
            refuse("log.origin", "is the jurisdiction's own, `huxin/` and its division code")
        require_texts("endpoints", self.endpoints)
        require_texts("contacts", self.contacts)
        require_count("revocation_lists", self.revocation_lists)
        if len(self.sealing_keys) > MAX_SEALING_KEYS:
            refuse("sealing_keys", f"has at most {MAX_SEALING_KEYS} items")
        if len({key.spki for key in self.sealing_keys}) != len(self.sealing_keys):
            refuse("sealing_keys", "names each key once")


@dataclass(frozen=True, slots=True)
class RecognitionScope:
    """What a trust certificate covers: leaves, record types, scenarios, by code. Empty recognises nothing."""

    leaves: tuple[str, ...] = ()
    record_types: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("leaves", "record_types", "scenarios"):
            require_distinct(f"scope.{name}", getattr(self, name))


@dataclass(frozen=True, slots=True)
class SuitePolicy:
    """Which suites must have signed, by name: each of `all_of` and, when not empty, one of `any_of`."""

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_distinct("suites.all_of", self.all_of)
        require_distinct("suites.any_of", self.any_of)
        if not self.all_of and not self.any_of:
            refuse("suites", "names at least one suite: otherwise any signature would do")


@dataclass(frozen=True, slots=True)
class TrustCertificate:
    """Says: we recognise what that issuer attests, within this scope, under these conditions, for this time.

    Ages in seconds; digests 32 bytes; valid from `valid_from` (inclusive) to `valid_until` (exclusive). Of several for
    one issuer the one signed last counts, from its `issued_at` on; one that is `withdrawn` ends the recognition then.
    """

    recogniser: str
    issuer: str
    scope: RecognitionScope
    reviewed_catalogues: tuple[bytes, ...]
    reviewed_crosswalks: tuple[bytes, ...]
    accepted_caveats: tuple[str, ...]
    suites: SuitePolicy
    witness_quorum: int
    max_trust_state_age_seconds: int
    max_log_view_age_seconds: int
    valid_from: datetime
    valid_until: datetime
    legal_basis: tuple[str, ...]
    issued_at: datetime
    withdrawn: bool = False
    withdrawal_reason: str = ""

    def __post_init__(self) -> None:
        require_division("recogniser", self.recogniser)
        require_division("issuer", self.issuer)
        for name in ("reviewed_catalogues", "reviewed_crosswalks"):
            require_count(name, getattr(self, name))
            for digest in getattr(self, name):
                require_digest(name, digest)
        require_distinct("accepted_caveats", self.accepted_caveats)
        if not 0 <= self.witness_quorum <= 1_000:
            refuse("witness_quorum", "is 0 to 1000")
        for name in ("max_trust_state_age_seconds", "max_log_view_age_seconds"):
            if not 1 <= getattr(self, name) <= MAX_SECONDS:
                refuse(name, f"is 1 to {MAX_SECONDS} seconds")
        require_texts("legal_basis", self.legal_basis)
        for name in ("valid_from", "valid_until", "issued_at"):
            require_instant(name, getattr(self, name))
        if self.valid_from >= self.valid_until:
            refuse("valid_until", "must be later than valid_from")
        if self.withdrawal_reason:
            require_text("withdrawal_reason", self.withdrawal_reason)
            if not self.withdrawn:
                refuse("withdrawal_reason", "is for a withdrawal only")


def refuse(field: str, rule: str) -> NoReturn:
    """Raise MalformedInput for a field of a statement: what it must be, never what it was."""
    raise MalformedInput(f"{field} {rule}")


def require_division(field: str, code: str) -> None:
    """Six digits, GB/T 2260."""
    if len(code) != 6 or not code.isascii() or not code.isdigit():
        refuse(field, "is a division code of six digits")


def require_report_number(number: str) -> None:
    """Letters and digits of ASCII, REPORT_NUMBER_CHARS of them; the check character is not judged here."""
    if len(number) != REPORT_NUMBER_CHARS or not number.isascii() or not number.isalnum():
        refuse("report_number", f"has {REPORT_NUMBER_CHARS} letters and digits")


def require_digest(field: str, digest: bytes) -> None:
    """32 bytes."""
    if len(digest) != 32:
        refuse(field, "holds 32 bytes")


def require_text(field: str, text: str) -> None:
    """Not empty, at most MAX_TEXT_CHARS characters, no control characters."""
    if not 0 < len(text) <= MAX_TEXT_CHARS or not text.isprintable():
        refuse(field, f"is 1 to {MAX_TEXT_CHARS} printable characters")


def require_texts(field: str, texts: Sequence[str]) -> None:
    """At most MAX_ITEMS texts."""
    require_count(field, texts)
    for text in texts:
        require_text(field, text)


def require_distinct(field: str, texts: Sequence[str]) -> None:
    """Texts of which none is given twice."""
    require_texts(field, texts)
    if len(set(texts)) != len(texts):
        refuse(field, "names each item once")


def require_count(field: str, items: Sequence[object], at_least: int = 0) -> None:
    """`at_least` to MAX_ITEMS items."""
    if not at_least <= len(items) <= MAX_ITEMS:
        refuse(field, f"has {at_least} to {MAX_ITEMS} items")


def require_instant(field: str, instant: datetime) -> None:
    """Aware, in UTC: an instant without a zone would be read differently elsewhere."""
    if instant.utcoffset() != timedelta(0):
        refuse(field, "is an instant in UTC")
