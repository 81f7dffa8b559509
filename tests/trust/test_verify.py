"""Steps 1 to 13: one row per reason code, then what only the whole can show."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from huxin.v1 import statement_pb2

import trust
from node.model.log import EntryView, StatusEvent
from node.model.log import StatusFlag as ModelFlag
from tests.support.trust import (
    ISSUED,
    NOW,
    ORIGIN,
    Log,
    World,
    attestation_of,
    complete,
    conditions,
    jurisdiction,
    key,
    salt,
    sections_of,
)
from trust.algorithms import Suite
from trust.bundle import MAX_BUNDLE_BYTES, encode_bundle, read_bundle
from trust.envelope import Envelope, seal
from trust.issuers import TrustedIssuer, TrustedKey
from trust.keys import PrivateKey
from trust.memo import ArithmeticMemo
from trust.outcome import StepStatus
from trust.reading import read
from trust.statements import ATTESTATION, encode_attestation
from trust.steps import pending_arithmetic
from trust.verify import Examined, Verified, verify
from trust.vocabulary import StatusFlag

PASS, FAIL, UNDECIDED = StepStatus.PASS, StepStatus.FAIL, StepStatus.UNDECIDED
SECTIONS = sections_of(5)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
P256 = Suite.ECDSA_P256_SHA256
GENUINE = World.build(SECTIONS)
BARE = World.build(SECTIONS, proof=False)
SIGNING = key("signing").key_id


def trusted_of(world: World) -> TrustedIssuer:
    assert world.trusted is not None
    return world.trusted


def with_key(*, valid_from: datetime = ISSUED - HOUR, **until: datetime) -> World:
    """The signing key with other times."""
    trusted_key = TrustedKey(key("signing").public, valid_from, until.get("retired_at"), until.get("compromised_at"))
    return replace(GENUINE, trusted=replace(trusted_of(GENUINE), keys={SIGNING: trusted_key}))


def around(envelope: Envelope, **changes: object) -> World:
    """A world around another envelope, without the signer in it needing to be honest."""
    world = World.around(envelope, SECTIONS, None, True, (key("signing"),))
    return replace(world, **changes)  # type: ignore[arg-type] # the fields of World, by name


def signed_as(payload_type: str, payload: bytes, *signers: PrivateKey) -> World:
    return around(seal(payload_type, payload, signers or (key("signing"),)))


def payload() -> bytes:
    return encode_attestation(attestation_of(SECTIONS))


def spoilt_signature() -> World:
    good = seal(ATTESTATION, payload(), (key("signing"),))
    signature = replace(good.signatures[0], sig=good.signatures[0].sig[:-1] + b"\xff")
    return around(replace(good, signatures=(signature,)))


def of_another_suite() -> World:
    """Signed twice, once by a key whose suite this version does not know."""
    world = World.build(SECTIONS, (key("signing"), key("p256", P256)))
    trusted = trusted_of(world)
    keys = {SIGNING: trusted.keys[SIGNING]}
    return replace(world, trusted=replace(trusted, keys=keys, unsupported=frozenset({key("p256", P256).key_id})))


def presented(world: World, **changes: object) -> World:
    """The same world with fields of the bundle changed before it is written."""
    bundle = read_bundle(world.bundle)
    fields = {
        "subject_salt": bundle.subject_salt,
        "disclosure": bundle.disclosure,
        "report_salt": bundle.report_salt,
        "inclusion": bundle.inclusion,
        **changes,
    }
    return replace(world, bundle=encode_bundle(bundle.envelope_bytes, **fields))  # type: ignore[arg-type] # by name


def unseen(world: World, *, cosigned_at: datetime = ISSUED + 30 * timedelta(seconds=1)) -> World:
    """The verifier's view ends before the statement."""
    view = Log((b"a", b"b"), cosigned_at).view()
    return replace(world, view=view, entry=None)


def other_log(world: World) -> World:
    """The issuer showed the verifier a log of the same size and other content."""
    return replace(world, view=Log((b"a", b"X", world.envelope, b"d", b"e"), ISSUED + 5 * MINUTE).view())


def not_cosigned() -> World:
    log = replace(GENUINE.log, cosigned_at=None)
    return presented(GENUINE, inclusion=log.inclusion(2))


def forged_head() -> World:
    """A proof whose head the issuer's log key never signed."""
    inclusion = GENUINE.log.inclusion(2)
    text = inclusion.checkpoint.replace("\n5\n", "\n6\n", 1)
    return presented(GENUINE, inclusion=replace(inclusion, checkpoint=text))


