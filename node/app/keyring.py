"""The keys of a node: opened at the start, looked at again while it runs, so that rotation needs no restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

from node.app.held_key import HeldKey, KeyOpener, not_loaded, not_published
from node.config.settings import Settings
from node.errors import NotReady
from node.readiness import MissingKey
from trust.errors import BadKey
from trust.issuers import TrustedIssuer
from trust.keys import Signer
from trust.log.checkpoint import own_cosigner
from trust.signing import present_signers

FURTHER = ("signing-*.key", "signing-*.uri")
"""Names of further signing keys in `keys.folder`: private keys, and PKCS #11 URIs of keys in a token."""


class SigningKeys:
    """Every signing key whose private half is here: the one that the settings name, and those in `keys.folder`."""

    def __init__(self, settings: Settings, opener: KeyOpener) -> None:
        self.opener = opener
        self.first = HeldKey("signing", opener, opener.place("keys.signing", settings.keys.signing))
        self.folder = settings.keys.folder
        self._further: dict[Path, HeldKey] = {}

    def __iter__(self) -> Iterator[HeldKey]:
        return iter([self.first, *self._further.values()])

    def refresh(self) -> None:
        """Notices new files and opens what is not open. What was opened stays until the process ends."""
        for path in sorted(found for pattern in FURTHER for found in self.folder.glob(pattern)):
            if path != self.first.place and path not in self._further:
                self._further[path] = HeldKey("signing", self.opener, path)
        for key in self:
            key.refresh()

    def held(self) -> dict[str, HeldKey]:
        """Those that can sign, by key id."""
        return {opened.key_id: key for key in self if (opened := key.opened()) is not None}

    def present(self, own: TrustedIssuer, at: datetime) -> tuple[Signer, ...]:
        """Those that sign at an instant, of every suite one. Raises NotReady: KEY_NOT_LOADED or KEY_NOT_PUBLISHED."""
        try:
            return present_signers(own, self.held(), at)
        except BadKey as error:
            why = self.trouble()
            raise (not_loaded("signing", why) if why else not_published("signing", error.message)) from error

    def trouble(self) -> str:
        """Why a key cannot be used, those first that can come back by themselves; empty when all can."""
        troubled = sorted((key for key in self if key.trouble), key=lambda key: not key.can_come_back)
        return troubled[0].trouble if troubled else ""


@dataclass(frozen=True, slots=True)
class Keyring:
    """What a node signs with. Its TLS key is a workload pair: that one changes while the node runs."""

    signing: SigningKeys
    head: HeldKey
    cosigner: HeldKey
    _one_at_a_time: Lock = field(default_factory=Lock, repr=False)

    def refresh(self) -> None:
        """Notices new key files, and tokens that went or came back. Blocks: call it on a thread of its own."""
        if self._one_at_a_time.acquire(blocking=False):  # who comes second needs no second look
            try:
                self.signing.refresh()
                self.head.refresh()
                self.cosigner.refresh()
            finally:
                self._one_at_a_time.release()

    def missing(self, own: TrustedIssuer, now: datetime) -> tuple[MissingKey, ...]:
        """Roles that cannot sign at this moment, and why."""
        found = [MissingKey(key.role, key.trouble) for key in (self.head, self.cosigner) if key.trouble]
        try:
            self.signing.present(own, now)
        except NotReady:
            why = self.signing.trouble() or "our own bundle lets no key that is here sign now"
            found.insert(0, MissingKey("signing", why))
        return tuple(found)

    def away(self) -> list[HeldKey]:
        """Keys that cannot be used now and can come back by themselves, as those in tokens do."""
        return [key for key in (*self.signing, self.head, self.cosigner) if key.trouble and key.can_come_back]


def load_signing_keys(settings: Settings) -> SigningKeys:
    """The signing keys alone, for commands. A key that cannot be opened is told when it is needed."""
    signing = SigningKeys(settings, KeyOpener(settings))
    signing.refresh()
    return signing


def load_keyring(settings: Settings) -> Keyring:
    """Opens every key. Raises NotReady naming the role when one in a file cannot be used.

    A token that is locked or away stops nothing: the node starts, says so, and goes on when it is back.
    """
    opener = KeyOpener(settings)
    keyring = Keyring(
        signing=SigningKeys(settings, opener),
        head=HeldKey("log", opener, opener.place("keys.log", settings.keys.log)),
        cosigner=HeldKey("cosigner", opener, opener.place("keys.cosigner", settings.keys.cosigner)),
    )
    keyring.refresh()
    signing = [] if keyring.signing.held() else list(keyring.signing)
    for key in (*signing, keyring.head, keyring.cosigner):
        if key.trouble and not key.can_come_back:
            raise not_loaded(key.role, key.trouble)
    return keyring


def require_published(keyring: Keyring, own: TrustedIssuer, now: datetime) -> None:
    """Raises NotReady unless the own bundle names these keys: nobody could verify what other keys sign.

    The log's keys are those of the newest succession, where there is one. They are held to it from now on, also those
    whose token comes back later.
    """
    successor = own.origin if own.closed else ""
    keyring.head.expect(own.head_key.key_id, successor)
    keyring.cosigner.expect(own.cosigners[own_cosigner(own.origin)].key_id, successor)
    keyring.signing.present(own, now)
    keyring.head.require()
    keyring.cosigner.require()


def require_at_start(keyring: Keyring, own: TrustedIssuer, now: datetime) -> None:
    """The same for a node that starts: keys that can come back by themselves stop nothing.

    The node serves what it can and says what it lacks.
    """
    try:
        require_published(keyring, own, now)
    except NotReady as error:
        if error.reason != "KEY_NOT_LOADED" or not keyring.away():
            raise
