"""Which reports the status changes of a stored log speak of, and what was cut off a closed log: for `huxin log show`.

A change names a report by the digest of its attestation, which may stand in any log of the jurisdiction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from node.app.storing import open_to_read
from node.app.trusted_logs import origins_named
from node.config.settings import Settings
from node.model.log import EntryKind
from node.model.log_audit import DiscardedEntry, StoredEntry, StoredStatus, ToldChange
from node.storage.log_audit import LogAuditReader
from node.storage.log_store import LogStore
from trust.errors import MalformedInput
from trust.log.checkpoint import own_cosigner
from trust.log.tree import leaf_hash
from trust.statements import peek_entry


@dataclass(frozen=True, slots=True)
class DiscardedPage:
    """What was cut off one closed log, and by index what that says of reports. `origin` is "" where nothing was."""

    origin: str
    entries: tuple[DiscardedEntry, ...]
    changes: dict[int, ToldChange]


def logs_beside(origin: str, known: Collection[str]) -> list[str]:
    """The stored logs of the jurisdiction whose log this is, itself among them."""
    return [each for each in known if own_cosigner(each) == own_cosigner(origin)]


async def told_changes(
    reader: LogAuditReader, origins: Collection[str], statuses: Sequence[StoredStatus]
) -> dict[int, ToldChange]:
    """These changes by index, with the number of the report where one of these logs holds it."""
    numbers = await reader.numbers(origins, {each.attestation_digest for each in statuses})
    return {each.index: ToldChange(each, numbers.get(each.attestation_digest, "")) for each in statuses}


async def discarded_page(settings: Settings, wanted: str | None, start: int, limit: int) -> DiscardedPage:
    """What was cut off the newest of these logs of which anything was, oldest first. Raises NotFound, NotReady."""
    async with open_to_read(settings) as database:
        reader, store = LogAuditReader(database), LogStore(database)
        known = await reader.origins()
        for origin in origins_named(wanted, settings, known):
            if await reader.discarded(origin, 0, 1):
                break
        else:
            return DiscardedPage("", (), {})
        read = [_read(index, entry) for index, entry in await reader.discarded(origin, start, limit)]
        beside = logs_beside(origin, known)
        keys = [(other, entry.digest, entry.report_number) for entry, _ in read for other in beside if other != origin]
        again = {key[1]: (key[0], held.index) for key, held in (await store.find_by_digests(keys)).items()}
        changes = await told_changes(reader, beside, [status for _, status in read if status is not None])
    # A report that was discarded with the change of its standing is in no log that counts.
    lost = {entry.digest: entry.report_number for entry, _ in read}
    for index, told in changes.items():
        number = told.report_number or lost.get(told.status.attestation_digest, "")
        changes[index] = replace(told, report_number=number)
    return DiscardedPage(origin, tuple(DiscardedEntry(entry, again.get(entry.digest)) for entry, _ in read), changes)


def _read(index: int, entry: bytes) -> tuple[StoredEntry, StoredStatus | None]:
    """An entry as it says of itself: nobody vouches for what was cut off."""
    digest, kind, number, status = sha256(entry).digest(), EntryKind.OTHER, "", None
    try:
        peeked = peek_entry(entry)
    except MalformedInput:
        pass
    else:
        change = peeked.status
        if change is None:
            kind, number = EntryKind.ATTESTATION, peeked.report_number
        else:
            kind = EntryKind.STATUS_CHANGE
            status = StoredStatus(index, change.attestation_digest, change.flag.value, change.set, change.effective_at)
    return StoredEntry(index, leaf_hash(entry), digest, kind.value, number, entry), status
