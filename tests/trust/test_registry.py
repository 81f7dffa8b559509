"""What a verified release means: facts with two times, and how current each jurisdiction's are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.registry import DAY, FOUNDED, HOUR, SECOND, bundle_of, sealed
from tests.support.trust import key
from tests.trust.test_statements import CERTIFICATE
from trust import statements
from trust.continuity import require_continues
from trust.envelope import seal
from trust.errors import MalformedInput, TrustError
from trust.registry import (
    MAX_SIGNING_KEYS,
    MAX_TARGET_BYTES,
    NOTHING,
    Fact,
    FactKind,
    Knowledge,
    Publication,
    Release,
    first_seen_of,
    learn,
    path_of,
    read_path,
    require_taken_over,
)
from trust.vocabulary import SigningKeyInfo, TrustCertificate

A, B = "140000", "520000"
BUNDLE = f"{A}/bundle"
END = FOUNDED + 300 * DAY
Seen = Mapping[str, Mapping[str, datetime]]


def info(name: str, **times: datetime) -> SigningKeyInfo:
    """A key of a bundle; valid since a day before the founding."""
    return SigningKeyInfo(key(name).public.spki, "ed25519", **{"valid_from": FOUNDED - DAY, **times})


def ids(*names: str) -> set[str]:
    return {key(name).key_id for name in names}


def envelope(version: int = 1, at: datetime = FOUNDED, *keys: SigningKeyInfo, division: str = A, by: str = "") -> bytes:
    return sealed(bundle_of(division, version, at, keys), *((by,) if by else ()))


def certificate(by: str = A, **changes: object) -> bytes:
    """A's trust certificate for B, signed."""
    made: TrustCertificate = replace(
        CERTIFICATE,
        **{"recogniser": A, "issuer": B, "issued_at": FOUNDED, "valid_from": FOUNDED, "valid_until": END, **changes},  # type: ignore[arg-type]
    )
    payload = statements.encode_trust_certificate(made)
    return statements.encode_envelope(seal(statements.TRUST_CERTIFICATE, payload, [key(by)]))


def publication(content: Mapping[str, bytes] | None, expires: datetime = END, problem: str = "") -> Publication:
    return Publication(expires, content, problem)


def release(
    at: datetime, *, seen: Seen | None = None, version: int = 1, **content: Mapping[str, bytes] | Publication | None
) -> Release:
    """A release signed at an instant; `d140000` is what Shanxi publishes in it."""
    return Release(
        version,
        at,
        FOUNDED + 200 * DAY,
        seen or {},
        {
            name[1:]: given_ if isinstance(given_, Publication) else publication(given_)
            for name, given_ in content.items()
        },
    )


def taught(*releases: Release, known: Knowledge = NOTHING) -> Knowledge:
    for each in releases:
        known = learn(known, each, require_continues)
    return known


# Paths --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("division", "kind", "name", "path"),
    [
        (A, FactKind.BUNDLE, "", "140000/bundle"),
        (A, FactKind.RECOGNITION, B, "140000/recognition/520000"),
        (A, FactKind.CATALOGUE, "2025-237", "140000/catalogue/2025-237"),
        (A, FactKind.CROSSWALK, "1.0_b", "140000/crosswalk/1.0_b"),
        (A, FactKind.SCHEME, "x" * 64, "140000/scheme/" + "x" * 64),
    ],
)
def test_paths_there_and_back(division: str, kind: FactKind, name: str, path: str) -> None:
    assert path_of(division, kind, name) == path
    assert read_path(path) == (division, kind, name)


@pytest.mark.parametrize("name", ["", "x" * 65, ".hidden", "-x", "_x", "a/b", "a b", "..", "互信", "a\n", "a\x00"])
def test_names_that_no_path_can_hold(name: str) -> None:
    with pytest.raises(MalformedInput):
        path_of(A, FactKind.CATALOGUE, name)
    with pytest.raises(MalformedInput):
        read_path(f"{A}/catalogue/{name}")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        A,
        f"{A}/",
        f"{A}/bundle/",
        f"{A}/bundle/1",
        f"{A}/key/x",
        f"{A}/weather/x",
        "14000/bundle",
        "x/bundle",
        f"/{A}/bundle",
        f"{A}/catalogue",
        f"{A}/catalogue/",
        "１４００００/bundle",
        f"{A}//bundle",
        f"../{A}/bundle",
    ],
)
def test_other_paths(path: str) -> None:
    with pytest.raises(MalformedInput):
        read_path(path)


