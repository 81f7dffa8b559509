"""The first tables: facts about subjects, reports, logs.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Build everything. Data migrations never go down: a node is restored from its backup instead."""
    _facts()
    _reports()
    _logs()


def _facts() -> None:
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
        comment="'deliveries' grows by one per delivery in commit order; 'probe' proves that writes work.",
    )

    op.create_table(
        "registrations",
        sa.Column("id_type", sa.String(16), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("division", sa.String(6), nullable=False),
        sa.Column("registered_on", sa.Date),
        sa.Column("excluded", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("identity", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("content_digest", sa.LargeBinary(32), nullable=False),
        comment="What units delivered. `identity` is SHA-256 over everything but received_at.",
    )

    op.create_table(
        "delivery_rows",
        sa.Column("delivery_id", sa.BigInteger, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("local_code", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
        comment="The catalogue rows that a delivery speaks for.",
    )

    op.create_table(
        "records",
        sa.Column("id_type", sa.String(16), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("record_key", sa.LargeBinary(32), primary_key=True),
        sa.Column("ordinal", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("local_code", sa.Text, nullable=False),
        sa.Column("record_type", sa.String(64), nullable=False),
        sa.Column("deciding_authority", sa.Text, nullable=False),
        sa.Column("document_number", sa.Text, nullable=False),
        sa.Column("decided_on", sa.Date, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("source_unit", sa.Text, nullable=False),
        sa.Column("effective_on", sa.Date),
        sa.Column("removed_on", sa.Date),
        sa.Column("list_name", sa.Text, nullable=False),
        sa.Column("repair_state", sa.String(16), nullable=False),
        sa.Column("repaired_on", sa.Date),
        sa.Column("delivery_id", sa.BigInteger, sa.ForeignKey("deliveries.id"), nullable=False),
        sqlite_with_rowid=False,
        comment="One row per record and catalogue row that it is filed under; see record_store.py for the key.",
    )

    op.create_table(
        "quarantine",
        sa.Column("delivery_id", sa.BigInteger, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("column_name", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        comment="Delivered rows that could not be read, kept byte for byte.",
    )
    op.bulk_insert(counters, [{"name": "deliveries", "value": 0}, {"name": "probe", "value": 0}])


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("report_number", sa.String(32), primary_key=True),
        sa.Column("id_type", sa.String(16), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("section_count", sa.Integer, nullable=False),
        sa.Column("record_count", sa.Integer, nullable=False),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("attestation_digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("log_index", sa.BigInteger, nullable=False),
        sa.Column("bundle", sa.LargeBinary, nullable=False),
    )

    op.create_table(
        "requests",
        sa.Column("caller", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
        sa.Column("report_number", sa.String(32)),
        sa.Column("log_index", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
        comment="Request ids that were answered (AIP-155); report_number is empty for status changes.",
    )
    op.create_index("reports_by_subject", "reports", ["id_type", "id", "issued_at", "report_number"])


def _logs() -> None:
    op.create_table(
        "log_entries",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("report_number", sa.Text),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        comment="Every log in our view, the own one and the replicas, as its issuer signed it.",
    )
    op.create_table(
        "log_subtrees",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sqlite_with_rowid=False,
        comment="Roots of perfect subtrees over 2**level leaves, level 8, 16, 24 or 32.",
    )

    op.create_table(
        "log_heads",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
        sa.Column("fresh_at", sa.BigInteger),
        sqlite_with_rowid=False,
        comment="The newest head of each log: `size` is what appends compare and swap.",
    )

    op.create_table(
        "log_status",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("attestation_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("flag", sa.String(32), nullable=False),
        sa.Column("is_set", sa.Boolean, nullable=False),
        sa.Column("effective_at", sa.BigInteger, nullable=False),
        comment="What the status changes of log_entries state.",
    )
    op.create_index("log_entries_by_digest", "log_entries", ["origin", "digest", "idx"])
    op.create_index("log_status_by_attestation", "log_status", ["origin", "attestation_digest", "idx"])
    present = sa.text("report_number IS NOT NULL")
    op.create_index(
        "log_entries_by_report",
        "log_entries",
        ["origin", "report_number", "idx"],
        sqlite_where=present,
        postgresql_where=present,
    )
