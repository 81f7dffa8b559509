"""Whom a node trusts with directory and registry together: the newer counts, nothing is told twice as true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from node.model.registry import RegistryRecord, RegistryStanding
from node.registry.directory import TrustDirectory, TrustedState, open_bundle
from node.registry.keeping import _record
from node.registry.published import as_members_know, with_registry
from node.registry.refresh import Refreshed
from tests.support.registry import DAY, FOUNDED, HOUR, bundle_of, sealed
from tests.support.trust import key
from tests.trust.test_registry import certificate, info
from trust.continuity import require_continues
from trust.envelope import to_json
from trust.registry import NOTHING, Publication, Release, learn
from trust.statements import read_envelope
from trust.vocabulary import SigningKeyInfo

A, B, C = "140000", "520000", "620100"
AT = FOUNDED + DAY
END = FOUNDED + 300 * DAY


class Home:
    """A trust directory of A, and what it has learned from a registry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.knowledge = NOTHING
        self.place(sealed(bundle_of(A)))

    def place(self, data: bytes, name: str = f"bundles/{A}.json") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(read_envelope(data)), encoding="utf-8")

    def learn(self, at: datetime, seen: dict[str, dict[str, datetime]] | None = None, **said: dict[str, bytes]) -> None:
        published = {name[1:]: Publication(END, content) for name, content in said.items()}
        self.knowledge = learn(self.knowledge, Release(1, at, END, seen or {}, published), require_continues)

    @property
    def record(self) -> RegistryRecord:
        release = Release(1, AT, END, {}, {})
        return _record(1, Refreshed({}, release, {}, 1, A), self.knowledge)

    @property
    def state(self) -> TrustedState:
        return with_registry(TrustDirectory(self.folder, A).load(), self.record)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def said(division: str, version: int = 1, more: Mapping[str, bytes] = MappingProxyType({})) -> dict[str, bytes]:
    return {f"{division}/bundle": sealed(bundle_of(division, version)), **more}


def test_without_a_registry_the_directory_alone_counts(home: Home) -> None:
    state = TrustDirectory(home.folder, A).load()
    assert with_registry(state, None) is state


def test_who_has_published_is_known(home: Home) -> None:
    home.learn(AT, d520000=said(B))
    known = home.state.jurisdictions[B]
    assert known.bundle == bundle_of(B)
    assert known.trusted.refreshed_at == AT
    assert home.state.problems == ()


def test_what_is_known_ages_with_the_registry(home: Home) -> None:
    home.learn(AT, d520000=said(B))
    home.learn(AT + DAY, d520000={})
    assert home.state.jurisdictions[B].trusted.refreshed_at == AT
    (problem,) = home.state.problems
    assert problem.startswith(f"What {B} published in the trust registry is not taken over whole: ")


@pytest.mark.parametrize(("by_hand", "published", "counts"), [(1, 2, "registry"), (2, 1, "hand"), (2, 2, "registry")])
def test_the_higher_version_counts(home: Home, by_hand: int, published: int, counts: str) -> None:
    """A coordinator that is away or dishonest must not keep a compromise from being told."""
    home.place(sealed(bundle_of(B, by_hand)), f"bundles/{B}.json")
    home.learn(AT, d520000=said(B, published))
    found = home.state.jurisdictions[B]
    assert found.bundle.version == max(by_hand, published)
    assert (found.trusted.refreshed_at == AT) is (counts == "registry")


def test_of_itself_a_node_knows_more_than_the_registry(home: Home) -> None:
    home.learn(AT, d140000=said(A, 7))
    assert home.state.own.bundle.version == 1
    assert home.state.jurisdictions[A] == home.state.own


def test_keys_count_from_when_they_were_first_seen(home: Home) -> None:
    home.learn(AT, {B: {key(B).key_id: FOUNDED + HOUR}}, d520000=said(B))
    (known,) = home.state.jurisdictions[B].trusted.keys.values()
    assert known.valid_from == FOUNDED + HOUR


def test_keys_that_were_confirmed_by_hand_count_as_they_say(home: Home) -> None:
    home.place(sealed(bundle_of(B)), f"bundles/{B}.json")
    keys = (info(B), info("next"))
    home.learn(AT, d520000={f"{B}/bundle": sealed(bundle_of(B, 2, FOUNDED, keys), B)})
    found = home.state.jurisdictions[B].trusted.keys
    assert found[key(B).key_id].valid_from == FOUNDED - DAY
    assert found[key("next").key_id].valid_from == AT


def test_a_compromise_in_the_registry_reaches_what_was_imported(home: Home) -> None:
    home.place(sealed(bundle_of(B)), f"bundles/{B}.json")
    keys = (info(B, compromised_at=FOUNDED), info("next"))
    home.learn(AT, d520000={f"{B}/bundle": sealed(bundle_of(B, 2, FOUNDED, keys), "next")})
    assert home.state.jurisdictions[B].trusted.keys[key(B).key_id].compromised_at == FOUNDED


