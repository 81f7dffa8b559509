"""Logs of millions: roots of subtrees at every fourth level, entries by number and digest, leaf hashes in one place.

There were roots at every eighth level, so that a proof read up to 256 hashes where it now reads sixteen; what is
missing is computed from what is stored. An index by digest alone put each new row into another page of it. And sixteen
leaf hashes were read from among their entries, three or four pages of them, where the index has them in one.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"

_NEW_LEVELS = (4, 12, 20, 28, 36)
_UNDER_ONE_ROOT = 16
_INSERT = "INSERT INTO log_subtrees (origin, level, idx, hash) VALUES (:origin, :level, :idx, :hash)"
_AT_ONCE = 4096
"""Hashes read at a time: a log may have millions."""


def upgrade() -> None:
    """Everything in one transaction: a crash leaves the schema and the rows as they were."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.create_table_comment(
            "log_subtrees", "Roots of perfect subtrees over 2**level leaves, at every fourth level from 4 to 36."
        )
    op.drop_index("log_entries_by_digest", "log_entries")
    op.create_index("log_entries_by_digest", "log_entries", ["origin", "report_number", "digest", "idx"])
    op.create_index("log_entries_leaves", "log_entries", ["origin", "idx", "leaf_hash"])
    origins = connection.execute(sa.text("SELECT origin FROM log_heads ORDER BY origin")).scalars().all()
    for origin in origins:
        for level in _NEW_LEVELS:
            roots = _roots(connection, origin, level)
            first = 0
            while rows := [
                {"origin": origin, "level": level, "idx": index, "hash": root}
                for index, root in enumerate(islice(roots, _AT_ONCE), first)
            ]:
                connection.execute(sa.text(_INSERT), rows)
                first += len(rows)


def _roots(connection: sa.Connection, origin: str, level: int) -> Iterator[bytes]:
    """Each root over sixteen hashes of the level four below; what is left over at the end waits for more."""
    below = level - 4
    query = (
        "SELECT leaf_hash FROM log_entries WHERE origin = :origin AND idx >= :start AND idx < :stop ORDER BY idx"
        if below == 0
        else "SELECT hash FROM log_subtrees WHERE origin = :origin AND level = :level AND idx >= :start "
        "AND idx < :stop ORDER BY idx"
    )
    start, hashes = 0, [b""]
    while hashes:
        values = {"origin": origin, "start": start, "stop": start + _AT_ONCE} | ({"level": below} if below else {})
        hashes = list(connection.execute(sa.text(query), values).scalars())
        for at in range(0, len(hashes) - _UNDER_ONE_ROOT + 1, _UNDER_ONE_ROOT):
            yield _folded(hashes[at : at + _UNDER_ONE_ROOT])
        start += len(hashes)


def _folded(row: list[bytes]) -> bytes:
    """RFC 6962 section 2.1. The tree's own code may change one day; what this revision did may not."""
    while len(row) > 1:
        row = [sha256(b"\x01" + row[at] + row[at + 1]).digest() for at in range(0, len(row), 2)]
    return row[0]
