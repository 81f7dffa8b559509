"""`huxin log show` and `prove`: heads and entries as stored, and proofs that any RFC 9162 verifier can follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from node.app.asked_logs import (
    AskedLog,
    asked_log,
    damaged,
    index_in,
    leads_to_end,
    log_of_report,
    or_others,
    stored_head,
)
from node.app.log_changes import logs_beside, told_changes
from node.app.storing import open_to_read
from node.app.trusted_logs import Closing, TrustedLogs, is_own, origins_named, trusted_logs
from node.config.settings import Settings
from node.errors import InvalidInput
from node.ledger.assembly import load_frontier
from node.ledger.subtrees import SubtreeReader
from node.model.log import LogHead
from node.model.log_audit import StoredEntry, ToldChange
from node.storage.database import Database
from node.storage.log_audit import LogAuditReader
from node.storage.log_store import LogStore
from node.storage.registry_store import RegistryStore
from trust.errors import ProofInvalid, TrustError
from trust.log import proofs
from trust.log.tree import leaf_hash

_INDEX = re.compile(r"[0-9]{1,18}")
"""Shorter than any report number, which has 31 characters."""


@dataclass(frozen=True, slots=True)
class HeadView:
    """A stored head, and what its note was found to be with the keys that are trusted now.

    `signed_size` is the size that the note is signed for: larger than `size` while a replica is catching up. `trouble`
    is a sentence when the note was not accepted; then `signed_size` is None and `cosigners` are empty. `closing`: where
    the log ends if it was closed; our own may hold more, which stands in its successor as well. `leads_to_end`: whether
    what is stored is the history that counts; None of a log that goes on, or that is stored up to less than its end.
    """

    origin: str
    own: bool
    size: int
    root: bytes
    checkpoint: str
    fresh_at: datetime | None
    signed_size: int | None
    cosigners: Mapping[str, datetime] = field(default_factory=dict)
    trouble: str = ""
    closing: Closing | None = None
    leads_to_end: bool | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """A head and the stored entries [start, start + limit) of its log. `changes`: by index what they say of reports."""

    head: HeadView
    entries: tuple[StoredEntry, ...]
    changes: Mapping[int, ToldChange] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An inclusion proof (RFC 9162 section 2.1.3), checked before it is given out. Hashes are 32 bytes, lowest first.

    `checkpoint` is the signed note of exactly this tree, None while no such note is here. `closing`: of a log that was
    closed; then the tree is that of its last head, under which alone its entries count.
    """

    origin: str
    index: int
    entry: bytes
    leaf_hash: bytes
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str | None
    closing: Closing | None = None


@dataclass(frozen=True, slots=True)
class ProvenGrowth:
    """A consistency proof (RFC 9162 section 2.1.4), checked like the other. `checkpoint` is the new tree's."""

    origin: str
    old_size: int
    old_root: bytes
    new_size: int
    new_root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str | None
    closing: Closing | None = None


async def log_heads(settings: Settings) -> list[HeadView]:
    """Every stored head, those of the own logs first. Raises NotReady when the database cannot be read."""
    async with open_to_read(settings) as database:
        reader, keys = await _opened(settings, database)
        heads = [await reader.head(origin) for origin in await reader.origins()]
        views = [await _view(settings, database, head, keys) for head in heads if head is not None]
    return sorted(views, key=lambda view: (not view.own, view.origin))


async def log_page(settings: Settings, wanted: str | None, start: int | None, limit: int) -> LogPage:
    """Head and entries of one log, of a division's the newest: `limit` of them from `start` on, or the newest.

    Raises NotFound, NotReady.
    """
    async with open_to_read(settings) as database:
        reader, keys = await _opened(settings, database)
        known = await reader.origins()
        head = await stored_head(reader, origins_named(wanted, settings, known)[0])
        first = max(0, head.size - limit) if start is None else start
        last = min(first + limit, head.size)
        entries = await reader.entries(head.origin, first, last)
        statuses = await reader.statuses(head.origin, first, last) if entries else ()
        changes = await told_changes(reader, logs_beside(head.origin, known), statuses)
        return LogPage(await _view(settings, database, head, keys), tuple(entries), changes)


