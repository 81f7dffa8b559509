"""The one module that reads and writes signed payloads: what was verified is what is read.

A payload is a serialised message of `proto/huxin/v1`, signed as bytes. Reading accepts one form only: what our
serialiser would write (fields in rising order, shortest varints, no default values). A payload with fields that this
version does not know raises UnknownContent instead: a later version may have restricted something.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp
from huxin.v1 import period_pb2, statement_pb2, subject_pb2, trust_pb2

from trust.envelope import Envelope, Signature
from trust.errors import MalformedInput, NotCanonical, TooLarge, UnknownContent
from trust.vocabulary import (
    Attestation,
    JurisdictionBundle,
    LogKeys,
    Period,
    PeriodException,
    RecognitionScope,
    SealingKeyInfo,
    SigningKeyInfo,
    StatusChange,
    StatusFlag,
    SubjectKind,
    SuitePolicy,
    TrustCertificate,
    refuse,
    require_digest,
    require_report_number,
)

ATTESTATION = "application/vnd.huxin.attestation.v1+protobuf"
STATUS_CHANGE = "application/vnd.huxin.status-change.v1+protobuf"
JURISDICTION_BUNDLE = "application/vnd.huxin.jurisdiction-bundle.v1+protobuf"
_STATUS_CHANGE_OF_ANY_VERSION = "application/vnd.huxin.status-change.v"
TRUST_CERTIFICATE = "application/vnd.huxin.trust-certificate.v1+protobuf"

MAX_STATEMENT_BYTES = 256 * 1024
"""Envelope with its payload: a jurisdiction's bundle with many CA certificates stays far below."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # years 1 to 9999, as google.protobuf.Timestamp says

_KIND_TO_WIRE = {kind: f"SUBJECT_KIND_{kind.name}" for kind in SubjectKind}
_KIND_FROM_WIRE: dict[int, SubjectKind] = {subject_pb2.SubjectKind.Value(n): kind for kind, n in _KIND_TO_WIRE.items()}
_FLAG_TO_WIRE: dict[StatusFlag, str] = {
    flag: f"STATUS_FLAG_{flag.name}" for flag in StatusFlag if flag is not StatusFlag.UNREADABLE
}
_FLAG_FROM_WIRE: dict[int, StatusFlag] = {statement_pb2.StatusFlag.Value(n): flag for flag, n in _FLAG_TO_WIRE.items()}

M = TypeVar("M", bound=Message)


def parse_canonical(kind: type[M], data: bytes, *, unknown_ok: bool = False) -> M:
    """Parse a message that stands in its one accepted form.

    Raises MalformedInput when the bytes are no such message, UnknownContent when they hold fields that this version
    does not know (unless `unknown_ok`: then those are dropped), NotCanonical when another encoding of the same
    message exists and is the accepted one.
    """
    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise MalformedInput("the bytes are not the message they claim to be: ask for the original") from None
    written = message.SerializeToString(deterministic=True)
    message.DiscardUnknownFields()
    if message.SerializeToString(deterministic=True) != written:
        if unknown_ok:
            return message
        raise UnknownContent("the message holds fields that this version does not know: upgrade to judge it")
    if written != data:
        raise NotCanonical("the message is not in its canonical encoding: it was altered or made by a faulty writer")
    return message


# Envelopes


def encode_envelope(envelope: Envelope) -> bytes:
    """The one serialised form of an envelope: what a log holds and what a digest of a statement is taken over."""
    message = statement_pb2.Envelope(
        payload=envelope.payload,
        payload_type=envelope.payload_type,
        signatures=[statement_pb2.Signature(sig=s.sig, keyid=s.key_id) for s in envelope.signatures],
    )
    return message.SerializeToString(deterministic=True)


def read_envelope(data: bytes) -> Envelope:
    """Read an envelope, verifying nothing. Raises TooLarge, MalformedInput, NotCanonical, UnknownContent."""
    if len(data) > MAX_STATEMENT_BYTES:
        raise TooLarge(f"a signed statement holds at most {MAX_STATEMENT_BYTES} bytes")
    message = parse_canonical(statement_pb2.Envelope, data)
    signatures = tuple(Signature(s.keyid, s.sig) for s in message.signatures)
    return Envelope(message.payload_type, message.payload, signatures)


