"""What a witness must not forget, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from node.model.witnesses import HeadState, PeerHead, SplitNotes, SplitView
from node.storage.database import Database
from node.storage.witness_store import WitnessStore

NOW = datetime(2026, 11, 22, 2, 0, 0, 123456, tzinfo=UTC)
ORIGIN = "huxin/140000"
AHEAD = PeerHead(ORIGIN, "520000", HeadState.AHEAD, 9, bytes(32), NOW, NOW - timedelta(minutes=3), "a note")
AGREED = replace(AHEAD, state=HeadState.AGREED, size=5)
SPLIT = SplitView(ORIGIN, "520000", NOW, 5, SplitNotes("one", "two", b"\1" * 32, (b"\2" * 32, b"\3" * 32)))


@pytest.fixture
def store(database: Database) -> WitnessStore:
    return WitnessStore(database)


async def test_a_witness_is_bound_to_what_it_cosigned(store: WitnessStore, database: Database) -> None:
    one, other = b"\1" * 32, b"\2" * 32
    assert await store.remember_cosigned(ORIGIN, 5, one)
    assert await store.remember_cosigned(ORIGIN, 5, one)
    assert not await store.remember_cosigned(ORIGIN, 5, other)
    assert not await store.remember_cosigned(ORIGIN, 4, one)
    assert await store.remember_cosigned("huxin/210000", 4, other)
    assert await store.remember_cosigned(ORIGIN, 6, other)
    assert not await WitnessStore(database).remember_cosigned(ORIGIN, 5, one), "another process is bound as well"


async def test_of_two_heads_of_one_size_one_is_remembered(store: WitnessStore) -> None:
    roots = [bytes([number]) * 32 for number in range(8)]
    answers = await asyncio.gather(*(store.remember_cosigned(ORIGIN, 5, root) for root in roots))
    assert answers.count(True) == 1


async def test_what_peers_showed_is_kept_as_it_was(store: WitnessStore) -> None:
    for head in (AHEAD, AGREED, replace(AGREED, peer="620100")):
        await store.keep_peer_head(head)
    assert sorted(await store.peer_heads(), key=repr) == sorted(
        [AHEAD, AGREED, replace(AGREED, peer="620100")], key=repr
    )


async def test_what_agrees_ends_what_was_ahead(store: WitnessStore) -> None:
    await store.keep_peer_head(AHEAD)
    await store.keep_peer_head(replace(AGREED, size=8))
    assert len(await store.peer_heads()) == 2, "what is ahead is larger"
    await store.keep_peer_head(replace(AGREED, size=9))
    assert await store.peer_heads() == [replace(AGREED, size=9)]
    await store.keep_peer_head(replace(AGREED, size=7))
    assert await store.peer_heads() == [replace(AGREED, size=9)], "a slower replica takes nothing back"


async def test_evidence_stays_as_it_was_found_first(store: WitnessStore) -> None:
    assert await store.keep_split(SPLIT)
    assert not await store.keep_split(replace(SPLIT, agreed_size=0))
    own = replace(SPLIT, shown_by="210000", notes=SplitNotes("", "two", b"", ()), found_at=NOW + timedelta(seconds=1))
    assert await store.keep_split(own)
    assert await store.splits() == [SPLIT, own]
