"""The private sealing keys of this home: what opens messages to us, and what we keep of them at rest.

They are files in `keys.folder`, `sealing.key` and one `sealing-<12 characters>.key` for each rotation. A key in a token
is out of scope: the tokens that we know do no HPKE, and a raw Diffie-Hellman from one would be cryptography of our own.

What stands for a subject (the order of messages, the same request again) must stay the same when a key is removed. So
each rotation hands down what pseudonyms are made with, sealed to the new key, in `pseudonyms-<12 characters>.sealed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from node.app.held_key import load_passphrase
from node.app.trusting import amend_own_bundle, trusted_state
from node.config.settings import Settings
from node.errors import NotReady
from trust.errors import BadKey, MalformedInput
from trust.keys import read_private, write_private
from trust.sealing import (
    SEALING_SUITE,
    PseudonymKey,
    SealingKey,
    generate_sealing_key,
    load_sealing_key_file,
    save_sealing_key,
)
from trust.vocabulary import MAX_SEALING_KEYS, JurisdictionBundle, SealingKeyInfo

PATTERN = "sealing*.key"
_PSEUDONYMS_CONTEXT = b"huxin/pseudonyms/v1"
_ID_BYTES = 32


class SealingKeys:
    """Implements `node.federation.messages.Vault`. `published` answers the own bundle's keys as they stand now.

    Held in memory once opened; a file that comes while the node runs is noticed by `refresh`.
    """

    def __init__(
        self, folder: Path, passphrase: bytes | None, published: Callable[[], tuple[SealingKeyInfo, ...]]
    ) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._published = published
        self._held: dict[Path, SealingKey] = {}
        self._handed_down: PseudonymKey | None = None
        self.troubles: dict[Path, str] = {}

    def refresh(self) -> None:
        """Opens files that are new. Blocks: deriving from a passphrase takes its time."""
        for path in sorted(self._folder.glob(PATTERN)):
            if path in self._held:
                continue
            try:
                self._held[path] = load_sealing_key_file(path, self._passphrase)
                self.troubles.pop(path, None)
            except BadKey as error:
                self.troubles[path] = error.message
        if self._handed_down is None:
            self._handed_down = self._read_pseudonyms()

    def places(self) -> dict[str, Path]:
        """Where each key is that is here, by key id."""
        return {key.key_id: path for path, key in self._held.items()}

    def holds(self, key_id: str) -> bool:
        """Whether what is sealed to that key can be opened here."""
        return any(key.key_id == key_id for key in self._held.values())

    def open(self, key_id: str, sealed: bytes, info: bytes) -> bytes:
        """What a peer sealed to us. Raises NotReady without the key, MalformedInput when it does not open."""
        for key in self._held.values():
            if key.key_id == key_id:
                return key.open(sealed, info)
        raise NotReady(
            "KEY_NOT_LOADED", "A sealing key is not here any more; restore its file from a backup into keys.folder."
        )

    def keep(self, content: bytes, context: bytes) -> bytes:
        """`content` as it may lie in the database: sealed to our newest key, whose id stands before it."""
        key = self._newest()
        return bytes.fromhex(key.key_id) + key.public.seal(content, context)

    def kept(self, stored: bytes, context: bytes) -> bytes:
        """What `keep` was given. Raises as `open` does."""
        if len(stored) <= _ID_BYTES:
            raise MalformedInput("what is stored is cut off: restore the database from a backup", "NOT_OPENED")
        return self.open(stored[:_ID_BYTES].hex(), stored[_ID_BYTES:], context)

    def pseudonym(self, purpose: bytes, name: bytes) -> bytes:
        """32 bytes that stand for a subject; the same over rotations, and over the removal of keys after them.

        Raises NotReady when no key is here, and when what the oldest one was handed down does not open: others than
        before would put the messages of a subject into another order.
        """
        key = self.pseudonyms()
        if key is None:
            raise _none_here()
        if self._handed_down is None and (trouble := self.troubles.get(pseudonyms_file(self._folder, self._here()[0]))):
            raise NotReady("KEY_NOT_LOADED", f"What messages are put in order with is not here: {trouble}.")
        return key.pseudonym(purpose, name)

    def pseudonyms(self) -> PseudonymKey | None:
        """What pseudonyms are made with: handed down by a rotation, before the first one the oldest key's own."""
        if self._handed_down is not None:
            return self._handed_down
        here = self._here()
        return here[0].pseudonyms if here else None

    def to_hand_down(self) -> PseudonymKey | None:
        """The same for a rotation. Raises NotReady while a key does not open that may be the oldest one.

        The node may have that in memory, and its messages are put in order with it.
        """
        if self._handed_down is None:
            for path in sorted(self.troubles):
                if path.match(PATTERN):
                    raise NotReady(
                        "KEY_NOT_LOADED",
                        f"{path.name} does not open: {self.troubles[path]}. What messages are put in order with may "
                        "come from it, and a rotation hands that down: mend it, or move it away if it is lost.",
                    )
        return self.pseudonyms()

    def _read_pseudonyms(self) -> PseudonymKey | None:
        """What was handed down last, of what opens. A file that is not as it should be is a trouble."""
        for key in reversed(self._here()):
            path = pseudonyms_file(self._folder, key)
            if path.exists():
                try:
                    found = PseudonymKey(key.open(read_private(path), _PSEUDONYMS_CONTEXT))
                except (BadKey, MalformedInput) as error:
                    self.troubles[path] = (
                        f"{path.name}: {error.message}; restore it from a backup, or run `huxin key rotate --sealing`"
                    )
                else:
                    self.troubles.pop(path, None)
                    return found
        return None

    def _newest(self) -> SealingKey:
        here = self._here()
        if not here:
            raise _none_here()
        return here[-1]

    def _here(self) -> list[SealingKey]:
        """The published keys that are here, oldest first."""
        held = {key.spki: key for key in self._held.values()}
        listed = sorted(self._published(), key=lambda info: info.valid_from)
        return [held[info.spki] for info in listed if info.spki in held]


