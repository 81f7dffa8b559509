from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from huxin.v1 import statement_pb2, trust_pb2
from hypothesis import given
from hypothesis import strategies as st

from tests.support.encoding import other_encodings
from tests.support.trust import ISSUED, attestation_of, jurisdiction, key, salt, sections_of
from trust import statements
from trust.envelope import Envelope, Signature, seal
from trust.errors import MalformedInput, NotCanonical, TooLarge, UnknownContent
from trust.vocabulary import (
    Attestation,
    JurisdictionBundle,
    LogKeys,
    Period,
    PeriodException,
    RecognitionScope,
    SigningKeyInfo,
    StatusChange,
    StatusFlag,
    SubjectKind,
    SuitePolicy,
    TrustCertificate,
)

ATTESTATION = attestation_of(sections_of(3))
STATUS = StatusChange("140000", salt("a"), StatusFlag.CORRECTED, True, ISSUED, ISSUED, "record_corrected")
CERTIFICATE = TrustCertificate(
    recogniser="520000",
    issuer="140000",
    scope=RecognitionScope(("MK01", "MK02"), ("criminal_judgment",), ("tender",)),
    reviewed_catalogues=(salt("catalogue"),),
    reviewed_crosswalks=(salt("crosswalk"),),
    accepted_caveats=("CLOSE_MATCH",),
    suites=SuitePolicy(("ed25519",), ("sm2-sm3", "ml-dsa-65")),
    witness_quorum=2,
    max_trust_state_age_seconds=86_400,
    max_log_view_age_seconds=3_600,
    valid_from=ISSUED,
    valid_until=ISSUED + timedelta(days=365),
    legal_basis=("synthetic legal basis",),
    issued_at=ISSUED,
)
WITHDRAWAL = replace(CERTIFICATE, withdrawn=True, withdrawal_reason="合成示例 a synthetic reason")


def bundle() -> JurisdictionBundle:
    retired = SigningKeyInfo(b"not a key", "sm2-sm3", ISSUED, ISSUED + timedelta(1), ISSUED + timedelta(2))
    plain = jurisdiction(key("signing"))
    return replace(plain, signing_keys=(*plain.signing_keys, retired), endpoints=("127.0.0.1:1",), contacts=("desk",))


KINDS: list[tuple[Any, Callable[[Any], bytes], Callable[[bytes], Any], type[Message]]] = [
    (ATTESTATION, statements.encode_attestation, statements.read_attestation, statement_pb2.Attestation),
    (STATUS, statements.encode_status_change, statements.read_status_change, statement_pb2.StatusChange),
    (
        bundle(),
        statements.encode_jurisdiction_bundle,
        statements.read_jurisdiction_bundle,
        trust_pb2.JurisdictionBundle,
    ),
    (CERTIFICATE, statements.encode_trust_certificate, statements.read_trust_certificate, trust_pb2.TrustCertificate),
    (WITHDRAWAL, statements.encode_trust_certificate, statements.read_trust_certificate, trust_pb2.TrustCertificate),
]
IDS = [*(kind[3].__name__ for kind in KINDS[:-1]), "Withdrawal"]
each_kind = pytest.mark.parametrize(("value", "encode", "read", "message"), KINDS, ids=IDS)

instants = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants its bounds naive
days = st.dates(min_value=date(1900, 1, 1), max_value=date(2999, 12, 31))
texts = st.text(min_size=1, max_size=20).filter(str.isprintable)
digests = st.binary(min_size=32, max_size=32)


@st.composite
def attestations(draw: st.DrawFn) -> Attestation:
    issued, cutoff = sorted((draw(instants), draw(instants)), reverse=True)
    start = draw(days)
    return Attestation(
        report_number=ATTESTATION.report_number,
        issuer="140000",
        territory=draw(st.from_regex(r"[0-9]{6}", fullmatch=True, alphabet="0123456789")),
        subject_kind=draw(st.sampled_from(SubjectKind)),
        scheme=draw(texts),
        template_version=draw(texts),
        legal_basis=tuple(draw(st.lists(texts, max_size=3))),
        issued_at=issued,
        valid_until=draw(st.none() | st.integers(1, 10**9).map(lambda us: issued + timedelta(microseconds=us))),
        data_cutoff=cutoff,
        period=Period(start, start + timedelta(days=draw(st.integers(1, 9_999)))),
        period_exception=draw(st.none() | st.builds(PeriodException, texts, texts)),
        scenario=draw(texts),
        subject_commitment=draw(digests),
        section_count=draw(st.integers(1, 65_536)),
        section_root=draw(digests),
        report_digest=draw(digests),
        catalogue_digest=draw(digests),
        crosswalk_digest=draw(digests),
    )


