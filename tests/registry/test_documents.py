"""Root and targets are read in one form: what is damaged, unknown, swapped or said otherwise is refused by name."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from node.registry.documents import (
    MAX_ROOT_BYTES,
    MAX_TARGETS_BYTES,
    Delegation,
    Document,
    RootDocument,
    TargetsDocument,
    read_document,
    read_root,
    read_targets,
)
from tests.registry.holders import DIVISIONS, EXPIRES, delegated, founded, new_keys, signed
from trust.algorithms import Suite
from trust.errors import BadKey, MalformedInput, NotCanonical, TooLarge, TrustError, UnknownContent
from trust.keys import generate

HOLDERS = new_keys() | new_keys(["220000"], Suite.ECDSA_P256_SHA256)
REGISTRY = new_keys()
ROOT = signed(founded(HOLDERS), HOLDERS.values())
TARGETS = signed(delegated(ROOT, REGISTRY), HOLDERS.values(), ROOT)


def spoilt(document: Document, change: Callable[[dict[str, Any]], None]) -> bytes:
    found = json.loads(document.to_bytes())
    change(found)
    return json.dumps(found).encode()


def test_what_is_written_is_read() -> None:
    assert read_root(ROOT.to_bytes()) == ROOT == read_document(ROOT.to_bytes())
    assert read_targets(TARGETS.to_bytes()) == TARGETS == read_document(TARGETS.to_bytes())
    assert (ROOT.file_name, TARGETS.file_name) == ("1.root.json", "1.targets.json")


def test_the_order_of_signatures_and_white_space_say_nothing() -> None:
    data = spoilt(ROOT, lambda found: found["signatures"].reverse())
    assert read_root(data) == ROOT
    assert read_root(data).to_bytes() == ROOT.to_bytes()


def test_the_digest_is_the_same_whoever_has_signed() -> None:
    assert replace(ROOT, signatures={}).digest == ROOT.digest
    assert replace(ROOT, threshold=3).digest != ROOT.digest
    assert re.fullmatch("[0-9a-f]{64}", ROOT.digest)


# Bytes


@pytest.mark.parametrize("document", [ROOT, TARGETS], ids=lambda document: document.kind)
def test_a_file_that_was_cut_off_is_refused_wherever_it_was(document: Document) -> None:
    data = document.to_bytes().rstrip()
    for length in range(0, len(data), 97):
        with pytest.raises(MalformedInput, match="ask for the original"):
            read_document(data[:length])


@pytest.mark.parametrize(
    ("read", "limit"),
    [(read_root, MAX_ROOT_BYTES), (read_targets, MAX_TARGETS_BYTES), (read_document, MAX_TARGETS_BYTES)],
)
def test_a_file_over_its_limit_is_not_parsed(read: Callable[[bytes], Document], limit: int) -> None:
    with pytest.raises(TooLarge, match=str(limit)):
        read(b"[" * (limit + 1))


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b"[" * 100_000, b"\xff\xfe", b'{"signed": 5}', b'{"signed": {"_type": []}}', b"\x00"],
)
def test_bytes_that_are_no_document_are_refused(data: bytes) -> None:
    for read in (read_root, read_targets, read_document):
        with pytest.raises(MalformedInput):
            read(data)


def test_a_name_that_stands_twice_is_refused() -> None:
    twice = ROOT.to_bytes().replace(b'"version": 1,', b'"version": 7, "version": 1,')
    with pytest.raises(MalformedInput, match="twice"):
        read_root(twice)


@pytest.mark.parametrize("number", ["1.0", "1e0", "NaN", "Infinity", "9" * 5000])
def test_a_number_that_is_not_whole_is_refused(number: str) -> None:
    with pytest.raises(MalformedInput):
        read_root(ROOT.to_bytes().replace(b'"version": 1,', f'"version": {number},'.encode()))


def test_each_kind_is_read_as_itself() -> None:
    with pytest.raises(MalformedInput, match="no root document"):
        read_root(TARGETS.to_bytes())
    with pytest.raises(MalformedInput, match="no targets document"):
        read_targets(ROOT.to_bytes())
    for kind in ("snapshot", "timestamp", "mirrors"):
        with pytest.raises(MalformedInput, match="neither root nor targets"):
            read_document(spoilt(ROOT, lambda found, kind=kind: found["signed"].update(_type=kind)))  # type: ignore[misc]


# Fields


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, leaves and containers."""
    if path:
        yield path
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inner, (*path, name))