class PeekedStatus(NamedTuple):
    """What a status change says, unverified."""

    attestation_digest: bytes
    flag: StatusFlag
    set: bool
    effective_at: datetime


class PeekedEntry(NamedTuple):
    """What a log entry says, unverified. `report_number` is set for attestations, `status` for status changes."""

    issuer: str
    report_number: str
    status: PeekedStatus | None


def peek_entry(entry: bytes) -> PeekedEntry:
    """What a follower files a log entry under, read without checking signature or canonical form.

    The signed tree head authenticates the entry's bytes; its statement is judged at first use. A flag that this version
    does not know is UNREADABLE, and so is a status change of another version: whoever ignored it might rely on what was
    revoked in other words. A flag that is set at no readable time is set since ever. Raises MalformedInput when the
    entry is neither an attestation nor a status change.
    """
    try:
        envelope = statement_pb2.Envelope.FromString(entry)
        if envelope.payload_type == ATTESTATION:
            attestation = statement_pb2.Attestation.FromString(envelope.payload)
            require_report_number(attestation.report_number)
            return PeekedEntry(attestation.issuer, attestation.report_number, None)
        if envelope.payload_type.startswith(_STATUS_CHANGE_OF_ANY_VERSION):
            change = statement_pb2.StatusChange.FromString(envelope.payload)
            require_digest("attestation_digest", change.attestation_digest)
            return PeekedEntry(change.issuer, "", _peeked_status(change, known=envelope.payload_type == STATUS_CHANGE))
    except DecodeError:
        raise MalformedInput("the log entry cannot be read: ask the log's operator what it is") from None
    raise MalformedInput("a log holds attestations and status changes only: ask the log's operator what this is")


def _peeked_status(change: statement_pb2.StatusChange, *, known: bool) -> PeekedStatus:
    """`known`: of the version that is read here. Whatever another one names by a digest is flagged for good."""
    if not known:
        return PeekedStatus(change.attestation_digest, StatusFlag.UNREADABLE, True, _EPOCH)
    try:
        effective_at = _instant(change, "effective_at")
    except MalformedInput:
        if not change.set:
            raise
        effective_at = _EPOCH
    flag = _FLAG_FROM_WIRE.get(change.flag, StatusFlag.UNREADABLE)
    return PeekedStatus(change.attestation_digest, flag, change.set, effective_at)


# Attestation


def encode_attestation(attestation: Attestation) -> bytes:
    """Payload of type ATTESTATION. The same value gives the same bytes."""
    message = statement_pb2.Attestation(
        report_number=attestation.report_number,
        issuer=attestation.issuer,
        territory=attestation.territory,
        subject_kind=_KIND_TO_WIRE[attestation.subject_kind],
        scheme=attestation.scheme,
        template_version=attestation.template_version,
        legal_basis=attestation.legal_basis,
        issued_at=_timestamp(attestation.issued_at),
        valid_until=_timestamp(attestation.valid_until),
        data_cutoff=_timestamp(attestation.data_cutoff),
        period=period_pb2.Period(start=attestation.period.start.isoformat(), end=attestation.period.end.isoformat()),
        scenario=attestation.scenario,
        subject_commitment=attestation.subject_commitment,
        section_count=attestation.section_count,
        section_root=attestation.section_root,
        report_digest=attestation.report_digest,
        catalogue_digest=attestation.catalogue_digest,
        crosswalk_digest=attestation.crosswalk_digest,
    )
    if attestation.period_exception is not None:
        message.period_exception.relying_party = attestation.period_exception.relying_party
        message.period_exception.reason = attestation.period_exception.reason
    return message.SerializeToString(deterministic=True)


def read_attestation(payload: bytes, *, unknown_ok: bool = False) -> Attestation:
    """Read a payload of type ATTESTATION.

    Raises MalformedInput, NotCanonical, and UnknownContent. With `unknown_ok`, fields that this version does not know
    are left out instead: for showing what is known of a statement that cannot be decided.
    """
    message = parse_canonical(statement_pb2.Attestation, payload, unknown_ok=unknown_ok)
    kind = _KIND_FROM_WIRE.get(message.subject_kind)
    if kind is None:
        raise _unknown_or_unsaid("subject_kind", message.subject_kind)
    exception = None
    if message.HasField("period_exception"):
        exception = PeriodException(message.period_exception.relying_party, message.period_exception.reason)
    if not message.HasField("period"):
        refuse("period", "is missing")
    return Attestation(
        report_number=message.report_number,
        issuer=message.issuer,
        territory=message.territory,
        subject_kind=kind,
        scheme=message.scheme,
        template_version=message.template_version,
        legal_basis=tuple(message.legal_basis),
        issued_at=_instant(message, "issued_at"),
        valid_until=_optional_instant(message, "valid_until"),
        data_cutoff=_instant(message, "data_cutoff"),
        period=Period(_day("period.start", message.period.start), _day("period.end", message.period.end)),
        period_exception=exception,
        scenario=message.scenario,
        subject_commitment=message.subject_commitment,
        section_count=message.section_count,
        section_root=message.section_root,
        report_digest=message.report_digest,
        catalogue_digest=message.catalogue_digest,
        crosswalk_digest=message.crosswalk_digest,
    )


