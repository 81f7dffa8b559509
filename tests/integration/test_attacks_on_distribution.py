"""Attacks on the distribution of trust, through the doors of real nodes (`trust/README.md` has the table).

Lanzhou's mirror lies to Guizhou, and nobody else can be reached. Each attack fails the refresh with its reason, changes
nothing, is alarmed, and ends in REFER once what was verified last is too old; when an honest peer is back, it heals.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from huxin.v1 import verdict_pb2
from structlog.testing import capture_logs

from node.app import trust_keeper
from tests.integration import federated, registry_lies
from tests.integration.federated import (
    COORDINATOR,
    DAY,
    ISSUER,
    LIAR,
    LIMIT,
    MINUTE,
    RELYING,
    SECOND,
    Template,
    World,
)
from tests.integration.provinces import ACCEPT, REFER
from tests.integration.registry_lies import LIES, NO_CHANGES, SENDING
from tests.support import nodes

pytestmark = pytest.mark.asyncio(loop_scope="module")

GRACE, STALE, EXPIRED = (
    verdict_pb2.FRESHNESS_CONDITION_GRACE,
    verdict_pb2.FRESHNESS_CONDITION_STALE,
    verdict_pb2.FRESHNESS_CONDITION_EXPIRED,
)
TIMESTAMP_LIFE = 5 * DAY
SECONDS = {"HUXIN_REGISTRY__PEER_SECONDS": "1"}
MOST_BYTES = 8 << 20
"""What a mirror gets rid of in one call before it is left: the file's limit, and what the connection has buffered."""


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return await federated.prepare(tmp_path_factory.mktemp("federated") / "homes")