@given(attestations())
def test_an_attestation_is_read_as_it_was_written(attestation: Attestation) -> None:
    written = statements.encode_attestation(attestation)
    assert statements.read_attestation(written) == attestation
    assert statements.encode_attestation(attestation) == written


@each_kind
def test_every_statement_is_read_as_it_was_written(
    value: Any, encode: Callable[[Any], bytes], read: Callable[[bytes], Any], message: type[Message]
) -> None:
    assert read(encode(value)) == value
    assert set(message.DESCRIPTOR.fields_by_name) == set(value.__dataclass_fields__), "a field has no mirror"


@each_kind
def test_other_encodings_are_refused(
    value: Any, encode: Callable[[Any], bytes], read: Callable[[bytes], Any], message: type[Message]
) -> None:
    """Everything but fields of the future is refused outright; those alone are UnknownContent."""
    tried = 0
    for name, data in other_encodings(encode(value)):
        if data == encode(value):
            continue
        tried += 1
        try:
            got = read(data)
        except UnknownContent:
            assert name.startswith("unknown"), name
        except MalformedInput:
            assert not name.startswith("unknown"), name
        else:
            # What is left are different statements in canonical form: an item more or less.
            assert name.startswith(("dropped", "field twice", "empty, then real")), name
            assert got != value
            assert encode(got) == data
    assert tried > 3 * len(message.DESCRIPTOR.fields)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("issuer", "14000"),
        ("issuer", "14000a"),
        ("issuer", "１４００００"),
        ("territory", ""),
        ("report_number", ""),
        ("report_number", ATTESTATION.report_number[:-1]),
        ("report_number", "520000" + ATTESTATION.report_number[6:]),
        ("report_number", ATTESTATION.report_number[:-1] + "\n"),
        ("scheme", ""),
        ("scheme", "two\nlines"),
        ("scenario", "x" * 4_097),
        ("legal_basis", ("",)),
        ("legal_basis", ("x",) * 4_097),
        ("issued_at", datetime(2026, 11, 22, tzinfo=timezone(timedelta(hours=8)))),
        ("issued_at", datetime(2026, 11, 22)),  # noqa: DTZ001 - the naive instant is the point
        ("issued_at", datetime(9001, 1, 1, tzinfo=UTC)),
        ("data_cutoff", datetime(1899, 12, 31, tzinfo=UTC)),
        ("valid_until", ISSUED),
        ("data_cutoff", ISSUED + timedelta(microseconds=1)),
        ("section_count", 0),
        ("section_count", 65_537),
        ("subject_commitment", b""),
        ("section_root", b"x" * 31),
        ("report_digest", b"x" * 33),
        ("catalogue_digest", b""),
        ("crosswalk_digest", b""),
    ],
)
def test_an_invalid_attestation_cannot_be_built(field: str, wrong: Any) -> None:
    with pytest.raises(MalformedInput, match=field):
        replace(ATTESTATION, **{field: wrong})