# StatusChange


def encode_status_change(change: StatusChange) -> bytes:
    """Payload of type STATUS_CHANGE. The same value gives the same bytes."""
    return statement_pb2.StatusChange(
        issuer=change.issuer,
        attestation_digest=change.attestation_digest,
        flag=_FLAG_TO_WIRE[change.flag],
        set=change.set,
        effective_at=_timestamp(change.effective_at),
        issued_at=_timestamp(change.issued_at),
        reason_code=change.reason_code,
    ).SerializeToString(deterministic=True)


def read_status_change(payload: bytes) -> StatusChange:
    """Read a payload of type STATUS_CHANGE. Raises MalformedInput, NotCanonical, UnknownContent."""
    return _status_change(parse_canonical(statement_pb2.StatusChange, payload))


def _status_change(message: statement_pb2.StatusChange) -> StatusChange:
    flag = _FLAG_FROM_WIRE.get(message.flag)
    if flag is None:
        raise _unknown_or_unsaid("flag", message.flag)
    return StatusChange(
        issuer=message.issuer,
        attestation_digest=message.attestation_digest,
        flag=flag,
        set=message.set,
        effective_at=_instant(message, "effective_at"),
        issued_at=_instant(message, "issued_at"),
        reason_code=message.reason_code,
    )


# JurisdictionBundle


def encode_jurisdiction_bundle(bundle: JurisdictionBundle) -> bytes:
    """Payload of type JURISDICTION_BUNDLE. The same value gives the same bytes."""
    return trust_pb2.JurisdictionBundle(
        division=bundle.division,
        name_zh=bundle.name_zh,
        name_en=bundle.name_en,
        version=bundle.version,
        issued_at=_timestamp(bundle.issued_at),
        ca_certificates=bundle.ca_certificates,
        signing_keys=[
            trust_pb2.SigningKey(
                spki=key.spki,
                suite=key.suite,
                valid_from=_timestamp(key.valid_from),
                retired_at=_timestamp(key.retired_at),
                compromised_at=_timestamp(key.compromised_at),
            )
            for key in bundle.signing_keys
        ],
        log=trust_pb2.LogIdentity(
            origin=bundle.log.origin, head_spki=bundle.log.head_spki, cosigner_spki=bundle.log.cosigner_spki
        ),
        endpoints=bundle.endpoints,
        contacts=bundle.contacts,
        revocation_lists=bundle.revocation_lists,
        sealing_keys=[
            trust_pb2.SealingKey(spki=key.spki, suite=key.suite, valid_from=_timestamp(key.valid_from))
            for key in bundle.sealing_keys
        ],
    ).SerializeToString(deterministic=True)


def read_jurisdiction_bundle(payload: bytes) -> JurisdictionBundle:
    """Read a payload of type JURISDICTION_BUNDLE. Raises MalformedInput, NotCanonical, UnknownContent."""
    message = parse_canonical(trust_pb2.JurisdictionBundle, payload)
    return JurisdictionBundle(
        division=message.division,
        name_zh=message.name_zh,
        name_en=message.name_en,
        version=message.version,
        issued_at=_instant(message, "issued_at"),
        ca_certificates=tuple(message.ca_certificates),
        signing_keys=tuple(
            SigningKeyInfo(
                spki=key.spki,
                suite=key.suite,
                valid_from=_instant(key, "valid_from"),
                retired_at=_optional_instant(key, "retired_at"),
                compromised_at=_optional_instant(key, "compromised_at"),
            )
            for key in message.signing_keys
        ),
        log=LogKeys(message.log.origin, message.log.head_spki, message.log.cosigner_spki),
        endpoints=tuple(message.endpoints),
        contacts=tuple(message.contacts),
        revocation_lists=tuple(message.revocation_lists),
        sealing_keys=tuple(
            SealingKeyInfo(key.spki, key.suite, _instant(key, "valid_from")) for key in message.sealing_keys
        ),
    )


