"""How a log lies in its tables: the one place that turns entries and subtree roots into rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from node.model.log import LogEntry, SubtreeRoot
from node.storage.schema import to_instant

ENTRY_COLUMNS = ("origin", "idx", "leaf_hash", "digest", "kind", "report_number", "entry")
STATUS_COLUMNS = ("origin", "idx", "attestation_digest", "flag", "is_set", "effective_at")
SUBTREE_COLUMNS = ("origin", "level", "idx", "hash")


def entry_rows(origin: str, entries: Iterable[LogEntry]) -> list[tuple[Any, ...]]:
    """Rows of `log_entries`, in ENTRY_COLUMNS."""
    return [
        (
            origin,
            entry.index,
            entry.leaf_hash,
            entry.digest,
            entry.kind.value,
            entry.report_number or None,
            entry.entry,
        )
        for entry in entries
    ]


def status_rows(origin: str, entries: Sequence[LogEntry]) -> list[tuple[Any, ...]]:
    """Rows of `log_status`, in STATUS_COLUMNS."""
    return [
        (origin, entry.index, change.attestation_digest, change.flag.value, change.set, to_instant(change.effective_at))
        for entry in entries
        if (change := entry.status) is not None
    ]


def subtree_rows(origin: str, roots: Iterable[SubtreeRoot]) -> list[tuple[Any, ...]]:
    """Rows of `log_subtrees`, in SUBTREE_COLUMNS."""
    return [(origin, root.level, root.index, root.hash) for root in roots]