@pytest.mark.parametrize(
    "build",
    [
        lambda: Period(date(2026, 1, 1), date(2026, 1, 1)),
        lambda: PeriodException("someone", ""),
        lambda: replace(STATUS, flag=StatusFlag.REVOKED, set=False),
        lambda: replace(STATUS, attestation_digest=b"short"),
        lambda: replace(STATUS, reason_code=""),
        lambda: replace(bundle(), version=0),
        lambda: replace(bundle(), ca_certificates=()),
        lambda: replace(bundle(), signing_keys=()),
        lambda: replace(bundle(), signing_keys=bundle().signing_keys * 2),
        lambda: replace(bundle(), log=LogKeys("huxin/520000", b"k", b"k")),
        lambda: replace(bundle(), log=LogKeys("huxin/1400001", b"k", b"k")),
        lambda: LogKeys("huxin/140000", b"", b"k"),
        lambda: SigningKeyInfo(b"", "ed25519", ISSUED),
        SuitePolicy,
        lambda: SuitePolicy(("ed25519", "ed25519")),
        lambda: RecognitionScope(("MK01", "MK01")),
        lambda: replace(CERTIFICATE, reviewed_catalogues=(b"short",)),
        lambda: replace(CERTIFICATE, max_log_view_age_seconds=0),
        lambda: replace(CERTIFICATE, max_trust_state_age_seconds=2**40),
        lambda: replace(CERTIFICATE, witness_quorum=-1),
        lambda: replace(CERTIFICATE, valid_until=ISSUED),
        lambda: replace(CERTIFICATE, withdrawal_reason="a reason without a withdrawal"),
        lambda: replace(WITHDRAWAL, withdrawal_reason="two\nlines"),
    ],
)
def test_other_invalid_statements_cannot_be_built(build: Callable[[], object]) -> None:
    with pytest.raises(MalformedInput):
        build()


def message_of(change: Callable[[statement_pb2.Attestation], object]) -> bytes:
    message = statement_pb2.Attestation.FromString(statements.encode_attestation(ATTESTATION))
    change(message)
    return message.SerializeToString(deterministic=True)


def put(path: str, value: Any) -> Callable[[statement_pb2.Attestation], object]:
    def change(message: Any) -> None:
        *owners, last = path.split(".")
        for owner in owners:
            message = getattr(message, owner)
        setattr(message, last, value)

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("period.start", "20211122"),
        put("period.start", "2021-W47-1"),
        put("period.start", "2021-11-31"),
        put("period.start", ""),
        put("period.end", "2021-11-22"),
        put("issued_at.nanos", 1),
        put("issued_at.nanos", -1_000),
        put("issued_at.nanos", 1_000_000_000),
        put("issued_at.seconds", 253_402_300_800),
        put("issued_at.seconds", -62_135_596_801),
        put("subject_kind", 0),
        lambda m: m.ClearField("issued_at"),
        lambda m: m.ClearField("data_cutoff"),
        lambda m: m.ClearField("period"),
        lambda m: m.period_exception.SetInParent(),
    ],
)
def test_unreadable_fields_are_refused(change: Callable[[statement_pb2.Attestation], object]) -> None:
    with pytest.raises(MalformedInput) as caught:
        statements.read_attestation(message_of(change))
    assert not isinstance(caught.value, UnknownContent)


def test_values_of_the_future_are_unknown_rather_than_wrong() -> None:
    with pytest.raises(UnknownContent):
        statements.read_attestation(message_of(put("subject_kind", 99)))
    payload = statement_pb2.StatusChange.FromString(statements.encode_status_change(STATUS))
    payload.flag = 99  # type: ignore[assignment] # a value that a later version adds
    with pytest.raises(UnknownContent):
        statements.read_status_change(payload.SerializeToString())


def test_fields_of_the_future_can_be_left_out_for_display_only() -> None:
    data = statements.encode_attestation(ATTESTATION) + bytes.fromhex("f87f01")
    with pytest.raises(UnknownContent):
        statements.read_attestation(data)
    assert statements.read_attestation(data, unknown_ok=True) == ATTESTATION
    with pytest.raises(NotCanonical):  # only fields are forgiven, no other encoding of those that are known
        statements.read_attestation(statements.encode_attestation(ATTESTATION) * 2, unknown_ok=True)


def sealed(payload_type: str, payload: bytes) -> bytes:
    return statements.encode_envelope(seal(payload_type, payload, [key("signing")]))


def test_envelopes_are_read_as_they_were_written_in_one_form_only() -> None:
    data = sealed(statements.ATTESTATION, b"payload")
    envelope = statements.read_envelope(data)
    assert statements.encode_envelope(envelope) == data
    for name, other in other_encodings(data):
        if name == "dropped 0":  # another envelope, around nothing
            assert statements.read_envelope(other).payload == b""
            continue
        with pytest.raises(MalformedInput):
            statements.read_envelope(other)
    with pytest.raises(TooLarge):
        statements.read_envelope(bytes(statements.MAX_STATEMENT_BYTES + 1))