@given(st.text(max_size=40))
def test_reading_a_path_never_breaks_otherwise(path: str) -> None:
    with contextlib.suppress(MalformedInput):
        assert path_of(*read_path(path)) == path


# First appearance ---------------------------------------------------------------------------------------------------


def test_a_key_counts_from_when_the_coordinator_first_saw_it() -> None:
    """A node that joins late takes the coordinator's word, never an earlier time than the key claims itself."""
    seen = {A: {key(A).key_id: FOUNDED - 2 * HOUR}}
    known = taught(release(FOUNDED, seen=seen, d140000={BUNDLE: envelope()}))
    assert first_seen_of(known, A) == {key(A).key_id: FOUNDED - 2 * HOUR}
    (fact,) = known.current(FactKind.KEY, A)
    assert (fact.valid_from, fact.known_from) == (FOUNDED - 2 * HOUR, FOUNDED - 2 * HOUR)
    earlier = {A: {key(A).key_id: FOUNDED - 900 * DAY}}
    (fact,) = taught(release(FOUNDED, seen=earlier, d140000={BUNDLE: envelope()})).current(FactKind.KEY)
    assert fact.valid_from == FOUNDED - DAY, "the key's own beginning"


def test_a_key_of_whose_appearance_nothing_is_said_counts_from_this_release() -> None:
    known = taught(release(FOUNDED + HOUR, d140000={BUNDLE: envelope()}))
    assert first_seen_of(known, A) == {key(A).key_id: FOUNDED + HOUR}


def test_a_key_that_is_here_now_does_not_appear_later() -> None:
    """Else one wrong word of the coordinator would shut a key out for ever: what is recorded does not change."""
    seen = {A: {key(A).key_id: FOUNDED + 9000 * DAY}}
    known = taught(release(FOUNDED, seen=seen, d140000={BUNDLE: envelope()}))
    assert first_seen_of(known, A) == {key(A).key_id: FOUNDED}


def test_what_our_last_release_lacked_appeared_after_it() -> None:
    """The attack: a thief of the coordinator's keys slips in a key and says that it was always there."""
    first = release(FOUNDED, d140000={BUNDLE: envelope()})
    later = FOUNDED + 3 * HOUR
    seen = {A: {key("slipped in").key_id: FOUNDED - DAY}}
    second = release(later, seen=seen, d140000={BUNDLE: envelope(2, later, info(A), info("slipped in"), by=A)})
    known = taught(first, release(FOUNDED + HOUR, d140000={BUNDLE: envelope()}), second)
    assert first_seen_of(known, A)[key("slipped in").key_id] == FOUNDED + HOUR


def test_between_two_publications_that_were_taken_over_the_coordinators_word_counts() -> None:
    """What we could not take over meanwhile says nothing of what was there."""
    bad = release(FOUNDED + HOUR, d140000=publication(None))
    later = FOUNDED + 3 * HOUR
    seen = {A: {key("new").key_id: FOUNDED + SECOND}}
    good = release(later, seen=seen, d140000={BUNDLE: envelope(2, later, info(A), info("new"), by=A)})
    known = taught(release(FOUNDED, d140000={BUNDLE: envelope()}), bad, good)
    assert first_seen_of(known, A)[key("new").key_id] == FOUNDED + SECOND


def test_what_was_recorded_does_not_change_any_more() -> None:
    first = release(FOUNDED, seen={A: {key(A).key_id: FOUNDED}}, d140000={BUNDLE: envelope()})
    again = release(FOUNDED + DAY, seen={A: {key(A).key_id: FOUNDED - 9 * DAY}}, d140000={BUNDLE: envelope()})
    assert first_seen_of(taught(first, again), A) == {key(A).key_id: FOUNDED}
    silent = release(FOUNDED + DAY, d140000={BUNDLE: envelope()})
    assert first_seen_of(taught(first, silent), A) == {key(A).key_id: FOUNDED}


def test_a_key_that_ends_is_a_new_fact_about_a_key_seen_before() -> None:
    at = FOUNDED + DAY
    ending = envelope(2, at, info(A, retired_at=at + HOUR), info("next"), by=A)
    known = taught(
        release(FOUNDED, d140000={BUNDLE: envelope()}),
        release(at, d140000={BUNDLE: ending}),
    )
    old, new = sorted((fact for fact in known.facts if fact.name == key(A).key_id), key=lambda fact: fact.known_from)
    assert (old.known_from, old.known_until, old.valid_until) == (FOUNDED, at, None)
    assert (new.known_from, new.known_until, new.valid_until) == (at, None, at + HOUR)
    assert old.valid_from == new.valid_from
    assert first_seen_of(known, A)[key(A).key_id] == FOUNDED


