from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tests.support.trust import key
from trust.algorithms import ECDSA_SHA256, P256_ORDER, Suite, check_signature, key_id_of, load_public_key
from trust.errors import BadKey, SignatureInvalid, UnknownSuite
from trust.keys import PrivateKey

MESSAGE = b"synthetic message"

# RFC 8032 section 7.1, test 2.
RFC8032_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
RFC8032_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def p256() -> PrivateKey:
    return key("p256", Suite.ECDSA_P256_SHA256)


def test_rfc8032_vector_verifies_and_its_malleated_form_does_not() -> None:
    spki = bytes.fromhex("302a300506032b6570032100") + RFC8032_PUBLIC
    public = load_public_key(spki, "ed25519")
    public.verify(RFC8032_SIGNATURE, b"\x72")
    s = int.from_bytes(RFC8032_SIGNATURE[32:], "little") + ED25519_ORDER  # the same point, S not reduced
    with pytest.raises(SignatureInvalid):
        public.verify(RFC8032_SIGNATURE[:32] + s.to_bytes(32, "little"), b"\x72")


@pytest.mark.parametrize("suite", list(Suite))
def test_signatures_fit_their_message_and_key_only(suite: Suite) -> None:
    signer, other = key(f"signer {suite}", suite), key(f"other {suite}", suite)
    signature = signer.sign(MESSAGE)
    signer.public.verify(signature, MESSAGE)
    for public, sig, message in (
        (other.public, signature, MESSAGE),
        (signer.public, signature, MESSAGE + b"."),
        (signer.public, signature[:-1], MESSAGE),
        (signer.public, signature + b"\x00", MESSAGE),
        (signer.public, b"", MESSAGE),
    ):
        with pytest.raises(SignatureInvalid):
            public.verify(sig, message)


def test_ecdsa_high_s_verifies_elsewhere_and_is_refused_here() -> None:
    signature = p256().sign(MESSAGE)
    r, s = decode_dss_signature(signature)
    assert s <= P256_ORDER // 2
    high = encode_dss_signature(r, P256_ORDER - s)
    library_key = serialization.load_der_public_key(p256().spki)
    assert isinstance(library_key, ec.EllipticCurvePublicKey)
    library_key.verify(high, MESSAGE, ECDSA_SHA256)  # or the test would prove nothing
    with pytest.raises(SignatureInvalid):
        p256().public.verify(high, MESSAGE)


def test_every_ecdsa_signature_that_we_make_is_low_s() -> None:
    for number in range(32):  # each would be high with probability one half
        p256().public.verify(p256().sign(b"%d" % number), b"%d" % number)


def test_key_id_is_the_whole_digest_of_the_spki() -> None:
    signer = key("signing")
    assert signer.key_id == hashlib.sha256(signer.spki).hexdigest() == key_id_of(signer.spki)
    assert len(signer.key_id) == 64


def test_a_key_is_loaded_under_its_own_suite_only() -> None:
    with pytest.raises(BadKey):
        load_public_key(p256().spki, "ed25519")
    with pytest.raises(BadKey):
        load_public_key(key("signing").spki, "ecdsa-p256-sha256")
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key()
    spki = p384.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(BadKey):
        load_public_key(spki, "ecdsa-p256-sha256")


def test_the_list_of_suites_is_closed() -> None:
    with pytest.raises(UnknownSuite):
        load_public_key(key("signing").spki, "none")


def test_other_encodings_of_a_key_are_refused() -> None:
    spki = p256().spki
    point = serialization.load_der_public_key(spki)
    assert isinstance(point, ec.EllipticCurvePublicKey)
    short = point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    serialization.load_der_public_key(head + short)  # a key to the library: two ids for one key, were it taken
    for other in (head + short, spki + b"\x00", spki[:-1], b""):
        with pytest.raises(BadKey):
            load_public_key(other, "ecdsa-p256-sha256")


def test_a_key_that_is_not_known_does_not_count() -> None:
    signature = key("signing").sign(MESSAGE)
    known = {key("signing").key_id: key("signing").public}
    assert check_signature(known, key("signing").key_id, signature, MESSAGE) is Suite.ED25519
    with pytest.raises(SignatureInvalid) as caught:
        check_signature({}, key("signing").key_id, signature, MESSAGE)
    assert caught.value.reason == "KEY_UNKNOWN"