def test_a_follower_sees_what_an_entry_is_about() -> None:
    entry = sealed(statements.ATTESTATION, statements.encode_attestation(ATTESTATION))
    assert statements.peek_entry(entry) == ("140000", ATTESTATION.report_number, None)
    entry = sealed(statements.STATUS_CHANGE, statements.encode_status_change(STATUS))
    peeked = statements.peek_entry(entry)
    assert (peeked.issuer, peeked.report_number) == ("140000", "")
    assert peeked.status == (STATUS.attestation_digest, StatusFlag.CORRECTED, True, ISSUED)


def test_a_flag_of_a_later_version_is_seen_and_not_read() -> None:
    """Whoever ignored it might rely on what its issuer withdrew in words that came later."""
    message = statement_pb2.StatusChange.FromString(statements.encode_status_change(STATUS))
    for number in (statement_pb2.STATUS_FLAG_UNREADABLE, 99):
        message.flag = number  # type: ignore[assignment]  # proto3 keeps numbers that it has no name for
        payload = message.SerializeToString(deterministic=True)
        peeked = statements.peek_entry(sealed(statements.STATUS_CHANGE, payload))
        assert peeked.status == (STATUS.attestation_digest, StatusFlag.UNREADABLE, True, ISSUED)
        with pytest.raises(UnknownContent):
            statements.read_status_change(payload)


@pytest.mark.parametrize("is_set", [True, False])
def test_a_status_change_of_another_version_flags_for_good(is_set: bool) -> None:
    payload = statements.encode_status_change(replace(STATUS, set=is_set))
    for version in ("v2", "v1"):
        entry = sealed(f"application/vnd.huxin.status-change.{version}+cbor", payload)
        peeked = statements.peek_entry(entry)
        assert peeked.status is not None
        assert (peeked.status.flag, peeked.status.set) == (StatusFlag.UNREADABLE, True)
        assert peeked.status.effective_at < ISSUED


def test_a_flag_set_at_no_readable_time_is_set() -> None:
    """A revocation does not go by unseen because its writer was careless; what clears a flag says everything."""
    message = statement_pb2.StatusChange.FromString(statements.encode_status_change(STATUS))
    for careless in (Timestamp(seconds=10**15), Timestamp(nanos=1), None):
        message.ClearField("effective_at")
        if careless is not None:
            message.effective_at.CopyFrom(careless)
        for is_set in (True, False):
            message.set = is_set
            entry = sealed(statements.STATUS_CHANGE, message.SerializeToString(deterministic=True))
            if not is_set:
                with pytest.raises(MalformedInput):
                    statements.peek_entry(entry)
                continue
            peeked = statements.peek_entry(entry)
            assert peeked.status is not None
            assert (peeked.status.flag, peeked.status.set) == (STATUS.flag, True)
            assert peeked.status.effective_at < ISSUED


def test_nobody_states_a_flag_that_cannot_be_read() -> None:
    with pytest.raises(MalformedInput, match="flag"):
        replace(STATUS, flag=StatusFlag.UNREADABLE)


def test_what_does_not_belong_into_a_log_is_refused() -> None:
    unnamed = statement_pb2.Attestation(issuer="140000").SerializeToString()
    for entry in (
        b"",
        b"\xff",
        sealed(statements.TRUST_CERTIFICATE, statements.encode_trust_certificate(CERTIFICATE)),
        sealed(statements.ATTESTATION, b"\xff"),
        sealed(statements.ATTESTATION, unnamed),
        sealed(statements.STATUS_CHANGE, b""),
    ):
        with pytest.raises(MalformedInput):
            statements.peek_entry(entry)


def test_envelope_limits_hold_when_read() -> None:
    with pytest.raises(MalformedInput):
        statements.read_envelope(b"")
    two = Envelope("type", b"payload", (Signature("a" * 64, b"s"), Signature("b" * 64, b"s")))
    message = statement_pb2.Envelope.FromString(statements.encode_envelope(two))
    swapped = [message.signatures[1], message.signatures[0]]
    data = statement_pb2.Envelope(payload=b"payload", payload_type="type", signatures=swapped).SerializeToString()
    with pytest.raises(NotCanonical):
        statements.read_envelope(data)