# Two times ----------------------------------------------------------------------------------------------------------


def test_the_two_times_of_facts() -> None:
    at = FOUNDED + 2 * DAY
    said = {
        BUNDLE: envelope(),
        f"{A}/recognition/{B}": certificate(valid_from=FOUNDED + DAY),
        f"{A}/catalogue/1": b"a catalogue",
    }
    known = taught(release(at, d140000=said))
    (bundle,) = known.current(FactKind.BUNDLE, A)
    assert (bundle.valid_from, bundle.valid_until, bundle.known_from) == (FOUNDED, None, at)
    (recognition,) = known.current(FactKind.RECOGNITION, A)
    assert (recognition.name, recognition.valid_from, recognition.valid_until) == (B, FOUNDED + DAY, END)
    (catalogue,) = known.current(FactKind.CATALOGUE, A)
    assert (catalogue.name, catalogue.valid_from, catalogue.content) == ("1", at, b"a catalogue")
    assert known.standings[A].problem == ""


def test_a_withdrawal_holds_for_no_time() -> None:
    gone = certificate(issued_at=FOUNDED + HOUR, withdrawn=True)
    known = taught(release(FOUNDED + DAY, d140000={BUNDLE: envelope(), f"{A}/recognition/{B}": gone}))
    (fact,) = known.current(FactKind.RECOGNITION, A)
    assert fact.valid_from == fact.valid_until


def test_what_is_not_said_any_more_ends_and_stays_on_record() -> None:
    first = release(FOUNDED, d140000={BUNDLE: envelope(), f"{A}/catalogue/1": b"one"})
    second = release(FOUNDED + DAY, d140000={BUNDLE: envelope(), f"{A}/catalogue/1": b"two"})
    third = release(FOUNDED + 2 * DAY, d140000={BUNDLE: envelope()})
    known = taught(first, second, third)
    found = {fact.content: fact.known_until for fact in known.facts if fact.kind is FactKind.CATALOGUE}
    assert found == {b"one": FOUNDED + DAY, b"two": FOUNDED + 2 * DAY}
    back = taught(release(FOUNDED + 3 * DAY, d140000={BUNDLE: envelope(), f"{A}/catalogue/1": b"one"}), known=known)
    assert [fact.known_from for fact in back.current(FactKind.CATALOGUE)] == [FOUNDED + 3 * DAY]
    assert len(back.facts) == len(known.facts) + 1


# What goes wrong ----------------------------------------------------------------------------------------------------

