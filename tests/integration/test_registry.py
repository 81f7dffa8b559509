"""The trust registry through the doors: nobody exchanges files by hand, and everybody knows everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.federation import federate
from tests.support.nodes import THE_DAY, TestJurisdiction

DIVISIONS = ("140000", "520000", "620100")
FAST = {
    "HUXIN_REGISTRY__REFRESH_SECONDS": "0.1",
    "HUXIN_REGISTRY__RELEASE_SECONDS": "0.2",
}


@asynccontextmanager
async def federation(home: Path, clock: SettableClock) -> AsyncIterator[dict[str, TestJurisdiction]]:
    """Three jurisdictions that know each other by the registry alone; Shanxi coordinates."""
    members = {division: nodes.found(home, division, extra=FAST) for division in DIVISIONS}
    await federate(list(members.values()))
    async with nodes.running(list(members.values()), clock):
        yield members


async def test_everybody_knows_everybody_by_the_registry_alone(tmp_path: Path) -> None:
    clock = SettableClock(THE_DAY + timedelta(minutes=1))
    async with federation(tmp_path, clock) as members:
        for one in members.values():
            for other in members.values():
                if one is not other:
                    await nodes.caught_up(one, other, 0)
