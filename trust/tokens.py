"""Keys in PKCS #11 tokens: found by URI, used in place, never taken out (PKCS #11 v3.1, OASIS 2023).

A key is accepted only when its token calls it sensitive and not extractable. What the token returns is brought into
the suites' one form: Ed25519 as it comes, ECDSA from raw r||s to DER with low s.

What can go wrong is told apart, because different people mend it (`KeyUnavailable.reason`):

    TOKEN_LOCKED   the PIN is missing, wrong or blocked: nothing is tried again until the PIN changes
    TOKEN_ABSENT   module, token or key is not there
    TOKEN_GONE     it was there and does not answer any more

Signing happens on the caller's thread, which in a node is the event loop: a local module answers in a fraction of a
millisecond (SoftHSM 0.05 to 0.15 ms), less than handing over to a thread costs. A module behind a slow network would
stall its node; put a local agent in between. Opening (initialisation, login) can take long: do that on another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, TokenFlag
from pkcs11.exceptions import (
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    UserAlreadyLoggedIn,
    UserPinNotInitialized,
)

from trust.algorithms import PublicKey, Suite, load_public_key, low_s
from trust.errors import BadKey, KeyUnavailable, SignatureInvalid
from trust.keys import Keypair
from trust.token_uri import TokenUri

_PROBE = b"huxin: does this token hold the private half of its public key?"
_ED25519 = bytes.fromhex("06032b6570")  # OID 1.3.101.112 (RFC 8410)
_P256 = bytes.fromhex("06082a8648ce3d030107")  # OID 1.2.840.10045.3.1.7 (RFC 5480)

TOKEN_SUITES = (Suite.ED25519, Suite.ECDSA_P256_SHA256)
"""Suites whose keys can live in a token."""


class TokenKey(Keypair):
    """A private key in a token. Implements `trust.keys.Signer`; made by `Tokens`."""

    __slots__ = ("_generation", "_module", "_private")

    def __init__(self, module: _Module, private: Any, public: PublicKey) -> None:
        self._module = module
        self._generation = module.generation
        self._private = private  # of a class that the library makes at run time from what the key can do
        self.public = public

    def sign(self, message: bytes) -> bytes:
        """Ed25519: 64 bytes. ECDSA P-256: DER with low s. Raises KeyUnavailable (TOKEN_GONE)."""
        with self._using():
            if self.suite is Suite.ED25519:
                return bytes(self._private.sign(message, mechanism=Mechanism.EDDSA))
            raw = bytes(self._private.sign(sha256(message).digest(), mechanism=Mechanism.ECDSA))
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        return low_s(encode_dss_signature(r, s))

    def check(self) -> None:
        """Look whether the token still has it, without a signature. Raises KeyUnavailable (TOKEN_GONE)."""
        with self._using():
            self._private[Attribute.LABEL]  # the token is asked, and raises

    @contextmanager
    def _using(self) -> Iterator[None]:
        with self._module.lock:
            if self._generation != self._module.generation:
                raise _gone()
            try:
                yield
            except PKCS11Error as error:
                raise _gone() from error


class Tokens:
    """The tokens that a process uses. Safe for threads. `read_pin` gives a token's PIN or raises KeyUnavailable."""

    def __init__(self, read_pin: Callable[[TokenUri], str]) -> None:
        self._read_pin = read_pin
        self._modules: dict[Path, _Module] = {}
        self._lock = threading.Lock()

    def open(self, uri: TokenUri) -> TokenKey:
        """The key that a URI names. Raises KeyUnavailable, and BadKey for one that must not or cannot be used."""
        return self._module(uri).key(uri, self._read_pin(uri))

    def generate(self, uri: TokenUri, suite: Suite) -> TokenKey:
        """Make a key in the token under the URI's label; it never is outside.

        Raises as `open`, and BadKey when the label is taken or the suite is not one of TOKEN_SUITES.
        """
        if suite not in TOKEN_SUITES:
            raise BadKey(f"a token holds keys of {' and '.join(TOKEN_SUITES)}: keep a key of {suite} in a file")
        return self._module(uri).generate(uri, self._read_pin(uri), suite)

    def _module(self, uri: TokenUri) -> _Module:
        with self._lock:
            return self._modules.setdefault(uri.module, _Module(uri.module))