WRONG: dict[str, Mapping[str, bytes] | Publication] = {
    "expired": publication(None),
    "unfit": publication(None, problem="its publication is not signed: publish again"),
    "no bundle": {f"{A}/catalogue/1": b"one"},
    "nothing": {},
    "another's bundle": {BUNDLE: envelope(division=B)},
    "not a bundle": {BUNDLE: b"\xff" * 40},
    "version not greater": {BUNDLE: envelope(1, FOUNDED + HOUR)},
    "issued earlier": {BUNDLE: envelope(3, FOUNDED - HOUR)},
    "a key removed": {BUNDLE: envelope(3, FOUNDED + HOUR, info("other"), by="other")},
    "signed by a stranger": {BUNDLE: envelope(3, FOUNDED + HOUR, info(A), by="stranger")},
    "not its own key": {BUNDLE: envelope(3, FOUNDED + HOUR, info(A, valid_from=FOUNDED - 9 * DAY))},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_who_breaks_a_rule_keeps_standing_still_and_ages(wrong: Mapping[str, bytes] | Publication) -> None:
    known = taught(release(FOUNDED, d140000={BUNDLE: envelope(2)}, d520000={f"{B}/bundle": envelope(division=B)}))
    late = release(FOUNDED + DAY, d140000=wrong, d520000={f"{B}/bundle": envelope(division=B)})
    after = taught(late, known=known)
    assert after.current(FactKind.BUNDLE, A) == known.current(FactKind.BUNDLE, A)
    assert after.current(FactKind.KEY, A) == known.current(FactKind.KEY, A)
    assert after.standings[A].refreshed_at == FOUNDED
    assert after.standings[A].expires_at <= known.standings[A].expires_at
    assert after.standings[A].problem
    assert (after.standings[B].refreshed_at, after.standings[B].problem) == (FOUNDED + DAY, "")
    with pytest.raises(MalformedInput, match="cannot be taken over"):
        require_taken_over(after, late, A)
    require_taken_over(after, late, B)
    mended = taught(release(FOUNDED + 2 * DAY, d140000={BUNDLE: envelope(2)}), known=after)
    assert (mended.standings[A].refreshed_at, mended.standings[A].problem) == (FOUNDED + 2 * DAY, "")


@pytest.mark.parametrize("wrong", ["expired", "no bundle", "another's bundle", "not a bundle"])
def test_who_begins_with_a_broken_rule_is_known_by_nothing(wrong: str) -> None:
    late = release(FOUNDED, d140000=WRONG[wrong])
    known = taught(late)
    assert known.facts == ()
    assert known.standings[A].problem
    with pytest.raises(MalformedInput, match="cannot be taken over"):
        require_taken_over(known, late, A)


def test_a_problem_is_told_in_words() -> None:
    known = taught(release(FOUNDED, d140000=publication(None, problem="its publication cannot be read: do something")))
    assert known.standings[A].problem == "its publication cannot be read: do something"
    assert "expired" in taught(release(FOUNDED, d140000=publication(None))).standings[A].problem


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (f"{A}/weather/1", b"a later version's"),
        (f"{A}/catalogue/1", b"x" * (MAX_TARGET_BYTES + 1)),
        (f"{A}/recognition/{B}", b"not a certificate"),
        (f"{A}/recognition/{B}", certificate(issuer="620100")),
        (f"{A}/recognition/{B}", certificate(by="stranger")),
        (f"{A}/recognition/{B}", certificate(by=B, recogniser=B)),
        (f"{B}/bundle", envelope(9, FOUNDED, division=B)),
        (f"{B}/catalogue/1", b"in another's name"),
        ("nonsense", b""),
    ],
)
def test_a_file_that_cannot_be_read_is_left_out_alone(path: str, content: bytes) -> None:
    said = {BUNDLE: envelope(), f"{A}/catalogue/good": b"good", path: content}
    late = release(FOUNDED, d140000=said, d520000={f"{B}/bundle": envelope(division=B)})
    known = taught(late)
    assert path in known.standings[A].problem
    assert "left out" in known.standings[A].problem
    assert known.standings[A].refreshed_at == FOUNDED
    assert [fact.content for fact in known.current(FactKind.CATALOGUE)] == [b"good"]
    assert known.current(FactKind.RECOGNITION) == ()
    assert [fact.content for fact in known.current(FactKind.BUNDLE, B)] == [envelope_of(late, B)]
    assert known.standings[B].problem == ""
    require_taken_over(known, late, A)


def envelope_of(found: Release, division: str) -> bytes:
    content = found.publications[division].content
    assert content is not None
    return content[f"{division}/bundle"]


def test_a_compromise_is_learned_though_what_the_key_signed_is_left_out() -> None:
    """The bundle that tells of the theft also makes the certificate unreadable that the stolen key had signed."""
    said = {BUNDLE: envelope(), f"{A}/recognition/{B}": certificate()}
    at = FOUNDED + DAY
    stolen = envelope(2, at, info(A, compromised_at=at - HOUR), info("next"), by="next")
    late = release(at, d140000={BUNDLE: stolen, f"{A}/recognition/{B}": certificate()})
    known = taught(release(FOUNDED, d140000=said), late)
    assert [fact.content for fact in known.current(FactKind.BUNDLE)] == [stolen]
    assert known.current(FactKind.RECOGNITION) == ()
    assert known.standings[A].refreshed_at == at
    require_taken_over(known, late, A)


def test_what_is_told_of_problems_is_short_and_plain() -> None:
    """It goes into a database, a log and a terminal; whoever publishes chooses the names."""
    said = {f"{A}/\x1b[31m\x00\ud800{'x' * 9_000}/{number}": b"" for number in range(500)}
    known = taught(release(FOUNDED, d140000={BUNDLE: envelope(), **said}))
    problem = known.standings[A].problem
    assert len(problem) < 2_000
    assert problem.isprintable()
    problem.encode()
    assert "495 more" in problem


