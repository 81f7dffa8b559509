"""A founded jurisdiction: its keys are its own, its bundle names them, and nothing is done by half."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from node.app import founding
from node.app.authority import BACKDATED
from node.app.ceremony_files import read_public_key
from node.app.keyring import Keyring, load_keyring, require_published
from node.app.running import Node
from node.app.trusting import trusted_state
from node.config.settings import Settings
from node.errors import InvalidInput, NotReady
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.algorithms import Suite
from trust.certificates import Authorities, validate_path
from trust.identities import Role, WorkloadIdentity
from trust.keys import generate, load, save
from trust.sealing import load_sealing_key_file


def founded(home: Path, suite: Suite = Suite.ED25519, passphrase: bytes | None = None) -> founding.Layout:
    layout = founding.Layout(home)
    founding.found(
        layout,
        founding.Founding("140000", "山西省", "Shanxi", ("127.0.0.1:7443",), ("desk",), suite, 365, 365),
        THE_DAY,
        os.urandom,
        passphrase,
    )
    layout.settings.write_text('division = "140000"\n', encoding="utf-8")
    return layout


@pytest.mark.parametrize("suite", list(Suite))
def test_the_own_bundle_names_the_keys_that_were_made(tmp_path: Path, suite: Suite) -> None:
    settings = Settings.load(founded(tmp_path / "home", suite).settings, {})
    state = trusted_state(settings)
    keyring = load_keyring(settings)
    require_published(keyring, state.own.trusted, THE_DAY)
    assert [key.suite for key in keyring.signing.present(state.own.trusted, THE_DAY)] == [suite]
    assert (state.own.bundle.version, state.own.bundle.endpoints) == (1, ("127.0.0.1:7443",))
    assert state.own.bundle.log.origin == "huxin/140000"
    assert state.problems == ()


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    layout = founded(tmp_path / "home")
    keys = sorted((layout.home / "keys").glob("*.key"))
    assert [key.name for key in keys] == [
        f"{name}.key"
        for name in ("ca", "cosigner", "gateway", "log", "node", "operator", "registry", "sealing", "signing")
    ]
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert (layout.home / "keys").stat().st_mode & 0o077 == 0
    ids = {(load_sealing_key_file if key.stem == "sealing" else load)(key).key_id for key in keys}
    assert len(ids) == len(keys)


def test_the_registry_key_has_its_public_half_beside_it(tmp_path: Path) -> None:
    layout = founded(tmp_path / "home")
    public = read_public_key(layout.home / "keys" / "registry.pub")
    assert public == load(layout.key("registry")).public
    assert [path.name for path in (layout.home / "keys").glob("*.pub")] == ["registry.pub"]


def test_a_passphrase_locks_what_signs(tmp_path: Path) -> None:
    layout = founded(tmp_path / "home", passphrase=b"synthetic passphrase")
    for name in ("signing", "log", "cosigner", "ca", "registry"):
        assert b"ENCRYPTED" in layout.key(name).read_bytes()
    with pytest.raises(NotReady, match="signing key is not loaded"):
        load_keyring(Settings.load(layout.settings, {}))
    secret = tmp_path / "passphrase"
    secret.touch(0o600)
    secret.write_text("synthetic passphrase\n")
    load_keyring(Settings.load(layout.settings, {"HUXIN_KEYS__PASSPHRASE_FILE": str(secret)}))


@pytest.mark.parametrize("role", founding.WORKLOADS)
def test_each_workload_has_a_certificate_of_the_own_ca(tmp_path: Path, role: Role) -> None:
    layout = founded(tmp_path / "home")
    ca = x509.load_pem_x509_certificate(layout.certificate("ca").read_bytes())
    leaf = layout.certificate(role.value).read_bytes()
    for at in (THE_DAY, THE_DAY - BACKDATED, THE_DAY + timedelta(days=364)):
        found = validate_path(leaf, {"140000": Authorities((ca,), frozenset())}, at)
        assert found.identity == WorkloadIdentity("140000", role, "")


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "notes.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="not empty"):
        founded(home)
    assert [path.name for path in home.iterdir()] == ["notes.txt"]


async def test_a_founding_that_was_cut_off_does_not_serve(tmp_path: Path) -> None:
    """The own bundle comes last: without it the node says so."""
    layout = founded(tmp_path / "home")
    (layout.trust / "bundles" / "140000.json").unlink()
    node = Node(Settings.load(layout.settings, {}), SettableClock(THE_DAY), os.urandom)
    with pytest.raises(NotReady, match="huxin init"):
        await node.start()


# Keys that nobody could verify


@pytest.mark.parametrize("name", ["signing", "log", "cosigner"])
async def test_a_node_does_not_sign_with_keys_that_its_bundle_does_not_name(
    guizhou: TestJurisdiction, name: str
) -> None:
    """Whatever it issued would be refused everywhere, and nobody here would notice."""
    guizhou.layout.key(name).unlink()
    save(generate(Suite.ED25519), guizhou.layout.key(name))
    with pytest.raises(NotReady, match=f"The {name} key is not one") as caught:
        await guizhou.start(SettableClock(THE_DAY))
    assert caught.value.reason == "KEY_NOT_PUBLISHED"


def test_a_key_whose_time_is_over_does_not_sign(guizhou: TestJurisdiction) -> None:
    keyring, own = load_keyring(guizhou.settings), trusted_state(guizhou.settings).own.trusted
    (key_id, known), *_ = own.keys.items()
    for change in ({"retired_at": THE_DAY}, {"compromised_at": THE_DAY}, {"valid_from": THE_DAY + timedelta(1)}):
        over = replace(own, keys={key_id: replace(known, **change)})  # type: ignore[arg-type]  # fields by name
        with pytest.raises(NotReady):
            require_published(keyring, over, THE_DAY)
        require_published(keyring, own, THE_DAY)


def test_no_key_is_shown(guizhou: TestJurisdiction) -> None:
    keyring: Keyring = load_keyring(guizhou.settings)
    assert "PRIVATE" not in repr(keyring)


def test_every_jurisdiction_has_its_own(tmp_path: Path) -> None:
    one, other = nodes.found(tmp_path, "140000"), nodes.found(tmp_path, "520000")
    assert not set(trusted_state(one.settings).own.trusted.keys) & set(trusted_state(other.settings).own.trusted.keys)
