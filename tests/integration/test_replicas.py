"""Two replicas of one node over one database: one log, which neither forks, and followers that lose nothing of it.

Shanxi's node runs twice, with the same keys, on SQLite and on PostgreSQL; Guizhou follows whichever answers.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from huxin.v1 import admin_service_pb2, report_service_pb2

from node.app import trusting
from node.app.auditing import audit_logs
from node.app.storing import open_database
from node.config.values import Address
from node.storage.log_store import LogStore
from tests.integration.provinces import ACCEPT, OF_SHANXI, REJECT, Provinces, provinces, verify
from tests.support import nodes
from tests.support.databases import database_url, migrated_template, postgres
from tests.support.nodes import TestJurisdiction

__all__ = ["database_url", "migrated_template", "postgres"]

ORIGIN = "huxin/140000"


@dataclass
class Twins:
    """The first replica is Shanxi among `provinces`, the second is `second`."""

    provinces: Provinces
    second: TestJurisdiction

    @property
    def both(self) -> tuple[TestJurisdiction, TestJurisdiction]:
        return self.provinces.shanxi, self.second

    async def require_sound(self) -> None:
        """The log derived anew from its entries differs in nothing from what the two have stored."""
        async for difference in audit_logs(self.both[0].settings, ORIGIN, lambda *_: None):
            raise AssertionError(difference)

    async def entries(self, of: TestJurisdiction) -> list[bytes]:
        """Shanxi's log as that node's database holds it."""
        async with open_database(of.settings) as database:
            return await LogStore(database).entries(ORIGIN, 0, 10_000)


def _with_driver(url: str) -> str:
    """As settings want it."""
    engine, rest = url.split("://", 1)
    return f"{engine}+{'aiosqlite' if engine == 'sqlite' else 'asyncpg'}://{rest}"


@asynccontextmanager
async def twins(home: Path, url: str) -> AsyncIterator[Twins]:
    async with provinces(home, own={"140000": {"HUXIN_DATABASE__URL": _with_driver(url)}}) as world:
        first = world.shanxi
        port = nodes.free_port()
        elsewhere = first.settings.rpc.model_copy(update={"listen": Address(host="127.0.0.1", port=port)})
        second = TestJurisdiction("140000", first.layout, first.settings.model_copy(update={"rpc": elsewhere}))
        endpoints = (str(first.settings.rpc.listen), str(second.settings.rpc.listen))
        advertised = first.settings.rpc.model_copy(update={"advertised": endpoints})
        bundle = trusting.export_bundle(first.settings.model_copy(update={"rpc": advertised}), nodes.THE_DAY)
        trusting.import_bundle(world.guizhou.settings, bundle, None)
        await second.start(world.clock)
        try:
            yield Twins(world, second)
        finally:
            await second.stop()


async def test_two_replicas_extend_one_log_and_a_follower_holds_all_of_it(tmp_path: Path, database_url: str) -> None:
    async with twins(tmp_path, database_url) as world:
        guizhou, (first, second) = world.provinces.guizhou, world.both
        numbers = await asyncio.gather(*(nodes.create_report(one) for _ in range(30) for one in (first, second)))
        assert len(set(numbers)) == 60
        await nodes.caught_up(guizhou, first, 60)
        stored = await world.entries(first)
        assert len(set(stored)) == 60
        assert await world.entries(guizhou) == stored
        await world.require_sound()
        for one, number in ((second, numbers[0]), (first, numbers[1])):  # each serves what the other issued
            bundle = await nodes.download(one, number)
            verdict = await verify(guizhou, bundle, first.subject, OF_SHANXI)
            assert verdict.decision == ACCEPT


async def test_one_request_at_both_is_one_report(tmp_path: Path, database_url: str) -> None:
    async with twins(tmp_path, database_url) as world:
        for _ in range(10):
            request = report_service_pb2.CreateReportRequest(
                request_id=str(uuid.uuid4()), subject=nodes.claim(world.both[0].subject), scenario="tender"
            )
            answers = await asyncio.gather(*(one.reports().CreateReport(request) for one in (*world.both, *world.both)))
            assert len({answer.report.report_number for answer in answers}) == 1
        assert len(await world.entries(world.both[0])) == 10


async def test_a_replica_goes_and_the_other_goes_on_and_takes_news_of_its_reports(
    tmp_path: Path, database_url: str
) -> None:
    async with twins(tmp_path, database_url) as world:
        guizhou, (first, second) = world.provinces.guizhou, world.both
        number = await nodes.create_report(first)
        bundle = await nodes.download(first, number)
        await nodes.caught_up(guizhou, first, 1)
        assert (await verify(guizhou, bundle, first.subject, OF_SHANXI)).decision == ACCEPT

        await first.stop()
        await second.admin().ChangeStatus(
            admin_service_pb2.ChangeStatusRequest(
                request_id=str(uuid.uuid4()),
                report_number=number,
                flag="STATUS_FLAG_REVOKED",
                set=True,
                reason_code="synthetic_reason",
            )
        )
        await nodes.caught_up(guizhou, first, 2)  # from the second of the endpoints
        assert (await verify(guizhou, bundle, first.subject, OF_SHANXI)).decision == REJECT

        await first.start(world.provinces.clock)
        for one in (first, second):
            await nodes.create_report(one)
        await nodes.caught_up(guizhou, first, 4)
        assert await world.entries(guizhou) == await world.entries(first)