def pseudonyms_file(folder: Path, key: SealingKey) -> Path:
    """Where is handed down what pseudonyms are made with, sealed to that key."""
    return folder / f"pseudonyms-{key.key_id[:12]}.sealed"


def load_sealing_keys(settings: Settings, published: Callable[[], tuple[SealingKeyInfo, ...]]) -> SealingKeys:
    """Every sealing key that can be opened. None is needed to serve: without one no message comes or goes."""
    found = SealingKeys(settings.keys.folder, load_passphrase(settings), published)
    found.refresh()
    return found


def rotate_sealing(settings: Settings, now: datetime) -> tuple[SealingKeyInfo, Path, int]:
    """A new sealing key, published now: (what is published, its file, version of the bundle).

    Raises NotReady while a key that is here does not open and nothing was handed down before. Files are made first: a
    crash in between leaves a key that nobody names and nobody seals to. Peers that
    hold an older bundle go on sealing to the key before, which stays here and opens; delete its file when the longest
    life of a message has passed, and what was ever sealed to it cannot be read any more.
    """
    folder = settings.keys.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pseudonyms = load_sealing_keys(settings, lambda: trusted_state(settings).own.bundle.sealing_keys).to_hand_down()
    key = generate_sealing_key()
    path = folder / f"sealing-{key.key_id[:12]}.key"
    save_sealing_key(key, path, load_passphrase(settings))
    if pseudonyms is not None:
        write_private(pseudonyms_file(folder, key), key.public.seal(pseudonyms.secret, _PSEUDONYMS_CONTEXT))
    made = SealingKeyInfo(key.spki, SEALING_SUITE, now)

    def amend(bundle: JurisdictionBundle) -> JurisdictionBundle:
        return replace(bundle, sealing_keys=(*bundle.sealing_keys, made)[-MAX_SEALING_KEYS:])

    amend_own_bundle(settings, now, amend)
    return made, path, trusted_state(settings).own.bundle.version


def _none_here() -> NotReady:
    return NotReady(
        "KEY_NOT_LOADED",
        "No sealing key of our own bundle is here: make one with `huxin key rotate --sealing`, or restore its file.",
    )