async def prove_entry(settings: Settings, wanted: str | None, entry: str) -> ProvenEntry:
    """Proves that an entry, named by index or report number, is in the newest head of a log.

    An index is one of the newest log of a division. A report is looked for in all of its logs, the newest first. Raises
    NotFound for an entry that is not there, NotReady when the store is damaged or cannot be read.
    """
    async with open_to_read(settings) as database:
        reader, keys = await _opened(settings, database)
        store = LogStore(database)
        named = origins_named(wanted, settings, await reader.origins())
        if _INDEX.fullmatch(entry):
            log = await asked_log(reader, store, keys, named)
            index = index_in(log, int(entry))
        else:
            log, index = await log_of_report(reader, store, keys, named, entry)
        head = log.head
        (stored,) = await store.entries(head.origin, index, 1) or (b"",)
        hashes = await _fold(store, log, proofs.inclusion_plan(index, head.size))
    leaf = leaf_hash(stored)
    try:
        proofs.verify_inclusion(leaf, index, head.size, hashes, head.root)
    except ProofInvalid:
        raise damaged(log) from None
    note = _note_of(keys, head, head.size, head.root)
    return ProvenEntry(head.origin, index, stored, leaf, head.size, head.root, hashes, note, log.closing)


async def prove_growth(settings: Settings, wanted: str | None, old: int, new: int | None) -> ProvenGrowth:
    """Proves that a log of `new` entries (None: of its newest head) begins with what it was at `old` entries.

    Raises InvalidInput for sizes that the log never had, NotFound, NotReady as above.
    """
    async with open_to_read(settings) as database:
        reader, keys = await _opened(settings, database)
        store = LogStore(database)
        log = await asked_log(reader, store, keys, origins_named(wanted, settings, await reader.origins()))
        head = log.head
        size = head.size if new is None else new
        if not 0 < old <= size <= head.size:
            raise InvalidInput(
                "--old-size",
                f"Sizes go from 1 to {head.size}, as many entries as {head.origin} has, and the old one is not the "
                f"larger. Choose such{or_others(log)}.",
            )
        try:
            old_root = (await load_frontier(store, head.origin, old)).root()
            new_root = (await load_frontier(store, head.origin, size)).root()
        except (ProofInvalid, IndexError):
            raise damaged(log) from None
        if size == head.size and new_root != head.root:
            raise damaged(log)
        hashes = await _fold(store, log, proofs.consistency_plan(old, size))
    try:
        proofs.verify_consistency(old, old_root, size, new_root, hashes)
    except ProofInvalid:
        raise damaged(log) from None
    note = _note_of(keys, head, size, new_root)
    return ProvenGrowth(head.origin, old, old_root, size, new_root, hashes, note, log.closing)


async def _opened(settings: Settings, database: Database) -> tuple[LogAuditReader, TrustedLogs]:
    return LogAuditReader(database), trusted_logs(settings, await RegistryStore(database).load())


async def _fold(store: LogStore, log: AskedLog, plan: proofs.ProofPlan) -> tuple[bytes, ...]:
    try:
        return plan.fold(await SubtreeReader(store, log.head.origin).roots(plan.subtrees))
    except ProofInvalid:
        raise damaged(log) from None


async def _view(settings: Settings, database: Database, head: LogHead, keys: TrustedLogs) -> HeadView:
    plain = (head.origin, is_own(settings, head.origin), head.size, head.root, head.checkpoint, head.fresh_at)
    closing = keys.closing(head.origin)
    leads = None if closing is None else await leads_to_end(LogStore(database), head, closing)
    try:
        signed = keys.open_note(head.origin, head.checkpoint)
    except TrustError as error:
        return HeadView(*plain, None, trouble=error.message, closing=closing, leads_to_end=leads)
    return HeadView(*plain, signed.size, signed.cosigners, closing=closing, leads_to_end=leads)


def _note_of(keys: TrustedLogs, head: LogHead, size: int, root: bytes) -> str | None:
    try:
        signed = keys.open_note(head.origin, head.checkpoint)
    except TrustError:
        return None
    return head.checkpoint if (signed.size, signed.root) == (size, root) else None