def put(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """A copy of a JSON value, changed at a place."""
    found = copy.deepcopy(value)
    inside = found
    for name in path[:-1]:
        inside = inside[name]
    change(inside, path[-1])
    return found


def otherwise(value: Any) -> list[Any]:
    """Values of other kinds and of the same one."""
    same: dict[type, list[Any]] = {str: [f"{value}0", ""], int: [0, -1, 2**31], bool: [False], list: [[]], dict: [{}]}
    others: list[Any] = [None, True, 1, 1.5, "x", [], {}, [[]], {"x": 1}, ["140000/*"]]
    return [*same.get(type(value), []), *others]


@pytest.mark.parametrize("document", [ROOT, TARGETS], ids=lambda document: document.kind)
def test_nothing_in_a_document_can_be_said_otherwise_unseen(document: Document) -> None:
    """Every field set to every kind of value: refused with a TrustError, or read as a document that says so."""
    original = json.loads(document.to_bytes())
    read_otherwise = 0
    for path in places(original):
        inside = original
        for name in path:
            inside = inside[name]
        for value in otherwise(inside):
            changed = put(original, path, lambda there, name, value=value: there.__setitem__(name, value))  # type: ignore[misc]
            try:
                found = read_document(json.dumps(changed).encode())
            except TrustError:
                continue
            said = json.loads(found.to_bytes())
            assert said == changed, path
            read_otherwise += said != original
    assert read_otherwise > 0  # versions, thresholds and signatures can be other ones


@pytest.mark.parametrize("document", [ROOT, TARGETS], ids=lambda document: document.kind)
def test_no_field_can_be_left_out_or_added(document: Document) -> None:
    original = json.loads(document.to_bytes())
    for path in places(original):
        if isinstance(path[-1], str):
            left_out = put(original, path, lambda there, name: there.pop(name))
            if path[-1] != "x" and path[:-1] != ("signed", "targets"):
                with pytest.raises(TrustError):
                    read_document(json.dumps(left_out).encode())
            added = put(original, path, lambda there, _: there.__setitem__("x-later", 1))
            with pytest.raises(TrustError):
                read_document(json.dumps(added).encode())


def test_an_unknown_field_is_named_and_cannot_draw_on_the_screen() -> None:
    with pytest.raises(UnknownContent, match=r"signed\.x-later is a field that this version does not know: upgrade"):
        read_root(spoilt(ROOT, lambda found: found["signed"].update({"x-later": 1})))
    with pytest.raises(UnknownContent) as caught:
        read_root(spoilt(ROOT, lambda found: found.update({"\x1b[2Jred" + "x" * 500: 1})))
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 250


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda signed: signed["roles"]["targets"].update(threshold=1), r"signed\.roles\.targets\.threshold"),
        (lambda signed: signed["roles"]["targets"]["keyids"].pop(), r"signed\.roles\.targets\.keyids"),
        (lambda signed: signed["roles"]["root"]["keyids"].reverse(), r"signed\.roles\.root\.keyids"),
        (lambda signed: signed["roles"]["snapshot"].update(threshold=2), r"signed\.roles\.snapshot\.threshold"),
        (lambda signed: signed.update(consistent_snapshot=False), r"signed\.consistent_snapshot"),
        (lambda signed: signed.update(expires="2027-1-2T00:00:00Z"), r"signed\.expires"),
        (lambda signed: signed["roles"]["root"].update(threshold=True), r"signed\.roles\.root\.threshold|threshold"),
    ],
)
def test_a_root_outside_the_profile_is_refused_by_place(change: Callable[[dict[str, Any]], None], place: str) -> None:
    with pytest.raises((NotCanonical, MalformedInput), match=place):
        read_root(spoilt(ROOT, lambda found: change(found["signed"])))


# Who may say what


def test_a_jurisdiction_holds_one_root_key() -> None:
    def two_of_one(found: dict[str, Any]) -> None:
        for key in found["signed"]["keys"].values():
            if key.get("x-huxin-holder") == "520000":
                key["x-huxin-holder"] = "140000"

    with pytest.raises(MalformedInput, match="one jurisdiction"):
        read_root(spoilt(ROOT, two_of_one))


def test_one_key_stands_in_one_place() -> None:
    key = ROOT.holders["140000"]
    for changes in ({"snapshot": key}, {"timestamp": ROOT.snapshot}, {"holders": {**ROOT.holders, "620100": key}}):
        with pytest.raises(BadKey, match="two places"):
            replace(ROOT, **changes)
    shared = Delegation({key.key_id: key}, 1)
    with pytest.raises(BadKey, match="two places"):
        replace(TARGETS, delegations={"140000": shared, "520000": shared})


