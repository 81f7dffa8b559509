"""A node that goes on from an older copy of its database asks its peers before it issues, and waits seconds at most."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from node.app import gossiping
from tests.integration.provinces import provinces
from tests.integration.test_split_views import (
    GUIZHOU,
    LANZHOU,
    SECONDS,
    SETTINGS,
    SHANXI,
    copied,
    own_head,
    put_back,
    require_nothing_issued,
    revoke,
    splits,
    three,
)
from tests.support import nodes
from tests.support.nodes import TestJurisdiction


async def test_a_restored_node_asks_its_peers_before_it_issues(tmp_path: Path) -> None:
    """At once after its start, long before the first round of gossip, which each of these nodes begins in minutes."""
    seldom = {**SETTINGS, "HUXIN_FEDERATION__GOSSIP_SECONDS": "600"}
    async with provinces(tmp_path, SHANXI, GUIZHOU, LANZHOU, extra=seldom) as world:
        shanxi, guizhou, lanzhou = world.shanxi, world.guizhou, world.all[LANZHOU]
        number, _ = await world.report(shanxi)
        await shanxi.stop()
        copy = copied(shanxi, tmp_path / "copy.db")
        await shanxi.start(world.clock)
        await world.report(shanxi)
        await nodes.caught_up(guizhou, shanxi, 2)
        await nodes.caught_up(lanzhou, shanxi, 2)
        await shanxi.stop()
        newest = copied(shanxi, tmp_path / "newest.db")
        await lanzhou.stop()  # whoever is away keeps nobody from issuing, nor from hearing of it
        put_back(shanxi, copy)
        await shanxi.start(world.clock)
        await require_nothing_issued(shanxi)
        await shanxi.stop()
        put_back(shanxi, newest)
        await shanxi.start(world.clock)
        await lanzhou.start(world.clock)
        await world.report(shanxi)
        changed = await revoke(shanxi, number)
        assert not changed.awaits_recovery
        for follower in (guizhou, lanzhou):
            await nodes.caught_up(follower, shanxi, 4)
            assert await splits(follower) == [], "nothing was forked: the newest database heals it"


async def test_peers_that_say_nothing_hold_up_the_first_report_for_seconds_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take the connection and never answer. Status changes wait for nobody, and neither does the start."""
    async with three(tmp_path) as world:
        shanxi, guizhou, lanzhou = world.shanxi, world.guizhou, world.all[LANZHOU]
        number, _ = await world.report(shanxi)
        await shanxi.stop()
        for peer_ in (guizhou, lanzhou):
            await peer_.stop()
        monkeypatch.setattr(gossiping, "FIRST_QUESTION_SECONDS", 10 * SECONDS)
        with silent(guizhou), silent(lanzhou):
            await shanxi.start(world.clock)
            issuing = asyncio.create_task(nodes.create_report(shanxi))
            await revoke(shanxi, number)
            done, _ = await asyncio.wait({issuing}, timeout=1.0)
            assert not done, "no report before the peers are heard, however long there is for one"
            assert own_head(shanxi).size == 2, "the revocation waited for nobody"
        await issuing  # they refuse the connection now, which is an answer
        assert own_head(shanxi).size == 3
        await shanxi.stop()

        monkeypatch.setattr(gossiping, "FIRST_QUESTION_SECONDS", 0.5)
        with silent(guizhou), silent(lanzhou):
            await shanxi.start(world.clock)
            await nodes.create_report(shanxi)
        assert own_head(shanxi).size == 4


def silent(one: TestJurisdiction) -> socket.socket:
    """The system takes connections where its node listened, and nobody ever says a word."""
    return socket.create_server(("127.0.0.1", one.settings.rpc.listen.port))