def test_who_is_delegated_to_no_more_is_known_no_more() -> None:
    first = release(FOUNDED, d140000={BUNDLE: envelope()}, d520000={f"{B}/bundle": envelope(division=B)})
    second = release(FOUNDED + DAY, d520000={f"{B}/bundle": envelope(division=B)})
    known = taught(first, second)
    assert set(known.standings) == {B}
    assert [fact for fact in known.facts if fact.division == A and fact.known_until is None] == []
    assert {fact.known_until for fact in known.facts if fact.division == A} == {FOUNDED + DAY}
    assert len(known.facts) == len(taught(first).facts)
    with pytest.raises(MalformedInput, match="no delegation"):
        require_taken_over(known, second, A)


def test_who_comes_back_does_not_come_back_earlier() -> None:
    """Its keys were seen before; one that was not, was not there when we last looked."""
    gone = taught(release(FOUNDED, d140000={BUNDLE: envelope()}), release(FOUNDED + DAY))
    at = FOUNDED + 9 * DAY
    seen = {A: {key(A).key_id: FOUNDED - 9 * DAY, key("new").key_id: FOUNDED - 9 * DAY}}
    back = taught(release(at, seen=seen, d140000={BUNDLE: envelope(2, at, info(A), info("new"), by=A)}), known=gone)
    assert first_seen_of(back, A) == {key(A).key_id: FOUNDED, key("new").key_id: FOUNDED + DAY}
    again = [fact for fact in back.facts if fact.name == key(A).key_id]
    assert [(fact.known_from, fact.known_until) for fact in again] == [(FOUNDED, FOUNDED + DAY), (at, None)]


def test_who_comes_back_does_not_come_back_as_it_was_before_it_told_of_a_compromise() -> None:
    """The coordinator replays what the same registry key had signed, to holders who delegate to it again."""
    innocent, told = envelope(), envelope(2, FOUNDED + HOUR, info(A, compromised_at=FOUNDED), info("new"), by="new")
    gone = taught(
        release(FOUNDED, d140000={BUNDLE: innocent}),
        release(FOUNDED + HOUR, d140000={BUNDLE: told}),
        release(FOUNDED + DAY),
    )
    replayed = taught(release(FOUNDED + 2 * DAY, d140000={BUNDLE: innocent}), known=gone)
    assert replayed.current(FactKind.BUNDLE) == ()
    assert "must sign anew" in replayed.standings[A].problem
    again = taught(release(FOUNDED + 3 * DAY, d140000={BUNDLE: told}), known=replayed)
    assert [fact.content for fact in again.current(FactKind.BUNDLE)] == [told]


def test_a_bundle_with_more_keys_than_anybody_needs_is_not_taken_over() -> None:
    spkis = [key(f"many {number}").spki for number in range(MAX_SIGNING_KEYS)]
    many = tuple(SigningKeyInfo(spki, "ed25519", FOUNDED - DAY) for spki in spkis)
    known = taught(release(FOUNDED, d140000={BUNDLE: envelope(1, FOUNDED, info(A), *many)}))
    assert known.facts == ()
    assert f"more than {MAX_SIGNING_KEYS} signing keys" in known.standings[A].problem
    known = taught(release(FOUNDED, d140000={BUNDLE: envelope(1, FOUNDED, info(A), *many[1:])}))
    assert len(known.current(FactKind.KEY)) == MAX_SIGNING_KEYS


def test_the_coordinators_clock_does_not_go_back() -> None:
    known = taught(release(FOUNDED, d140000={BUNDLE: envelope()}))
    with pytest.raises(MalformedInput, match="clock"):
        taught(release(FOUNDED - SECOND, d140000={BUNDLE: envelope()}), known=known)
    assert taught(release(FOUNDED, d140000={BUNDLE: envelope()}), known=known) == known


# Properties ---------------------------------------------------------------------------------------------------------

BUNDLES = {
    A: [
        envelope(1),
        envelope(2, FOUNDED, info(A), info("next"), by=A),
        envelope(3, FOUNDED, info(A, retired_at=FOUNDED + DAY), info("next"), by="next"),
        envelope(4, FOUNDED, info("next"), by="next"),
        b"damaged",
    ],
    B: [envelope(1, division=B), envelope(2, FOUNDED, division=B), b""],
}
contents = {
    division: st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {},
            optional={
                f"{division}/bundle": st.sampled_from(BUNDLES[division]),
                f"{division}/catalogue/1": st.sampled_from([b"one", b"two"]),
                f"{division}/recognition/{B}": st.sampled_from([certificate(), b"damaged"]),
                f"{B}/catalogue/1": st.just(b"in another's name"),
            },
        ),
    )
    for division in (A, B)
}
moments = st.integers(-90, 90).map(lambda hours: FOUNDED + hours * HOUR)
seen = st.dictionaries(
    st.sampled_from([A, B]), st.dictionaries(st.sampled_from(sorted(ids(A, B, "next"))), moments), max_size=2
)


