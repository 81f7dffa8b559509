"""What a running node trusts follows the trust directory, and no damage to it takes away what was trusted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from node.app import trust_keeper, trusting
from node.app.registry_view import RegistryView
from node.app.trust_keeper import TrustInUse, TrustKeeper
from node.errors import NotAuthenticated, NotReady
from node.registry.directory import TrustDirectory
from node.verification.trusting import FreshnessLimits
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.nodes import THE_DAY, NoRegistry, TestJurisdiction, until

SECOND = timedelta(seconds=1)
LIMITS = FreshnessLimits(timedelta(days=7), timedelta(days=1))


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.01)


def keeper_of(one: TestJurisdiction, clock: SettableClock | None = None) -> TrustKeeper:
    directory = TrustDirectory(one.settings.trust.directory, one.division)
    view = RegistryView(NoRegistry(), None)
    return TrustKeeper(directory, view, one.layout.pair("node"), LIMITS, (clock or SettableClock(THE_DAY)).now)


@asynccontextmanager
async def keeping(keeper: TrustKeeper) -> AsyncIterator[list[TrustInUse]]:
    """Runs the keeper and collects what it told."""
    told: list[TrustInUse] = []

    async def changed(trust: TrustInUse) -> None:
        told.append(trust)

    task = asyncio.create_task(keeper.keep(changed))
    try:
        yield told
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def bundle_file(one: TestJurisdiction, division: str) -> Path:
    return one.layout.trust / "bundles" / f"{division}.json"


async def test_what_is_imported_counts_at_once(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    keeper = keeper_of(guizhou)
    leaf = shanxi.layout.certificate("node").read_bytes()
    assert set(keeper.snapshot().issuers) == {"520000"}
    with pytest.raises(NotAuthenticated) as caught:
        keeper.validate(leaf, THE_DAY)
    assert caught.value.reason == "TRUST_DOMAIN_UNKNOWN"
    async with keeping(keeper) as told:
        nodes.introduce([guizhou, shanxi])
        await until(lambda: len(told) == 1)
        assert (keeper.version(), told[0].version) == (2, 2)
        assert set(keeper.snapshot().issuers) == {"140000", "520000"}
        assert keeper.validate(leaf, THE_DAY).caller.division == "140000"
        assert keeper.tls_material().version == 2
        assert keeper.present.ca_pem("140000") in keeper.tls_material().roots
        nodes.recognise(guizhou, "140000")
        await until(lambda: len(told) == 2)
        assert set(keeper.snapshot().recognitions) == {"140000"}
        trusting.withdraw(guizhou.settings, "140000", THE_DAY + SECOND)
        await until(lambda: len(told) == 3)
        withdrawal = keeper.snapshot().recognition("140000", THE_DAY + SECOND)
        assert withdrawal is not None
        assert withdrawal.policy.withdrawn
        bundle_file(guizhou, "140000").unlink()
        await until(lambda: len(told) == 4)
        with pytest.raises(NotAuthenticated):
            keeper.validate(leaf, THE_DAY)


async def test_a_channel_to_a_peer_trusts_that_peers_ca_alone(
    guizhou: TestJurisdiction, shanxi: TestJurisdiction
) -> None:
    nodes.introduce([guizhou, shanxi])
    keeper = keeper_of(guizhou)
    assert keeper.present.ca_pem("140000") == shanxi.layout.certificate("ca").read_bytes()


async def test_without_changes_nothing_is_told(guizhou: TestJurisdiction) -> None:
    keeper = keeper_of(guizhou)
    async with keeping(keeper) as told:
        before = keeper.present
        await until(lambda: keeper.present is not before)  # it has looked at least once
        assert told == []
        assert keeper.version() == 1


async def test_a_damaged_own_bundle_takes_nothing_away(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    nodes.introduce([guizhou, shanxi])
    keeper = keeper_of(guizhou)
    own = bundle_file(guizhou, "520000")
    whole = own.read_text()
    async with keeping(keeper) as told:
        own.write_text("{}")
        nodes.recognise(shanxi, "520000")
        other = bundle_file(guizhou, "140000")
        other.write_text(other.read_text())
        with pytest.raises(NotReady):
            keeper_of(guizhou)
        assert set(keeper.snapshot().issuers) == {"140000", "520000"}
        assert told == []
        own.write_text(whole)
        await until(lambda: len(told) == 1)
        assert set(keeper.snapshot().issuers) == {"140000", "520000"}


async def test_a_damaged_bundle_of_a_peer_takes_that_peer_away(
    guizhou: TestJurisdiction, shanxi: TestJurisdiction
) -> None:
    nodes.introduce([guizhou, shanxi])
    keeper = keeper_of(guizhou)
    async with keeping(keeper) as told:
        bundle_file(guizhou, "140000").write_text("{}")
        await until(lambda: len(told) == 1)
        assert set(keeper.snapshot().issuers) == {"520000"}
        assert len(keeper.present.state.problems) == 1


async def test_what_it_knows_of_itself_does_not_age_and_what_it_knows_of_others_does(
    guizhou: TestJurisdiction, shanxi: TestJurisdiction
) -> None:
    nodes.introduce([guizhou, shanxi])
    clock = SettableClock(THE_DAY)
    keeper = keeper_of(guizhou, clock)
    async with keeping(keeper):
        clock.advance(timedelta(days=90))
        await until(lambda: keeper.snapshot().issuers["520000"].trusted.refreshed_at == clock.now())
        assert keeper.snapshot().issuers["140000"].trusted.refreshed_at == THE_DAY


async def test_trouble_with_one_change_hides_no_later_one(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    """Else an administrator would withdraw a recognition, and the node would go on accepting."""
    keeper = keeper_of(guizhou)
    told: list[int] = []

    async def stumbling(trust: TrustInUse) -> None:
        told.append(trust.version)
        raise RuntimeError("synthetic trouble")

    task = asyncio.create_task(keeper.keep(stumbling))
    nodes.introduce([guizhou, shanxi])
    nodes.recognise(guizhou, "140000")
    await until(lambda: set(keeper.snapshot().recognitions) == {"140000"})
    await until(lambda: bool(told))
    trusting.withdraw(guizhou.settings, "140000", THE_DAY + SECOND)
    await until(lambda: len(keeper.snapshot().recognitions["140000"]) == 2)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


class Failing(NoRegistry):
    """A registry of which the first look raises what nobody foresaw."""

    def __init__(self) -> None:
        self.looks = 0

    async def generation(self) -> None:
        self.looks += 1
        if self.looks == 1:
            raise ValueError("unforeseen")


async def test_no_fault_ends_the_watch(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    """Whoever ended here would go on trusting what is withdrawn meanwhile."""
    directory, registry = TrustDirectory(guizhou.settings.trust.directory, "520000"), Failing()
    view, clock = RegistryView(registry, None), SettableClock(THE_DAY)
    keeper = TrustKeeper(directory, view, guizhou.layout.pair("node"), LIMITS, clock.now)
    async with keeping(keeper) as told:
        await until(lambda: registry.looks > 1)
        nodes.introduce([guizhou, shanxi])
        await until(lambda: len(told) == 1)
        assert set(keeper.snapshot().issuers) == {"140000", "520000"}
