"""A stored log is looked at with suspicion: every kind of stored byte is changed on both databases, and named.

Each case says everything that must be told and nothing else: one fault must not be drowned in others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import Table, select

from node.ledger.assembly import EntryDraft, assemble
from node.ledger.audit import LogAudit
from node.model.log import EntryKind, LogHead, StatusEvent, StatusFlag
from node.model.log_audit import Part, StoredEntry
from node.storage.database import Database
from node.storage.log_audit import LogAuditReader
from node.storage.log_store import LogStore
from node.storage.schema import log_entries, log_heads, log_status, log_subtrees, to_instant
from tests.ledger.world import COSIGNERS, KEYS, NOW, ORIGIN, PeerLog, draft, request, sequencing
from tests.support.trust import key
from trust.errors import CheckpointInvalid
from trust.log.checkpoint import SignedHead, cosign, open_checkpoint, sign_head
from trust.log.tree import STORED_LEVELS, Frontier, leaf_hash

SIZE = 600
"""Two whole subtrees of 256 entries and a tail of 88."""
CHANGES = (100, 300, 590)
"""Entries that change the status of the one before them."""
ABSENT = sha256(b"nowhere").digest()

Found = set[tuple[Part, int | None, int | None]]


def made(index: int) -> EntryDraft:
    """What entry number `index` of the log is."""
    plain = draft(index)
    if index not in CHANGES:
        return plain
    event = StatusEvent(draft(index - 1).digest, StatusFlag.REVOKED, True, NOW + timedelta(seconds=index))
    return replace(plain, kind=EntryKind.STATUS_CHANGE, report_number="", status=event)


BY_DIGEST = {made(index).digest: made(index) for index in range(SIZE + 300)}


def readings(entry: bytes, digest: bytes) -> Sequence[EntryDraft]:
    return (BY_DIGEST.get(digest, EntryDraft(entry, digest, EntryKind.OTHER)),)


def opened(text: str) -> SignedHead:
    return open_checkpoint(text, key("head").public, ORIGIN, COSIGNERS)


def over(*indexes: int) -> Found:
    """Every stored subtree above these entries."""
    return {
        (Part.SUBTREE, index >> level, level)
        for index in indexes
        for level in STORED_LEVELS
        if ((index >> level) + 1) << level <= SIZE
    }


async def fill(database: Database, start: int = 0, stop: int = SIZE) -> None:
    async with sequencing(LogStore(database)) as sequencer:
        await asyncio.gather(*(sequencer.append(made(index), request(index)) for index in range(start, stop)))


async def look(database: Database, *, own: bool = True, open_note: Callable[[str], SignedHead] = opened) -> Found:
    audit = LogAudit(LogAuditReader(database), ORIGIN, readings, open_note, own=own)
    return {(found.part, found.index, found.level) async for found in audit.differences()}


async def change(database: Database, table: Table, column: str, value: object, **place: object) -> None:
    """Sets one column of the one row at `place`."""
    where = [table.c.origin == ORIGIN, *(table.c[name] == at for name, at in place.items())]
    async with database.write() as connection:
        done = await connection.execute(table.update().where(*where).values({column: value}))
    assert done.rowcount == 1


async def flip(database: Database, table: Table, column: str, **place: object) -> None:
    """Flips the lowest bit of the last byte of one stored value."""
    where = [table.c.origin == ORIGIN, *(table.c[name] == at for name, at in place.items())]
    async with database.read() as connection:
        value = (await connection.execute(select(table.c[column]).where(*where))).scalar_one()
    await change(database, table, column, value[:-1] + bytes([value[-1] ^ 1]), **place)


async def remove(database: Database, table: Table, **place: object) -> None:
    where = [table.c.origin == ORIGIN, *(table.c[name] == at for name, at in place.items())]
    async with database.write() as connection:
        done = await connection.execute(table.delete().where(*where))
    assert done.rowcount >= 1


async def add(database: Database, table: Table, **values: object) -> None:
    async with database.write() as connection:
        await connection.execute(table.insert().values(origin=ORIGIN, **values))


async def checkpoint_of(database: Database) -> str:
    head = await LogStore(database).head(ORIGIN)
    assert head is not None
    return head.checkpoint


async def test_a_log_as_it_was_stored_differs_in_nothing(database: Database) -> None:
    await fill(database)
    audit = LogAudit(LogAuditReader(database), ORIGIN, readings, opened, own=True)
    assert [found async for found in audit.differences()] == []
    assert (audit.progress.size, audit.progress.checked) == (SIZE, SIZE)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512])
async def test_a_log_of_any_size_differs_in_nothing(database: Database, size: int) -> None:
    await fill(database, 0, size)
    assert await look(database) == set()


def test_every_stored_level_is_reached_from_the_blocks() -> None:
    """The tree over the blocks tells the levels of a tree of its own: with the blocks' level added, all are there."""
    assert set(STORED_LEVELS[1:]) <= {level + STORED_LEVELS[0] for level in STORED_LEVELS}
    assert 1024 % (1 << STORED_LEVELS[0]) == 0


