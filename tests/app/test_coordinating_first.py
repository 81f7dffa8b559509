"""What the coordinator does before its first release: it hears what peers hold, once, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from node.app import coordinating, trusting
from node.app.coordinating import Coordinating
from node.app.registering import online_of, publisher_of, registry_in, to_publish
from node.app.storing import open_database
from node.registry.keeping import TrustRegistry
from node.registry.publishing import Publication, next_publication
from node.storage.registry_store import RegistryStore
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.federation import federate
from tests.support.nodes import THE_DAY, TestJurisdiction


@dataclass
class Home:
    """A coordinator's home, not served."""

    one: TestJurisdiction
    registry: TrustRegistry
    store: RegistryStore
    clock: SettableClock

    def coordinating(self, look: object) -> Coordinating:
        online = online_of(self.one.settings)
        assert online is not None
        assert callable(look)
        return Coordinating(self.registry, online, self.clock.now, look)

    async def snapshot(self) -> int:
        record = await self.store.load()
        assert record is not None
        return record.snapshot_version

    async def publication(self) -> Publication:
        """Something new."""
        settings, now = self.one.settings, self.clock.now()
        trusting.amend_own_bundle(settings, now, lambda bundle: bundle)
        signer = publisher_of(settings)
        assert signer is not None
        content = to_publish(settings, trusting.trusted_state(settings))
        made = next_publication(
            await self.registry.files(), self.one.division, content, signer, now, timedelta(days=90)
        )
        assert made is not None
        return made


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    one = nodes.found(tmp_path, "140000")
    await federate([one])
    clock = SettableClock(THE_DAY + timedelta(minutes=1))
    async with open_database(one.settings) as database:
        yield Home(one, registry_in(database, clock.now), RegistryStore(database), clock)


async def test_a_publication_waits_until_the_peers_were_asked_and_the_next_one_does_not(home: Home) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()
    times = 0

    async def look() -> None:
        nonlocal times
        times += 1
        asked.set()
        await answered.wait()

    door = home.coordinating(look)
    before, made = await home.snapshot(), await home.publication()
    releasing = asyncio.create_task(door.publish(made.division, made.metadata, made.files))
    async with asyncio.timeout(10):
        await asked.wait()
        assert await home.snapshot() == before
        answered.set()
        assert await releasing == before + 1
        again = await home.publication()
        assert await door.publish(again.division, again.metadata, again.files) == before + 2
    assert times == 1


async def test_peers_that_do_not_answer_do_not_stop_the_registry(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinating, "LOOK_SECONDS", 0.05)
    door = home.coordinating(asyncio.Event().wait)
    before, made = await home.snapshot(), await home.publication()
    async with asyncio.timeout(10):
        assert await door.publish(made.division, made.metadata, made.files) == before + 1
