"""The tables. One schema for SQLite and PostgreSQL; `migrations/` builds it, a test holds the two together.

Instants are whole microseconds since 1970-01-01 UTC (BIGINT: the same in both databases and in raw statements), days
are DATE, digests 32 bytes. Identifiers of subjects stand in `id` columns and in the raw rows of `quarantine` only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_instant(at: datetime) -> int:
    """Microseconds since the epoch of a timezone-aware instant. Exact: no floating point."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_instant(value: int) -> datetime:
    """The UTC instant of a stored value."""
    return _EPOCH + timedelta(microseconds=value)


def _subject() -> tuple[Column[Any], Column[Any]]:
    return Column("id_type", String(16), primary_key=True), Column("id", String(64), primary_key=True)


counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
    comment="'deliveries' grows by one per delivery in commit order; 'probe' proves that writes work.",
)

registrations = Table(
    "registrations",
    metadata,
    *_subject(),
    Column("name", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("division", String(6), nullable=False),
    Column("registered_on", Date),
    Column("excluded", Text, nullable=False),
    sqlite_with_rowid=False,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("identity", LargeBinary(32), nullable=False, unique=True),
    Column("unit", Text, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("content_digest", LargeBinary(32), nullable=False),
    comment="What units delivered. `identity` is SHA-256 over everything but received_at.",
)

delivery_rows = Table(
    "delivery_rows",
    metadata,
    Column("delivery_id", BigInteger, ForeignKey("deliveries.id"), primary_key=True),
    Column("local_code", Text, primary_key=True),
    sqlite_with_rowid=False,
    comment="The catalogue rows that a delivery speaks for.",
)

records = Table(
    "records",
    metadata,
    *_subject(),
    Column("record_key", LargeBinary(32), primary_key=True),
    Column("ordinal", SmallInteger, primary_key=True, autoincrement=False),
    Column("local_code", Text, nullable=False),
    Column("record_type", String(64), nullable=False),
    Column("deciding_authority", Text, nullable=False),
    Column("document_number", Text, nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("content", Text, nullable=False),
    Column("source_unit", Text, nullable=False),
    Column("effective_on", Date),
    Column("removed_on", Date),
    Column("list_name", Text, nullable=False),
    Column("repair_state", String(16), nullable=False),
    Column("repaired_on", Date),
    Column("delivery_id", BigInteger, ForeignKey("deliveries.id"), nullable=False),
    sqlite_with_rowid=False,
    comment="One row per record and catalogue row that it is filed under; see record_store.py for the key.",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("delivery_id", BigInteger, ForeignKey("deliveries.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer, nullable=False),
    Column("column_name", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    comment="Delivered rows that could not be read, kept byte for byte.",
)

reports = Table(
    "reports",
    metadata,
    Column("report_number", String(32), primary_key=True),
    Column("id_type", String(16), nullable=False),
    Column("id", String(64), nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("period_start", Date, nullable=False),
    Column("period_end", Date, nullable=False),
    Column("section_count", Integer, nullable=False),
    Column("record_count", Integer, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("attestation_digest", LargeBinary(32), nullable=False, unique=True),
    Column("log_index", BigInteger, nullable=False),
    Column("bundle", LargeBinary, nullable=False),
    Index("reports_by_subject", "id_type", "id", "issued_at", "report_number"),
)

requests = Table(
    "requests",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("content", LargeBinary(32), nullable=False),
    Column("report_number", String(32)),
    Column("log_index", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Request ids that were answered (AIP-155); report_number is empty for status changes.",
)

log_entries = Table(
    "log_entries",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("report_number", Text),
    Column("entry", LargeBinary, nullable=False),
    # By number first: numbers begin with their day, so that new rows meet in few pages; digests would scatter them.
    Index("log_entries_by_digest", "origin", "report_number", "digest", "idx"),
    # Leaf hashes alone, in log order: proofs read them sixteen at a time, and entries lie far apart.
    Index("log_entries_leaves", "origin", "idx", "leaf_hash"),
    comment="Every log in our view, the own one and the replicas, as its issuer signed it.",
)
Index(
    "log_entries_by_report",
    log_entries.c.origin,
    log_entries.c.report_number,
    log_entries.c.idx,
    sqlite_where=log_entries.c.report_number.is_not(None),
    postgresql_where=log_entries.c.report_number.is_not(None),
)

log_subtrees = Table(
    "log_subtrees",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
    comment="Roots of perfect subtrees over 2**level leaves, at every fourth level from 4 to 36.",
)

log_heads = Table(
    "log_heads",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("fresh_at", BigInteger),
    Column("closed_size", BigInteger),
    sqlite_with_rowid=False,
    comment="The newest head of each log: `size` is what appends compare and swap.",
)

log_discarded = Table(
    "log_discarded",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("attestation_digest", LargeBinary(32)),
    Column("flag", String(32)),
    Column("is_set", Boolean),
    Index("log_discarded_by_attestation", "origin", "attestation_digest", "idx"),
    comment="What was held of closed logs and does not count: entries, and what their status changes state.",
)

log_status = Table(
    "log_status",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("attestation_digest", LargeBinary(32), nullable=False),
    Column("flag", String(32), nullable=False),
    Column("is_set", Boolean, nullable=False),
    Column("effective_at", BigInteger, nullable=False),
    Index("log_status_by_attestation", "origin", "attestation_digest", "idx"),
    comment="What the status changes of log_entries state.",
)

registry_state = Table(
    "registry_state",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),
    Column("root_version", BigInteger, nullable=False),
    Column("snapshot_version", BigInteger, nullable=False),
    Column("coordinator", String(6), nullable=False),
    Column("signed_at", BigInteger),
    Column("ends", Text, nullable=False),
    comment="One row: the trust registry as last verified; `generation` is what changes compare and swap.",
)

registry_files = Table(
    "registry_files",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("superseded_in", BigInteger),
    comment="Verified files as a mirror serves them; superseded ones stay for a while, for who is fetching.",
)

registry_facts = Table(
    "registry_facts",
    metadata,
    Column("division", String(6), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("known_from", BigInteger, primary_key=True, autoincrement=False),
    Column("known_until", BigInteger),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger),
    Column("content", LargeBinary, nullable=False),
    comment="What the files say, with two times: when it holds, and when it was known to hold. Never deleted.",
)

registry_standings = Table(
    "registry_standings",
    metadata,
    Column("division", String(6), primary_key=True),
    Column("refreshed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("problem", Text, nullable=False),
    comment="How current the knowledge of each jurisdiction is.",
)

outbox = Table(
    "outbox",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", LargeBinary(16), nullable=False, unique=True),
    Column("receiver", String(6), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("ordering_key", LargeBinary(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ended_at", BigInteger),
    Column("content", LargeBinary),
    comment="Messages to peers. content is sealed to ourselves, and erased when the state is final.",
)
Index(
    "outbox_queued",
    outbox.c.receiver,
    outbox.c.ordering_key,
    outbox.c.sequence,
    sqlite_where=outbox.c.ended_at.is_(None),
    postgresql_where=outbox.c.ended_at.is_(None),
)

inbox = Table(
    "inbox",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("sender", String(6), nullable=False),
    Column("id", LargeBinary(16), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("ordering_key", LargeBinary(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("key_id", LargeBinary(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ended_at", BigInteger),
    Column("sealed", LargeBinary),
    Column("outcome", String(64), nullable=False),
    Column("evidence_digest", LargeBinary(32), nullable=False),
    UniqueConstraint("sender", "id", name="inbox_by_message"),
    comment="Messages from peers, as they were sealed to us; erased when the state is final.",
)
Index(
    "inbox_open",
    inbox.c.sender,
    inbox.c.ordering_key,
    inbox.c.sequence,
    sqlite_where=inbox.c.ended_at.is_(None),
    postgresql_where=inbox.c.ended_at.is_(None),
)

Index("inbox_ended", inbox.c.sender, inbox.c.kind, inbox.c.ended_at)

asked_reports = Table(
    "asked_reports",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("caller", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("content", LargeBinary(32), nullable=False),
    Column("receiver", String(6), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger),
    Column("report_number", String(32), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("bundle", LargeBinary),
    UniqueConstraint("caller", "request_id", name="asked_reports_by_request"),
    Index("asked_reports_by_caller", "caller", "created_at", "id"),
    comment="Reports asked for elsewhere. The id is that of the message in outbox; bundle is sealed to ourselves.",
)

shared_subjects = Table(
    "shared_subjects",
    metadata,
    *_subject(),
    Column("receiver", String(6), primary_key=True),
    Column("name", Text, nullable=False),
    Column("since", Date),
    Column("message_id", LargeBinary(16), nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="What peers were told last of which of their organisations; since is empty when it was withdrawn.",
)

subjects_elsewhere = Table(
    "subjects_elsewhere",
    metadata,
    *_subject(),
    Column("holder", String(6), primary_key=True),
    Column("name", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Index("subjects_elsewhere_by_holder", "holder", "id_type", "id"),
    sqlite_with_rowid=False,
    comment="Own organisations of which peers say that they hold records. Proves nothing; no report is made of it.",
)

log_cosigned = Table(
    "log_cosigned",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
    comment="The largest head of each peer's log that this node has cosigned: never a smaller one again.",
)

log_peer_heads = Table(
    "log_peer_heads",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("peer", String(6), primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("cosigned_at", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("checkpoint", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="What peers showed and cosigned of each log: that our tree holds (agreed), and beyond it (ahead).",
)

log_notes = Table(
    "log_notes",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("cosigned_at", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    comment="Heads of peers' logs as this node cosigned them, one a minute at most: for who asks about the past.",
)

log_sightings = Table(
    "log_sightings",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("witness", String(6), primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("seen_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="By when each log had a size, by whose word: a division's, or this node's own (empty).",
)

log_splits = Table(
    "log_splits",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("shown_by", String(6), primary_key=True),
    Column("found_at", BigInteger, nullable=False),
    Column("agreed_size", BigInteger, nullable=False),
    Column("first_note", Text, nullable=False),
    Column("second_note", Text, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("consistency", LargeBinary, nullable=False),
    comment="Evidence of logs with two histories, the first of each peer that showed it. Never deleted.",
)
