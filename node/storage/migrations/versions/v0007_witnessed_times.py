"""Witnessed times: by when a log is known to have had a size, and who says so.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"


def upgrade() -> None:
    """Two empty tables: what was stored before counts as seen from the first sighting on, and never from earlier."""
    op.create_table(
        "log_notes",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("cosigned_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        comment="Heads of peers' logs as this node cosigned them, one a minute at most: for who asks about the past.",
    )
    op.create_table(
        "log_sightings",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("witness", sa.String(6), primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
        comment="By when each log had a size, by whose word: a division's, or this node's own (empty).",
    )
