"""What this node cosigned of peers' logs, what peers showed of all logs, and evidence of logs with two histories."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.witnesses import (
    OTHERS_EVERY,
    OURSELVES,
    CosignedNote,
    HeadState,
    PeerHead,
    Sighting,
    SplitNotes,
    SplitView,
)
from node.storage.bulk import upsert_rows
from node.storage.database import Database
from node.storage.schema import (
    from_instant,
    log_cosigned,
    log_heads,
    log_notes,
    log_peer_heads,
    log_sightings,
    log_splits,
    to_instant,
)
from node.storage.sightings import keep_sighting

_HASH_BYTES = 32


class WitnessStore:
    """Durable memory of a witness. Replicas of one node share it: what one remembered binds all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember_cosigned(self, origin: str, size: int, root: bytes, note: CosignedNote | None = None) -> bool:
        """Remember a head about to be cosigned. False when a larger one, or another of that size, was before.

        What is True once is never taken back: a cosignature may leave only after it. `note` is kept with it.
        """
        table = log_cosigned.c
        insert = (sqlite if self._database.dialect == "sqlite" else postgresql).insert(log_cosigned)
        first = insert.values(origin=origin, size=size, root=root).on_conflict_do_nothing()
        grow = log_cosigned.update().where(table.origin == origin, table.size < size).values(size=size, root=root)
        same = select(table.size).where(table.origin == origin, table.size == size, table.root == root)
        # The commit point of witnessing. A crash before it: nobody has the cosignature, any head may come next. After
        # it: nobody may have it yet, and we bind ourselves to that head all the same, which our tree holds anyway.
        async with self._database.write() as connection:
            await connection.execute(first)
            await connection.execute(grow)
            bound = (await connection.execute(same)).first() is not None
            if bound and note is not None:
                row = {"origin": origin, "cosigned_at": to_instant(note.at), "size": size, "note": note.text}
                kept = (sqlite if self._database.dialect == "sqlite" else postgresql).insert(log_notes).values(row)
                await connection.execute(kept.on_conflict_do_nothing())
            return bound

    async def last_sighting(self, origin: str) -> Sighting | None:
        """The newest note of a log that was kept: its size and when it was cosigned."""
        table = log_notes.c
        query = select(table.size, table.cosigned_at).where(table.origin == origin)
        async with self._database.read() as connection:
            row = (await connection.execute(query.order_by(table.cosigned_at.desc()).limit(1))).one_or_none()
        return None if row is None else Sighting(OURSELVES, row.size, from_instant(row.cosigned_at))

    async def note_before(self, origin: str, before: datetime) -> str:
        """The newest note of a log that was cosigned before that moment; "" when none was kept."""
        table = log_notes.c
        query = select(table.note).where(table.origin == origin, table.cosigned_at < to_instant(before))
        async with self._database.read() as connection:
            found = (await connection.scalars(query.order_by(table.cosigned_at.desc()).limit(1))).one_or_none()
        return "" if found is None else str(found)

    async def keep_recalled(self, head: PeerHead) -> None:
        """Keep by when a peer saw a head of the past, which our own tree holds; the earlier moment for one size.

        Nothing is kept once our tree was cut back behind it.
        """
        row = {
            "origin": head.origin,
            "witness": head.peer,
            "size": head.size,
            "seen_at": to_instant(head.seen_at),
        }
        insert = (sqlite if self._database.dialect == "sqlite" else postgresql).insert(log_sightings)
        keep = insert.values(row).on_conflict_do_update(
            index_elements=log_sightings.primary_key.columns,
            set_={"seen_at": insert.excluded.seen_at},
            where=insert.excluded.seen_at < log_sightings.c.seen_at,
        )
        # A crash before the commit: the peer is asked again after the restart. After it: it need not be.
        async with self._database.write() as connection:
            if await _still_held(connection, head):
                await connection.execute(keep)

    async def peer_heads(self) -> list[PeerHead]:
        """Everything that peers showed, at most one agreed and one ahead for each log and peer."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(log_peer_heads))).all()
        return [_head(row) for row in rows]

    async def keep_peer_head(self, head: PeerHead) -> bool:
        """Put a head in the place of the one in the same state; one that agrees ends one ahead that is no larger.

        Of two replicas of this node that write at once the larger agreed head stays. False, and nothing is kept, for
        one that agreed with a tree of ours which was cut back since, perhaps by another replica.
        """
        table, row = log_peer_heads.c, _head_row(head)
        here = (table.origin == head.origin, table.peer == head.peer)
        # A crash before the commit leaves what the peer showed before; it shows its head again in the next round.
        async with self._database.write() as connection:
            if head.state is HeadState.AGREED:
                if not await _still_held(connection, head):
                    return False
                larger = select(table.size).where(*here, table.state == head.state.value, table.size > head.size)
                if (await connection.execute(larger)).first() is not None:
                    return True
                passed = log_peer_heads.delete().where(*here, table.state == HeadState.AHEAD.value)
                await connection.execute(passed.where(table.size <= head.size))
            await upsert_rows(connection, log_peer_heads, [row])
            if head.state is HeadState.AGREED:
                told = Sighting(head.peer, head.size, head.seen_at)
                await keep_sighting(connection, head.origin, told, OTHERS_EVERY)
        return True

    async def keep_split(self, split: SplitView) -> bool:
        """Keep evidence; False when that peer showed a second history of that log before: that evidence stays."""
        insert = (sqlite if self._database.dialect == "sqlite" else postgresql).insert(log_splits)
        # A crash before the commit loses the evidence with everything that follows from it: the peer shows its head,
        # and our log still holds ours, in the next round. After it, the log is halted at every start.
        async with self._database.write() as connection:
            kept = await connection.execute(insert.values(_split_row(split)).on_conflict_do_nothing())
            return kept.rowcount == 1

    async def splits(self) -> list[SplitView]:
        """All evidence, oldest first."""
        table = log_splits.c
        query = select(log_splits).order_by(table.found_at, table.origin, table.shown_by)
        async with self._database.read() as connection:
            return [_split(row) for row in (await connection.execute(query)).all()]


async def _still_held(connection: AsyncConnection, head: PeerHead) -> bool:
    """Whether our tree still reaches as far as a head that it agreed with, and does so until this transaction ends.

    A tree shrinks only when it is cut back for a successor log. Of a log that is closed nothing new is learned.
    """
    table = log_heads.c
    query = select(table.size, table.closed_size).where(table.origin == head.origin).with_for_update(read=True)
    row = (await connection.execute(query)).one_or_none()
    return row is None or (row.size >= head.size and row.closed_size is None)


def _head_row(head: PeerHead) -> dict[str, Any]:
    return {
        "origin": head.origin,
        "peer": head.peer,
        "state": head.state.value,
        "size": head.size,
        "root": head.root,
        "cosigned_at": to_instant(head.cosigned_at),
        "since": to_instant(head.since),
        "checkpoint": head.checkpoint,
    }


def _head(row: Row[Any]) -> PeerHead:
    return PeerHead(
        row.origin,
        row.peer,
        HeadState(row.state),
        row.size,
        row.root,
        from_instant(row.cosigned_at),
        from_instant(row.since),
        row.checkpoint,
    )


def _split_row(split: SplitView) -> dict[str, Any]:
    return {
        "origin": split.origin,
        "shown_by": split.shown_by,
        "found_at": to_instant(split.found_at),
        "agreed_size": split.agreed_size,
        "first_note": split.notes.first,
        "second_note": split.notes.second,
        "root": split.notes.root,
        "consistency": b"".join(split.notes.consistency),
    }


def _split(row: Row[Any]) -> SplitView:
    joined = row.consistency
    hashes = tuple(joined[at : at + _HASH_BYTES] for at in range(0, len(joined), _HASH_BYTES))
    notes = SplitNotes(row.first_note, row.second_note, row.root, hashes)
    return SplitView(row.origin, row.shown_by, from_instant(row.found_at), row.agreed_size, notes)
