"""When signatures are swept: while nobody is served, and not beside those who are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from node.app import sweeping
from node.app.sweeping import Sweeping
from node.federation.patience import Traffic
from node.ledger.heads import HeadBoard
from node.model.log import LogHead
from node.tasks import begun, ended
from tests.integration.provinces import provinces
from tests.recognition.cases import NOW
from tests.support import nodes
from tests.support.http import get
from tests.verification.test_sweep import ISSUER, MANY, World, signed
from trust.issuers import TrustedIssuer
from trust.libcrypto import LibcryptoError


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(sweeping, "PAUSE_SECONDS", 0.02)


async def test_it_works_while_nobody_is_served_and_waits_for_who_is() -> None:
    world, traffic, board = World(*(signed(number) for number in range(200))), Traffic(), HeadBoard()
    board.publish(LogHead(ISSUER.origin, 200, bytes(32), "", NOW))

    async def crowd() -> None:
        while True:
            for _ in range(20):
                traffic.count("callers")
            await asyncio.sleep(0.001)

    callers = begun(crowd(), "callers")
    loop = asyncio.get_running_loop()
    work = Sweeping(world.sweep, lambda: [ISSUER], board, traffic, loop.time, MANY << 12)
    task = begun(work.keep(), "sweep")
    await asyncio.sleep(0.3)
    assert world.views.read == []
    await ended(callers)

    async def all_read() -> bool:
        return len(world.views.read) == 200

    await nodes.eventually(all_read)
    await ended(task)


async def test_what_fails_in_a_way_that_is_not_foreseen_does_not_end_it() -> None:
    """As libcrypto does, which checks SM2, when it finds no memory."""
    world, board = World(*(signed(number) for number in range(20))), HeadBoard()
    board.publish(LogHead(ISSUER.origin, 20, bytes(32), "", NOW))
    failing = iter((True, True))

    def peers() -> list[TrustedIssuer]:
        if next(failing, False):
            raise LibcryptoError
        return [ISSUER]

    work = Sweeping(world.sweep, peers, board, Traffic(), asyncio.get_running_loop().time, MANY << 12)
    task = begun(work.keep(), "sweep")

    async def all_read() -> bool:
        return len(world.views.read) == 20

    await nodes.eventually(all_read)
    await ended(task)


async def test_a_node_sweeps_what_it_replicated(tmp_path: Path) -> None:
    async with provinces(tmp_path) as world:
        for _ in range(3):
            await world.report(world.shanxi)
        await nodes.caught_up(world.guizhou, world.shanxi, 3)

        async def swept() -> bool:
            assert world.guizhou.node is not None
            page = await get(world.guizhou.node.operations_port, "/metrics")
            return b'huxin_statements_swept_total{peer="140000",result="HOLDS"} 3.0' in page.body

        await nodes.eventually(swept)
