"""Entries of a peer's log, read for filing: what can only be worse than it seems counts, the rest does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from huxin.v1 import statement_pb2

from node.app.ledgers import entry_reader, require_whole
from node.errors import IssuingStopped, NotReady
from node.ledger.assembly import EntryDraft
from node.model.log import EntryKind, StatusFlag
from tests.support.trust import ISSUED, NUMBER, attestation_of, jurisdiction, key, salt, sections_of
from trust import statements
from trust.envelope import seal
from trust.errors import MalformedInput
from trust.issuers import TrustedIssuer
from trust.vocabulary import StatusChange
from trust.vocabulary import StatusFlag as SignedFlag

ISSUER = TrustedIssuer.of(jurisdiction(key("signing")), ISSUED)
CHANGE = StatusChange("140000", salt("attestation"), SignedFlag.CORRECTED, True, ISSUED, ISSUED, "synthetic")


def read(payload_type: str, payload: bytes, signer: str = "signing") -> EntryDraft:
    entry = statements.encode_envelope(seal(payload_type, payload, [key(signer)]))
    draft = entry_reader(ISSUER)(entry, sha256(entry).digest())
    assert (draft.entry, draft.digest) == (entry, sha256(entry).digest())
    return draft


def changed(change: StatusChange, signer: str = "signing") -> EntryDraft:
    return read(statements.STATUS_CHANGE, statements.encode_status_change(change), signer)


def test_attestations_are_filed_by_their_number_whoever_signed_them() -> None:
    """The signature is checked at first use: there are many of them."""
    payload = statements.encode_attestation(attestation_of(sections_of(2)))
    for signer in ("signing", "stranger"):
        draft = read(statements.ATTESTATION, payload, signer)
        assert (draft.kind, draft.report_number, draft.status) == (EntryKind.ATTESTATION, NUMBER, None)


@pytest.mark.parametrize("is_set", [True, False])
def test_a_change_by_a_known_key_counts(is_set: bool) -> None:
    draft = changed(replace(CHANGE, set=is_set))
    assert draft.kind is EntryKind.STATUS_CHANGE
    assert draft.status is not None
    assert (draft.status.flag, draft.status.set) == (StatusFlag.CORRECTED, is_set)
    assert (draft.status.attestation_digest, draft.status.effective_at) == (salt("attestation"), ISSUED)


@pytest.mark.parametrize(
    ("change", "signer"),
    [
        (CHANGE, "stranger"),
        (replace(CHANGE, issuer="520000"), "signing"),
        (replace(CHANGE, issued_at=ISSUED - timedelta(days=400)), "signing"),
        (replace(CHANGE, flag=SignedFlag.REVOKED), "stranger"),
    ],
    ids=["unknown key", "another issuer", "before the key was valid", "revocation"],
)
def test_a_flag_that_cannot_be_verified_is_set_and_never_cleared(change: StatusChange, signer: str) -> None:
    """The key may be one that the issuer published after the bundle we hold; the log's head vouches for the entry."""
    draft = changed(change, signer)
    assert draft.status is not None
    assert draft.status.set
    if change.flag is not SignedFlag.REVOKED:
        with pytest.raises(MalformedInput):
            changed(replace(change, set=False), signer)


@pytest.mark.parametrize("number", [0, statement_pb2.STATUS_FLAG_UNREADABLE, 99])
def test_a_flag_of_a_later_version_is_set_for_good(number: int) -> None:
    message = statement_pb2.StatusChange.FromString(statements.encode_status_change(CHANGE))
    message.flag = number  # type: ignore[assignment]  # proto3 keeps numbers that it has no name for
    draft = read(statements.STATUS_CHANGE, message.SerializeToString(deterministic=True))
    assert draft.status is not None
    assert (draft.status.flag, draft.status.set) == (StatusFlag.UNREADABLE, True)
    message.set = False
    with pytest.raises(MalformedInput):
        read(statements.STATUS_CHANGE, message.SerializeToString(deterministic=True))


def test_what_is_said_beside_a_known_flag_does_not_hide_it() -> None:
    """A later version may add fields to a revocation: it stays one."""
    payload = statements.encode_status_change(replace(CHANGE, flag=SignedFlag.REVOKED)) + b"\xf8\x07\x01"
    draft = read(statements.STATUS_CHANGE, payload)
    assert draft.status is not None
    assert draft.status.flag is StatusFlag.REVOKED


@pytest.mark.parametrize(
    ("payload_type", "payload"),
    [
        (statements.TRUST_CERTIFICATE, b""),
        ("application/vnd.huxin.status-change.v2+protobuf", b""),
        (statements.ATTESTATION, b"\xff"),
        (statements.STATUS_CHANGE, b"\xff"),
        (statements.STATUS_CHANGE, statement_pb2.StatusChange(attestation_digest=b"short").SerializeToString()),
    ],
)
def test_what_says_nothing_about_a_report_counts_for_nothing(payload_type: str, payload: bytes) -> None:
    with pytest.raises(MalformedInput):
        read(payload_type, payload)


# Whether anything may be attested in the own log


def test_a_log_of_two_histories_is_not_issued_into() -> None:
    require_whole("huxin/140000", split=False, newest="huxin/140000")
    with pytest.raises(IssuingStopped, match="huxin evidence"):
        require_whole("huxin/140000", split=True, newest="huxin/140000")


@pytest.mark.parametrize("split", [True, False], ids=["two histories", "none known here"])
def test_once_its_successor_is_signed_off_the_way_there_is_told(*, split: bool) -> None:
    """Replicas of this node that were started again issue already: the caller may ask one of those."""
    with pytest.raises(NotReady, match=r"huxin log found.*restart") as caught:
        require_whole("huxin/140000", split=split, newest="huxin/140000/2")
    assert caught.value.reason == "LOG_CLOSED"
    require_whole("huxin/140000/2", split=False, newest="huxin/140000/2")