def test_one_key_under_two_ids_is_refused() -> None:
    """python-tuf itself does not hold a key id to its key, and would count the key twice."""

    def doubled(found: dict[str, Any]) -> None:
        keys, roles = found["signed"]["keys"], found["signed"]["roles"]
        (key_id,) = [key_id for key_id, key in keys.items() if key.get("x-huxin-holder") == "140000"]
        keys["0" * 64] = {**keys[key_id], "x-huxin-holder": "210000"}
        for role in ("root", "targets"):
            roles[role]["keyids"] = sorted([*roles[role]["keyids"], "0" * 64])

    with pytest.raises(BadKey, match="count twice"):
        read_root(spoilt(ROOT, doubled))


def roles_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    roles: list[dict[str, Any]] = found["signed"]["delegations"]["roles"]
    return roles


def swap(found: dict[str, Any]) -> None:
    first, second = roles_of(found)[:2]
    first["paths"], second["paths"] = second["paths"], first["paths"]


@pytest.mark.parametrize(
    "change",
    [
        swap,
        lambda found: roles_of(found)[0].update(paths=["*/*", "*/*/*"]),
        lambda found: roles_of(found)[0].update(paths=["140000/*"]),
        lambda found: roles_of(found)[0].update(paths=["140000/*", "140000/*/*", "520000/*"]),
        lambda found: roles_of(found)[0].update(paths=["140000/*/*", "140000/*"]),
        lambda found: roles_of(found)[0].update(paths=["1[4]0000/*", "140000/*/*"]),
        lambda found: roles_of(found)[0].update(name="520001"),
    ],
)
def test_nobody_is_delegated_the_paths_of_another(change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(MalformedInput, match="paths that are not its own") as caught:
        read_targets(spoilt(TARGETS, change))
    assert caught.value.reason == "WRONG_DELEGATION"


@pytest.mark.parametrize(
    "change",
    [
        lambda found: roles_of(found)[0].update(name="*"),
        lambda found: roles_of(found)[0].update(name="../140000"),
        lambda found: roles_of(found)[0].pop("paths"),
        lambda found: (roles_of(found)[0].pop("paths"), roles_of(found)[0].update(path_hash_prefixes=["00"])),
        lambda found: roles_of(found)[0].update(terminating=False),
        lambda found: roles_of(found).reverse(),
        lambda found: roles_of(found).append(roles_of(found)[0]),
        lambda found: found["signed"].pop("delegations"),
        lambda found: found["signed"]["delegations"].pop("roles"),
        lambda found: found["signed"]["delegations"]["keys"].update(
            {ROOT.snapshot.key_id: json.loads(ROOT.to_bytes())["signed"]["keys"][ROOT.snapshot.key_id]}
        ),
        lambda found: found["signed"]["targets"].update({"140000/bundle": {"length": 1, "hashes": {"sha256": "00"}}}),
    ],
)
def test_targets_outside_the_profile_are_refused(change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(TrustError):
        read_targets(spoilt(TARGETS, change))


@pytest.mark.parametrize("threshold", [0, 3, True])
def test_a_threshold_that_cannot_be_is_refused(threshold: int) -> None:
    holders = {division: HOLDERS[division].public for division in DIVISIONS[:2]}
    with pytest.raises(MalformedInput, match="threshold"):
        RootDocument(
            version=1,
            expires=EXPIRES,
            holders=holders,
            threshold=threshold,
            coordinator="140000",
            snapshot=ROOT.snapshot,
            timestamp=ROOT.timestamp,
        )
    key = generate(Suite.ED25519).public
    with pytest.raises(MalformedInput, match="threshold"):
        Delegation({key.key_id: key}, threshold or 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": 2**31},
        {"coordinator": "Shanxi"},
        {"expires": EXPIRES.replace(tzinfo=None)},
        {"expires": EXPIRES.replace(microsecond=1)},
        {"specification": "2.0.0"},
        {"specification": "1.0.31\x1b"},
        {"holders": {"14": generate(Suite.ED25519).public}},
    ],
)
def test_a_root_checks_itself(changes: dict[str, datetime | int | str]) -> None:
    with pytest.raises(TrustError):
        replace(ROOT, **changes)  # type: ignore[arg-type]  # fields by name


def test_targets_check_themselves() -> None:
    for change in ({"version": 0}, {"delegations": {"x": TARGETS.delegations["140000"]}}):
        with pytest.raises(TrustError):
            replace(TARGETS, **change)
    assert isinstance(replace(TARGETS, delegations={}), TargetsDocument)