def wrong_path() -> World:
    inclusion = GENUINE.log.inclusion(2)
    return presented(GENUINE, inclusion=replace(inclusion, hashes=(salt("x"), *inclusion.hashes[1:])))


def witnessed(quorum: int, *witnesses: str) -> World:
    """The head in the bundle is cosigned by these witnesses, all of whom the verifier knows."""
    world = presented(GENUINE, inclusion=GENUINE.log.inclusion(2, *witnesses))
    known = {name: key(name).public for name in ("huxin/520000/node", "huxin/620100/node")}
    trusted = TrustedIssuer.of(jurisdiction(key("signing")), NOW - HOUR, known)
    return replace(world, trusted=trusted, terms=conditions(quorum=quorum))


def flagged(flag: ModelFlag, *, at: datetime = ISSUED + MINUTE, on: bool = True) -> StatusEvent:
    return StatusEvent(salt("digest"), flag, on, at)


def seen_at(fresh_at: datetime | None) -> World:
    """Our view is of this time, and holds the statement."""
    assert GENUINE.view is not None
    return replace(GENUINE, view=replace(GENUINE.view, fresh_at=fresh_at))


def refreshed(at: datetime) -> World:
    return replace(GENUINE, trusted=replace(trusted_of(GENUINE), refreshed_at=at))


def ending(at: datetime) -> World:
    """We know the issuer by registry metadata that ends then."""
    trusted = TrustedIssuer.of(jurisdiction(key("signing")), NOW - HOUR, expires_at=at)
    return replace(GENUINE, trusted=trusted)


def other_sections() -> World:
    shown = complete(SECTIONS)
    return presented(GENUINE, disclosure=replace(shown, sections=(b"forged", *SECTIONS[1:])), report_salt=b"")