async def test_an_empty_log_differs_in_nothing(database: Database) -> None:
    async with sequencing(LogStore(database)) as sequencer:
        await sequencer.cosign()
    assert await look(database) == set()


@pytest.mark.parametrize(
    ("table", "column", "place", "expected"),
    [
        (log_entries, "entry", {"idx": 17}, {(Part.ENTRY, 17, None)}),
        (log_entries, "entry", {"idx": 595}, {(Part.ENTRY, 595, None)}),
        (log_entries, "leaf_hash", {"idx": 300}, {(Part.LEAF_HASH, 300, None)}),
        (log_entries, "digest", {"idx": 300}, {(Part.DIGEST, 300, None)}),
        (log_subtrees, "hash", {"level": 8, "idx": 1}, {(Part.SUBTREE, 1, 8)}),
        (log_heads, "root", {}, {(Part.HEAD_ROOT, None, None)}),
        (log_status, "attestation_digest", {"idx": 300}, {(Part.STATUS, 300, None)}),
    ],
    ids=["entry", "entry of the tail", "leaf hash", "digest", "subtree", "root", "status"],
)
async def test_one_flipped_bit_is_named_and_nothing_else(
    database: Database, table: Table, column: str, place: dict[str, object], expected: Found
) -> None:
    await fill(database)
    await flip(database, table, column, **place)
    assert await look(database) == expected


@pytest.mark.parametrize(
    ("table", "column", "value", "place", "expected"),
    [
        (log_entries, "kind", "other", {"idx": 5}, {(Part.KIND, 5, None)}),
        (log_entries, "kind", "nonsense", {"idx": 5}, {(Part.KIND, 5, None)}),
        (log_entries, "report_number", "number of 6", {"idx": 5}, {(Part.REPORT_NUMBER, 5, None)}),
        (log_entries, "report_number", None, {"idx": 5}, {(Part.REPORT_NUMBER, 5, None)}),
        (log_entries, "leaf_hash", b"", {"idx": 5}, {(Part.LEAF_HASH, 5, None)}),
        (log_status, "flag", "corrected", {"idx": 590}, {(Part.STATUS, 590, None)}),
        (log_status, "is_set", False, {"idx": 590}, {(Part.STATUS, 590, None)}),
        (log_status, "effective_at", to_instant(NOW), {"idx": 590}, {(Part.STATUS, 590, None)}),
        (log_status, "effective_at", 2**62, {"idx": 590}, {(Part.STATUS, 590, None)}),
        (log_status, "idx", 591, {"idx": 590}, {(Part.STATUS, 590, None), (Part.STATUS, 591, None)}),
        (log_heads, "fresh_at", to_instant(NOW + timedelta(hours=1)), {}, {(Part.FRESH_AT, None, None)}),
        (log_heads, "fresh_at", 2**62, {}, {(Part.FRESH_AT, None, None)}),
        (log_heads, "fresh_at", None, {}, {(Part.FRESH_AT, None, None)}),
        (
            log_heads,
            "size",
            SIZE - 1,
            {},
            {(Part.EXTRA_ENTRY, SIZE - 1, None), (Part.HEAD_ROOT, None, None), (Part.CHECKPOINT, None, None)},
        ),
        (
            log_heads,
            "size",
            10**15,
            {},
            {(Part.MISSING_ENTRY, SIZE, None), (Part.HEAD_ROOT, None, None), (Part.CHECKPOINT, None, None)},
        ),
    ],
)
async def test_one_changed_value_is_named(
    database: Database, table: Table, column: str, value: object, place: dict[str, object], expected: Found
) -> None:
    await fill(database)
    await change(database, table, column, value, **place)
    assert await look(database) == expected


