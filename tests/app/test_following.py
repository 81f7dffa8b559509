"""Followers of real peers come and go with the trusted state, and find a peer at whichever endpoint answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from huxin.v1 import admin_service_pb2

from node.app import trust_keeper, trusting
from node.app.storing import open_database
from node.storage.schema import log_heads, log_subtrees
from tests.support import nodes
from tests.support.nodes import THE_DAY, TestJurisdiction


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.05)


async def peers(one: TestJurisdiction) -> dict[str, tuple[str, str]]:
    """State and endpoint by division."""
    answer = await one.admin().ListPeers(admin_service_pb2.ListPeersRequest())
    return {peer.division: (peer.state, peer.endpoint) for peer in answer.peers}


def republish(one: TestJurisdiction, *endpoints: str) -> str:
    rpc = one.settings.rpc.model_copy(update={"advertised": endpoints})
    return trusting.export_bundle(one.settings.model_copy(update={"rpc": rpc}), THE_DAY)


async def test_a_peer_is_found_at_its_second_endpoint(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    real = str(shanxi.settings.rpc.listen)
    nodes.introduce([guizhou, shanxi])
    trusting.import_bundle(guizhou.settings, republish(shanxi, f"127.0.0.1:{nodes.free_port()}", real), None)
    async with nodes.running([shanxi, guizhou]):
        await nodes.caught_up(guizhou, shanxi, 0)
        assert (await peers(guizhou))["140000"] == ("connected", real)


async def test_followers_come_and_go_with_the_trusted_state(tmp_path: Path, guizhou: TestJurisdiction) -> None:
    shanxi, lanzhou = nodes.found(tmp_path, "140000"), nodes.found(tmp_path, "620100")
    async with nodes.running([guizhou, shanxi, lanzhou]):
        assert await peers(guizhou) == {}
        nodes.introduce([guizhou, shanxi, lanzhou])

        async def both_connected() -> bool:
            return {state for state, _ in (await peers(guizhou)).values()} == {"connected"} and len(
                await peers(guizhou)
            ) == 2

        await nodes.eventually(both_connected)
        (guizhou.layout.trust / "bundles" / "620100.json").unlink()

        async def one_left() -> bool:
            return set(await peers(guizhou)) == {"140000"}

        await nodes.eventually(one_left)
        moved = f"127.0.0.1:{nodes.free_port()}"
        trusting.import_bundle(guizhou.settings, republish(shanxi, moved), None)

        async def looks_elsewhere() -> bool:
            return (await peers(guizhou)).get("140000") == ("waiting", moved)

        await nodes.eventually(looks_elsewhere)


async def test_a_peer_that_does_not_know_us_refuses(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    """It says so, and goes on asking: the administrator there may import our bundle any time."""
    text = (shanxi.layout.trust / "bundles" / "140000.json").read_text(encoding="utf-8")
    trusting.import_bundle(guizhou.settings, text, trusting.trusted_state(shanxi.settings).own.signers[0])
    async with nodes.running([shanxi, guizhou]):

        async def turned_away() -> bool:
            return (await peers(guizhou))["140000"][0] in ("refused", "waiting")

        await nodes.eventually(turned_away)
        nodes.introduce([guizhou, shanxi])

        async def connected() -> bool:
            return (await peers(guizhou))["140000"][0] == "connected"

        await nodes.eventually(connected)


async def test_a_damaged_replica_of_one_peer_stops_nothing_else(
    tmp_path: Path, guizhou: TestJurisdiction, shanxi: TestJurisdiction
) -> None:
    """The node starts, and goes on noticing what its administrator trusts no more."""
    lanzhou = nodes.found(tmp_path, "620100")
    nodes.introduce([guizhou, shanxi, lanzhou])
    async with open_database(guizhou.settings) as database, database.write() as connection:
        origin = {"origin": "huxin/140000"}
        await connection.execute(
            log_heads.insert().values(**origin, size=256, root=bytes(32), checkpoint="", fresh_at=1)
        )
        await connection.execute(log_subtrees.insert().values(**origin, level=8, idx=0, hash=b"damaged"))
    async with nodes.running([guizhou, lanzhou]):

        async def lanzhou_connected() -> bool:
            return {division: state for division, (state, _) in (await peers(guizhou)).items()} == {
                "140000": "waiting",
                "620100": "connected",
            }

        await nodes.eventually(lanzhou_connected)
        (guizhou.layout.trust / "bundles" / "620100.json").unlink()

        async def one_left() -> bool:
            return set(await peers(guizhou)) == {"140000"}

        await nodes.eventually(one_left)