@pytest_asyncio.fixture(loop_scope="module")
async def world(template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """Guizhou runs alone, and has taken over a second version of what Shanxi says of itself."""
    async with federated.world_of(template, tmp_path / "homes", extra=SECONDS) as found:
        found.clock.advance(MINUTE)
        await found.give(registry_lies.next_of_shanxi(found))
        found.clock.advance(MINUTE)
        await found.counted("OK")  # what was under way has ended, so that each refresh is of this moment
        yield found


async def attacked(world: World, reason: str) -> None:
    """From here on Lanzhou lies: it is told by metrics and log, and what Guizhou holds does not change."""
    before = world.rows()
    with capture_logs() as logs:
        await world.counted(reason)
    told = [each for each in logs if each["event"] == "registry_not_refreshed" and each["peer"] == LIAR]
    assert [(each["log_level"], each["reason"]) for each in told] == [("warning", reason)]
    assert world.rows() == before


async def ages(world: World) -> None:
    """While the attack goes on: ACCEPT with a growing age, REFER at the limit, and never ACCEPT after that."""
    before, taken = world.rows(), (await world.refreshes()).get("OK", 0)
    signed_at = world.clock.now() - MINUTE
    seen = []
    for age in (MINUTE, DAY, 2 * DAY, LIMIT):
        world.clock.set(signed_at + age)
        verdict = await world.ask()
        assert (verdict.decision, list(verdict.reasons)) == (ACCEPT, []), age
        seen.append(verdict.trust_state.age_seconds)
    assert seen == [int(age.total_seconds()) for age in (MINUTE, DAY, 2 * DAY, LIMIT)]
    assert verdict.trust_state.condition == GRACE, "it warns before the limit"
    for age, reason, condition in (
        (LIMIT + SECOND, "TRUST_STATE_STALE", STALE),
        (TIMESTAMP_LIFE - SECOND, "TRUST_STATE_STALE", STALE),
        (TIMESTAMP_LIFE, "TRUST_STATE_EXPIRED", EXPIRED),
        (20 * DAY, "TRUST_STATE_EXPIRED", EXPIRED),
    ):
        world.clock.set(signed_at + age)
        verdict = await world.ask()
        assert (verdict.decision, list(verdict.reasons)) == (REFER, [reason]), age
        assert verdict.trust_state.condition == condition
        assert verdict.steps[7].status == verdict_pb2.STEP_STATUS_UNDECIDED
    assert world.rows() == before
    assert (await world.refreshes()).get("OK", 0) == taken


async def heals(world: World) -> None:
    """An honest peer is back: nobody has to do anything."""
    await world.give(world.release(NO_CHANGES))

    async def young() -> bool:
        return (await world.ask()).trust_state.age_seconds == 0

    await nodes.eventually(young)
    verdict = await world.ask()
    assert (verdict.decision, list(verdict.reasons)) == (ACCEPT, [])


@pytest.mark.parametrize("name", LIES)
async def test_a_lie_is_refused_and_ends_in_refer(world: World, name: str) -> None:
    lie, reason = LIES[name]
    world.mirror.serve(lie(world))
    await attacked(world, reason)
    await ages(world)
    await heals(world)


async def test_a_freeze_shows_its_age_and_ends_in_refer(world: World) -> None:
    """The mirror tells nothing wrong, and nothing new: each refresh is good until what it offers has ended."""
    before = world.rows()
    await world.counted("OK")
    for age in (DAY, 2 * DAY):
        world.clock.advance(DAY)
        verdict = await world.ask()
        assert (verdict.decision, verdict.trust_state.condition) == (ACCEPT, GRACE)
        assert verdict.trust_state.age_seconds == int((age + MINUTE).total_seconds())
    world.clock.advance(DAY)
    verdict = await world.ask()
    assert (verdict.decision, list(verdict.reasons)) == (REFER, ["TRUST_STATE_STALE"])
    world.clock.advance(2 * DAY)
    await attacked(world, "REGISTRY_EXPIRED")
    verdict = await world.ask()
    assert (verdict.decision, list(verdict.reasons)) == (REFER, ["TRUST_STATE_EXPIRED"])
    assert world.rows() == before
    await heals(world)


@pytest.mark.parametrize("name", SENDING)
async def test_endless_and_slow_data_end_within_bounds(world: World, name: str) -> None:
    """Bytes and time of each attempt are bounded, and Guizhou serves on meanwhile."""
    parts, only, reason = SENDING[name]
    honest = world.mirror.answer
    answer = registry_lies.sending(world, parts, only)
    world.mirror.answer = honest
    await world.counted("OK")
    world.mirror.asked.clear()
    world.mirror.sent = 0
    world.mirror.answer = answer
    began = time.monotonic()
    await attacked(world, reason)
    calls = sum(asked.endswith(only) for asked in world.mirror.asked)
    assert (time.monotonic() - began) / calls < 3, "file_seconds is 1 here"
    assert world.mirror.sent / calls < MOST_BYTES
    slowest = 0.0
    for _ in range(20):
        asked = time.monotonic()
        assert (await world.ask()).decision == ACCEPT
        slowest = max(slowest, time.monotonic() - asked)
    assert slowest < 1
    await ages(world)
    await heals(world)


async def test_a_slow_mirror_keeps_nobody_from_an_honest_one(template: Template, tmp_path: Path) -> None:
    """Lanzhou is silent in the middle of a file; Shanxi has the news and serves them."""
    serving = (RELYING, ISSUER)
    async with federated.world_of(template, tmp_path / "homes", serving, SECONDS) as world:
        world.mirror.answer = lambda _name: registry_lies.silent()
        await world.counted("REGISTRY_UNREACHABLE")
        world.clock.advance(MINUTE)
        news = registry_lies.next_of_shanxi(world)
        await federated.learned(world.shanxi, world.clock, news)
        await nodes.eventually(lambda: holds(world, news))
        assert (await world.ask()).decision == ACCEPT


async def test_nobody_alone_can_freeze_us(template: Template, tmp_path: Path) -> None:
    """Shanxi is asked before Lanzhou and says that nothing is new; Lanzhou, honest this once, has the news."""
    async with federated.world_of(template, tmp_path / "homes", (RELYING, ISSUER)) as world:
        frozen = world.held
        await world.counted("OK", peer=ISSUER)
        world.clock.advance(MINUTE)
        news = world.release(NO_CHANGES)
        # Shanxi would learn the news from Lanzhou as well, and is put back each time: a node that keeps the old.
        await world.shanxi.stop()
        async with federated.mirroring(world, ISSUER, frozen):
            await world.counted("OK", peer=ISSUER)
            world.mirror.serve(news)
            await nodes.eventually(lambda: holds(world, news))


async def holds(world: World, files: federated.Files) -> bool:
    return (await world.files()).get("timestamp.json") == files["timestamp.json"]


async def test_a_release_that_harms_one_harms_no_other(world: World) -> None:
    """The coordinator lists nonsense under Lanzhou's name: Shanxi's news in the same release are taken over."""
    await world.give(registry_lies.nonsense_of_lanzhou(world))
    verdict = await world.ask()
    assert (verdict.decision, verdict.trust_state.age_seconds) == (ACCEPT, 0)


async def test_the_coordinator_is_away_and_comes_back(template: Template, tmp_path: Path) -> None:
    """No attack, and the same end: REFER when the timestamp has ended, and healed by the node itself."""
    async with federated.world_of(template, tmp_path / "homes") as world:
        world.clock.set(nodes.THE_DAY + TIMESTAMP_LIFE)
        await nodes.eventually(lambda: expired(world))
        coordinator = world.members[COORDINATOR]
        await coordinator.start(world.clock)
        try:
            await nodes.eventually(lambda: accepted(world), 30)
            assert (await world.ask()).trust_state.age_seconds == 0
        finally:
            await coordinator.stop()


async def expired(world: World) -> bool:
    return list((await world.ask()).reasons) == ["TRUST_STATE_EXPIRED"]


async def accepted(world: World) -> bool:
    return (await world.ask()).decision == ACCEPT


async def test_news_under_another_name_change_nothing_there(world: World) -> None:
    """Lanzhou's own publication lists Shanxi's bundle path, and the coordinator releases it."""
    await world.give(registry_lies.foreign_path(world))
    assert (await world.ask()).decision == ACCEPT
    assert [row for row in world.rows() if row[0] == LIAR and "140000/bundle is left out" in str(row)], "it is told"
