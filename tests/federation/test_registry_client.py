"""The trust registry at a peer, over a real connection with mutual TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from node.errors import InvalidInput, NotPermitted, NotReady, OverLimit
from node.federation.peer_client import ClientCredentials
from node.federation.registry_client import FileNotServed, PublicationRefused, RegistryClient
from node.federation.unavailable import PeerUnavailable
from node.rpc.limits import HOLD_SECONDS
from node.wire.trust import encode_publication
from tests.rpc.federation import GUIZHOU, SHANXI
from tests.rpc.world import PARTIES, Door, ca, opened, pem
from tests.support.nodes import until

PUBLICATION = encode_publication(GUIZHOU, b"metadata", {f"{GUIZHOU}/bundle": b"bundle"})


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened(Door(max_message_bytes=32 << 20)) as door:
        yield door


def client_of(door: Door, seconds: float = 10.0, division: str = SHANXI, authority: str = SHANXI) -> RegistryClient:
    holder = PARTIES["peer-node"]
    credentials = ClientCredentials(holder.pem, holder.key.pem())
    return RegistryClient(division, f"127.0.0.1:{door.port}", pem(ca(authority)), credentials, seconds)


@pytest.fixture
def client(door: Door) -> Iterator[RegistryClient]:
    made = client_of(door)
    yield made
    made.close()


async def fetched(client: RegistryClient, name: str) -> bytes:
    return await asyncio.to_thread(lambda: b"".join(client.fetch(name)))


async def test_a_file_comes_whole(client: RegistryClient) -> None:
    assert await fetched(client, "140000/long.bundle") == b"file" * 50_000
    assert await fetched(client, "empty") == b""


async def test_a_file_that_is_not_there(client: RegistryClient) -> None:
    with pytest.raises(FileNotServed):
        await fetched(client, "2.root.json")


async def test_who_stops_listening_frees_the_peer(client: RegistryClient) -> None:
    """The library stops at a limit; what is left of the file is not sent to nobody."""

    def first(name: str) -> bytes:
        parts = client.fetch(name)
        found = next(parts)
        parts.close()  # type: ignore[attr-defined]
        return found

    for _ in range(20):
        assert len(await asyncio.to_thread(first, "140000/long.bundle")) == 64 * 1024
    assert await fetched(client, "1.root.json") == b"root"


async def test_a_peer_that_does_not_go_on_is_left_in_time(door: Door) -> None:
    door.registry.held.clear()
    slow = client_of(door, 0.2)
    with pytest.raises(PeerUnavailable, match="DEADLINE_EXCEEDED"):
        await fetched(slow, "1.root.json")
    slow.close()


async def test_closing_ends_what_is_under_way(door: Door, client: RegistryClient) -> None:
    """A refresh that takes too long in all is ended so, from another thread."""
    door.registry.held.clear()
    under_way = asyncio.ensure_future(fetched(client, "1.root.json"))
    await until(lambda: bool(door.registry.asked))
    client.close()
    with pytest.raises(PeerUnavailable, match="CANCELLED"):
        await asyncio.wait_for(under_way, 5)


def busy(seconds: float) -> OverLimit:
    """The door holds a refusal back for a second; what it tells the caller to wait is what is left then."""
    return OverLimit("RATE_LIMITED", "Wait.", HOLD_SECONDS + seconds)


async def test_a_peer_whose_limits_we_met_is_asked_again_when_it_says(door: Door, client: RegistryClient) -> None:
    """A node that joins fetches hundreds of small files in a row: without this its refresh might never end."""
    door.registry.failure = busy(0.5)
    began = time.monotonic()
    under_way = asyncio.ensure_future(fetched(client, "1.root.json"))
    await until(lambda: bool(door.registry.asked))
    door.registry.failure = None
    assert await under_way == b"root"
    assert time.monotonic() - began >= HOLD_SECONDS + 0.5
    assert door.registry.asked == ["1.root.json"] * 2


async def test_a_peer_that_asks_for_more_time_than_a_file_has_is_left(door: Door, client: RegistryClient) -> None:
    door.registry.failure = busy(60.0)
    with pytest.raises(PeerUnavailable) as left:
        await asyncio.wait_for(fetched(client, "1.root.json"), 8)
    assert door.registry.asked == ["1.root.json"]
    assert left.value.retry_seconds == pytest.approx(60.0, abs=0.1)


async def test_closing_ends_the_wait_for_a_peer(door: Door, client: RegistryClient) -> None:
    door.registry.failure = busy(8.0)
    under_way = asyncio.ensure_future(fetched(client, "1.root.json"))
    await until(lambda: bool(door.registry.asked))
    await asyncio.sleep(HOLD_SECONDS + 0.5)
    client.close()
    with pytest.raises(PeerUnavailable):
        await asyncio.wait_for(under_way, 5)


async def test_a_publication_is_brought_again_when_the_coordinator_says(door: Door, client: RegistryClient) -> None:
    door.registry.failure = busy(60.0)
    with pytest.raises(PeerUnavailable) as told:
        await asyncio.to_thread(client.publish, PUBLICATION)
    assert told.value.retry_seconds == pytest.approx(60.0, abs=0.1)


async def test_nobody_at_that_address(door: Door) -> None:
    await door.server.stop(0)
    away = client_of(door, 1.0)
    with pytest.raises(PeerUnavailable):
        await fetched(away, "1.root.json")
    with pytest.raises(PeerUnavailable):
        await asyncio.to_thread(away.publish, PUBLICATION)
    away.close()


@pytest.mark.parametrize(("division", "authority"), [(GUIZHOU, SHANXI), (SHANXI, GUIZHOU)])
async def test_only_the_peer_itself_answers(door: Door, division: str, authority: str) -> None:
    """Under another name, or vouched for by the CA of another jurisdiction, nobody is spoken to."""
    wrong = client_of(door, 2.0, division, authority)
    with pytest.raises(PeerUnavailable):
        await fetched(wrong, "1.root.json")
    wrong.close()
    assert not door.registry.asked


async def test_a_publication_is_handed_over(door: Door, client: RegistryClient) -> None:
    assert await asyncio.to_thread(client.publish, PUBLICATION) == 17
    assert door.registry.published == [(GUIZHOU, b"metadata", {f"{GUIZHOU}/bundle": b"bundle"})]


@pytest.mark.parametrize(
    ("failure", "raised", "said"),
    [
        (InvalidInput("publication", "It has expired.", "PUBLICATION_REFUSED"), PublicationRefused, "It has expired."),
        (NotPermitted("NOT_COORDINATOR", "Not here."), PublicationRefused, "Not here."),
        (NotReady("REGISTRY_BUSY", "Try again."), PeerUnavailable, "UNAVAILABLE"),
        (ValueError("secret"), PeerUnavailable, "INTERNAL"),
    ],
)
async def test_why_it_is_not_taken(
    door: Door, client: RegistryClient, failure: Exception, raised: type[Exception], said: str
) -> None:
    door.registry.failure = failure
    with pytest.raises(raised, match=said):
        await asyncio.to_thread(client.publish, PUBLICATION)


async def test_a_publication_over_the_limit_is_refused_and_not_retried(client: RegistryClient) -> None:
    """As unavailable it would have been told as a coordinator that is away, for ever."""
    with pytest.raises(PublicationRefused):
        await asyncio.to_thread(client.publish, encode_publication(GUIZHOU, b"x" * (10 << 20), {}))
