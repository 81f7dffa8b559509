"""`huxin log check`: the stored logs derived anew from their entries. Only reads, beside a serving node or without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

from node.app.storing import open_to_read
from node.app.trusted_logs import TrustedLogs, is_own, origins_named, trusted_logs
from node.config.settings import Settings
from node.ledger.audit import LogAudit
from node.model.log_audit import AuditProgress, Difference
from node.storage.log_audit import LogAuditReader
from node.storage.registry_store import RegistryStore

Begun = Callable[[AuditProgress], None]
"""Told when a log's turn comes; what it is told goes on changing until the log is done."""


async def audit_logs(settings: Settings, wanted: str | None, begun: Begun) -> AsyncIterator[Difference]:
    """Everything that differs in the logs that a division or origin names; None: in every log that is stored.

    Raises NotFound for a log that is not stored, NotReady when the database cannot be read.
    """
    async with open_to_read(settings) as database:
        keys = trusted_logs(settings, await RegistryStore(database).load())
        reader = LogAuditReader(database)
        stored = await reader.origins()
        for origin in stored if wanted is None else origins_named(wanted, settings, stored):
            audit = _audit_of(reader, origin, keys, own=is_own(settings, origin))
            begun(audit.progress)
            async for difference in audit.differences():
                yield difference


def _audit_of(reader: LogAuditReader, origin: str, keys: TrustedLogs, *, own: bool) -> LogAudit:
    return LogAudit(reader, origin, partial(keys.readings, origin), partial(keys.open_note, origin), own=own)