Row = tuple[int, StepStatus, str, Callable[[], World]]
ROWS: list[Row] = [
    (1, FAIL, "TOO_LARGE", lambda: replace(GENUINE, bundle=bytes(MAX_BUNDLE_BYTES + 1))),
    (1, FAIL, "MALFORMED", lambda: replace(GENUINE, bundle=b"\xff")),
    (1, FAIL, "MALFORMED", lambda: replace(GENUINE, bundle=b"")),
    (1, FAIL, "NOT_CANONICAL", lambda: replace(GENUINE, bundle=GENUINE.bundle + b"\xf8\x7f\x01")),
    (2, FAIL, "WRONG_PAYLOAD_TYPE", lambda: signed_as("application/json", payload())),
    (2, UNDECIDED, "UNKNOWN_VERSION", lambda: signed_as(ATTESTATION.replace("v1", "v2"), payload())),
    (2, UNDECIDED, "UNKNOWN_CONTENT", lambda: signed_as(ATTESTATION, payload() + b"\xf8\x7f\x01")),
    (2, FAIL, "NOT_CANONICAL", lambda: signed_as(ATTESTATION, payload()[:-35] + payload()[-35:] * 2)),
    (2, FAIL, "MALFORMED", lambda: signed_as(ATTESTATION, b"\xff")),
    (3, FAIL, "ISSUER_UNKNOWN", lambda: replace(GENUINE, trusted=None)),
    (3, FAIL, "ISSUER_MISMATCH", lambda: replace(GENUINE, trusted=replace(trusted_of(GENUINE), division="520000"))),
    (3, UNDECIDED, "ISSUER_UNCHECKED", lambda: replace(GENUINE, trusted=None, unchecked=True)),
    (4, FAIL, "KEY_UNKNOWN", lambda: signed_as(ATTESTATION, payload(), key("other"))),
    (4, FAIL, "KEY_UNKNOWN", lambda: signed_as(ATTESTATION, payload(), key("signing"), key("other"))),
    (4, FAIL, "KEY_NOT_YET_VALID", lambda: with_key(valid_from=ISSUED + MINUTE)),
    (4, FAIL, "KEY_RETIRED", lambda: with_key(retired_at=ISSUED)),
    (4, PASS, "", lambda: with_key(retired_at=ISSUED + MINUTE)),
    (4, FAIL, "KEY_COMPROMISED", lambda: with_key(compromised_at=ISSUED)),
    (4, UNDECIDED, "KEY_COMPROMISED_SINCE", lambda: with_key(compromised_at=ISSUED + MINUTE)),
    (4, UNDECIDED, "UNKNOWN_SUITE", of_another_suite),
    (5, FAIL, "SIGNATURE_INVALID", spoilt_signature),
    (5, FAIL, "KEY_UNKNOWN", lambda: signed_as(ATTESTATION, payload(), key("other"))),
    (5, UNDECIDED, "UNKNOWN_SUITE", of_another_suite),
    (5, FAIL, "SUITE_MISSING", lambda: replace(GENUINE, terms=conditions(frozenset({"ed25519", "sm2-sm3"})))),
    (5, FAIL, "SUITE_MISSING", lambda: replace(GENUINE, terms=conditions(any_of=frozenset({"ecdsa-p256-sha256"})))),
    (5, PASS, "", lambda: replace(GENUINE, terms=conditions(frozenset(), frozenset({"sm2-sm3", "ed25519"})))),
    (6, FAIL, "CHECKPOINT_INVALID", forged_head),
    (6, FAIL, "NOT_COSIGNED", not_cosigned),
    (6, FAIL, "PROOF_INVALID", wrong_path),
    (6, FAIL, "HEAD_INCONSISTENT", lambda: other_log(GENUINE)),
    (6, FAIL, "LOG_ENTRY_DIFFERS", lambda: replace(GENUINE, entry=None)),
    (6, FAIL, "LOG_ENTRY_DIFFERS", lambda: replace(GENUINE, entry=EntryView(ORIGIN, 3, GENUINE.envelope, ()))),
    (6, FAIL, "LOG_ENTRY_DIFFERS", lambda: replace(GENUINE, entry=EntryView(ORIGIN, 2, b"another", ()))),
    (6, FAIL, "NOT_IN_LOG", lambda: unseen(BARE, cosigned_at=ISSUED + MINUTE + timedelta(seconds=1))),
    (6, FAIL, "NOT_IN_LOG", lambda: unseen(GENUINE, cosigned_at=ISSUED + MINUTE + timedelta(seconds=1))),
    (6, UNDECIDED, "NOT_YET_IN_VIEW", lambda: unseen(BARE, cosigned_at=ISSUED + MINUTE)),
    (6, UNDECIDED, "NOT_YET_IN_VIEW", lambda: replace(BARE, view=None, entry=None)),
    (6, PASS, "", lambda: unseen(GENUINE)),
    (6, PASS, "", lambda: replace(GENUINE, view=None, entry=None)),
    (6, PASS, "", lambda: BARE),
    (7, UNDECIDED, "NO_CONDITIONS", lambda: replace(GENUINE, terms=None)),
    (7, UNDECIDED, "WITNESS_QUORUM_UNMET", lambda: witnessed(1)),
    (7, UNDECIDED, "WITNESS_QUORUM_UNMET", lambda: witnessed(2, "huxin/520000/node")),
    (7, UNDECIDED, "WITNESS_QUORUM_UNMET", lambda: replace(BARE, terms=conditions(quorum=1))),
    (7, PASS, "", lambda: witnessed(2, "huxin/520000/node", "huxin/620100/node")),
    (7, StepStatus.NOT_REQUIRED, "", lambda: GENUINE),
    (8, UNDECIDED, "NO_CONDITIONS", lambda: replace(GENUINE, terms=None)),
    (8, UNDECIDED, "TRUST_STATE_EXPIRED", lambda: ending(NOW)),
    (8, PASS, "", lambda: ending(NOW + timedelta(microseconds=1))),
    (8, UNDECIDED, "TRUST_STATE_EXPIRED", lambda: replace(ending(NOW), terms=None)),
    (8, UNDECIDED, "TRUST_STATE_STALE", lambda: refreshed(NOW - 24 * HOUR - timedelta(microseconds=1))),
    (8, PASS, "", lambda: refreshed(NOW - 24 * HOUR)),
    (8, UNDECIDED, "TRUST_STATE_IN_FUTURE", lambda: refreshed(NOW + 2 * MINUTE)),
    (8, PASS, "", lambda: refreshed(NOW + MINUTE)),
    (9, UNDECIDED, "NO_CONDITIONS", lambda: replace(GENUINE, terms=None)),
    (9, UNDECIDED, "NO_LOG_VIEW", lambda: replace(GENUINE, view=None, entry=None)),
    (9, UNDECIDED, "NO_LOG_VIEW", lambda: seen_at(None)),
    (9, UNDECIDED, "LOG_VIEW_STALE", lambda: seen_at(NOW - HOUR - timedelta(microseconds=1))),
    (9, PASS, "", lambda: seen_at(NOW - HOUR)),
    (9, UNDECIDED, "LOG_VIEW_IN_FUTURE", lambda: seen_at(NOW + 2 * MINUTE)),
    (10, UNDECIDED, "NO_LOG_VIEW", lambda: replace(GENUINE, view=None, entry=None)),
    (10, UNDECIDED, "NOT_YET_IN_VIEW", lambda: unseen(BARE)),
    (10, PASS, "", lambda: unseen(GENUINE)),
    (10, FAIL, "REVOKED", lambda: GENUINE.with_statuses(flagged(ModelFlag.CORRECTED), flagged(ModelFlag.REVOKED))),
    (
        10,
        FAIL,
        "REVOKED",
        lambda: GENUINE.with_statuses(flagged(ModelFlag.REVOKED), flagged(ModelFlag.REVOKED, on=False)),
    ),
    *(
        (10, FAIL, f"STATUS_{flag.name}", lambda flag=flag: GENUINE.with_statuses(flagged(flag)))
        for flag in ModelFlag
        if flag is not ModelFlag.REVOKED
    ),
    (
        10,
        PASS,
        "",
        lambda: GENUINE.with_statuses(flagged(ModelFlag.CORRECTED), flagged(ModelFlag.CORRECTED, on=False)),
    ),
    (10, PASS, "", lambda: GENUINE.with_statuses(flagged(ModelFlag.REVOKED, at=NOW + timedelta(microseconds=1)))),
    (10, FAIL, "REVOKED", lambda: GENUINE.with_statuses(flagged(ModelFlag.REVOKED, at=NOW))),
    (11, FAIL, "EXPIRED", lambda: replace(GENUINE, now=ISSUED + timedelta(days=30))),
    (11, PASS, "", lambda: replace(GENUINE, now=ISSUED + timedelta(days=30, microseconds=-1))),
    (11, FAIL, "ISSUED_IN_FUTURE", lambda: replace(GENUINE, now=ISSUED - 61 * timedelta(seconds=1))),
    (11, PASS, "", lambda: replace(GENUINE, now=ISSUED - MINUTE)),
    (12, UNDECIDED, "NO_SUBJECT_CLAIMED", lambda: replace(GENUINE, claim=None)),
    (12, UNDECIDED, "NO_SUBJECT_SALT", lambda: presented(GENUINE, subject_salt=b"")),
    (12, FAIL, "SUBJECT_MISMATCH", lambda: replace(GENUINE, claim=("uscc", "91520000MA0TE5T16B"))),
    (12, FAIL, "SUBJECT_MISMATCH", lambda: replace(GENUINE, claim=("resident_id", "91140000MA0TE5T16Q"))),
    (12, FAIL, "SUBJECT_MISMATCH", lambda: presented(GENUINE, subject_salt=salt("another"))),
    (13, UNDECIDED, "NOTHING_DISCLOSED", lambda: presented(GENUINE, disclosure=None, report_salt=b"")),
    (13, FAIL, "SECTION_COUNT_MISMATCH", lambda: presented(GENUINE, disclosure=complete(SECTIONS[:4]))),
    (13, FAIL, "SECTION_ROOT_MISMATCH", other_sections),
    (13, FAIL, "REPORT_DIGEST_MISMATCH", lambda: presented(GENUINE, report_salt=salt("another"))),
    (13, FAIL, "PROOF_INVALID", lambda: presented(World.build(SECTIONS, shown=complete(sections_of(9)).narrowed([8])))),
    (13, PASS, "", lambda: World.build(SECTIONS, shown=complete(SECTIONS).narrowed([0, 4]))),
]


