"""Handing what we publish to the coordinator, over a real connection with mutual TLS."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from node.app.coordinating import Coordinating
from node.app.publishing import Publishing, Surroundings
from node.app.refreshing import Mirror
from node.errors import NotReady, OverLimit
from node.registry.keeping import TrustRegistry
from node.registry.publishing import Publication
from tests.rpc.federation import GUIZHOU, SHANXI
from tests.rpc.world import PARTIES, Door, ca, opened, pem

PUBLICATION = Publication(GUIZHOU, 1, b"metadata", {f"{GUIZHOU}/bundle": b"bundle"})
EVERY = 20.0


def publishing() -> Publishing:
    """Guizhou's, whose coordinator is Shanxi. Nothing else of its surroundings is asked for here."""
    holder = PARTIES["peer-node"]
    trust = SimpleNamespace(pair=SimpleNamespace(certificate=holder.pem, key=holder.key.pem()))
    settings = SimpleNamespace(registry=SimpleNamespace(peer_seconds=10.0))
    around = SimpleNamespace(settings=settings, trust=lambda: trust, coordinator=lambda: SHANXI)
    return Publishing(cast("Surroundings", around), cast("TrustRegistry", None), cast("Coordinating", None))


async def test_a_coordinator_that_is_busy_is_asked_again_when_it_says() -> None:
    async with opened(Door(max_message_bytes=32 << 20)) as door:
        offered = [Mirror(SHANXI, f"127.0.0.1:{door.port}", pem(ca(SHANXI)))]
        at_hand = publishing()
        assert await asyncio.to_thread(at_hand._hand_over, PUBLICATION, offered) == 17
        assert at_hand.pause(EVERY) == EVERY
        door.registry.failure = OverLimit("TOO_MANY_CALLS", "Wait.", 61.0)  # it holds a refusal back for a second
        with pytest.raises(NotReady, match="busy"):
            await asyncio.to_thread(at_hand._hand_over, PUBLICATION, offered)
        assert at_hand.pause(EVERY) == pytest.approx(60.0, abs=0.1)


async def test_a_coordinator_that_is_away_is_asked_as_often_as_ever() -> None:
    at_hand = publishing()
    with pytest.raises(NotReady, match="cannot be reached"):
        await asyncio.to_thread(at_hand._hand_over, PUBLICATION, [Mirror(SHANXI, "127.0.0.1:1", pem(ca(SHANXI)))])
    assert at_hand.pause(EVERY) == EVERY
