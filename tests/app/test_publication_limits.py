"""Nobody fills everybody's disks: how often a jurisdiction may publish (R184)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

import pytest

from node.app import coordinating
from node.app.coordinating import Coordinating
from node.errors import InvalidInput
from node.model.registry import RegistryRecord
from node.registry.keeping import TrustRegistry
from node.registry.publishing import Publication
from node.registry.release import Changes, Online
from tests.support.clock import SettableClock
from tests.support.registry import Federation, online

A, B = "140000", "520000"


class Takes:
    """A registry that takes everything over: what is tried here comes before it."""

    async def release(self, changes: Changes, by: Online) -> RegistryRecord:
        assert changes.publications
        assert by
        return RegistryRecord(1, 1, 7, A, None, {}, (), ())


def made(division: str) -> tuple[bytes, Mapping[str, bytes]]:
    found: Publication = Federation(A, B).publication(division, extra={f"{division}/catalogue/1": b"new"})
    return found.metadata, found.files


async def test_a_jurisdiction_publishes_so_often_a_day_and_no_oftener(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinating, "MAX_PUBLICATIONS", 3)
    clock = SettableClock()
    door = Coordinating(cast("TrustRegistry", Takes()), online(), clock.now)
    metadata, files = made(A)
    for _ in range(3):
        assert await door.publish(A, metadata, files) == 7
        clock.advance(timedelta(hours=1))
    with pytest.raises(InvalidInput, match="3 times a day") as caught:
        await door.publish(A, metadata, files)
    assert caught.value.reason == "PUBLICATION_REFUSED"
    assert await door.publish(B, *made(B)) == 7, "the others publish as before"
    clock.advance(timedelta(hours=21))
    assert await door.publish(A, metadata, files) == 7, "a day after the first one"
    with pytest.raises(InvalidInput):
        await door.publish(A, metadata, files)