@pytest.mark.parametrize("line", [4, 5], ids=["signature of the head", "cosignature"])
async def test_one_changed_byte_of_a_signature_is_named(database: Database, line: int) -> None:
    await fill(database)
    lines = (await checkpoint_of(database)).split("\n")
    at = len(lines[line]) - 20
    lines[line] = lines[line][:at] + ("A" if lines[line][at] != "A" else "B") + lines[line][at + 1 :]
    await change(database, log_heads, "checkpoint", "\n".join(lines))
    assert await look(database) == {(Part.CHECKPOINT, None, None)}


async def test_a_note_that_is_validly_signed_for_another_tree_is_named(database: Database) -> None:
    await fill(database)
    for size, root in ((SIZE, ABSENT), (SIZE - 1, ABSENT)):
        text = cosign(sign_head(ORIGIN, size, root, KEYS.head), KEYS.cosigner_name, KEYS.cosigner, NOW)
        await change(database, log_heads, "checkpoint", text)
        assert await look(database) == {(Part.CHECKPOINT, None, None)}


async def test_a_head_whose_keys_are_not_trusted_is_not_passed_over(database: Database) -> None:
    def unknown(_text: str) -> SignedHead:
        raise CheckpointInvalid("No keys.")

    await fill(database)
    assert await look(database, open_note=unknown) == {(Part.CHECKPOINT, None, None)}


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (17, {(Part.MISSING_ENTRY, 17, None)}),
        (300, {(Part.MISSING_ENTRY, 300, None), (Part.STATUS, 300, None)}),
        (598, {(Part.MISSING_ENTRY, 598, None), (Part.HEAD_ROOT, None, None)}),
        (599, {(Part.MISSING_ENTRY, 599, None), (Part.HEAD_ROOT, None, None)}),
    ],
)
async def test_a_deleted_entry_is_named(database: Database, index: int, expected: Found) -> None:
    await fill(database)
    await remove(database, log_entries, idx=index)
    assert await look(database) == expected


async def test_faults_beside_a_gap_are_still_found(database: Database) -> None:
    await fill(database)
    for index in (17, 18, 40):
        await remove(database, log_entries, idx=index)
    await flip(database, log_heads, "root")
    await flip(database, log_entries, "leaf_hash", idx=400)
    assert await look(database) == {
        (Part.MISSING_ENTRY, 17, None),
        (Part.MISSING_ENTRY, 40, None),
        (Part.LEAF_HASH, 400, None),
        (Part.HEAD_ROOT, None, None),
    }


async def test_an_extra_entry_is_named(database: Database) -> None:
    await fill(database)
    extra = draft("extra")
    columns = {"leaf_hash": leaf_hash(extra.entry), "digest": extra.digest, "kind": "attestation"}
    for index in (SIZE, SIZE + 7, -1):
        await add(database, log_entries, idx=index, report_number="x", entry=extra.entry, **columns)
    assert await look(database) == {(Part.EXTRA_ENTRY, index, None) for index in (-1, SIZE, SIZE + 7)}


async def test_an_extra_status_is_named(database: Database) -> None:
    await fill(database)
    for index in (5, SIZE):
        await add(
            database,
            log_status,
            idx=index,
            attestation_digest=ABSENT,
            flag="revoked",
            is_set=True,
            effective_at=to_instant(NOW),
        )
    assert await look(database) == {(Part.STATUS, 5, None), (Part.STATUS, SIZE, None)}


async def test_a_deleted_status_is_named(database: Database) -> None:
    await fill(database)
    await remove(database, log_status, idx=100)
    assert await look(database) == {(Part.STATUS, 100, None)}


async def test_subtrees_that_are_missing_or_too_many_are_named(database: Database) -> None:
    await fill(database)
    await remove(database, log_subtrees, level=8, idx=0)
    for level, index in ((8, 2), (16, 0), (9, 0)):
        await add(database, log_subtrees, level=level, idx=index, hash=ABSENT)
    assert await look(database) == {
        (Part.SUBTREE, 0, 8),
        (Part.SUBTREE, 2, 8),
        (Part.SUBTREE, 0, 16),
        (Part.SUBTREE, 0, 9),
    }


