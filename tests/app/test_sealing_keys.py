"""The sealing keys of a home: made at its founding, rotated, opened again, and what lies sealed at rest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from node.app import key_life, trusting
from node.app.sealing_keys import SealingKeys, load_sealing_keys, rotate_sealing
from node.errors import NotReady
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.errors import MalformedInput
from trust.sealing import key_to_seal_to
from trust.vocabulary import MAX_SEALING_KEYS, SealingKeyInfo


def published(one: TestJurisdiction) -> tuple[SealingKeyInfo, ...]:
    return trusting.trusted_state(one.settings).own.bundle.sealing_keys


def held(one: TestJurisdiction) -> SealingKeys:
    return load_sealing_keys(one.settings, lambda: published(one))


def test_a_jurisdiction_is_founded_with_a_sealing_key_in_its_bundle(shanxi: TestJurisdiction) -> None:
    key = key_to_seal_to(published(shanxi), THE_DAY)
    assert held(shanxi).open(key.key_id, key.seal(b"content", b"info"), b"info") == b"content"
    (line,) = (line for line in key_life.list_keys(shanxi.settings, THE_DAY) if line.role == "sealing")
    assert (line.key_id, line.in_use, line.where.endswith("keys/sealing.key")) == (key.key_id, True, True)


def test_after_a_rotation_peers_take_the_new_key_and_the_old_one_opens(shanxi: TestJurisdiction) -> None:
    keys = held(shanxi)
    before = key_to_seal_to(published(shanxi), THE_DAY)
    kept, name = keys.keep(b"at rest", b"context"), keys.pseudonym(b"purpose", b"name")
    made, path, version = rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=1))
    assert version == 2
    after = key_to_seal_to(published(shanxi), THE_DAY + timedelta(hours=1))
    assert after.key_id != before.key_id
    assert [info.spki for info in published(shanxi)][1] == made.spki
    assert not keys.holds(after.key_id)
    keys.refresh()
    for key in (before, after):
        assert keys.open(key.key_id, key.seal(b"content", b""), b"") == b"content"
    assert keys.kept(kept, b"context") == b"at rest"
    assert keys.keep(b"at rest", b"context")[:32] == bytes.fromhex(after.key_id)
    assert keys.pseudonym(b"purpose", b"name") == name, "messages of one subject stay in order over a rotation"
    lines = {line.key_id: line for line in key_life.list_keys(shanxi.settings, THE_DAY + timedelta(hours=1))}
    assert (lines[before.key_id].in_use, lines[after.key_id].in_use, lines[after.key_id].where) == (
        False,
        True,
        str(path),
    )


@pytest.mark.parametrize("removed", ["first", "all but the newest"])
def test_who_stands_for_whom_outlives_the_keys_that_are_removed(shanxi: TestJurisdiction, removed: str) -> None:
    """Messages of one subject stay in order, and a request that comes again is known as the same."""
    before = held(shanxi).pseudonym(b"purpose", b"name")
    paths = [rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=hour))[1] for hour in (1, 2)]
    for path in (shanxi.layout.key("sealing"), *(paths[:1] if removed != "first" else ())):
        path.unlink()
    keys = held(shanxi)
    assert keys.pseudonym(b"purpose", b"name") == before
    assert not keys.troubles
    rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=3))
    paths[1].unlink()
    assert held(shanxi).pseudonym(b"purpose", b"name") == before, "it is handed down again"


def test_it_outlives_the_place_of_the_oldest_key_in_the_bundle(shanxi: TestJurisdiction) -> None:
    before = held(shanxi).pseudonym(b"purpose", b"name")
    for hour in range(1, MAX_SEALING_KEYS + 2):
        rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=hour))
    assert held(shanxi).pseudonym(b"purpose", b"name") == before


def test_what_is_handed_down_is_sealed_and_kept_from_others(shanxi: TestJurisdiction) -> None:
    keys = held(shanxi)
    secret = keys.pseudonyms()
    assert secret is not None
    rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=1))
    (path,) = shanxi.settings.keys.folder.glob("pseudonyms-*.sealed")
    assert secret.secret not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    keys.refresh()
    assert keys.pseudonyms() == secret, "a node that runs goes on with the same"


def test_what_was_handed_down_and_does_not_open_is_told(shanxi: TestJurisdiction) -> None:
    before = held(shanxi).pseudonym(b"purpose", b"name")
    rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=1))
    (path,) = shanxi.settings.keys.folder.glob("pseudonyms-*.sealed")
    path.write_bytes(b"damaged" * 20)
    keys = held(shanxi)
    assert list(keys.troubles) == [path]
    assert keys.pseudonym(b"purpose", b"name") == before, "the oldest key is here still"


def test_no_other_pseudonyms_are_made_while_those_handed_down_do_not_open(shanxi: TestJurisdiction) -> None:
    """A copy put back with the wrong mode: messages wait, and go on in the same order."""
    before = held(shanxi).pseudonym(b"purpose", b"name")
    rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=1))
    shanxi.layout.key("sealing").unlink()
    (path,) = shanxi.settings.keys.folder.glob("pseudonyms-*.sealed")
    path.chmod(0o644)
    keys = held(shanxi)
    with pytest.raises(NotReady, match=path.name):
        keys.pseudonym(b"purpose", b"name")
    path.chmod(0o600)
    keys.refresh()
    assert keys.pseudonym(b"purpose", b"name") == before


def test_a_rotation_waits_for_the_key_from_which_pseudonyms_come(shanxi: TestJurisdiction) -> None:
    """The node has it in memory; who rotates cannot open it, and what was not handed down would be lost with it."""
    before = held(shanxi).pseudonym(b"purpose", b"name")
    first = shanxi.layout.key("sealing")
    first.chmod(0o644)
    with pytest.raises(NotReady, match=r"sealing\.key.*chmod 600"):
        rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=1))
    assert len(published(shanxi)) == 1
    first.chmod(0o600)
    rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=1))
    first.unlink()
    assert held(shanxi).pseudonym(b"purpose", b"name") == before


def test_what_is_at_rest_is_bound_to_its_place(shanxi: TestJurisdiction) -> None:
    keys = held(shanxi)
    kept = keys.keep(b"at rest", b"one row")
    assert b"at rest" not in kept
    with pytest.raises(MalformedInput):
        keys.kept(kept, b"another row")
    with pytest.raises(MalformedInput):
        keys.kept(kept[:20], b"one row")


def test_a_key_whose_file_is_gone_opens_nothing_and_says_so(shanxi: TestJurisdiction) -> None:
    key = key_to_seal_to(published(shanxi), THE_DAY)
    shanxi.layout.key("sealing").unlink()
    keys = held(shanxi)
    with pytest.raises(NotReady, match="backup"):
        keys.open(key.key_id, b"x" * 60, b"")
    with pytest.raises(NotReady, match="--sealing"):
        keys.keep(b"", b"")
    with pytest.raises(NotReady, match="--sealing"):
        keys.pseudonym(b"", b"")
    (line,) = (line for line in key_life.list_keys(shanxi.settings, THE_DAY) if line.role == "sealing")
    assert (line.where, line.in_use) == ("", False)


def test_a_bundle_lists_the_newest_keys_and_no_more_than_fit(shanxi: TestJurisdiction) -> None:
    for hour in range(1, MAX_SEALING_KEYS + 2):
        made, _, _ = rotate_sealing(shanxi.settings, THE_DAY + timedelta(hours=hour))
    assert len(published(shanxi)) == MAX_SEALING_KEYS
    assert published(shanxi)[-1] == made
