"""Messages between nodes, and the reports that are asked for by them.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    """Three empty tables: nothing was ever sent before."""
    op.create_table(
        "outbox",
        _sequence(),
        sa.Column("id", sa.LargeBinary(16), nullable=False, unique=True),
        sa.Column("receiver", sa.String(6), nullable=False),
        *_header(),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("content", sa.LargeBinary),
        comment="Messages to peers. content is sealed to ourselves, and erased when the state is final.",
    )
    _open_ones("outbox_queued", "outbox", "receiver")
    op.create_table(
        "inbox",
        _sequence(),
        sa.Column("sender", sa.String(6), nullable=False),
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        *_header(),
        sa.Column("key_id", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("evidence_digest", sa.LargeBinary(32), nullable=False),
        sa.UniqueConstraint("sender", "id", name="inbox_by_message"),
        comment="Messages from peers, as they were sealed to us; erased when the state is final.",
    )
    _open_ones("inbox_open", "inbox", "sender")
    op.create_table(
        "asked_reports",
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
        sa.Column("receiver", sa.String(6), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("report_number", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("bundle", sa.LargeBinary),
        sa.UniqueConstraint("caller", "request_id", name="asked_reports_by_request"),
        comment="Reports asked for elsewhere. The id is that of the message in outbox; bundle is sealed to ourselves.",
    )
    op.create_index("asked_reports_by_caller", "asked_reports", ["caller", "created_at", "id"])


def _sequence() -> sa.Column[Any]:
    return sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _header() -> list[sa.Column[Any]]:
    return [
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("ordering_key", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    ]


def _open_ones(name: str, table: str, peer: str) -> None:
    where = sa.text("ended_at IS NULL")
    op.create_index(name, table, [peer, "ordering_key", "sequence"], sqlite_where=where, postgresql_where=where)