def test_who_is_delegated_to_no_more_is_known_by_hand_alone(home: Home) -> None:
    home.place(sealed(bundle_of(C)), f"bundles/{C}.json")
    home.learn(AT, d520000=said(B), d620100=said(C, 2))
    home.learn(AT + DAY)
    assert set(home.state.jurisdictions) == {A, C}
    assert home.state.jurisdictions[C].bundle.version == 1


def test_a_withdrawal_outlives_its_file(home: Home) -> None:
    """The file is lost, the certificate before it is not: what was published says that it was withdrawn."""
    granted = certificate()
    withdrawn = certificate(issued_at=FOUNDED + HOUR, withdrawn=True)
    home.place(granted, f"certificates/{B}.granted.json")
    home.learn(AT, d140000=said(A, 1, {f"{A}/recognition/{B}": withdrawn}))
    assert [each.certificate.withdrawn for each in home.state.certificates[B]] == [False, True]
    assert home.state.recognition(B, AT) is None
    assert home.state.recognition(B, FOUNDED + HOUR / 2) is not None


def test_our_certificate_in_the_registry_alone_counts(home: Home) -> None:
    home.learn(AT, d140000=said(A, 1, {f"{A}/recognition/{B}": certificate()}))
    found = home.state.recognition(B, AT)
    assert found is not None
    assert found.envelope == certificate()
    assert home.state.published == {}


def test_the_same_certificate_is_there_once(home: Home) -> None:
    home.place(certificate(), f"certificates/{B}.granted.json")
    home.learn(AT, d140000=said(A, 1, {f"{A}/recognition/{B}": certificate()}))
    assert len(home.state.certificates[B]) == 1


def test_what_others_recognise_is_told_and_never_ours(home: Home) -> None:
    theirs = certificate(by=B, recogniser=B, issuer=C)
    home.learn(AT, d520000=said(B, 1, {f"{B}/recognition/{C}": theirs}))
    assert home.state.certificates == {}
    assert home.state.recognition(C, AT) is None
    (held,) = home.state.published[B][C]
    assert held.envelope == theirs


def test_what_others_say_in_our_name_counts_for_nothing(home: Home) -> None:
    """Under B's path, with B's signature, naming us as the recogniser."""
    home.learn(AT, d520000=said(B, 1, {f"{B}/recognition/{C}": certificate(by=B, issuer=C)}))
    assert home.state.certificates == {}
    assert home.state.published == {}
    assert "left out" in home.state.problems[0]


def test_a_bundle_that_our_directory_would_refuse_is_told_and_left_out(home: Home) -> None:
    """Rules of the directory hold for the registry as well: a CA of another jurisdiction vouches for nobody."""
    foreign = replace(bundle_of(B), ca_certificates=bundle_of(C).ca_certificates)
    home.learn(AT, d520000={f"{B}/bundle": sealed(foreign)})
    assert B not in home.state.jurisdictions
    assert any("left out" in problem for problem in home.state.problems)


def test_a_jurisdiction_whose_knowledge_is_lost_is_no_member(home: Home) -> None:
    """A standing without facts, as of one that never published anything good."""
    home.learn(AT, d520000={})
    assert B not in home.state.jurisdictions
    assert home.record.standings == (
        RegistryStanding(B, AT, END, "it publishes no bundle: its administrator must publish again"),
    )


def test_of_our_own_keys_those_count_that_members_have_seen(home: Home) -> None:
    """Each from its first appearance, and until what was said there of its end; an end that we alone know stands."""
    home.learn(AT, {A: {key(A).key_id: AT}}, d140000=said(A))
    keys = (info(A, retired_at=AT + 2 * DAY), info("next"))
    own = open_bundle(sealed(bundle_of(A, 2, keys=keys))).trusted
    known = as_members_know(own, home.record)
    assert set(known.keys) == {key(A).key_id}
    (counted,) = known.keys.values()
    assert (counted.valid_from, counted.retired_at) == (AT, AT + 2 * DAY)
    later = AT + HOUR
    home.learn(later, {A: {key(A).key_id: AT, key("next").key_id: later}}, d140000=said_of(keys))
    both = as_members_know(own, home.record).keys
    assert both[key("next").key_id].valid_from == later
    before = open_bundle(sealed(bundle_of(A))).trusted  # a home that was restored without the news
    assert as_members_know(before, home.record).keys[key(A).key_id].retired_at == AT + 2 * DAY


def said_of(keys: tuple[SigningKeyInfo, ...]) -> dict[str, bytes]:
    return {f"{A}/bundle": sealed(bundle_of(A, 2, keys=keys))}


def test_where_we_have_not_published_nobody_counts_our_keys_otherwise(home: Home) -> None:
    own = TrustDirectory(home.folder, A).load().own.trusted
    assert as_members_know(own, None) is own
    home.learn(AT, d520000=said(B))
    assert as_members_know(own, home.record) is own
