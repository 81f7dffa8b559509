"""A private key at its place, a file or a token: opened when it can be, and again after it could not be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from node.config.settings import Settings
from node.config.values import read_secret
from node.errors import BadConfiguration, NotReady
from trust import keys
from trust.algorithms import Suite
from trust.errors import KeyUnavailable, TrustError
from trust.keys import Signer
from trust.token_uri import TokenUri, read_token_uri
from trust.tokens import TokenKey, Tokens

Place = Path | TokenUri

_GONE = "its token is gone: it worked while this node ran; plug it in again"
_NOT_OURS = "it is not the one that our own bundle names, or the trust registry for a successor of our log"


class KeyOpener:
    """Opens private keys with this node's passphrase and PIN. One for a process: a token counts logins per process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._passphrase = load_passphrase(settings)
        self.tokens = Tokens(self._pin)

    def place(self, setting: str, value: Path | str) -> Place:
        """Where a setting says that a key is. Raises BadConfiguration."""
        if isinstance(value, Path):
            return value
        try:
            return read_token_uri(value)
        except TrustError as error:
            raise BadConfiguration(setting, f"{error.message}.") from None

    def open(self, place: Place) -> Signer:
        """The key. Raises TrustError (KeyUnavailable where it can come back by itself), or OSError."""
        if isinstance(place, TokenUri):
            return self.tokens.open(place)
        if place.suffix == ".uri":
            return self.tokens.open(read_uri_file(place))
        return keys.load(place, self._passphrase, self._settings.keys.libcrypto)

    def save(self, key: keys.PrivateKey, path: Path) -> None:
        """Writes a new key file, with the passphrase of the others."""
        keys.save(key, path, self._passphrase)

    def _pin(self, uri: TokenUri) -> str:
        return read_pin_source(replace(uri, pin_source=uri.pin_source or self._settings.keys.pin_file))


class HeldKey:
    """A key with its role, such as `signing`. Implements `Signer`; what it cannot do raises NotReady, KEY_NOT_LOADED.

    `refresh` opens it, blocking, as often as it is called until it is open; of an open key in a token it asks whether
    it is still there. `trouble` says why it cannot be used, and is empty while it can.
    """

    def __init__(self, role: str, opener: KeyOpener, place: Place) -> None:
        self.role = role
        self.place = place
        self.trouble = "it was not opened yet"
        self.can_come_back = False
        self._opener = opener
        self._key: Signer | None = None
        self._expected: str | None = None
        self._worked = False

    def __repr__(self) -> str:
        return f"HeldKey({self.role})"

    def refresh(self) -> None:
        """Brings `trouble` up to date."""
        try:
            if self._key is None:
                self._take(self._opener.open(self.place))
            elif isinstance(self._key, TokenKey):
                self._key.check()
        except TrustError as error:
            went = self._worked and error.reason == "TOKEN_ABSENT"
            self._lose(_GONE if went else error.message, can_come_back=isinstance(error, KeyUnavailable))
        except OSError:
            self._lose("the file cannot be read", can_come_back=False)
        except Exception:  # noqa: BLE001 - whatever a vendor's module does, the watch over the other keys must go on
            self._lose("its token's module failed in a way that is not foreseen", can_come_back=True)

    def expect(self, key_id: str, successor: str = "") -> None:
        """From now on no other key than this one is used. Raises NotReady (KEY_NOT_PUBLISHED) if another is open.

        `successor`: origin of our log, where that goes on in the place of another, whose key may still be here.
        """
        self._expected = key_id
        if self._key is not None and self._key.key_id != key_id:
            self._lose(_NOT_OURS, can_come_back=False)
            raise _of_another_log(self.role, successor) if successor else not_published(self.role)

    def opened(self) -> Signer | None:
        """The key itself, while it can be used."""
        return self._key

    def require(self) -> Signer:
        """The key itself. Raises NotReady."""
        if self._key is None:
            raise not_loaded(self.role, self.trouble)
        return self._key

    @property
    def suite(self) -> Suite:
        """See Signer."""
        return self.require().suite

    @property
    def key_id(self) -> str:
        """See Signer."""
        return self.require().key_id

    @property
    def spki(self) -> bytes:
        """See Signer."""
        return self.require().spki

    def sign(self, message: bytes) -> bytes:
        """See Signer. On the event loop: a key in memory or in a local token answers within a millisecond."""
        try:
            return self.require().sign(message)
        except KeyUnavailable as error:
            self._lose(error.message, can_come_back=True)
            raise not_loaded(self.role, error.message) from error

    def _take(self, key: Signer) -> None:
        if self._expected not in (None, key.key_id):
            self._lose(_NOT_OURS, can_come_back=False)
            return
        self._key, self.trouble, self._worked = key, "", True

    def _lose(self, why: str, *, can_come_back: bool) -> None:
        self._key, self.trouble, self.can_come_back = None, why, can_come_back


def read_pin_source(uri: TokenUri) -> str:
    """The PIN in the file that a URI names. Raises KeyUnavailable (TOKEN_LOCKED)."""
    if uri.pin_source is None:
        raise KeyUnavailable(
            "its token is locked: no file with its PIN is named; add pin-source=file:/path to the URI, or set "
            "keys.pin_file",
            "TOKEN_LOCKED",
        )
    try:
        return read_secret(uri.pin_source, "the PIN")
    except BadConfiguration as error:
        raise KeyUnavailable(f"its token is locked: {error.message.rstrip('.')}", "TOKEN_LOCKED") from error


def load_passphrase(settings: Settings) -> bytes | None:
    """The passphrase of the signing keys, or None when they have none."""
    if settings.keys.passphrase_file is None:
        return None
    return read_secret(settings.keys.passphrase_file, "keys.passphrase_file").encode()


def read_uri_file(path: Path) -> TokenUri:
    """The PKCS #11 URI that a `.uri` file holds. Raises BadKey when others can open it: it names what is loaded."""
    return read_token_uri(keys.read_private(path).decode("ascii", errors="replace").strip())


def not_loaded(role: str, why: str) -> NotReady:
    """The error that says why a key cannot be used."""
    return NotReady("KEY_NOT_LOADED", f"The {role} key is not loaded: {why}. See `huxin doctor`.")


_RESTORE = (
    "restore the key that belongs to the bundle in the trust directory; if it is the new key of a log that goes on in "
    "the place of ours, `huxin trust refresh` first"
)


def not_published(role: str, why: str = _RESTORE) -> NotReady:
    """The error for a key that is here and that nobody could verify."""
    return NotReady(
        "KEY_NOT_PUBLISHED",
        f"The {role} key is not one that our own bundle lets sign now, so nobody could verify what it signs; {why}.",
    )


def _of_another_log(role: str, origin: str) -> NotReady:
    """The error for a log key that was good until the registry named the log that goes on."""
    return NotReady(
        "KEY_NOT_PUBLISHED",
        f"The {role} key is not the one with which {origin} goes on, the log that the trust registry names in the "
        "place of ours. Put the key whose public half was given to `huxin log close` (--log-key, --cosigner-key) at "
        f"keys.{role}, then run `huxin log found`, unless that is done, and start the node.",
    )
