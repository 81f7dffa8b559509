"""Keys come and go while a node runs: new files are noticed, and nothing signs that the bundle does not name."""

from __future__ import annotations

from datetime import timedelta

import pytest

from node.app import key_life
from node.app.held_key import HeldKey, KeyOpener, Place
from node.app.keyring import load_keyring, load_signing_keys, require_published
from node.app.trusting import trusted_state
from node.config.settings import Settings
from node.errors import BadConfiguration, NotReady
from node.readiness import MissingKey
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.algorithms import Suite
from trust.keys import Signer, generate, load, save
from trust.log.checkpoint import cosign, own_cosigner, sign_head
from trust.log.succession import Succession
from trust.log.tree import EMPTY_ROOT

DAY = timedelta(days=1)


def present(one: TestJurisdiction) -> list[str]:
    return [
        key.key_id for key in load_signing_keys(one.settings).present(trusted_state(one.settings).own.trusted, THE_DAY)
    ]


def test_a_key_file_that_appears_is_noticed_and_one_that_is_half_written_is_tried_again(
    guizhou: TestJurisdiction,
) -> None:
    signing = load_signing_keys(guizhou.settings)
    half = guizhou.layout.home / "keys" / "signing-0123456789ab.key"
    half.touch(0o600)
    signing.refresh()
    assert len(signing.held()) == 1
    assert "damaged" in signing.trouble()
    half.unlink()
    key = generate(Suite.ED25519)
    save(key, half)
    signing.refresh()
    assert key.key_id in signing.held()
    assert signing.trouble() == ""


def test_other_files_in_the_folder_are_left_alone(guizhou: TestJurisdiction) -> None:
    assert {key.place for key in load_signing_keys(guizhou.settings)} == {guizhou.layout.key("signing")}


def test_a_retired_key_may_be_destroyed(guizhou: TestJurisdiction) -> None:
    """Its private half is of no use to anyone but a thief."""
    change = key_life.rotate(guizhou.settings, None, timedelta(0), None, THE_DAY)
    guizhou.layout.key("signing").unlink()
    keyring, own = load_keyring(guizhou.settings), trusted_state(guizhou.settings).own.trusted
    later = THE_DAY + 2 * DAY
    require_published(keyring, own, later)
    assert [key.key_id for key in keyring.signing.present(own, later)] == [change.key_id]
    assert keyring.missing(own, later) == ()


def test_what_is_missing_is_named_with_the_reason(guizhou: TestJurisdiction) -> None:
    keyring, own = load_keyring(guizhou.settings), trusted_state(guizhou.settings).own.trusted
    assert keyring.missing(own, THE_DAY) == ()
    (missing,) = keyring.missing(own, THE_DAY - 365 * DAY)
    assert missing == MissingKey("signing", "our own bundle lets no key that is here sign now")


def test_a_published_key_that_is_not_here_stops_the_start(guizhou: TestJurisdiction) -> None:
    change = key_life.add(guizhou.settings, Suite.ECDSA_P256_SHA256, timedelta(0), None, THE_DAY)
    (guizhou.layout.home / "keys" / f"signing-{change.key_id[:12]}.key").unlink()
    keyring, own = load_keyring(guizhou.settings), trusted_state(guizhou.settings).own.trusted
    with pytest.raises(NotReady) as caught:
        require_published(keyring, own, THE_DAY)
    assert caught.value.reason == "KEY_NOT_PUBLISHED"


def test_a_log_key_that_is_not_ours_never_signs(guizhou: TestJurisdiction) -> None:
    keyring, own = load_keyring(guizhou.settings), trusted_state(guizhou.settings).own.trusted
    with pytest.raises(NotReady):
        keyring.head.expect(own.cosigners["huxin/520000/node"].key_id)
    for _ in range(2):
        keyring.refresh()
        with pytest.raises(NotReady, match="our own bundle names"):
            keyring.head.sign(b"x")


class _Failing(KeyOpener):
    """As a vendor's module that raises what nobody foresaw."""

    def open(self, place: Place) -> Signer:
        raise ZeroDivisionError(str(place))


def test_a_module_that_fails_in_its_own_way_leaves_the_other_keys_alone(guizhou: TestJurisdiction) -> None:
    key = HeldKey("signing", _Failing(guizhou.settings), guizhou.layout.key("signing"))
    key.refresh()
    assert "not foreseen" in key.trouble
    assert str(guizhou.layout.home) not in key.trouble
    with pytest.raises(NotReady) as caught:
        key.sign(b"x")
    assert caught.value.reason == "KEY_NOT_LOADED"


def test_a_uri_that_names_no_token_is_a_wrong_setting(guizhou: TestJurisdiction) -> None:
    settings = Settings.load(guizhou.layout.settings, {"HUXIN_KEYS__LOG": "pkcs11:object=log"})
    with pytest.raises(BadConfiguration, match=r"keys\.log.*token=LABEL"):
        load_keyring(settings)


def test_a_uri_file_that_others_can_change_is_not_followed(guizhou: TestJurisdiction) -> None:
    """It names a program library that the node would run."""
    path = guizhou.layout.home / "keys" / "signing-0123456789ab.uri"
    path.write_text("pkcs11:token=huxin;object=signing?module-path=/usr/lib/module.so\n")
    path.chmod(0o644)
    signing = load_signing_keys(guizhou.settings)
    assert "open to other users" in signing.trouble()
    assert present(guizhou) == list(signing.held())


def test_the_key_of_the_log_before_is_told_from_a_wrong_one(guizhou: TestJurisdiction) -> None:
    """Between the release of a succession and the new keys in their places nothing is to be restored."""
    keyring, own = load_keyring(guizhou.settings), trusted_state(guizhou.settings).own.trusted
    log, cosigner = load(guizhou.layout.key("log")), load(guizhou.layout.key("cosigner"))
    new = generate(Suite.ED25519)
    note = cosign(sign_head(own.origin, 0, EMPTY_ROOT, log), own_cosigner(own.origin), cosigner, THE_DAY)
    later = own.succeeded(Succession(own.origin, note, f"{own.origin}/2", new.spki, cosigner.spki, THE_DAY))
    with pytest.raises(NotReady) as caught:
        require_published(keyring, later, THE_DAY)
    assert caught.value.reason == "KEY_NOT_PUBLISHED"
    for said in ("The log key", "huxin/520000/2", "huxin log close", "at keys.log", "huxin log found"):
        assert said in caught.value.message
    assert "restore" not in caught.value.message
    save(new, guizhou.layout.home / "new.key")
    (guizhou.layout.home / "new.key").replace(guizhou.layout.key("log"))
    require_published(load_keyring(guizhou.settings), later, THE_DAY)
    with pytest.raises(NotReady, match="trust refresh"):
        require_published(load_keyring(guizhou.settings), own, THE_DAY)