class _Module:
    """One PKCS #11 module, its sessions and the PINs that its tokens refused.

    `generation` grows whenever the module is started anew: handles of an older one must not be used again.
    """

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.generation = 0
        self._path = path
        self._sessions: dict[tuple[str, str], pkcs11.Session] = {}
        self._refused: dict[tuple[str, str], bytes] = {}

    def key(self, uri: TokenUri, pin: str) -> TokenKey:
        """The key, after starting the module anew where that can help: many list tokens at their start only."""
        with self.lock:
            try:
                return self._key(uri, pin)
            except KeyUnavailable as error:
                if error.reason == "TOKEN_LOCKED" or self._sessions:
                    raise  # others of this module work: their sessions are not to be ended for this one
                self._restart()
                return self._key(uri, pin)

    def generate(self, uri: TokenUri, pin: str, suite: Suite) -> TokenKey:
        with self.lock:
            session = self._session(uri, pin)
            kind, curve, mechanism = (
                (KeyType.EC_EDWARDS, _ED25519, Mechanism.EC_EDWARDS_KEY_PAIR_GEN)
                if suite is Suite.ED25519
                else (KeyType.EC, _P256, Mechanism.EC_KEY_PAIR_GEN)
            )
            try:
                if list(session.get_objects({Attribute.LABEL: uri.object})):
                    raise BadKey("the token has an object of that label: choose another, a key is never replaced")
                writing = session.token.open(rw=True)
                try:
                    parameters = writing.create_domain_parameters(kind, {Attribute.EC_PARAMS: curve}, local=True)
                    parameters.generate_keypair(
                        mechanism=mechanism,
                        store=True,
                        label=uri.object,
                        id=sha256(uri.object.encode()).digest()[:16],
                        private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
                    )
                finally:
                    writing.close()
            except PKCS11Error as error:
                raise KeyUnavailable(
                    f"the token did not make a key of {suite}: check that it supports the suite and has room",
                    "TOKEN_ABSENT",
                ) from error
            return self._key(uri, pin)

    def _key(self, uri: TokenUri, pin: str) -> TokenKey:
        if not uri.object:
            raise BadKey("the PKCS #11 URI names no key: write object=LABEL")
        session = self._session(uri, pin)
        try:
            private = _only(session, ObjectClass.PRIVATE_KEY, uri.object)
            public = _only(session, ObjectClass.PUBLIC_KEY, uri.object)
            if not private[Attribute.SENSITIVE] or private[Attribute.EXTRACTABLE]:
                raise BadKey(
                    "the token would hand this private key out: make one that is sensitive and not extractable",
                    "KEY_EXTRACTABLE",
                )
            key = TokenKey(self, private, _public_key(public))
        except PKCS11Error as error:
            self._sessions.pop(_name(uri), None)
            raise _absent("the token does not answer") from error
        try:
            key.public.verify(key.sign(_PROBE), _PROBE)
        except SignatureInvalid:
            raise BadKey("the token's private and public key of that label do not belong together") from None
        return key

    def _session(self, uri: TokenUri, pin: str) -> pkcs11.Session:
        session = self._sessions.get(_name(uri))
        if session is not None:
            try:
                session.token.slot.get_token()
            except PKCS11Error:
                del self._sessions[_name(uri)]
            else:
                return session
        session = self._sessions[_name(uri)] = self._login(uri, pin)
        return session

    def _login(self, uri: TokenUri, pin: str) -> pkcs11.Session:
        """One session, logged in. A PIN is tried once, and never as the last try that a token allows."""
        token = self._token(uri)
        offered = sha256(pin.encode()).digest()
        if self._refused.get(_name(uri)) == offered:
            raise _locked("its PIN is wrong, and is not tried again; correct the PIN file")
        if token.flags & TokenFlag.USER_PIN_LOCKED:
            raise _locked("it has locked itself after wrong PINs; its security officer can unlock it")
        if token.flags & TokenFlag.USER_PIN_FINAL_TRY:
            raise _locked("it allows one more PIN before it locks itself; log in once with its own tool, then wait")
        try:
            return token.open(user_pin=pin)
        except UserAlreadyLoggedIn:
            return token.open()  # by this process: a login counts for all its sessions
        except (PinIncorrect, PinInvalid, PinLenRange) as error:
            self._refused[_name(uri)] = offered
            raise _locked("its PIN is wrong, and is not tried again; correct the PIN file") from error
        except (PinLocked, PinExpired, UserPinNotInitialized) as error:
            raise _locked("it takes no PIN at present; its security officer can set it anew") from error
        except PKCS11Error as error:
            raise _absent("the token does not answer") from error

    def _token(self, uri: TokenUri) -> pkcs11.Token:
        found: list[pkcs11.Token] = []
        try:
            for slot in self._library().get_slots(token_present=True):
                try:
                    token = slot.get_token()
                except PKCS11Error:
                    continue  # one broken slot must not hide the others
                if token.label == uri.token and uri.serial in ("", token.serial.decode(errors="replace").strip()):
                    found.append(token)
        except PKCS11Error as error:
            raise _absent("the module does not answer") from error
        if not found:
            raise _absent("no token of that label is plugged in")
        if len(found) > 1:
            raise BadKey("two tokens bear that label: add serial=... to the PKCS #11 URI")
        return found[0]

    def _library(self) -> Any:
        try:
            return pkcs11.lib(str(self._path))
        except (PKCS11Error, OSError) as error:
            raise _absent("its PKCS #11 module cannot be loaded; check module-path") from error

    def _restart(self) -> None:
        self.generation += 1
        try:
            self._library().reinitialize()
        except PKCS11Error as error:
            raise _absent("the module does not start") from error


