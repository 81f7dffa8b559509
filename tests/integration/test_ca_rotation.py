"""A province gives itself a new CA while both verify each other's reports: no call fails, and replication goes on."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import grpc.aio
import pytest
from huxin.v1 import requirement_pb2, verification_service_pb2, verification_service_pb2_grpc

from node.app import certifying, renewing, trust_keeper, trusting
from node.app.authority import issued_by, own_authority
from node.errors import HuxinError
from tests.integration.provinces import ACCEPT, OF_GUIZHOU, OF_SHANXI, Provinces, provinces
from tests.support import nodes

OVERLAP = timedelta(minutes=5)
CALLS_PER_CHANNEL = 10


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(renewing, "LOOK_SECONDS", 0.05)


@dataclass
class Load:
    """What callers met so far: decisions, failures, and how often each has connected anew."""

    decisions: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    connected: list[int] = field(default_factory=list)

    async def all_connect_again(self) -> None:
        """Every caller has taken up the files that lie there now."""
        before = list(self.connected)
        await nodes.until(lambda: all(now > was + 1 for was, now in zip(before, self.connected, strict=True)))


@asynccontextmanager
async def verifying(pair: Provinces, callers: int) -> AsyncIterator[Load]:
    """Callers on both sides, over real connections, from here to the end of the block."""
    load = Load()
    _, of_shanxi = await pair.report(pair.shanxi)
    _, of_guizhou = await pair.report(pair.guizhou)
    await nodes.caught_up(pair.guizhou, pair.shanxi, 1)
    await nodes.caught_up(pair.shanxi, pair.guizhou, 1)

    async def call(
        relying: nodes.TestJurisdiction, bundle: bytes, subject: str, requirement: requirement_pb2.Requirement, at: int
    ) -> None:
        request = verification_service_pb2.VerifyRequest(
            bundle=bundle, requirement=requirement, subject=nodes.claim(subject)
        )
        while True:
            channel = relying.channel()
            load.connected[at] += 1
            stub = verification_service_pb2_grpc.VerificationServiceStub(channel)
            for _ in range(CALLS_PER_CHANNEL):
                try:
                    answer = await stub.Verify(request, timeout=10)
                except grpc.aio.AioRpcError as error:
                    load.failures.append(f"{relying.division} {error.code()} {error.details()}")
                else:
                    load.decisions[answer.verdict.decision] += 1
            relying.channels.remove(channel)
            await channel.close()

    async with asyncio.TaskGroup() as group:
        tasks = []
        for at in range(callers):
            load.connected += [0, 0]
            tasks.append(group.create_task(call(pair.guizhou, of_shanxi, pair.shanxi.subject, OF_SHANXI, 2 * at)))
            tasks.append(group.create_task(call(pair.shanxi, of_guizhou, pair.guizhou.subject, OF_GUIZHOU, 2 * at + 1)))
        yield load
        for task in tasks:
            task.cancel()


def hand_over(pair: Provinces) -> None:
    """Guizhou imports what Shanxi says of itself now."""
    text = (pair.shanxi.layout.trust / "bundles" / "140000.json").read_text(encoding="utf-8")
    trusting.import_bundle(pair.guizhou.settings, text, None)


async def test_a_ca_is_rotated_under_load_without_a_failed_call(tmp_path: Path) -> None:
    extra = {"HUXIN_KEYS__CA_OVERLAP_SECONDS": str(OVERLAP.total_seconds())}
    async with provinces(tmp_path, extra=extra) as pair, verifying(pair, 3) as load:
        shanxi = pair.shanxi
        settings, files = shanxi.settings, own_authority(shanxi.settings)
        (old,) = files.listed()

        certifying.rotate_ca(settings, pair.clock.now(), os.urandom)
        hand_over(pair)
        _, new = files.listed()
        await load.all_connect_again()
        assert issued_by(shanxi.layout.pair("node").read().leaf, old)
        with pytest.raises(HuxinError, match="issues from"):
            certifying.retire_ca(settings, pair.clock.now(), ignore_replaced=True)

        # Once everybody knows the new CA, the node renews itself; its own workloads are renewed by hand.
        pair.clock.advance(OVERLAP)
        await nodes.until(lambda: issued_by(shanxi.layout.pair("node").read().leaf, new))
        with pytest.raises(HuxinError, match=r"gateway .*operator |operator .*gateway ") as caught:
            certifying.retire_ca(settings, pair.clock.now(), ignore_replaced=True)
        assert caught.value.reason == "CERTIFICATES_REMAIN"
        for name in certifying.due_names(settings, pair.clock.now()):
            certifying.renew(settings, name, pair.clock.now(), 365, os.urandom)
        await load.all_connect_again()
        await nodes.create_report(shanxi)
        await nodes.caught_up(pair.guizhou, shanxi, 2)

        with pytest.raises(HuxinError, match="replaced"):
            certifying.retire_ca(settings, pair.clock.now(), ignore_replaced=False)
        certifying.retire_ca(settings, pair.clock.now(), ignore_replaced=True)
        hand_over(pair)
        assert files.listed() == (new,)
        assert not files.next_key.exists()
        await load.all_connect_again()
        await nodes.create_report(shanxi)
        await nodes.caught_up(pair.guizhou, shanxi, 3)

        assert load.failures == []
        assert set(load.decisions) == {ACCEPT}
        assert load.decisions.total() > 100
