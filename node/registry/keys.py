"""Keys of the trust registry: our key files and key ids on one side, TUF keys and signers on the other.

A TUF key id is any string to the specification. Here it is our key id (lowercase hex SHA-256 of the DER
SubjectPublicKeyInfo, all 64 characters) and nothing else: it is what officials compare by telephone, and one key under
two ids would count twice towards a threshold. `public_key` holds every key that is read to that.
"""

from __future__ import annotations

import base64
import re
import textwrap
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import KEY_FOR_TYPE_AND_SCHEME, Key, SecretsHandler, Signature, SSlibKey
from securesystemslib.signer import Signer as TufSigner

from trust import keys
from trust.algorithms import PublicKey, Suite, load_public_key
from trust.errors import BadKey, SignatureInvalid, TooLarge, TrustError, UnknownSuite
from trust.keys import MAX_KEY_FILE_BYTES, Signer

HOLDER_FIELD = "x-huxin-holder"
"""Field of a root key: the division code of the jurisdiction that holds it. Signed with the root."""

OWN_TYPE = "huxin"
"""TUF keytype of suites that are judged here and not by securesystemslib: the scheme is the suite's name."""

SUITES: dict[tuple[str, str], Suite] = {
    ("ed25519", "ed25519"): Suite.ED25519,
    ("ecdsa", "ecdsa-sha2-nistp256"): Suite.ECDSA_P256_SHA256,
    (OWN_TYPE, Suite.SM2_SM3.value): Suite.SM2_SM3,
    (OWN_TYPE, Suite.ML_DSA_65.value): Suite.ML_DSA_65,
}
"""TUF (keytype, scheme) of each suite that may sign metadata. The list is closed: other kinds are refused."""


_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
_PEM = re.compile(rf"{_BEGIN}\n([A-Za-z0-9+/=\n]+)\n{_END}\n*")


class SuiteKey(Key):
    """A TUF key of a suite of ours: SubjectPublicKeyInfo in PEM, judged by `trust.algorithms`.

    python-tuf finds it by the table of securesystemslib, where it is entered below.
    """

    @classmethod
    def from_dict(cls, keyid: str, key_dict: dict[str, Any]) -> SuiteKey:
        """A key as it stands in metadata. Raises TypeError or KeyError; `public_key` judges what it holds."""
        keytype, scheme, keyval = cls._from_dict(key_dict)
        return cls(keyid, keytype, scheme, keyval, key_dict)

    def to_dict(self) -> dict[str, Any]:
        """The key as it stands in metadata."""
        return self._to_dict()

    def verify_signature(self, signature: Signature, data: bytes) -> None:
        """Check a signature. Raises UnverifiedSignatureError, also where this machine cannot judge the suite."""
        try:
            public_key(self).verify(bytes.fromhex(signature.signature), data)
        except SignatureInvalid:
            raise UnverifiedSignatureError(f"the signature by {self.keyid} does not fit") from None
        except (TrustError, ValueError) as error:
            raise VerificationError(f"the signature by {self.keyid} cannot be judged") from error


KEY_FOR_TYPE_AND_SCHEME.update({place: SuiteKey for place in SUITES if place[0] == OWN_TYPE})


class RegistrySigner(TufSigner):
    """Signs TUF metadata with whatever of ours signs: a key file, a hardware key."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._public = tuf_key(load_public_key(signer.spki, signer.suite))

    @property
    def public_key(self) -> Key:
        """The TUF key that verifies what this signs."""
        return self._public

    def sign(self, payload: bytes) -> Signature:
        """A signature over canonical metadata bytes, under our key id."""
        return Signature(self._signer.key_id, self._signer.sign(payload).hex())

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> NoReturn:
        """Keys are named by settings and options, never by an address inside a document. Raises BadKey."""
        del priv_key_uri, public_key, secrets_handler
        raise BadKey("a key is not opened by an address: name its file")


def signer_from_file(path: Path, passphrase: bytes | None = None) -> RegistrySigner:
    """A signer of TUF metadata from one of our key files. Raises BadKey."""
    return RegistrySigner(keys.load(path, passphrase))


def tuf_key(public: PublicKey, holder: str = "") -> Key:
    """The TUF form of a public key, under our key id. `holder`: division code, in a root document."""
    key: Key
    if (OWN_TYPE, public.suite.value) in SUITES:
        key = SuiteKey(public.key_id, OWN_TYPE, public.suite.value, {"public": public_pem(public).decode()})
    else:
        key = SSlibKey.from_crypto(serialization.load_der_public_key(public.spki), keyid=public.key_id)
    if holder:
        key.unrecognized_fields[HOLDER_FIELD] = holder
    return key


def public_key(key: Key) -> PublicKey:
    """The public key that a TUF key holds. Raises BadKey for another kind, and for an id that is not its own."""
    suite = SUITES.get((key.keytype, key.scheme))
    if suite is None:
        raise BadKey(f"a key is of a kind that the registry does not take: it takes {' and '.join(SUITES.values())}")
    public = load_public_key(_spki(key, suite), suite)
    if public.key_id != key.keyid:
        raise BadKey("a key stands under an id that is not its own: one key must not count twice")
    return public


def _spki(key: Key, suite: Suite) -> bytes:
    try:
        text = key.keyval["public"]
        if key.keytype == OWN_TYPE:
            return _from_pem(text.encode())
        if suite is Suite.ED25519:
            loaded: PublicKeyTypes = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
        else:
            loaded = serialization.load_pem_public_key(text.encode())
    except (KeyError, AttributeError, ValueError, UnsupportedAlgorithm):
        raise BadKey("a key cannot be read: ask for the original document") from None
    return loaded.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_pem(public: PublicKey) -> bytes:
    """A public key as a file to hand over: SubjectPublicKeyInfo, PEM (RFC 7468 section 13)."""
    lines = textwrap.wrap(base64.b64encode(public.spki).decode(), 64)
    return "\n".join((_BEGIN, *lines, _END, "")).encode()


def read_public_pem(data: bytes) -> PublicKey:
    """The public key in a file that was handed over. Raises TooLarge, and BadKey for anything but a key of a suite."""
    if len(data) > MAX_KEY_FILE_BYTES:
        raise TooLarge(
            f"the file is larger than {MAX_KEY_FILE_BYTES} bytes, which no public key is: ask for the .pub file again"
        )
    if b"PRIVATE KEY" in data:
        raise BadKey(
            "this is a PRIVATE key, which must never leave its holder: take the .pub file beside it, and replace the "
            "key if the file was sent"
        )
    spki = _from_pem(data)
    unknown: UnknownSuite | None = None
    for suite in SUITES.values():
        try:
            return load_public_key(spki, suite)
        except BadKey:
            continue
        except UnknownSuite as error:  # this machine lacks it, and the key may be of another
            unknown = error
    raise unknown or BadKey(
        f"the key is of a kind that the registry does not take: it takes {' and '.join(SUITES.values())}"
    )


def _from_pem(data: bytes) -> bytes:
    """The DER in a PEM file of a public key. Raises BadKey."""
    found = _PEM.fullmatch(data.decode("ascii", "replace").replace("\r\n", "\n"))
    try:
        spki = base64.b64decode(found[1].replace("\n", ""), validate=True) if found else b""
    except ValueError:
        spki = b""
    if not spki:
        raise BadKey("the file holds no public key in PEM: ask its holder for the .pub file again")
    return spki
