"""By which keys the stored logs are judged, and what their entries may have been filed as. Real homes, real keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from node.app import trusting
from node.app.trusted_logs import TrustedLogs, origins_named, trusted_logs
from node.errors import NotFound
from node.model.log import EntryKind
from tests.support import nodes
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust import statements
from trust.algorithms import Suite
from trust.envelope import seal
from trust.errors import CheckpointInvalid
from trust.keys import PrivateKey, generate, load
from trust.log.checkpoint import cosign, origin_of, own_cosigner, sign_head
from trust.log.tree import EMPTY_ROOT
from trust.vocabulary import StatusChange, StatusFlag

SHANXI, GUIZHOU = origin_of("140000"), origin_of("520000")


@pytest.fixture
def logs(shanxi: TestJurisdiction, guizhou: TestJurisdiction) -> TrustedLogs:
    """What Guizhou trusts, which holds Shanxi's bundle."""
    nodes.introduce((shanxi, guizhou))
    return trusted_logs(guizhou.settings, None)


def note(one: TestJurisdiction, *cosigners: tuple[str, PrivateKey]) -> str:
    text = sign_head(origin_of(one.division), 0, EMPTY_ROOT, load(one.layout.key("log")))
    for name, key in cosigners:
        text = cosign(text, name, key, THE_DAY)
    return text


def cosigner(one: TestJurisdiction) -> tuple[str, PrivateKey]:
    return own_cosigner(origin_of(one.division)), load(one.layout.key("cosigner"))


def test_heads_are_judged_by_the_keys_of_the_bundles(
    logs: TrustedLogs, shanxi: TestJurisdiction, guizhou: TestJurisdiction
) -> None:
    for one in (shanxi, guizhou):
        opened = logs.open_note(origin_of(one.division), note(one, cosigner(one)))
        assert list(opened.cosigners) == [own_cosigner(origin_of(one.division))]
    # Each may have cosigned the other's head as a witness.
    assert len(logs.open_note(SHANXI, note(shanxi, cosigner(shanxi), cosigner(guizhou))).cosigners) == 2


def test_a_head_of_other_keys_is_not_accepted(
    logs: TrustedLogs, shanxi: TestJurisdiction, guizhou: TestJurisdiction
) -> None:
    stranger = ("huxin/620100/node", generate(Suite.ED25519))
    impostor = (own_cosigner(GUIZHOU), generate(Suite.ED25519))
    for text in (note(shanxi, stranger), note(shanxi, impostor), note(guizhou, cosigner(guizhou))):
        with pytest.raises(CheckpointInvalid):
            logs.open_note(SHANXI, text)
    with pytest.raises(CheckpointInvalid, match="No keys of this log are trusted here"):
        logs.open_note("huxin/620100", note(shanxi))


def change(key: PrivateKey, *, on: bool) -> bytes:
    stated = StatusChange(
        issuer="140000",
        attestation_digest=bytes(32),
        flag=StatusFlag.UNDER_OBJECTION,
        set=on,
        effective_at=THE_DAY,
        issued_at=THE_DAY,
        reason_code="synthetic_reason",
    )
    sealed = seal(statements.STATUS_CHANGE, statements.encode_status_change(stated), [key])
    return statements.encode_envelope(sealed)


@pytest.mark.parametrize(
    ("known", "on", "kinds"),
    [
        (True, True, [EntryKind.STATUS_CHANGE]),
        (False, True, [EntryKind.STATUS_CHANGE]),
        (True, False, [EntryKind.STATUS_CHANGE, EntryKind.OTHER]),
        (False, False, [EntryKind.OTHER]),
    ],
)
def test_lifting_a_flag_counts_only_with_a_signature_that_verifies(
    logs: TrustedLogs, shanxi: TestJurisdiction, known: bool, on: bool, kinds: list[EntryKind]
) -> None:
    key = load(shanxi.layout.key("signing")) if known else generate(Suite.ED25519)
    entry = change(key, on=on)
    readings = logs.readings(SHANXI, entry, sha256(entry).digest())
    assert [draft.kind for draft in readings] == kinds
    # Nobody's keys are known of this one: nothing lifts a flag there.
    assert [draft.kind for draft in logs.readings("huxin/620100", entry, sha256(entry).digest())] == [
        EntryKind.STATUS_CHANGE if on else EntryKind.OTHER
    ]


def test_what_a_compromised_key_lifted_may_have_come_before_that_was_told(
    shanxi: TestJurisdiction, guizhou: TestJurisdiction
) -> None:
    """`huxin log check` calls neither reading damage."""
    nodes.introduce((shanxi, guizhou))
    known = trusting.trusted_state(guizhou.settings).jurisdictions["140000"].trusted
    signer = load(shanxi.layout.key("signing"))
    lost = {signer.key_id: replace(known.keys[signer.key_id], compromised_at=THE_DAY + timedelta(days=1))}
    logs = TrustedLogs({SHANXI: replace(known, keys=lost)})
    for key, kinds in (
        (signer, [EntryKind.STATUS_CHANGE, EntryKind.OTHER]),
        (generate(Suite.ED25519), [EntryKind.OTHER]),
    ):
        entry = change(key, on=False)
        assert [draft.kind for draft in logs.readings(SHANXI, entry, sha256(entry).digest())] == kinds


def test_what_cannot_be_read_was_put_aside(logs: TrustedLogs) -> None:
    assert [draft.kind for draft in logs.readings(SHANXI, b"nonsense", bytes(32))] == [EntryKind.OTHER]


def test_logs_are_named_by_division_or_origin(shanxi: TestJurisdiction) -> None:
    """A division's newest log comes first: the tenth is newer than the second."""
    known = [SHANXI, f"{SHANXI}/10", f"{SHANXI}/2", "elsewhere/log"]
    newest_first = [f"{SHANXI}/10", f"{SHANXI}/2", SHANXI]
    assert origins_named(None, shanxi.settings, known) == newest_first
    assert origins_named("140000", shanxi.settings, known) == newest_first
    assert origins_named(SHANXI, shanxi.settings, known) == [SHANXI]
    assert origins_named("elsewhere/log", shanxi.settings, known) == ["elsewhere/log"]
    for missing in ("520000", f"{SHANXI}/3"):
        with pytest.raises(
            NotFound, match=r"Stored logs: huxin/140000, huxin/140000/10, huxin/140000/2, elsewhere/log\."
        ):
            origins_named(missing, shanxi.settings, known)
