"""`huxin log close` and `found`: recovery of our own log from two histories (`docs/protocol.md`, Log).

Closing writes what the holders of the registry's root keys are asked to sign off: at which head our log ends, and which
log goes on. Founding begins that log once they have: with what they signed off, and with everything that our own log
holds beyond that head, in its order, so that what was issued since the histories parted can be proven again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from node.app.ceremony_files import read_public_key
from node.app.keyring import Keyring, load_keyring, require_published
from node.app.ledgers import entry_reader
from node.app.storing import open_database, open_to_read
from node.app.trusting import trusted_state
from node.config.settings import Settings
from node.errors import BadSource, InvalidInput, NotFound, NotReady
from node.ledger.assembly import EntryDraft, assemble, load_frontier
from node.ledger.sequencer import LogKeys, signed_head
from node.model.counting import in_entries
from node.model.log import EntryKind, LogHead, LogMoved
from node.storage.closed_logs import ClosedLogStore
from node.storage.log_store import LogStore
from node.storage.registry_store import RegistryStore
from node.storage.witness_store import WitnessStore
from trust.algorithms import PublicKey
from trust.errors import MalformedInput
from trust.issuers import ClosedLog, TrustedIssuer
from trust.keys import Signer
from trust.log.checkpoint import own_cosigner
from trust.log.succession import Succession, next_origin
from trust.log.tree import Frontier

_PAGE = 1024
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Founded:
    """A successor that was begun: `size` entries, the first of them the succession, the others logged again."""

    predecessor: str
    closed_size: int
    origin: str
    size: int


async def close(
    settings: Settings, entries: int, log_key: Path | None, cosigner_key: Path | None, now: datetime
) -> Succession:
    """What is to be signed off: our log ends after so many entries. Nothing is changed by it.

    `log_key`, `cosigner_key`: public key files of the successor, None for the keys of the present log. Raises NotFound
    without a log, InvalidInput for more entries than it has, NotReady without its keys.
    """
    async with open_to_read(settings) as database:
        own = trusted_state(settings, await RegistryStore(database).load()).own.trusted
        store = LogStore(database)
        head = await store.head(own.origin)
        if head is None:
            raise NotFound("NO_SUCH_LOG", f"No log {own.origin} is stored here, so there is nothing to close.")
        if entries > head.size:
            held = in_entries(head.size)
            raise InvalidInput("--entries", f"The log {own.origin} has {held}; it cannot end after that.")
        root = head.root if entries == head.size else (await load_frontier(store, own.origin, entries)).root()
    keys = _keys(settings, own, now)
    return Succession(
        predecessor=own.origin,
        head=signed_head(keys, entries, root, now).checkpoint,
        origin=next_origin(own.origin),
        log_key=_public(log_key, keys.head).spki,
        cosigner_key=_public(cosigner_key, keys.cosigner).spki,
        decided_at=now.replace(microsecond=0),
    )


async def agreed_size(settings: Settings) -> int | None:
    """Up to how many entries all histories of our log agree, by the evidence stored here; None without any evidence."""
    async with open_to_read(settings) as database:
        own = trusted_state(settings, await RegistryStore(database).load()).own.trusted
        splits = await WitnessStore(database).splits()
    return min((split.agreed_size for split in splits if split.origin == own.origin), default=None)


async def found(settings: Settings, now: datetime) -> Founded:
    """Begins the successor that the registry names. From then on nothing is added to the log before it, by nobody.

    Raises InvalidInput when the registry names none or it was founded before, BadSource when our own log does not hold
    the last honest head, NotReady without the keys that the registry names, or while a node goes on logging too fast.
    """
    async with open_database(settings) as database:
        own = trusted_state(settings, await RegistryStore(database).load()).own.trusted
        if not own.closed:
            raise InvalidInput(
                "",
                f"The trust registry as it is known here names no successor of {own.origin}. Once enough holders have "
                "signed one off (`huxin log close` begins it), refresh it with `huxin trust refresh`.",
            )
        keys, log = _keys(settings, own, now), own.closed[-1]
        store, closed = LogStore(database), ClosedLogStore(database)
        for _ in range(_ATTEMPTS):
            if await store.head(own.origin) is not None:
                raise InvalidInput("", f"The log {own.origin} is founded already; nothing was changed.")
            ended = await _held(store, log)
            batch = assemble(Frontier(), await _drafts(store, own, ended))
            head = signed_head(keys, batch.frontier.size, batch.frontier.root(), now)
            try:
                await closed.succeed(ended, log.size, head, batch.entries, batch.subtrees)
            except LogMoved:
                continue  # a node of ours has logged something meanwhile, which belongs into the successor as well
            return Founded(log.origin, log.size, own.origin, head.size)
    raise NotReady("LOG_BUSY", "The node goes on logging; stop it, then found the successor again.")


async def _held(store: LogStore, log: ClosedLog) -> LogHead:
    """Our log before, as it is now. Raises BadSource unless it holds the head that was signed off."""
    head = await store.head(log.origin)
    if head is not None and head.size >= log.size:
        root = head.root if head.size == log.size else (await load_frontier(store, log.origin, log.size)).root()
        if root == log.root:
            return head
    raise BadSource(
        log.origin,
        f"our database does not hold the history that was signed off, which ends after {in_entries(log.size)}; "
        "restore the copy that does, or have another head signed off",
    )


async def _drafts(store: LogStore, own: TrustedIssuer, ended: LogHead) -> list[EntryDraft]:
    """The first entries of the successor, in order."""
    log, read = own.closed[-1], entry_reader(own)
    drafts = [EntryDraft(log.first_entry, sha256(log.first_entry).digest(), EntryKind.OTHER)]
    start = log.size
    while start < ended.size:
        page = await store.entries(log.origin, start, min(_PAGE, ended.size - start))
        if not page:
            raise BadSource(log.origin, "entries are missing in our database; look with `huxin log check`")
        for entry in page:
            digest = sha256(entry).digest()
            try:
                drafts.append(read(entry, digest))
            except MalformedInput:
                drafts.append(EntryDraft(entry, digest, EntryKind.OTHER))
        start += len(page)
    return drafts


def _keys(settings: Settings, own: TrustedIssuer, now: datetime) -> LogKeys:
    """The keys of our log, which are those that the trusted state names. Raises NotReady."""
    keyring: Keyring = load_keyring(settings)
    require_published(keyring, own, now)
    return LogKeys(own.origin, keyring.head, own_cosigner(own.origin), keyring.cosigner)


def _public(path: Path | None, present: Signer) -> PublicKey | Signer:
    return present if path is None else read_public_key(path)
