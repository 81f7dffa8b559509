"""What `huxin key` publishes, step by step, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from node.app import key_life, trusting
from node.app.key_life import NOTICE, Change
from node.config.settings import Settings
from node.errors import InvalidInput, NotReady
from node.registry.directory import TrustDirectory
from tests.support import nodes
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.algorithms import Suite, key_id_of
from trust.vocabulary import SigningKeyInfo

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
OTHER = Suite.ED25519
"""A suite that Shanxi does not sign with: it was founded with the other one here."""


@pytest.fixture
def shanxi(tmp_path: Path) -> TestJurisdiction:
    return nodes.found(tmp_path, "140000", suite=Suite.ECDSA_P256_SHA256)


def published(one: TestJurisdiction) -> dict[str, SigningKeyInfo]:
    own = trusting.trusted_state(one.settings).own.bundle
    return {key_id_of(info.spki): info for info in own.signing_keys}


def in_use(one: TestJurisdiction, at: datetime) -> set[str]:
    lines = key_life.list_keys(one.settings, at)
    return {line.key_id for line in lines if line.in_use and line.role == "signing"}


def test_a_rotation_waits_overlaps_and_keeps_the_history(shanxi: TestJurisdiction) -> None:
    (old,) = published(shanxi)
    change = key_life.rotate(shanxi.settings, None, None, None, THE_DAY)
    keys = published(shanxi)
    assert list(keys) == [old, change.key_id]
    assert (keys[change.key_id].valid_from, keys[old].retired_at) == (THE_DAY + DAY, THE_DAY + 2 * DAY)
    assert (change.version, [key_id_of(info.spki) for info in change.retired]) == (2, [old])
    begins = THE_DAY + DAY
    for at, signer in ((THE_DAY, old), (begins - MINUTE, old), (begins, change.key_id), (begins + DAY, change.key_id)):
        assert in_use(shanxi, at) == {signer}
    assert (shanxi.layout.home / "keys" / f"signing-{change.key_id[:12]}.key").stat().st_mode & 0o777 == 0o600


def test_the_new_suite_is_the_one_of_the_key_before(shanxi: TestJurisdiction) -> None:
    change = key_life.rotate(shanxi.settings, None, DAY / 2, None, THE_DAY)
    assert change.made is not None
    assert (change.made.suite, change.made.valid_from) == ("ecdsa-p256-sha256", THE_DAY + DAY / 2)
    assert change.retired[0].retired_at == THE_DAY + DAY / 2 + DAY


def test_even_without_a_wait_the_key_before_lasts_until_a_running_node_has_noticed(shanxi: TestJurisdiction) -> None:
    at_once = Settings.load(shanxi.layout.settings, {"HUXIN_KEYS__ROTATION_SECONDS": "0"})
    change = key_life.rotate(at_once, None, None, None, THE_DAY)
    assert change.made is not None
    assert (change.made.valid_from, change.retired[0].retired_at) == (THE_DAY, THE_DAY + NOTICE)


def test_peers_that_know_only_the_bundle_before_accept_each_step(
    shanxi: TestJurisdiction, guizhou: TestJurisdiction
) -> None:
    nodes.introduce([shanxi, guizhou])
    steps: list[Callable[[datetime], Change]] = [
        lambda at: key_life.rotate(shanxi.settings, None, None, None, at),
        lambda at: key_life.add(shanxi.settings, OTHER, None, None, at),
        lambda at: key_life.retire(shanxi.settings, next(iter(published(shanxi))), at),
        lambda at: key_life.rotate(shanxi.settings, OTHER, None, None, at),
    ]
    now, texts = THE_DAY, []
    for step in steps:
        now += DAY / 2
        step(now)
        texts.append(trusting.export_bundle(shanxi.settings, now))
    directory = TrustDirectory(guizhou.settings.trust.directory, "520000")
    for text in texts:
        directory.accept_bundle(text, None)
    assert directory.load().jurisdictions["140000"].bundle.signing_keys == tuple(published(shanxi).values())


def test_two_rotations_of_one_suite_do_not_run_at_once(shanxi: TestJurisdiction) -> None:
    key_life.rotate(shanxi.settings, None, None, None, THE_DAY)
    with pytest.raises(InvalidInput, match="wait until it signs"):
        key_life.rotate(shanxi.settings, None, None, None, THE_DAY + DAY - MINUTE)
    key_life.rotate(shanxi.settings, None, None, None, THE_DAY + DAY)


def test_a_suite_must_be_named_when_several_sign(shanxi: TestJurisdiction) -> None:
    key_life.add(shanxi.settings, OTHER, timedelta(0), None, THE_DAY)
    assert len(in_use(shanxi, THE_DAY)) == 2
    with pytest.raises(InvalidInput, match="ecdsa-p256-sha256, ed25519"):
        key_life.rotate(shanxi.settings, None, None, None, THE_DAY + MINUTE)
    with pytest.raises(InvalidInput, match="signs already"):
        key_life.add(shanxi.settings, OTHER, None, None, THE_DAY + MINUTE)


def test_a_suite_that_nothing_signs_with_is_added_not_rotated(shanxi: TestJurisdiction) -> None:
    with pytest.raises(InvalidInput, match="huxin key add --suite ed25519"):
        key_life.rotate(shanxi.settings, OTHER, None, None, THE_DAY)


def test_a_key_is_retired_so_late_that_a_running_node_notices(shanxi: TestJurisdiction) -> None:
    (old,) = published(shanxi)
    with pytest.raises(InvalidInput, match="No other key could sign"):
        key_life.retire(shanxi.settings, old, THE_DAY)
    new = key_life.rotate(shanxi.settings, None, timedelta(0), None, THE_DAY).key_id
    with pytest.raises(InvalidInput, match="names no signing key"):
        key_life.retire(shanxi.settings, "ff" * 32, THE_DAY)
    for too_short in ("", old[:7]):
        with pytest.raises(InvalidInput, match="names no signing key"):
            key_life.retire(shanxi.settings, too_short, THE_DAY)
    with pytest.raises(InvalidInput, match="within 366 days"):
        key_life.rotate(shanxi.settings, None, 367 * DAY, None, THE_DAY)
    assert key_life.retire(shanxi.settings, old[:12].upper(), THE_DAY).retired[0].retired_at == THE_DAY + NOTICE
    with pytest.raises(InvalidInput, match="It is retired since"):
        key_life.retire(shanxi.settings, old, THE_DAY + MINUTE)
    assert in_use(shanxi, THE_DAY) == {new}


def test_the_last_key_that_is_here_is_not_retired(shanxi: TestJurisdiction) -> None:
    (old,) = published(shanxi)
    new = key_life.rotate(shanxi.settings, None, timedelta(0), None, THE_DAY).key_id
    (shanxi.layout.home / "keys" / f"signing-{new[:12]}.key").unlink()
    with pytest.raises(InvalidInput, match="is here; restore one"):
        key_life.retire(shanxi.settings, old, THE_DAY)


def test_a_compromise_puts_a_new_key_in_the_place_at_once(shanxi: TestJurisdiction) -> None:
    nodes.recognise(shanxi, "140000")
    (lost,) = published(shanxi)
    since, now = THE_DAY, THE_DAY + DAY
    change = key_life.compromise(shanxi.settings, lost, since, now)
    keys = published(shanxi)
    assert keys[lost].compromised_at == since
    assert keys[change.key_id].valid_from == now
    assert in_use(shanxi, now) == {change.key_id}
    assert (change.recognitions, change.unknown_to_peers) == (("140000",), True)
    nodes.recognise(shanxi, "140000", now)
    earlier = key_life.compromise(shanxi.settings, lost, since - DAY, now)
    assert (earlier.made, earlier.recognitions, earlier.unknown_to_peers) == (None, (), False)


@pytest.mark.parametrize(
    ("since", "said"),
    [(THE_DAY + MINUTE, "lies in the future"), (THE_DAY, "cannot be put off")],
    ids=["future", "later"],
)
def test_a_compromise_is_neither_in_the_future_nor_put_off(
    shanxi: TestJurisdiction, since: datetime, said: str
) -> None:
    (lost,) = published(shanxi)
    key_life.compromise(shanxi.settings, lost, THE_DAY - DAY, THE_DAY)
    with pytest.raises(InvalidInput, match=said):
        key_life.compromise(shanxi.settings, lost, since, THE_DAY)


def test_without_any_key_nothing_is_published(shanxi: TestJurisdiction) -> None:
    shanxi.layout.key("signing").unlink()
    with pytest.raises(NotReady) as caught:
        trusting.export_bundle(shanxi.settings, THE_DAY)
    assert caught.value.reason == "KEY_NOT_LOADED"
    with pytest.raises(NotReady):
        nodes.recognise(shanxi, "140000")


def test_the_list_tells_where_each_key_is(shanxi: TestJurisdiction) -> None:
    (old,) = published(shanxi)
    new = key_life.rotate(shanxi.settings, None, None, None, THE_DAY).key_id
    shanxi.layout.key("signing").unlink()
    stray = nodes.found(shanxi.layout.home.parent / "other", "140000").layout.key("signing")
    stray.rename(shanxi.layout.home / "keys" / "signing-stray.key")
    lines = {line.key_id: line for line in key_life.list_keys(shanxi.settings, THE_DAY)}
    assert (lines[old].where, lines[old].in_use) == ("", False)
    assert lines[new].where.endswith(f"keys/signing-{new[:12]}.key")
    assert [line.role for line in lines.values()] == ["signing", "signing", "signing", "log", "cosigner", "sealing"]
    (unpublished,) = (line for line in lines.values() if line.role == "signing" and line.valid_from is None)
    assert unpublished.where.endswith("signing-stray.key")
