"""Basic information of organisations of elsewhere, and requests counted by day.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    """Two empty tables: nothing was shared before. The index serves the count of a peer's requests of a day."""
    op.create_table(
        "shared_subjects",
        *_subject("receiver"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("since", sa.Date),
        sa.Column("message_id", sa.LargeBinary(16), nullable=False),
        sa.Column("queued_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
        comment="What peers were told last of which of their organisations; since is empty when it was withdrawn.",
    )
    op.create_table(
        "subjects_elsewhere",
        *_subject("holder"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
        comment="Own organisations of which peers say that they hold records. Proves nothing; no report is made of it.",
    )
    op.create_index("subjects_elsewhere_by_holder", "subjects_elsewhere", ["holder", "id_type", "id"])
    op.create_index("inbox_ended", "inbox", ["sender", "kind", "ended_at"])


def _subject(peer: str) -> list[sa.Column[Any]]:
    return [
        sa.Column("id_type", sa.String(16), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column(peer, sa.String(6), primary_key=True),
    ]
