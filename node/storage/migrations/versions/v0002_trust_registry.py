"""The trust registry: verified files and the facts read from them.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Four empty tables: a node that has joined no registry goes on as before."""
    op.create_table(
        "registry_state",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("root_version", sa.BigInteger, nullable=False),
        sa.Column("snapshot_version", sa.BigInteger, nullable=False),
        sa.Column("coordinator", sa.String(6), nullable=False),
        sa.Column("signed_at", sa.BigInteger),
        sa.Column("ends", sa.Text, nullable=False),
        comment="One row: the trust registry as last verified; `generation` is what changes compare and swap.",
    )
    op.create_table(
        "registry_files",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("superseded_in", sa.BigInteger),
        comment="Verified files as a mirror serves them; superseded ones stay for a while, for who is fetching.",
    )
    op.create_table(
        "registry_facts",
        sa.Column("division", sa.String(6), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("known_from", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("known_until", sa.BigInteger),
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("valid_until", sa.BigInteger),
        sa.Column("content", sa.LargeBinary, nullable=False),
        comment="What the files say, with two times: when it holds, and when it was known to hold. Never deleted.",
    )
    op.create_table(
        "registry_standings",
        sa.Column("division", sa.String(6), primary_key=True),
        sa.Column("refreshed_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        comment="How current the knowledge of each jurisdiction is.",
    )
