"""Successor logs: where a log was closed, and what was held of it beyond that.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    """A column without a value and an empty table: until one is succeeded no log is closed."""
    op.add_column("log_heads", sa.Column("closed_size", sa.BigInteger))
    op.create_table(
        "log_discarded",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("attestation_digest", sa.LargeBinary(32)),
        sa.Column("flag", sa.String(32)),
        sa.Column("is_set", sa.Boolean),
        comment="What was held of closed logs and does not count: entries, and what their status changes state.",
    )
    op.create_index("log_discarded_by_attestation", "log_discarded", ["origin", "attestation_digest", "idx"])
