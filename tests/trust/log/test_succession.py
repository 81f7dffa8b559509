"""What a succession can say, in its one form, and whose head it must name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.support.trust import key
from trust.algorithms import Suite
from trust.errors import BadKey, CheckpointInvalid, MalformedInput, NotCanonical, TooLarge, TrustError
from trust.log.checkpoint import cosign, open_checkpoint, own_cosigner, sign_head
from trust.log.succession import (
    MAX_LOGS,
    MAX_SUCCESSION_BYTES,
    Succession,
    in_log_order,
    next_origin,
    open_last_head,
    read_succession,
)
from trust.statements import peek_entry

FIRST, SECOND, THIRD = "huxin/140000", "huxin/140000/2", "huxin/140000/3"
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
ROOT = bytes(range(32))


def note(origin: str = FIRST, size: int = 5, root: bytes = ROOT, head: str = "head", cosigner: str = "cosigner") -> str:
    return cosign(sign_head(origin, size, root, key(head)), own_cosigner(origin), key(cosigner), AT)


def succession(predecessor: str = FIRST, head: str | None = None) -> Succession:
    return Succession(
        predecessor=predecessor,
        head=note(predecessor) if head is None else head,
        origin=next_origin(predecessor),
        log_key=key("next head").spki,
        cosigner_key=key("next cosigner").spki,
        decided_at=AT,
    )


def test_it_is_read_as_it_was_written() -> None:
    made = succession()
    assert read_succession(made.entry) == made
    assert (made.division, made.size, made.root, made.origin) == ("140000", 5, ROOT, SECOND)
    assert list(json.loads(made.entry)) == sorted(json.loads(made.entry))


def test_its_first_entry_is_no_statement() -> None:
    """Else a follower could file it as one: a report, or a change of one."""
    with pytest.raises(MalformedInput):
        peek_entry(succession().entry)


def other_form(made: Succession) -> list[bytes]:
    fields = made.fields
    upper = {**fields, "decided_at": fields["decided_at"].replace("02:00:00", "2:00:00")}
    return [
        json.dumps(fields, ensure_ascii=False).encode(),
        json.dumps(fields, sort_keys=True, separators=(",", ":")).encode(),
        made.entry + b"\n",
        json.dumps(upper, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(),
    ]


@pytest.mark.parametrize("form", range(4))
def test_any_other_form_is_refused(form: int) -> None:
    with pytest.raises(NotCanonical):
        read_succession(other_form(succession())[form])


@pytest.mark.parametrize(
    "change",
    [
        {"more": "x"},
        {"head": 5},
        {"head": "no note"},
        {"origin": THIRD},
        {"predecessor": SECOND},
        {"predecessor": "huxin/520000"},
        {"log_key": "??"},
        {"log_key": ""},
        {"decided_at": "yesterday"},
    ],
)
def test_what_no_succession_can_say_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(TrustError):
        read_succession(json.dumps({**succession().fields, **change}).encode())
    with pytest.raises(TrustError):
        read_succession(b"{" * 4_000)
    with pytest.raises(MalformedInput):
        read_succession(b"[]")


def test_a_giant_is_not_parsed() -> None:
    with pytest.raises(TooLarge):
        read_succession(b" " * (MAX_SUCCESSION_BYTES + 1))


def test_a_log_is_succeeded_by_the_next_number() -> None:
    assert [next_origin(origin) for origin in (FIRST, SECOND)] == [SECOND, THIRD]
    for origin in (f"{FIRST}/1", f"{FIRST}/02", f"{FIRST}/x", "huxin/14", "huxin/140000/", f"{FIRST}/{MAX_LOGS}"):
        with pytest.raises(MalformedInput):
            next_origin(origin)
    with pytest.raises(MalformedInput):
        replace(succession(), origin=THIRD)


def test_its_moment_is_in_utc_and_whole_seconds() -> None:
    for at in (
        AT + timedelta(microseconds=1),
        AT.replace(tzinfo=timezone(timedelta(hours=8))),
        AT.replace(tzinfo=None),
    ):
        with pytest.raises(MalformedInput):
            replace(succession(), decided_at=at)


def test_its_keys_are_two_and_fit_for_a_log() -> None:
    with pytest.raises(BadKey):
        replace(succession(), cosigner_key=key("next head").spki)
    with pytest.raises(BadKey):
        replace(succession(), log_key=key("p256", Suite.ECDSA_P256_SHA256).spki)


def test_the_head_of_an_empty_log_is_the_empty_tree() -> None:
    with pytest.raises(CheckpointInvalid):
        succession(head=note(size=0))


def open_(made: Succession) -> None:
    open_last_head(made, key("head").public, key("cosigner").public)


def test_the_last_head_is_signed_by_the_log_and_its_node_and_by_nobody_else() -> None:
    open_(succession())
    refused = [
        note(head="a thief"),
        note(cosigner="a thief"),
        sign_head(FIRST, 5, ROOT, key("head")),
        cosign(note(), "huxin/520000/node", key("guizhou"), AT),
    ]
    for head in refused:
        with pytest.raises(CheckpointInvalid):
            open_(succession(head=head))


def test_successions_are_in_the_order_of_logs_and_none_is_missing() -> None:
    one, two = succession(FIRST), succession(SECOND)
    other = succession("huxin/520000")
    assert in_log_order([other, two, one]) == (one, two, other)
    assert in_log_order([]) == ()
    for held in ([two], [one, one], [one, replace(one, decided_at=AT + timedelta(seconds=1))]):
        with pytest.raises(MalformedInput):
            in_log_order(held)


def test_a_node_cosigns_all_its_logs_by_one_name() -> None:
    assert {own_cosigner(origin) for origin in (FIRST, SECOND, "huxin/140000/64")} == {"huxin/140000/node"}
    assert own_cosigner("huxin/140000/x") == "huxin/140000/x/node"
    opened = open_checkpoint(note(SECOND), key("head").public, SECOND, {own_cosigner(SECOND): key("cosigner").public})
    assert opened.cosigned_at == AT
