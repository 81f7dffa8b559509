"""HPKE as messages use it: the published vector, every bit bound, and what a bundle may list."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trust import sealing
from trust.errors import BadKey, MalformedInput
from trust.vocabulary import SealingKeyInfo

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
INFO = b"huxin/message/v1 to 140000"


def info_of(key: sealing.SealingKey, begins: datetime, suite: str = sealing.SEALING_SUITE) -> SealingKeyInfo:
    return SealingKeyInfo(key.spki, suite, begins)


def test_what_is_sealed_opens_with_the_private_half_only() -> None:
    key, other = sealing.generate_sealing_key(), sealing.generate_sealing_key()
    sealed = key.public.seal("统一社会信用代码".encode(), INFO)
    assert key.open(sealed, INFO).decode() == "统一社会信用代码"
    assert len(sealed) == len("统一社会信用代码".encode()) + sealing.OVERHEAD_BYTES
    assert sealed != key.public.seal("统一社会信用代码".encode(), INFO), "a fresh encapsulation each time"
    with pytest.raises(MalformedInput):
        other.open(sealed, INFO)


def test_every_bit_and_what_it_is_bound_to_counts() -> None:
    key = sealing.generate_sealing_key()
    sealed = key.public.seal(b"content", INFO)
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(MalformedInput) as failure:
            key.open(bytes(altered), INFO)
        assert failure.value.reason == "NOT_OPENED"
    for info in (b"", INFO + b"\x00", INFO[:-1]):
        with pytest.raises(MalformedInput):
            key.open(sealed, info)
    for cut in (b"", sealed[:31], sealed[:47], sealed[:-1]):
        with pytest.raises(MalformedInput):
            key.open(cut, INFO)


def test_it_is_the_scheme_of_the_rfc() -> None:
    """Sealed here, opened by RFC 9180's steps (sections 4.1, 5.1, 5.2) written out anew with HMAC and AES alone."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - of this one test

    private = x25519.X25519PrivateKey.generate()
    sealed = sealing.SealingKey(private).public.seal(b"content", INFO)
    enc, ciphertext = sealed[:32], sealed[32:]
    shared = private.exchange(x25519.X25519PublicKey.from_public_bytes(enc))
    kem = b"KEM" + (0x0020).to_bytes(2, "big")
    hpke = b"HPKE" + (0x0020).to_bytes(2, "big") + (0x0001).to_bytes(2, "big") + (0x0002).to_bytes(2, "big")
    own = private.public_key().public_bytes_raw()
    secret = _expand(kem, _extract(kem, b"", b"eae_prk", shared), b"shared_secret", enc + own, 32)
    context = b"\x00" + _extract(hpke, b"", b"psk_id_hash", b"") + _extract(hpke, b"", b"info_hash", INFO)
    schedule = _extract(hpke, secret, b"secret", b"")
    key, nonce = _expand(hpke, schedule, b"key", context, 32), _expand(hpke, schedule, b"base_nonce", context, 12)
    assert AESGCM(key).decrypt(nonce, ciphertext, b"") == b"content"


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    import hmac  # noqa: PLC0415 - of this one test

    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    import hmac  # noqa: PLC0415 - of this one test

    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, labelled + b"\x01", "sha256")[:length]


def test_the_newest_key_that_has_begun_is_sealed_to() -> None:
    old, new, later, alien = (sealing.generate_sealing_key() for _ in range(4))
    listed = [
        info_of(new, NOW - timedelta(days=1)),
        info_of(old, NOW - timedelta(days=9)),
        info_of(later, NOW + timedelta(seconds=1)),
        info_of(alien, NOW, "hpke-of-another-time"),
    ]
    assert sealing.key_to_seal_to(listed, NOW).key_id == new.key_id
    assert sealing.key_to_seal_to(listed, NOW + timedelta(seconds=1)).key_id == later.key_id
    for nothing in ([], listed[2:]):
        with pytest.raises(BadKey, match="rotate --sealing"):
            sealing.key_to_seal_to(nothing, NOW)


def test_a_key_of_another_kind_or_form_is_refused() -> None:
    signing = ed25519.Ed25519PrivateKey.generate().public_key()
    spki = signing.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    good = sealing.generate_sealing_key().spki
    for bad in (spki, b"", good[:-1], good + b"\x00"):
        with pytest.raises(BadKey):
            sealing.load_sealing_key(bad)


def test_a_key_to_which_anybody_could_open_is_refused() -> None:
    good = sealing.generate_sealing_key().spki
    small = sealing.load_sealing_key(good[:-32] + bytes(32))
    with pytest.raises(BadKey, match="nothing secret"):
        small.seal(b"content", INFO)


def test_pseudonyms_stand_for_names_by_key_and_purpose() -> None:
    key, other = (sealing.generate_sealing_key().pseudonyms for _ in range(2))
    one = key.pseudonym(b"to 140000", b"91140000MA0TE5T16Q")
    assert len(one) == 32
    assert one == key.pseudonym(b"to 140000", b"91140000MA0TE5T16Q")
    assert one != key.pseudonym(b"to 520000", b"91140000MA0TE5T16Q")
    assert one != other.pseudonym(b"to 140000", b"91140000MA0TE5T16Q")
    assert one != key.pseudonym(b"to 140000", b"91140000MA0TE5T16R")


def test_pseudonyms_are_what_rfc_5869_makes_of_the_key() -> None:
    """Made in two halves, the first of which outlives the key; what it was before stays the same."""
    raw = bytes(range(32))
    key = sealing.SealingKey(x25519.X25519PrivateKey.from_private_bytes(raw))
    whole = HKDF(hashes.SHA256(), 32, salt=None, info=b"huxin/pseudonym/v1\x00to 140000").derive(raw)
    assert key.pseudonyms.pseudonym(b"to 140000", b"name") == hmac.digest(whole, b"name", "sha256")
    assert raw not in key.pseudonyms.secret
    assert key.pseudonyms.secret.hex() not in repr(key.pseudonyms)
    assert repr(key.pseudonyms) == "PseudonymKey()"


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_a_key_file_holds_its_key_and_no_other_user_may_read_it(tmp_path: Path, passphrase: bytes | None) -> None:
    key, path = sealing.generate_sealing_key(), tmp_path / "sealing.key"
    sealing.save_sealing_key(key, path, passphrase)
    assert sealing.load_sealing_key_file(path, passphrase).key_id == key.key_id
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadKey):
        sealing.save_sealing_key(key, path)
    with pytest.raises(BadKey):
        sealing.load_sealing_key_file(path, b"wrong" if passphrase else b"not needed")
    path.chmod(0o640)
    with pytest.raises(BadKey, match="chmod 600"):
        sealing.load_sealing_key_file(path, passphrase)