@pytest.mark.parametrize(("number", "status", "reason", "build"), ROWS, ids=[f"{r[0]}-{r[2] or r[1]}" for r in ROWS])
def test_each_reason(number: int, status: StepStatus, reason: str, build: Callable[[], World]) -> None:
    examination = build().verify()
    assert [outcome.number for outcome in examination.outcomes] == list(range(1, 14))
    outcome = examination.outcomes[number - 1]
    assert (outcome.status, outcome.reason) == (status, reason)
    assert bool(outcome.message) == (status in (FAIL, UNDECIDED))
    if status in (FAIL, UNDECIDED):
        assert examination.verified is None


def test_the_table_holds_every_reason_that_a_step_can_give() -> None:
    room = Path(trust.__file__).parent
    source = "".join((room / name).read_text() for name in ("steps.py", "reading.py", "issuers.py"))
    given = set(re.findall(r'Step(?:Failed|Undecided)\(\s*"([A-Z_]+)"', source))
    assert len(given) > 25
    # Of logs that were succeeded: tests/trust/test_recovery.py.
    assert given - {"NOT_IN_SUCCESSOR"} <= {row[2] for row in ROWS}


def test_a_genuine_report_passes_and_nothing_else_makes_a_verified() -> None:
    examination = GENUINE.verify()
    assert {o.status for o in examination.outcomes if o.number != 7} == {PASS}
    assert examination.verified is not None
    assert examination.verified.examined is examination.examined
    assert examination.verified.at == NOW
    examined = examination.verified.examined
    assert (examined.sections, examined.positions, examined.complete) == (SECTIONS, (0, 1, 2, 3, 4), True)
    with pytest.raises(TypeError):
        Verified(object(), examined, NOW)
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            duplicate(examination.verified)


