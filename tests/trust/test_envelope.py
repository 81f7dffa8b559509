from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.trust import key
from trust.algorithms import Suite
from trust.envelope import MAX_SIGNATURES, Envelope, Signature, check_signatures, from_json, pae, seal, to_json
from trust.errors import MalformedInput, NotCanonical, SignatureInvalid, TooLarge

TYPE = "http://example.com/HelloWorld"
PAYLOAD = b"hello world"
P256 = Suite.ECDSA_P256_SHA256


def known() -> dict[str, Any]:
    return {signer.key_id: signer.public for signer in (key("signing"), key("p256", P256))}


def test_pae_of_the_specification() -> None:
    # DSSE v1.0.0, protocol.md, section "Test Vectors".
    assert pae(TYPE, PAYLOAD) == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_are_bytes() -> None:
    assert pae("类型", "信".encode()) == b"DSSEv1 6 " + "类型".encode() + b" 3 " + "信".encode()


@given(st.text(), st.binary(), st.text(), st.binary())
def test_no_two_statements_share_an_encoding(one: str, first: bytes, two: str, second: bytes) -> None:
    assert (pae(one, first) == pae(two, second)) == ((one, first) == (two, second))


def test_every_signature_counts() -> None:
    envelope = seal(TYPE, PAYLOAD, [key("p256", P256), key("signing")])
    assert check_signatures(envelope, known()) == {Suite.ED25519, P256}
    for spoilt in (0, 1):
        signatures = list(envelope.signatures)
        signatures[spoilt] = Signature(signatures[spoilt].key_id, b"\x30" + signatures[spoilt].sig[1:-1] + b"\xff")
        with pytest.raises(SignatureInvalid):
            check_signatures(Envelope(TYPE, PAYLOAD, tuple(signatures)), known())
        with pytest.raises(SignatureInvalid):
            check_signatures(
                envelope, {envelope.signatures[spoilt].key_id: known()[envelope.signatures[spoilt].key_id]}
            )


def test_the_type_is_signed_with_the_payload() -> None:
    envelope = seal(TYPE, PAYLOAD, [key("signing")])
    with pytest.raises(SignatureInvalid):
        check_signatures(Envelope(TYPE + "2", PAYLOAD, envelope.signatures), known())


def test_an_envelope_has_one_form() -> None:
    one, two = seal(TYPE, PAYLOAD, [key("p256", P256), key("signing")]).signatures
    assert one.key_id < two.key_id
    for signatures in ((two, one), (one, one)):
        with pytest.raises(NotCanonical):
            Envelope(TYPE, PAYLOAD, signatures)
    with pytest.raises(MalformedInput):
        Envelope(TYPE, PAYLOAD, ())
    with pytest.raises(MalformedInput):
        Envelope("类型", PAYLOAD, (one,))
    with pytest.raises(TooLarge):
        Envelope(TYPE, PAYLOAD, tuple(Signature(f"{n:064x}", b"s") for n in range(MAX_SIGNATURES + 1)))


@pytest.mark.parametrize("key_id", ["", "ab", "A" * 64, "g" * 64, "a" * 63 + "\n"])
def test_key_ids_are_whole_and_lower_case(key_id: str) -> None:
    with pytest.raises(MalformedInput):
        Signature(key_id, b"s")


@given(st.binary(max_size=200))
def test_json_comes_back_as_it_was(payload: bytes) -> None:
    envelope = seal(TYPE, payload, [key("signing"), key("p256", P256)])
    assert from_json(to_json(envelope)) == envelope
    standard = json.loads(to_json(envelope))
    assert set(standard) == {"payload", "payloadType", "signatures"}
    assert base64.b64decode(standard["payload"]) == payload


def url_safe(document: dict[str, Any]) -> None:
    document["payload"] = "-_-_"


def unpadded(document: dict[str, Any]) -> None:
    document["payload"] = document["payload"].rstrip("=")


def loose_bits(document: dict[str, Any]) -> None:
    assert document["payload"].endswith("ZA==")
    document["payload"] = document["payload"][:-4] + "ZB=="  # decodes to the same byte


def line_break(document: dict[str, Any]) -> None:
    document["payload"] = document["payload"][:4] + "\n" + document["payload"][4:]


def another_member(document: dict[str, Any]) -> None:
    document["note"] = "unsigned"


def another_member_of_a_signature(document: dict[str, Any]) -> None:
    document["signatures"][0]["cert"] = ""


def no_signature(document: dict[str, Any]) -> None:
    document["signatures"] = []


def number_for_text(document: dict[str, Any]) -> None:
    document["payload"] = 7


def number_for_key_id(document: dict[str, Any]) -> None:
    document["signatures"][0]["keyid"] = 7


def number_for_type(document: dict[str, Any]) -> None:
    document["payloadType"] = 7


VARIANTS: list[Callable[[dict[str, Any]], None]] = [
    url_safe,
    unpadded,
    loose_bits,
    line_break,
    another_member,
    another_member_of_a_signature,
    no_signature,
    number_for_text,
    number_for_key_id,
    number_for_type,
]


@pytest.mark.parametrize("alter", VARIANTS, ids=lambda alter: alter.__name__)
def test_json_in_any_other_form_is_refused(alter: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(to_json(seal(TYPE, b"hello world" + b"dd", [key("signing")])))
    if alter is loose_bits:
        document["payload"] = base64.b64encode(b"d").decode()
    alter(document)
    with pytest.raises(MalformedInput):
        from_json(json.dumps(document))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"payload":"","payload":""}', "[" * 100_000, "7", "null"])
def test_text_that_is_no_envelope_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput):
        from_json(text)


def test_a_giant_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(TooLarge):
        from_json(" " * (2 * 1024 * 1024 + 1))
