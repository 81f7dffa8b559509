"""Suite sm2-sm3: the standard's known answers, other implementations in both directions, one form of everything."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from pathlib import Path

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.openssl import SIGNER_ID, openssl, sm2_key_file
from tests.support.trust import key
from trust import sm2
from trust.algorithms import Suite, load_public_key
from trust.errors import BadKey, SignatureInvalid, UnknownSuite
from trust.keys import PrivateKey, generate, load, save
from trust.sm2 import SM2_ORDER, SPKI_BYTES

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "testvectors.json").read_text("utf-8"))
MESSAGE = b"synthetic message"

# GB/T 32918.5-2017 annex A, on the recommended curve.
A = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"
B = "28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"
G = (
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)
KNOWN_PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
KNOWN_POINT = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
KNOWN_Z = "B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3"
KNOWN_E = "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"
KNOWN_MESSAGE = b"message digest"
SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
KNOWN_SPKI = SPKI_HEAD + bytes.fromhex(KNOWN_POINT)
PRIVATE_HEAD = bytes.fromhex("308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420")
KNOWN_PEM = b"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n" % b64encode(
    PRIVATE_HEAD + bytes.fromhex(KNOWN_PRIVATE) + bytes.fromhex("a14403420004") + bytes.fromhex(KNOWN_POINT)
)


def signer() -> PrivateKey:
    return key("sm2", Suite.SM2_SM3)


def raw(spki: bytes) -> bytes:
    """The 64 bytes of the point."""
    return spki[len(SPKI_HEAD) :]


def known_signature(signer_id: str) -> bytes:
    r, s = next((r, s) for each, r, s in VECTORS["sm2"] if each == signer_id)
    return encode_dss_signature(int(r, 16), int(s, 16))


# Known answers


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"abc", VECTORS["sm3_abc"]),  # GB/T 32905-2016 annex A.1
        (b"abcd" * 16, VECTORS["sm3_abcd16"]),  # A.2
        ("专项信用报告".encode(), VECTORS["sm3_utf8"]),
    ],
)
def test_sm3_of_the_oracle_is_that_of_the_standard(message: bytes, digest: str) -> None:
    """The next test leans on it."""
    assert gmssl_pyx.sm3_hash(message).hex() == digest


def test_the_digest_that_the_standard_signs_holds_the_signer_id_and_the_key() -> None:
    parameters = bytes.fromhex(A + B + G + KNOWN_POINT)
    z = gmssl_pyx.sm3_hash((len(sm2.SIGNER_ID) * 8).to_bytes(2, "big") + sm2.SIGNER_ID + parameters)
    assert z.hex().upper() == KNOWN_Z
    assert gmssl_pyx.sm3_hash(z + KNOWN_MESSAGE).hex().upper() == KNOWN_E


def test_the_standards_signature_verifies() -> None:
    load_public_key(KNOWN_SPKI, "sm2-sm3").verify(known_signature("1234567812345678"), KNOWN_MESSAGE)


def test_the_standards_private_key_has_its_public_key_and_signs(tmp_path: Path) -> None:
    path = tmp_path / "known.key"
    path.write_bytes(KNOWN_PEM)
    path.chmod(0o600)
    known = load(path)
    assert (known.suite, known.spki) == (Suite.SM2_SM3, KNOWN_SPKI)
    signature = known.sign(KNOWN_MESSAGE)
    assert gmssl_pyx.sm2_verify(bytes.fromhex(KNOWN_POINT), KNOWN_MESSAGE, signature)


@pytest.mark.parametrize("other_id", ["", "TLSv1.3+GM+Cipher+Suite"])
def test_a_signature_with_another_signer_id_is_refused(other_id: str) -> None:
    with pytest.raises(SignatureInvalid):
        load_public_key(KNOWN_SPKI, "sm2-sm3").verify(known_signature(other_id), KNOWN_MESSAGE)


# Other implementations


def test_gmssl_and_we_verify_each_other() -> None:
    for number in range(20):
        message = bytes([number]) * (number * 37)
        signature = signer().sign(message)
        assert gmssl_pyx.sm2_verify(raw(signer().spki), message, signature)
        assert not gmssl_pyx.sm2_verify(raw(signer().spki), message + b".", signature)
        public, private = gmssl_pyx.sm2_key_generate()
        theirs = load_public_key(SPKI_HEAD + public, "sm2-sm3")
        theirs.verify(gmssl_pyx.sm2_sign(private, public, message), message)
        with pytest.raises(SignatureInvalid):  # without Z
            theirs.verify(gmssl_pyx.sm2_sign(private, public, message, None), message)


def files(tmp_path: Path, message: bytes) -> tuple[Path, Path, Path]:
    """Private key, public key, message, as files."""
    private = sm2_key_file(tmp_path / "private.pem")
    public, data = tmp_path / "public.pem", tmp_path / "message"
    assert openssl("pkey", "-in", private, "-pubout", "-out", public).returncode == 0
    data.write_bytes(message)
    return private, public, data


def signed_by_openssl(private: Path, data: Path, *options: str) -> bytes:
    made = openssl("pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-inkey", private, "-in", data, *options)
    assert made.returncode == 0, made.stderr
    return made.stdout


def openssl_verifies(public: Path, data: Path, signature: bytes, *options: str) -> bool:
    file = data.with_suffix(".sig")
    file.write_bytes(signature)
    looked = ("pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pubin", "-inkey", public, "-in", data)
    return openssl(*looked, "-sigfile", file, *options).returncode == 0


def test_openssls_command_line_and_we_verify_each_other(tmp_path: Path) -> None:
    private, public, data = files(tmp_path, MESSAGE)
    ours = load(private)
    ours.public.verify(signed_by_openssl(private, data, *SIGNER_ID), MESSAGE)
    signature = ours.sign(MESSAGE)
    assert openssl_verifies(public, data, signature, *SIGNER_ID)
    data.write_bytes(MESSAGE + b".")
    assert not openssl_verifies(public, data, signature, *SIGNER_ID)


def test_openssls_digest_command_signs_what_we_verify(tmp_path: Path) -> None:
    private, _, data = files(tmp_path, MESSAGE)
    made = openssl("dgst", "-sm3", "-sign", private, "-sigopt", SIGNER_ID[1], data)
    load(private).public.verify(made.stdout, MESSAGE)


def test_what_openssl_signs_without_a_signer_id_has_the_empty_one_and_is_refused(tmp_path: Path) -> None:
    private, public, data = files(tmp_path, MESSAGE)
    without = signed_by_openssl(private, data)
    assert openssl_verifies(public, data, without)
    assert not openssl_verifies(public, data, without, *SIGNER_ID)
    with pytest.raises(SignatureInvalid):
        load(private).public.verify(without, MESSAGE)
    # And what it takes when told nothing is the empty id: it verifies the known signature made with that.
    known, message = tmp_path / "known.pem", tmp_path / "known"
    body = b64encode(KNOWN_SPKI)
    known.write_bytes(b"-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % body)
    message.write_bytes(KNOWN_MESSAGE)
    assert openssl_verifies(known, message, known_signature(""))


@pytest.mark.parametrize("cipher", [[], ["-aes256", "-passout", "pass:synthetic"]])
def test_key_files_go_to_openssl_and_come_from_it(tmp_path: Path, cipher: list[str]) -> None:
    passphrase = b"synthetic" if cipher else None
    theirs, ours = tmp_path / "theirs.pem", tmp_path / "ours.pem"
    made = openssl("pkey", "-in", sm2_key_file(tmp_path / "plain.pem"), "-out", theirs, *cipher)
    assert made.returncode == 0, made.stderr
    theirs.chmod(0o600)
    loaded = load(theirs, passphrase)
    save(loaded, ours, passphrase)
    read = openssl("pkey", "-in", ours, "-passin", "pass:synthetic", "-pubout", "-outform", "DER")
    assert read.stdout == loaded.spki


# One form


def test_a_signature_has_one_form() -> None:
    signature = signer().sign(MESSAGE)
    r, s = decode_dss_signature(signature)
    n = SM2_ORDER
    body = signature[2:]
    for other in (
        encode_dss_signature(r + n, s),
        encode_dss_signature(r, s + n),
        encode_dss_signature(r, n - s),
        encode_dss_signature(n - r, n - s),
        encode_dss_signature(s, r),
        encode_dss_signature(0, s),
        encode_dss_signature(r, 0),
        encode_dss_signature(n, s),
        encode_dss_signature(r, n),
        b"\x30\x81" + signature[1:],  # the length in two bytes
        bytes([0x30, len(body) + 2]) + body + b"\x05\x00",  # a third member
        b"\x30\x80" + body + b"\x00\x00",  # no length
        r.to_bytes(32, "big") + s.to_bytes(32, "big"),  # raw
        signature + b"\x00",
        signature[:-1],
        b"",
    ):
        with pytest.raises(SignatureInvalid):
            signer().public.verify(other, MESSAGE)


def test_signatures_of_many_lengths_are_ours_and_verify() -> None:
    for number in range(200):  # r and s begin with zeros or a set bit now and then
        signature = signer().sign(b"%d" % number)
        signer().public.verify(signature, b"%d" % number)
        assert len(signature) <= 72


def test_a_key_has_one_form() -> None:
    spki = signer().spki
    assert len(spki) == SPKI_BYTES
    x, y = raw(spki)[:32], raw(spki)[32:]
    compressed = bytes([2 + y[-1] % 2]) + x
    for other in (
        bytes.fromhex("3039301306072a8648ce3d020106082a811ccf5501822d032200") + compressed,
        spki[:26] + bytes([6 + y[-1] % 2]) + raw(spki),  # hybrid
        spki + b"\x00",
        spki[:-1],
        b"",
        SPKI_HEAD + bytes(64),  # not on the curve
        SPKI_HEAD + x + x,
        SPKI_HEAD + b"\xff" * 64,  # not even in the field
        SPKI_HEAD + x + bytes(32),
        key("p256", Suite.ECDSA_P256_SHA256).spki,
    ):
        with pytest.raises(BadKey):
            load_public_key(other, "sm2-sm3")
    with pytest.raises(BadKey):
        load_public_key(spki, "ecdsa-p256-sha256")


def test_a_key_file_whose_halves_do_not_belong_together_is_refused() -> None:
    other = bytes.fromhex("a14403420004") + raw(signer().spki)
    body = PRIVATE_HEAD + bytes.fromhex(KNOWN_PRIVATE) + other
    forged = b"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n" % b64encode(body)
    with pytest.raises(BadKey):
        sm2.private_key(forged, None)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_as_key_signature_or_file(data: bytes) -> None:
    with pytest.raises(BadKey):
        load_public_key(data, "sm2-sm3")
    with pytest.raises(BadKey):
        load_public_key(SPKI_HEAD + data[:64].ljust(64, b"\x01"), "sm2-sm3")
    with pytest.raises(SignatureInvalid):
        signer().public.verify(data, MESSAGE)
    for passphrase in (None, b"synthetic"):
        for beginning in (b"", b"-----BEGIN PRIVATE KEY-----\n", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"):
            with pytest.raises(BadKey):
                sm2.private_key(beginning + data, passphrase)


changes = st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=3)


@settings(max_examples=300)
@given(changes)
def test_a_signature_or_file_changed_in_places_never_does_worse_than_fail(places: list[tuple[int, int]]) -> None:
    genuine = signer().sign(MESSAGE)
    changed = altered(genuine, places)
    if changed != genuine:
        with pytest.raises(SignatureInvalid):
            signer().public.verify(changed, MESSAGE)
    try:
        found = sm2.private_key(altered(signer().pem(), places), None)
    except BadKey:
        return
    assert found.spki == signer().spki, "its two halves agree, so it is the same key"


def altered(data: bytes, places: list[tuple[int, int]]) -> bytes:
    buffer = bytearray(data)
    for at, mask in places:
        buffer[at % len(buffer)] ^= mask
    return bytes(buffer)


# Where SM2 is absent

MISSING = "no-such-library.so.3"


def test_without_the_library_the_suite_is_unknown_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "sm2.key"
    save(signer(), path)
    for use in (
        lambda: load_public_key(signer().spki, "sm2-sm3", MISSING),
        lambda: generate(Suite.SM2_SM3, MISSING),
        lambda: load(path, None, MISSING),
    ):
        with pytest.raises(UnknownSuite, match=r"needs OpenSSL 3 with SM2.*keys\.libcrypto"):
            use()


def test_without_the_library_other_suites_work_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "ed25519.key"
    save(key("signing"), path)
    loaded = load(path, None, MISSING)
    load_public_key(loaded.spki, "ed25519", MISSING).verify(loaded.sign(MESSAGE), MESSAGE)
    assert hashlib.sha256(loaded.spki).hexdigest() == loaded.key_id