@st.composite
def histories(draw: st.DrawFn) -> list[Release]:
    """Some releases, each signed when the one before was or later."""
    at, made = FOUNDED, []
    for version in range(draw(st.integers(1, 6))):
        at += draw(st.sampled_from([timedelta(), SECOND, DAY]))
        published = {division: draw(contents[division]) for division in draw(st.sets(st.sampled_from([A, B])))}
        made.append(
            Release(
                version,
                at,
                END,
                draw(seen),
                {division: publication(content) for division, content in published.items()},
            )
        )
    return made


def turned(found: Release) -> Release:
    """The same release, its tables in the other order."""

    def reverse(table: Mapping[str, bytes] | None) -> Mapping[str, bytes] | None:
        return None if table is None else MappingProxyType(dict(reversed(list(table.items()))))

    return replace(
        found,
        first_seen=dict(reversed(list(found.first_seen.items()))),
        publications={
            division: replace(each, content=reverse(each.content))
            for division, each in reversed(list(found.publications.items()))
        },
    )


def by_identity(facts: Iterable[Fact]) -> dict[tuple[object, ...], list[Fact]]:
    found: dict[tuple[object, ...], list[Fact]] = {}
    for fact in facts:
        identity = (fact.division, fact.kind, fact.name, fact.digest, fact.known_from)
        found.setdefault(identity, []).append(fact)
    return found


@settings(deadline=None)
@given(histories())
def test_learning_keeps_its_promises(history: list[Release]) -> None:
    """The same release twice changes nothing; no fact vanishes; an end is set once; no table's order matters."""
    known = other = NOTHING
    for each in history:
        before = known
        known, other = taught(each, known=known), taught(turned(each), known=other)
        assert taught(each, known=known) == known
        assert other == known
        assert len(known.facts) >= len(before.facts)
        for earlier, later in zip(before.facts, (known.facts[at] for at in positions(before, known)), strict=True):
            assert replace(later, known_until=earlier.known_until) == earlier
            assert earlier.known_until in (None, later.known_until)
        for fact in known.facts:
            assert fact.known_until is None or fact.known_from <= fact.known_until <= each.signed_at
            assert fact.valid_until is None or fact.valid_from <= fact.valid_until
            assert fact.known_from <= each.signed_at
        for division, appeared in first_seen_of(before, A).items():
            assert first_seen_of(known, A)[division] == appeared
        current = [(fact.division, fact.kind, fact.name) for fact in known.facts if fact.known_until is None]
        assert len(current) == len(set(current)), "one fact of a kind and name holds at a time"
        assert {fact.division for fact in known.facts if fact.known_until is None} <= set(known.standings)


def positions(before: Knowledge, after: Knowledge) -> list[int]:
    """Where each earlier fact stands now."""
    taken: list[int] = []
    for fact in before.facts:
        taken.append(
            next(
                at
                for at, later in enumerate(after.facts)
                if at not in taken and replace(later, known_until=fact.known_until) == fact
            )
        )
    return taken


@settings(deadline=None)
@given(histories(), st.binary(max_size=200))
def test_nothing_that_is_published_breaks_the_learning(history: list[Release], data: bytes) -> None:
    """Whatever bytes stand under whatever path: a problem at most."""
    known = taught(*history)
    last = history[-1]
    for path in (BUNDLE, f"{A}/recognition/{B}", f"{A}/catalogue/1"):
        taught(replace(last, publications={A: publication({BUNDLE: envelope(9), path: data})}), known=known)


def test_continuity_is_asked_for_changes_alone() -> None:
    asked = []

    def note(earlier: object, later: object) -> None:
        asked.append((earlier, later))
        raise TrustError("refused")

    first = learn(NOTHING, release(FOUNDED, d140000={BUNDLE: envelope()}), note)
    same = learn(first, release(FOUNDED + DAY, d140000={BUNDLE: envelope()}), note)
    assert asked == []
    refused = learn(same, release(FOUNDED + DAY, d140000={BUNDLE: envelope(2)}), note)
    assert len(asked) == 1
    assert refused.standings[A].problem == "refused"
