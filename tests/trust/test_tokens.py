"""Keys in a real token: they sign what verifies elsewhere, never come out, and say what is wrong with the token."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass, TokenFlag, _pkcs11
from pkcs11.exceptions import AttributeSensitive

from tests.support.softhsm import PIN, SoftToken, token
from trust import tokens
from trust.algorithms import Suite, load_public_key
from trust.envelope import check_signatures, seal
from trust.errors import BadKey, KeyUnavailable
from trust.token_uri import TokenUri
from trust.tokens import Tokens

__all__ = ["token"]

SUITES = (Suite.ED25519, Suite.ECDSA_P256_SHA256)


def pin_of(uri: TokenUri) -> str:
    assert uri.pin_source is not None
    return uri.pin_source.read_text().strip()


def test_every_suite_of_a_token_is_tested_here() -> None:
    assert tokens.TOKEN_SUITES == SUITES


@pytest.mark.parametrize("suite", SUITES)
def test_what_a_token_signs_verifies_like_anything_else(token: SoftToken, suite: Suite) -> None:
    made = Tokens(pin_of).generate(token.uri("signing"), suite)
    again = Tokens(pin_of).open(token.uri("signing"))
    assert (again.suite, again.key_id, again.spki) == (suite, made.key_id, made.spki)
    public = load_public_key(made.spki, suite)
    for number in range(40):  # of 40 raw ECDSA signatures about half have the higher s
        envelope = seal("synthetic", str(number).encode(), [again])
        assert check_signatures(envelope, {public.key_id: public}) == {suite}


@pytest.mark.parametrize("suite", SUITES)
def test_the_private_key_stays_in_the_token(token: SoftToken, suite: Suite) -> None:
    key = Tokens(pin_of).generate(token.uri("signing"), suite)
    session = pkcs11.lib(str(token.module)).get_token(token_label="huxin").open()
    (private,) = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
    assert private[Attribute.SENSITIVE]
    assert private[Attribute.ALWAYS_SENSITIVE]
    assert not private[Attribute.EXTRACTABLE]
    assert private[Attribute.NEVER_EXTRACTABLE]
    with pytest.raises(AttributeSensitive):
        private[Attribute.VALUE]
    assert {name for name in dir(key) if not name.startswith("_")} == {
        *("suite", "key_id", "spki", "public", "sign", "check")
    }
    assert "PRIVATE" not in repr(key)


def test_a_key_that_could_be_taken_out_is_not_used(token: SoftToken) -> None:
    session = pkcs11.lib(str(token.module)).get_token(token_label="huxin").open(rw=True, user_pin=PIN)
    curve = {Attribute.EC_PARAMS: bytes.fromhex("06082a8648ce3d030107")}
    parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
    loose = {Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: True}
    parameters.generate_keypair(store=True, label="loose", private_template=loose)
    with pytest.raises(BadKey, match="hand this private key out") as caught:
        Tokens(pin_of).open(token.uri("loose"))
    assert caught.value.reason == "KEY_EXTRACTABLE"


def test_halves_that_do_not_belong_together_are_refused(token: SoftToken) -> None:
    opener = Tokens(pin_of)
    opener.generate(token.uri("one"), Suite.ED25519)
    opener.generate(token.uri("two"), Suite.ED25519)
    session = pkcs11.lib(str(token.module)).get_token(token_label="huxin").open(rw=True)
    for label, other in (("one", "swap"), ("two", "one")):
        (public,) = session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.LABEL: label})
        public[Attribute.LABEL] = other
    with pytest.raises(BadKey, match="do not belong together"):
        opener.open(token.uri("one"))


def test_a_label_is_used_once(token: SoftToken) -> None:
    opener = Tokens(pin_of)
    key_id = opener.generate(token.uri("signing"), Suite.ED25519).key_id
    with pytest.raises(BadKey, match="never replaced"):
        opener.generate(token.uri("signing"), Suite.ED25519)
    assert opener.open(token.uri("signing")).key_id == key_id


def test_a_token_without_a_named_key_is_no_key(token: SoftToken) -> None:
    with pytest.raises(BadKey, match="object=LABEL"):
        Tokens(pin_of).open(token.uri())


# What can be wrong with a token


def reason(opener: Tokens, uri: TokenUri) -> str:
    with pytest.raises(KeyUnavailable) as caught:
        opener.open(uri)
    assert PIN not in caught.value.message
    assert "/" not in caught.value.message  # no path of this machine
    return caught.value.reason


def test_what_is_not_there_is_absent(token: SoftToken) -> None:
    opener, uri = Tokens(pin_of), token.uri("signing")
    assert reason(opener, uri) == "TOKEN_ABSENT"
    assert reason(opener, replace(uri, token="another")) == "TOKEN_ABSENT"
    assert reason(opener, replace(uri, serial="0000")) == "TOKEN_ABSENT"
    for no_module in (Path("/no/such/module.so"), Path(__file__), Path(_pkcs11.__file__)):
        assert reason(opener, replace(uri, module=no_module)) == "TOKEN_ABSENT"


def counts_a_wrong_pin(token: SoftToken) -> bool:
    found = pkcs11.lib(str(token.module)).get_token(token_label="huxin")
    return bool(found.flags & TokenFlag.USER_PIN_COUNT_LOW)


def test_a_wrong_pin_is_tried_once_and_the_right_one_opens(token: SoftToken) -> None:
    """A token that locks itself after three wrong PINs must not be locked by a node that tries again and again."""
    Tokens(pin_of).generate(token.uri("signing"), Suite.ED25519)
    pkcs11.lib(str(token.module)).reinitialize()  # ends the login: another process has none
    opener = Tokens(pin_of)
    token.write_pin("wrong")
    assert reason(opener, token.uri("signing")) == "TOKEN_LOCKED"
    assert counts_a_wrong_pin(token)
    pkcs11.lib(str(token.module)).get_token(token_label="huxin").open(user_pin=PIN).close()  # clears the count
    for label in ("signing", "log", "signing"):
        assert reason(opener, token.uri(label)) == "TOKEN_LOCKED"
    assert not counts_a_wrong_pin(token)
    token.write_pin(PIN)
    assert opener.open(token.uri("signing")).sign(b"x")


def test_a_token_that_is_taken_away_is_gone_and_works_again_when_it_is_back(token: SoftToken) -> None:
    opener, uri = Tokens(pin_of), token.uri("signing")
    key = opener.generate(uri, Suite.ED25519)
    key.check()
    token.unplug()
    for act in (key.check, lambda: key.sign(b"x")):
        with pytest.raises(KeyUnavailable) as caught:
            act()
        assert caught.value.reason == "TOKEN_GONE"
    assert reason(opener, uri) == "TOKEN_ABSENT"
    token.plug_in()
    again = opener.open(uri)
    assert again.key_id == key.key_id
    again.public.verify(again.sign(b"x"), b"x")
    with pytest.raises(KeyUnavailable):  # handles from before are not used again
        key.sign(b"x")
