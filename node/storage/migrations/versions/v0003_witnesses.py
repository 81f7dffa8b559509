"""Witnesses: what this node cosigned, what peers showed, and evidence of logs with two histories.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Three empty tables: until peers have answered nobody has witnessed anything."""
    op.create_table(
        "log_cosigned",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sqlite_with_rowid=False,
        comment="The largest head of each peer's log that this node has cosigned: never a smaller one again.",
    )
    op.create_table(
        "log_peer_heads",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("peer", sa.String(6), primary_key=True),
        sa.Column("state", sa.String(16), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("cosigned_at", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
        sqlite_with_rowid=False,
        comment="What peers showed and cosigned of each log: that our tree holds (agreed), and beyond it (ahead).",
    )
    op.create_table(
        "log_splits",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("shown_by", sa.String(6), primary_key=True),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("agreed_size", sa.BigInteger, nullable=False),
        sa.Column("first_note", sa.Text, nullable=False),
        sa.Column("second_note", sa.Text, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("consistency", sa.LargeBinary, nullable=False),
        comment="Evidence of logs with two histories, the first of each peer that showed it. Never deleted.",
    )