def test_step_7_alone_may_be_left_out() -> None:
    assert witnessed(1, "huxin/520000/node").verify().verified is not None
    for row in ROWS:
        examination = row[3]().verify()
        statuses = [o.status for o in examination.outcomes]
        complete_ = all(s is PASS or (n == 7 and s is StepStatus.NOT_REQUIRED) for n, s in enumerate(statuses, 1))
        assert (examination.verified is not None) == complete_


def test_everything_wrong_is_told_at_once() -> None:
    world = replace(
        presented(GENUINE, subject_salt=salt("x")).with_statuses(flagged(ModelFlag.REVOKED)),
        trusted=with_key(retired_at=ISSUED).trusted,
        now=ISSUED + timedelta(days=40),
    )
    reasons = {o.number: o.reason for o in world.verify().outcomes if o.reason}
    assert reasons == {
        4: "KEY_RETIRED",
        8: "TRUST_STATE_STALE",
        9: "LOG_VIEW_STALE",
        10: "REVOKED",
        11: "EXPIRED",
        12: "SUBJECT_MISMATCH",
    }


def test_content_is_shown_while_something_is_undecided_but_never_when_unproven() -> None:
    for world in (
        replace(GENUINE, terms=None, claim=None, view=None, entry=None),
        with_key(compromised_at=ISSUED + MINUTE),
        GENUINE.with_statuses(flagged(ModelFlag.UNDER_OBJECTION)),
        replace(GENUINE, now=ISSUED + timedelta(days=40)),
    ):
        examination = world.verify()
        assert isinstance(examination.examined, Examined)
        assert examination.verified is None
    for world in (
        spoilt_signature(),
        other_sections(),
        replace(GENUINE, trusted=None),
        with_key(retired_at=ISSUED),
        signed_as(ATTESTATION, payload() + b"\xf8\x7f\x01"),
        presented(GENUINE, disclosure=None, report_salt=b""),
    ):
        assert world.verify().examined is None


def test_fields_of_the_future_leave_the_rest_of_the_statement_readable() -> None:
    examination = signed_as(ATTESTATION, payload() + b"\xf8\x7f\x01").verify()
    assert examination.reading.attestation == attestation_of(SECTIONS)
    assert [o.number for o in examination.outcomes if o.status is UNDECIDED] == [2]


def test_a_statement_of_one_jurisdiction_in_anothers_name_is_refused() -> None:
    """A's key under B's name: B's trusted state does not hold A's key."""
    genuine = attestation_of(SECTIONS)
    number = "520000" + genuine.report_number[6:]
    forged = replace(genuine, issuer="520000", territory="520000", report_number=number)
    world = signed_as(ATTESTATION, encode_attestation(forged))
    shanxi = jurisdiction(key("guizhou"))
    guizhou = replace(shanxi, division="520000", log=replace(shanxi.log, origin="huxin/520000"))
    trusted = TrustedIssuer.of(guizhou, NOW - HOUR)
    examination = replace(world, trusted=trusted).verify()
    assert [o.reason for o in examination.outcomes[3:5]] == ["KEY_UNKNOWN", "KEY_UNKNOWN"]
    assert examination.examined is None


def test_two_suites_must_both_hold() -> None:
    world = World.build(SECTIONS, (key("signing"), key("p256", P256)))
    both = replace(world, terms=conditions(frozenset({"ed25519", "ecdsa-p256-sha256"})))
    assert both.verify().verified is not None


