"""Which stored log a question is about, and as far as it counts."""

from __future__ import annotations

import pytest

from node.app.asked_logs import asked_log
from node.app.trusted_logs import Closing, TrustedLogs
from node.errors import NotReady
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica
from node.storage.database import Database
from node.storage.log_audit import LogAuditReader
from node.storage.log_store import LogStore
from tests.ledger.test_replica import KEYS, SKEW, read_entry
from tests.ledger.world import NOW, ORIGIN, PeerLog
from tests.support.trust import key
from trust.issuers import ClosedLog

LOG = PeerLog(size=12)
OTHER = PeerLog("fork", size=12)


def closed_at(size: int) -> TrustedLogs:
    end = ClosedLog(
        ORIGIN, key("head").public, key("cosigner").public, size, LOG.root(size), LOG.note(size), NOW, b"succession"
    )
    return TrustedLogs({}, {ORIGIN: Closing(end, f"{ORIGIN}/2")})


async def hold(store: LogStore, log: PeerLog, size: int) -> None:
    replica = Replica(store, KEYS, HeadBoard(), lambda: NOW, read_entry, SKEW)
    await replica.open()
    await replica.accept(log.batch(0, size, size, NOW))


async def test_of_a_closed_log_the_head_that_was_signed_off_is_asked(database: Database) -> None:
    store = LogStore(database)
    await hold(store, LOG, 10)
    found = await asked_log(LogAuditReader(database), store, closed_at(9), [ORIGIN])
    assert (found.head.size, found.head.root) == (9, LOG.root(9))


@pytest.mark.parametrize("held", [LOG, OTHER])
async def test_what_ends_before_the_signed_off_head_proves_nothing_yet(database: Database, held: PeerLog) -> None:
    """Nobody can tell yet of which history it is."""
    store = LogStore(database)
    await hold(store, held, 8)
    with pytest.raises(NotReady, match="followed it up") as caught:
        await asked_log(LogAuditReader(database), store, closed_at(9), [ORIGIN])
    assert caught.value.reason == "LOG_CLOSED"
