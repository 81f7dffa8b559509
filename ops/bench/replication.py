"""Replication: a follower on one core takes in a whole log from a serving node on the other."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from statistics import median

from node.app.ledgers import entry_reader
from node.app.storing import open_database
from node.app.trusting import trusted_state
from node.federation.peer_client import ClientCredentials, GrpcPeerClient
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica, ReplicaKeys
from node.storage.log_store import LogStore
from ops.bench.world import CLIENT_CORE, SERVER_CORE, Process
from tests.support.nodes import TestJurisdiction
from trust.issuers import TrustedIssuer

REPETITIONS = 3
BATCH = 1000
SKEW = timedelta(seconds=60)


async def measure_replication(
    issuer: TestJurisdiction, follower: TestJurisdiction, entries: int, serving: Process, ed25519_seconds: float
) -> Mapping[str, float]:
    """Entries per second of one core, proven, read and durably stored; the log is followed whole each time."""
    if serving.running is not None:
        os.sched_setaffinity(serving.running.pid, {SERVER_CORE})
    os.sched_setaffinity(0, {CLIENT_CORE})
    rates = [await _follow_whole(issuer, follower, entries, turn) for turn in range(REPETITIONS)]
    rate = median(rates)
    return {"replicate_rate_1core": rate, "replicate_vs_ed25519_verify_1core": rate * ed25519_seconds}


async def _follow_whole(issuer: TestJurisdiction, follower: TestJurisdiction, entries: int, turn: int) -> float:
    """One pass into an empty database of its own, over the same channel and code as in service."""
    state = trusted_state(follower.settings)
    peer = state.jurisdictions[issuer.division]
    trusted = TrustedIssuer.of(peer.bundle, peer.bundle.issued_at)
    pair = follower.layout.pair("node").read()
    file = follower.layout.home / f"bench-{turn}.db"
    database_settings = follower.settings.database.model_copy(update={"url": f"sqlite+aiosqlite:///{file}"})
    settings = follower.settings.model_copy(update={"database": database_settings})
    client = GrpcPeerClient(
        issuer.division,
        peer.bundle.endpoints[0],
        issuer.layout.certificate("ca").read_bytes(),
        ClientCredentials(pair.certificate, pair.key),
        settings.limits.max_message_bytes,
    )
    async with open_database(settings) as database:
        keys = ReplicaKeys(trusted.origin, trusted.head_key, trusted.cosigners)
        replica = Replica(LogStore(database), keys, HeadBoard(), lambda: datetime.now(UTC), entry_reader(trusted), SKEW)
        known = await replica.open()
        began = time.perf_counter()
        async for batch in client.follow(trusted.origin, 0 if known is None else known.size, BATCH):
            if (await replica.accept(batch)).size >= entries:
                break
        seconds = time.perf_counter() - began
    await client.close()
    return entries / seconds