def test_the_view_of_another_log_says_nothing() -> None:
    assert GENUINE.view is not None
    world = replace(GENUINE, view=replace(GENUINE.view, origin="huxin/520000"))
    outcomes = world.verify().outcomes
    assert (outcomes[5].status, outcomes[8].reason, outcomes[9].reason) == (PASS, "NO_LOG_VIEW", "NO_LOG_VIEW")


def test_flags_in_force_are_told_in_one_order() -> None:
    statuses = (flagged(ModelFlag.NEWER_INFORMATION), flagged(ModelFlag.UNDER_OBJECTION), flagged(ModelFlag.CORRECTED))
    wanted = (StatusFlag.UNDER_OBJECTION, StatusFlag.CORRECTED, StatusFlag.NEWER_INFORMATION)
    assert GENUINE.with_statuses(*statuses).verify().flags == wanted
    assert GENUINE.with_statuses(*reversed(statuses)).verify().flags == wanted


def test_what_is_remembered_is_arithmetic_alone() -> None:
    """Every row again with a memo that has seen the genuine bundle and the row itself: the same outcomes."""
    memo = ArithmeticMemo()
    assert replace(GENUINE, memo=memo).verify().verified is not None
    for row in ROWS:
        world = row[3]()
        fresh = world.verify()
        for _ in range(2):
            again = replace(world, memo=memo).verify()
            assert again.outcomes == fresh.outcomes
            assert (again.verified is None) == (fresh.verified is None)


def test_a_known_bundle_costs_no_signature_check_and_no_parsing() -> None:
    memo = ArithmeticMemo()
    world = replace(GENUINE, memo=memo)
    first = world.verify()
    assert world.verify().reading is first.reading
    assert pending_arithmetic(first.reading, trusted_of(world), memo) == ()


def test_bundles_of_strangers_are_not_remembered() -> None:
    memo = ArithmeticMemo()
    world = replace(signed_as(ATTESTATION, payload(), key("other")), memo=memo)
    assert world.verify().reading is not world.verify().reading


def test_signatures_can_be_checked_beforehand_on_other_threads() -> None:
    memo = ArithmeticMemo()
    worlds = [World.build(SECTIONS, (key("signing"), key("p256", P256))), spoilt_signature()]
    readings = [read(world.bundle, memo) for world in worlds]
    work = [
        check
        for world, reading in zip(worlds, readings, strict=True)
        for check in pending_arithmetic(reading, trusted_of(world), memo)
    ]
    assert len(work) == 5, "two signatures and a head, one signature and a head"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda check: check(), work))
    for world, reading in zip(worlds, readings, strict=True):
        assert pending_arithmetic(reading, trusted_of(world), memo) == ()
        judged = verify(
            reading,
            claim=world.claim,
            trusted=world.trusted,
            terms=world.terms,
            view=world.view,
            entry=world.entry,
            as_of=world.now,
            known_at=world.now,
            memo=memo,
        )
        assert judged.outcomes == world.verify().outcomes
    assert pending_arithmetic(read(b"\xff"), trusted_of(GENUINE), memo) == ()


@pytest.mark.parametrize("signer", ["signing", "other"])
@pytest.mark.parametrize(
    ("field", "stamp"),
    [
        ("issued_at", {"seconds": 253_402_300_799, "nanos": 999_999_000}),  # the last instant of the year 9999
        ("issued_at", {"seconds": -62_135_596_800}),
        ("data_cutoff", {"seconds": -62_135_596_800}),
    ],
)
def test_the_ends_of_the_calendar_are_an_outcome_and_no_crash(field: str, stamp: dict[str, int], signer: str) -> None:
    """One paper that nobody signed must not take the answers of a whole batch with it."""
    said = statement_pb2.Attestation.FromString(payload())
    said.ClearField("valid_until")
    said.data_cutoff.CopyFrom(Timestamp(seconds=-62_135_596_800))
    getattr(said, field).CopyFrom(Timestamp(**stamp))
    found = signed_as(ATTESTATION, said.SerializeToString(deterministic=True), key(signer)).verify()
    assert (found.outcomes[1].status, found.verified) == (FAIL, None)


def test_a_period_at_the_beginning_of_the_calendar_is_an_outcome_and_no_crash() -> None:
    said = statement_pb2.Attestation.FromString(payload())
    said.period.start, said.period.end = "0001-01-01", "0003-01-01"
    found = signed_as(ATTESTATION, said.SerializeToString(deterministic=True)).verify()
    assert (found.outcomes[1].status, found.examined) == (FAIL, None)