async def test_a_log_without_its_head_is_named(database: Database) -> None:
    await fill(database)
    await remove(database, log_heads)
    found = await look(database)
    assert (Part.NO_HEAD, None, None) in found
    assert {index for part, index, _ in found if part is Part.EXTRA_ENTRY} == set(range(SIZE))
    assert await LogAuditReader(database).origins() == [ORIGIN]


async def rewrite(database: Database, index: int, other: EntryDraft) -> None:
    """Puts another statement in an entry's place, with everything that is stored beside it."""
    for column, value in (
        ("entry", other.entry),
        ("digest", other.digest),
        ("leaf_hash", leaf_hash(other.entry)),
        ("report_number", other.report_number),
    ):
        await change(database, log_entries, column, value, idx=index)


async def test_an_entry_rewritten_with_its_hashes_is_caught_by_what_stands_above_it(database: Database) -> None:
    await fill(database)
    await rewrite(database, 20, made(SIZE + 1))
    above = {(Part.HEAD_ROOT, None, None), (Part.CHECKPOINT, None, None)}
    assert await look(database) == over(20) | above


async def test_two_entries_that_changed_places_are_caught(database: Database) -> None:
    await fill(database)
    await rewrite(database, 560, made(561))
    await rewrite(database, 561, made(560))
    assert await look(database) == over(560) | {(Part.HEAD_ROOT, None, None), (Part.CHECKPOINT, None, None)}


async def test_a_replica_that_is_catching_up_differs_in_nothing(database: Database) -> None:
    peer = PeerLog(size=40)
    batch = peer.batch(0, 30, size=40)
    drafts = [EntryDraft(entry, sha256(entry).digest(), EntryKind.OTHER) for entry in batch.entries]
    extended = assemble(Frontier(), drafts)
    head = replace(await _empty_head(database), size=30, root=extended.frontier.root(), checkpoint=batch.checkpoint)
    await LogStore(database).append(0, replace(head, fresh_at=None), extended.entries, extended.subtrees)
    assert await look(database, own=False) == set()
    # The own log is always signed at its full size; and no view is longer than what was signed.
    assert await look(database, own=True) == {(Part.CHECKPOINT, None, None)}
    await change(database, log_heads, "checkpoint", peer.note(29))
    assert await look(database, own=False) == {(Part.CHECKPOINT, None, None)}


async def _empty_head(database: Database) -> LogHead:
    async with sequencing(LogStore(database)) as sequencer:
        head = await sequencer.cosign()
    await remove(database, log_heads)
    return head


async def test_a_log_that_grows_meanwhile_differs_in_nothing(database: Database) -> None:
    await fill(database, 0, 300)
    looked = asyncio.Event()
    growing = asyncio.create_task(_grow_until(database, looked))
    for _ in range(3):
        assert await look(database) == set()
    looked.set()
    assert await growing > 300
    assert await look(database) == set()


async def _grow_until(database: Database, looked: asyncio.Event) -> int:
    """Appends one entry after the other, at least one; returns the size."""
    async with sequencing(LogStore(database)) as sequencer:
        for index in range(300, SIZE + 300):
            await sequencer.append(made(index), request(index))
            if looked.is_set():
                break
    return index + 1


class Counting(LogAuditReader):
    """The real reader, which notes how much is asked for at once."""

    most = 0

    async def entries(self, origin: str, start: int, stop: int) -> list[StoredEntry]:
        self.most = max(self.most, stop - start)
        return await super().entries(origin, start, stop)


async def test_a_long_log_is_looked_at_in_pages_with_every_level(database: Database) -> None:
    size = 65_536 + 300
    drafts = [
        EntryDraft(data, sha256(data).digest(), EntryKind.OTHER) for data in map(str.encode, map(str, range(size)))
    ]
    batch = assemble(Frontier(), drafts)
    text = cosign(sign_head(ORIGIN, size, batch.frontier.root(), KEYS.head), KEYS.cosigner_name, KEYS.cosigner, NOW)
    head = replace(await _empty_head(database), size=size, root=batch.frontier.root(), checkpoint=text)
    await LogStore(database).append(0, head, batch.entries, batch.subtrees)

    reader = Counting(database)
    audit = LogAudit(reader, ORIGIN, readings, opened, own=True)
    assert [found async for found in audit.differences()] == []
    assert (audit.progress.checked, reader.most) == (size, 1024)

    await flip(database, log_subtrees, "hash", level=16, idx=0)
    assert await look(database) == {(Part.SUBTREE, 0, 16)}