# TrustCertificate


def encode_trust_certificate(certificate: TrustCertificate) -> bytes:
    """Payload of type TRUST_CERTIFICATE. The same value gives the same bytes."""
    scope, suites = certificate.scope, certificate.suites
    return trust_pb2.TrustCertificate(
        recogniser=certificate.recogniser,
        issuer=certificate.issuer,
        scope=trust_pb2.RecognitionScope(
            leaves=scope.leaves, record_types=scope.record_types, scenarios=scope.scenarios
        ),
        reviewed_catalogues=certificate.reviewed_catalogues,
        reviewed_crosswalks=certificate.reviewed_crosswalks,
        accepted_caveats=certificate.accepted_caveats,
        suites=trust_pb2.SuitePolicy(all_of=suites.all_of, any_of=suites.any_of),
        witness_quorum=certificate.witness_quorum,
        max_trust_state_age_seconds=certificate.max_trust_state_age_seconds,
        max_log_view_age_seconds=certificate.max_log_view_age_seconds,
        valid_from=_timestamp(certificate.valid_from),
        valid_until=_timestamp(certificate.valid_until),
        legal_basis=certificate.legal_basis,
        issued_at=_timestamp(certificate.issued_at),
        withdrawn=certificate.withdrawn,
        withdrawal_reason=certificate.withdrawal_reason,
    ).SerializeToString(deterministic=True)


def read_trust_certificate(payload: bytes) -> TrustCertificate:
    """Read a payload of type TRUST_CERTIFICATE. Raises MalformedInput, NotCanonical, UnknownContent."""
    message = parse_canonical(trust_pb2.TrustCertificate, payload)
    if not message.HasField("scope"):
        refuse("scope", "is missing")
    scope, suites = message.scope, message.suites
    return TrustCertificate(
        recogniser=message.recogniser,
        issuer=message.issuer,
        scope=RecognitionScope(tuple(scope.leaves), tuple(scope.record_types), tuple(scope.scenarios)),
        reviewed_catalogues=tuple(message.reviewed_catalogues),
        reviewed_crosswalks=tuple(message.reviewed_crosswalks),
        accepted_caveats=tuple(message.accepted_caveats),
        suites=SuitePolicy(tuple(suites.all_of), tuple(suites.any_of)),
        witness_quorum=message.witness_quorum,
        max_trust_state_age_seconds=message.max_trust_state_age_seconds,
        max_log_view_age_seconds=message.max_log_view_age_seconds,
        valid_from=_instant(message, "valid_from"),
        valid_until=_instant(message, "valid_until"),
        legal_basis=tuple(message.legal_basis),
        issued_at=_instant(message, "issued_at"),
        withdrawn=message.withdrawn,
        withdrawal_reason=message.withdrawal_reason,
    )


# Days and instants


def _timestamp(instant: datetime | None) -> Timestamp | None:
    if instant is None:
        return None
    since = instant - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def _optional_instant(message: Message, field: str) -> datetime | None:
    return _instant(message, field) if message.HasField(field) else None


def _instant(message: Message, field: str) -> datetime:
    """A required instant. Raises MalformedInput when absent, out of range or finer than a microsecond."""
    if not message.HasField(field):
        refuse(field, "is missing")
    stamp: Timestamp = getattr(message, field)
    in_range = _FIRST_SECOND <= stamp.seconds <= _LAST_SECOND and 0 <= stamp.nanos < 1_000_000_000
    if not in_range or stamp.nanos % 1_000:
        refuse(field, "is an instant of the years 1 to 9999 in whole microseconds")
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1_000)


def _day(field: str, text: str) -> date:
    """A day in its one form. `date.fromisoformat` alone takes week dates and dates without hyphens as well."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        refuse(field, "is a day written YYYY-MM-DD")
    return day


def _unknown_or_unsaid(field: str, number: int) -> MalformedInput:
    if number:
        return UnknownContent(f"{field} has a value that this version does not know: upgrade to judge it")
    return MalformedInput(f"{field} is missing")
