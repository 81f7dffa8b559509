"""SIGKILL again and again: no answered report is lost, no log has a gap or a duplicate (AIP-155, R165).

Node processes are real, their clients and peers are connected by real mTLS. What is killed is forked from a process
that has imported the node already (`tests/support/nursery.py`); the variant on PostgreSQL runs `python -m node`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integration.kills import Orders, Watched, check_whole, commanded, die_young, forked, live, pair, serves


async def test_a_hundred_kills_of_the_issuing_node(tmp_path: Path) -> None:
    issuer, follower = await pair(tmp_path)
    orders = Orders(issuer, 237)
    async with forked(tmp_path) as keeper:
        following = await keeper.bear(follower)
        watched = Watched(tmp_path / "520000.log")
        under_way = []
        for number in range(100):
            if number % 8 == 7:
                await die_young(keeper, orders)
                continue
            followed = watched.contact_after(watched.contacts()) if number % 4 == 0 else None
            under_way.append(await live(keeper, orders, followed))
        last = await keeper.bear(issuer)
        await check_whole(orders, follower)
        await keeper.kill(last)
        await keeper.kill(following)
    # The kills hit what they were meant to hit.
    assert sum(count > 0 for count in under_way) > 50
    assert watched.contacts() > 25


async def test_twenty_kills_of_the_following_node(tmp_path: Path) -> None:
    issuer, follower = await pair(tmp_path)
    orders = Orders(issuer, 238)
    async with forked(tmp_path) as keeper:
        issuing = await keeper.bear(issuer)
        await serves(issuer)
        reports = issuer.reports()
        clients = [asyncio.create_task(orders.keep_asking(reports)) for _ in range(2)]
        watched = Watched(tmp_path / "520000.log")
        for number in range(20):
            contacts = watched.contacts()
            following = await keeper.bear(follower)
            if number % 4:
                await watched.contact_after(contacts)
            await asyncio.sleep(orders.rng.uniform(0, 0.2))
            await keeper.kill(following)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        following = await keeper.bear(follower)
        await check_whole(orders, follower)
        await keeper.kill(issuing)
        await keeper.kill(following)
    assert watched.contacts() > 15


async def test_kills_of_real_commands_on_postgresql(tmp_path: Path, postgres_urls: list[str]) -> None:
    issuer, follower = await pair(tmp_path, postgres_urls)
    orders = Orders(issuer, 239)
    async with commanded() as keeper:
        following = await keeper.bear(follower)
        for _ in range(5):
            await live(keeper, orders)
        last = await keeper.bear(issuer)
        await check_whole(orders, follower)
        await keeper.kill(last)
        await keeper.kill(following)
