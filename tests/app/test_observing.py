"""Readiness is answered whatever happens to the database: who asks again and again must never be left with old news."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from node.app.keyring import load_keyring
from node.app.observing import Watchpoint
from node.app.trust_keeper import TrustKeeper
from node.clock import SystemClock
from node.ledger.heads import HeadBoard
from node.registry.directory import TrustDirectory
from node.storage.database import Database
from node.verification.trusting import FreshnessLimits
from tests.support.nodes import TestJurisdiction


async def test_a_damaged_database_is_told_and_asked_again(guizhou: TestJurisdiction) -> None:
    clock = SystemClock()
    limits = FreshnessLimits(timedelta(days=7), timedelta(days=1))
    directory = TrustDirectory(guizhou.settings.trust.directory, "520000")
    keyring = load_keyring(guizhou.settings)
    trust = TrustKeeper(directory, keyring, limits, clock.now)
    database = await Database.open(guizhou.settings.database.connection_url())
    await database.migrate()
    watch = Watchpoint("520000", clock, trust, database, HeadBoard(), list, timedelta(minutes=1), keyring)
    try:
        assert {check.name for check in await watch.readiness() if not check.ok} == set()
        for damage, mend in (
            ("ALTER TABLE counters RENAME TO gone", "ALTER TABLE gone RENAME TO counters"),
            ("ALTER TABLE counters RENAME COLUMN value TO gone", "ALTER TABLE counters RENAME COLUMN gone TO value"),
        ):
            async with database.write() as connection:
                await connection.execute(text(damage))
            assert {check.name for check in await watch.readiness() if not check.ok} == {"database"}
            async with database.write() as connection:
                await connection.execute(text(mend))
            assert {check.name for check in await watch.readiness() if not check.ok} == set()
    finally:
        await database.close()
