"""Successions of logs in the registry: with the delegations, so that k of n sign them off, and for good."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from node.errors import InvalidInput
from node.registry.ceremony import delegate, next_targets, succeed, undelegate
from node.registry.changes import Caution, Fact, Topic, changes_between, describe, facts_of
from node.registry.documents import SUCCESSIONS_FIELD, TargetsDocument, read_targets
from node.registry.refresh import RefreshFailed
from node.registry.release import Changes
from tests.registry.test_published import AT, END, Home
from tests.support.registry import DAY, FOUNDED, Federation, bundle_of, root_document, sealed, signed, targets_document
from tests.support.trust import key
from trust.continuity import require_continues
from trust.errors import MalformedInput, NotCanonical, TrustError, UnknownContent
from trust.log.checkpoint import cosign, own_cosigner, sign_head
from trust.log.succession import Succession, next_origin
from trust.registry import NOTHING, FactKind, Publication, Release, learn, read_path

A, B = "140000", "520000"
FIRST = f"huxin/{A}"
HOLDERS = ("root 140000", "root 520000")


def succession(predecessor: str = FIRST, size: int = 7, head: str = f"head {A}") -> Succession:
    text = cosign(
        sign_head(predecessor, size, bytes(32), key(head)), own_cosigner(predecessor), key(f"cosigner {A}"), AT
    )
    origin = next_origin(predecessor)
    return Succession(
        predecessor,
        text,
        origin,
        key(f"head {A}" if predecessor == FIRST else "head 3").spki,
        key(f"cosigner {A}").spki,
        datetime(2026, 11, 22, tzinfo=UTC),
    )


ONE = succession()
TWO = succession(ONE.origin)


def with_(*successions: Succession, version: int = 2) -> TargetsDocument:
    return replace(targets_document(A, B, version=version), successions=successions)


def test_they_are_read_as_they_were_written() -> None:
    document = with_(ONE, TWO)
    assert read_targets(document.to_bytes()) == document
    assert SUCCESSIONS_FIELD not in json.loads(targets_document(A, B).to_bytes())["signed"], "as older versions read it"


def spoilt(name: str) -> bytes:
    found = json.loads(with_(ONE, TWO).to_bytes())
    held = found["signed"][SUCCESSIONS_FIELD]
    match name:
        case "a first one is missing":
            del held[FIRST]
        case "under another name":
            held["huxin/520000"] = held.pop(FIRST)
        case "a further field":
            held[FIRST]["more"] = "x"
        case "a field of another kind":
            held[FIRST]["head"] = 7
        case "no table":
            found["signed"][SUCCESSIONS_FIELD] = []
        case "empty":
            found["signed"][SUCCESSIONS_FIELD] = {}
        case "another size":
            held[FIRST]["head"] = held[FIRST]["head"].replace("\n7\n", "\n07\n")
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    "name",
    [
        "a first one is missing",
        "under another name",
        "a further field",
        "a field of another kind",
        "no table",
        "empty",
        "another size",
    ],
)
def test_no_other_form_is_read(name: str) -> None:
    with pytest.raises((MalformedInput, NotCanonical, UnknownContent, TrustError)):
        read_targets(spoilt(name))


def test_a_ceremony_adds_one_after_the_other_and_keeps_them() -> None:
    one = succeed(with_(), ONE)
    both = succeed(one, TWO)
    assert both.successions == (ONE, TWO)
    assert next_targets(both, both.expires).successions == (ONE, TWO)
    assert delegate(both, root_document(), "620100", (key("new").public,)).successions == (ONE, TWO)
    assert undelegate(both, A).successions == (ONE, TWO), "what was closed stays closed"
    for current, wanted in (
        (with_(), TWO),
        (one, ONE),
        (one, succession(size=8)),
        (both, succession(size=8)),
        (targets_document(B), ONE),
    ):
        with pytest.raises(InvalidInput):
            succeed(current, wanted)


def test_an_official_reads_all_of_it() -> None:
    """Two documents that differ in a succession alone never read alike."""
    documents = [
        with_(ONE),
        with_(succession(size=8)),
        with_(replace(ONE, decided_at=datetime(2026, 11, 23, tzinfo=UTC))),
        with_(replace(ONE, log_key=key("another").spki)),
        with_(replace(ONE, head=succession(head="a thief").head)),
    ]
    facts = [facts_of(document)[Fact(Topic.SUCCESSION, FIRST)] for document in documents]
    assert len(set(facts)) == len(documents)
    assert "after 7 entries" in facts[0]
    before = with_(version=1)
    described = describe(with_(ONE), before, FOUNDED)
    assert Caution.LOG_CLOSED in described.cautions
    assert [change.fact.topic for change in changes_between(facts_of(before), facts_of(with_(ONE, version=1)))] == [
        Topic.SUCCESSION
    ]
    dropped = describe(with_(version=3), with_(ONE), FOUNDED)
    assert Caution.SUCCESSION_DROPPED in dropped.cautions
    assert (
        Caution.LOG_CLOSED
        in describe(with_(replace(ONE, log_key=key("x").spki), version=3), with_(ONE), FOUNDED).cautions
    )


@pytest.fixture
def federation() -> Federation:
    return Federation(A, B)


def test_it_counts_only_when_enough_holders_signed_it(federation: Federation) -> None:
    with pytest.raises(RefreshFailed) as caught:
        federation.release(Changes(targets=signed(with_(ONE), HOLDERS[0])))
    assert caught.value.reason == "REGISTRY_SIGNATURES"
    with pytest.raises(RefreshFailed):
        federation.release(Changes(targets=signed(with_(ONE), HOLDERS[0], f"registry {A}", "snapshot")))
    assert federation.release(Changes(targets=signed(with_(ONE), *HOLDERS))).release.successions == (ONE,)


def test_what_was_signed_off_once_is_never_taken_back(federation: Federation) -> None:
    federation.release(Changes(targets=signed(with_(ONE), *HOLDERS)))
    held = federation.held
    for later in (
        with_(version=3),
        with_(succession(size=8), version=3),
        with_(replace(ONE, log_key=TWO.log_key), version=3),
    ):
        with pytest.raises(RefreshFailed) as caught:
            federation.release(Changes(targets=signed(later, *HOLDERS)))
        assert caught.value.reason == "REGISTRY_ROLLBACK"
        assert federation.held == held
    assert federation.release(Changes(targets=signed(with_(ONE, TWO, version=3), *HOLDERS))).release.successions == (
        ONE,
        TWO,
    )


def release(content: Mapping[str, bytes] | None, *successions: Succession, days: int = 1) -> Release:
    said = {} if content is None else {A: Publication(END, content)}
    return Release(1, FOUNDED + days * DAY, END, {}, said, successions)


def test_it_is_known_from_then_on_and_never_ends() -> None:
    mine = {f"{A}/bundle": sealed(bundle_of(A))}
    known = learn(NOTHING, release(mine), require_continues)
    assert known.current(FactKind.SUCCESSION) == ()
    known = learn(known, release(mine, ONE, days=2), require_continues)
    (fact,) = known.current(FactKind.SUCCESSION)
    assert (fact.division, fact.name, fact.content, fact.known_from) == (A, ONE.origin, ONE.entry, FOUNDED + 2 * DAY)
    known = learn(known, release(None, ONE, TWO, days=3), require_continues)
    assert [fact.content for fact in known.current(FactKind.SUCCESSION, A)] == [ONE.entry, TWO.entry], (
        "membership ended"
    )
    assert known.current(FactKind.SUCCESSION)[0] == fact


def test_nobody_publishes_one() -> None:
    """A jurisdiction speaks for itself only, and not even for itself in this."""
    with pytest.raises(MalformedInput):
        read_path(f"{A}/succession/{A}")


def test_the_newest_log_is_the_one_that_is_trusted(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.place(sealed(bundle_of(B)), f"bundles/{B}.json")
    of_b = succession_of_b()
    home.knowledge = learn(NOTHING, release(None, ONE, TWO, of_b), require_continues)
    state = home.state
    for found in (state.own.trusted, state.jurisdictions[A].trusted):
        assert (found.origin, found.head_key.key_id) == (TWO.origin, key("head 3").key_id)
        assert [(log.origin, log.size) for log in found.closed] == [(FIRST, 7), (ONE.origin, 7)]
        assert found.closed[-1].first_entry == TWO.entry
    assert state.jurisdictions[B].trusted.origin == of_b.origin
    assert (state.problems, state.unchecked) == ((), frozenset())


def succession_of_b(head: str = f"head {B}") -> Succession:
    text = cosign(sign_head(f"huxin/{B}", 1, bytes(32), key(head)), f"huxin/{B}/node", key(f"cosigner {B}"), AT)
    spki = (key("n").spki, key("m").spki)
    return Succession(f"huxin/{B}", text, f"huxin/{B}/2", *spki, datetime(2026, 11, 22, tzinfo=UTC))


def test_one_that_does_not_fit_its_log_leaves_its_issuer_undecided(tmp_path: Path) -> None:
    """k of n closed the log: it does not go on as if nothing had happened, and nothing else is believed."""
    home = Home(tmp_path)
    home.place(sealed(bundle_of(B)), f"bundles/{B}.json")
    home.knowledge = learn(NOTHING, release(None, ONE, succession_of_b("a thief")), require_continues)
    state = home.state
    assert B not in state.jurisdictions
    assert state.unchecked == {B}
    assert f"The log of {B} was closed" in state.problems[0]
    assert state.jurisdictions[A].trusted.origin == ONE.origin, "it harms itself only"