def _name(uri: TokenUri) -> tuple[str, str]:
    return uri.token, uri.serial


def _only(session: pkcs11.Session, kind: ObjectClass, label: str) -> Any:
    found = list(session.get_objects({Attribute.CLASS: kind, Attribute.LABEL: label}))
    if not found:
        raise _absent(f"the token has no {kind.name.lower().replace('_', ' ')} of that label")
    if len(found) > 1:
        raise BadKey("the token has two keys of that label: give each a label of its own")
    return found[0]


def _public_key(found: pkcs11.Object) -> PublicKey:
    """From CKA_EC_POINT, which PKCS #11 wraps in a DER OCTET STRING and some tokens do not."""
    point = bytes(found[Attribute.EC_POINT])
    kind = found[Attribute.KEY_TYPE]
    try:
        if kind == KeyType.EC_EDWARDS:
            key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey = ed25519.Ed25519PublicKey.from_public_bytes(
                _unwrapped(point, 32)
            )
            suite = Suite.ED25519
        elif kind == KeyType.EC and bytes(found[Attribute.EC_PARAMS]) == _P256:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _unwrapped(point, 65))
            suite = Suite.ECDSA_P256_SHA256
        else:
            raise BadKey(
                f"the key in the token is of a kind that no suite uses: make one of {' or '.join(TOKEN_SUITES)}"
            )
    except ValueError:
        raise BadKey("the public key in the token cannot be read: make the key again") from None
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return load_public_key(spki, suite)


def _unwrapped(point: bytes, size: int) -> bytes:
    return point[2:] if len(point) == size + 2 and point[:2] == bytes([0x04, size]) else point


def _locked(why: str) -> KeyUnavailable:
    return KeyUnavailable(f"its token is locked: {why}", "TOKEN_LOCKED")


def _absent(why: str) -> KeyUnavailable:
    return KeyUnavailable(f"its token is absent: {why}", "TOKEN_ABSENT")


def _gone() -> KeyUnavailable:
    return KeyUnavailable("its token is gone: it worked and does not answer any more; plug it in again", "TOKEN_GONE")
