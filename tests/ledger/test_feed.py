"""Serving the own log: every batch with what authenticates it, then live; every entry with its proof."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from hashlib import sha256

import pytest

from node.errors import InvalidInput, NotFound
from node.ledger.assembly import EntryDraft
from node.ledger.feed import MAX_BATCH_BYTES, Feed
from node.ledger.heads import HeadBoard
from node.model.log import EntryKind, FeedBatch
from node.storage.log_store import LogStore
from tests.ledger.world import COSIGNERS, ORIGIN, entry, grow, minutes, sequencer_of, sequencing
from tests.ledger.world import draft as draft_of
from tests.ledger.world import request as request_of
from tests.support.trust import key
from trust.errors import ProofInvalid
from trust.issuers import ClosedLog
from trust.log.checkpoint import SignedHead, cosign, open_checkpoint, own_cosigner, sign_head
from trust.log.proofs import verify_consistency, verify_inclusion
from trust.log.tree import leaf_hash, root_of

SIZE = 23


@pytest.fixture
async def feed(store: LogStore) -> Feed:
    """Of a log of 23 entries."""
    await grow(store, SIZE)
    return Feed(store, ORIGIN, HeadBoard())


def opened(batch_or_text: FeedBatch | str) -> SignedHead:
    text = batch_or_text if isinstance(batch_or_text, str) else batch_or_text.checkpoint
    return open_checkpoint(text, key("head").public, ORIGIN, COSIGNERS)


async def read(feed: Feed, start: int, limit: int, stop: int = SIZE) -> list[FeedBatch]:
    """Batches until all entries up to `stop` are told."""
    batches = []
    async with aclosing(_generator(feed, start, limit)) as following:
        async for batch in following:
            batches.append(batch)
            if batch.first_index + len(batch.entries) >= stop:
                break
    return batches


async def _generator(feed: Feed, start: int, limit: int) -> AsyncGenerator[FeedBatch, None]:
    async for batch in feed.follow(ORIGIN, start, limit):
        yield batch


@pytest.mark.parametrize("limit", [1, 8, 1000])
async def test_batches_are_in_order_and_each_proves_itself(feed: Feed, store: LogStore, limit: int) -> None:
    entries = await store.entries(ORIGIN, 0, SIZE)
    leaves = [leaf_hash(data) for data in entries]
    for start in (0, 1, 7, 8, 22, 23):
        at = start
        for batch in await read(feed, start, limit):
            assert batch.first_index == at
            assert len(batch.entries) <= limit
            at += len(batch.entries)
            assert batch.entries == tuple(entries[batch.first_index : at])
            head = opened(batch)
            verify_consistency(at, root_of(leaves[:at]), head.size, head.root, batch.consistency)
        assert at == SIZE


async def test_a_batch_of_long_entries_ends_before_it_is_too_large(store: LogStore) -> None:
    sizes = [MAX_BATCH_BYTES // 2, MAX_BATCH_BYTES // 2, 1, MAX_BATCH_BYTES + 1, 1, 1]
    async with sequencing(store) as sequencer:
        for name, size in enumerate(sizes):
            data = bytes([name]) * size
            await sequencer.append(
                EntryDraft(data, sha256(data).digest(), EntryKind.ATTESTATION, f"number of {name}"), request_of(name)
            )
    batches = await read(Feed(store, ORIGIN, HeadBoard()), 0, 1000, len(sizes))
    assert [[len(each) for each in batch.entries] for batch in batches] == [
        sizes[:2],
        sizes[2:3],
        sizes[3:4],
        sizes[4:],
    ]
    leaves = [leaf_hash(data) for batch in batches for data in batch.entries]
    for batch in batches:
        at = batch.first_index + len(batch.entries)
        verify_consistency(at, root_of(leaves[:at]), len(sizes), opened(batch).root, batch.consistency)


async def test_who_knows_everything_is_told_the_head_at_once(feed: Feed) -> None:
    (batch,) = await read(feed, SIZE, 10)
    assert (batch.first_index, batch.entries, batch.consistency) == (SIZE, (), ())
    assert opened(batch).size == SIZE


async def test_what_comes_later_is_told_live(store: LogStore) -> None:
    board = HeadBoard()
    feed = Feed(store, ORIGIN, board)
    async with sequencing(store, board) as sequencer, aclosing(_generator(feed, 0, 10)) as following:
        await sequencer.append(draft_of("one"), request_of("one"))
        first = await anext(following)
        assert first.entries == (entry("one"),)
        coming = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0)
        await sequencer.append(draft_of("two"), request_of("two"))
        second = await coming
        assert (second.first_index, second.entries) == (1, (entry("two"),))
        # A newer head without entries tells that nothing was left out.
        coming = asyncio.ensure_future(anext(following))
        await sequencer_of(store, board, minutes(1)).cosign()
        third = await coming
        assert (third.first_index, third.entries) == (2, ())
        assert opened(third).cosigned_at == minutes(1)


async def test_what_another_replica_committed_is_found_without_being_told(
    store: LogStore, other_store: LogStore
) -> None:
    """Heads of other replicas of this node reach no board here: the store is asked again and again."""
    await grow(store, 1)
    async with aclosing(_generator(Feed(store, ORIGIN, HeadBoard()), 1, 10)) as following:
        assert (await anext(following)).entries == ()
        coming = asyncio.ensure_future(anext(following))
        await grow(other_store, 2, 1)
        async with asyncio.timeout(5):
            assert (await coming).entries == (entry(1),)


async def test_only_the_own_log_is_served(feed: Feed) -> None:
    for other in ("huxin/520000", "", "huxin/140000/2"):
        with pytest.raises(NotFound, match="huxin/140000 only"):
            await anext(aiter(feed.follow(other, 0, 10)))
        with pytest.raises(NotFound):
            await feed.checkpoint(other)
    assert opened(await feed.checkpoint(ORIGIN)).size == SIZE


async def test_a_log_that_nobody_began_is_not_there(store: LogStore) -> None:
    with pytest.raises(NotFound):
        await Feed(store, ORIGIN, HeadBoard()).checkpoint(ORIGIN)


async def test_a_view_that_is_longer_than_the_log_is_refused(feed: Feed) -> None:
    with pytest.raises(InvalidInput, match="23 entries"):
        await anext(aiter(feed.follow(ORIGIN, SIZE + 1, 10)))


async def test_every_entry_of_every_size_is_proven(store: LogStore) -> None:
    feed = Feed(store, ORIGIN, HeadBoard())
    for size in range(1, 18):
        await grow(store, size, size - 1)
        for index in range(size):
            proof = await feed.prove(index)
            head = opened(proof.checkpoint)
            assert (proof.index, head.size) == (index, size)
            verify_inclusion(leaf_hash(entry(index)), index, size, proof.hashes, head.root)


@pytest.mark.parametrize("size", [256, 257, 777])
async def test_proofs_across_stored_subtrees(store: LogStore, size: int) -> None:
    """Above 256 entries the store answers with roots of subtrees instead of their leaves."""
    await grow(store, size)
    feed = Feed(store, ORIGIN, HeadBoard())
    leaves = [leaf_hash(data) for data in await store.entries(ORIGIN, 0, size)]
    for index in {place % size for place in (0, 1, 127, 128, 254, 255, 256, 511, 512, size - 1)}:
        proof = await feed.prove(index)
        verify_inclusion(leaves[index], index, size, proof.hashes, opened(proof.checkpoint).root)
    for stop in {1, 200, *(place % size or 1 for place in (255, 256, 512, size - 1))}:
        (batch, *_) = await read(feed, stop - 1, 1, stop)
        verify_consistency(stop, root_of(leaves[:stop]), size, opened(batch).root, batch.consistency)


async def test_a_closed_log_is_served_as_far_as_it_counts(store: LogStore) -> None:
    await grow(store, SIZE)
    entries = await store.entries(ORIGIN, 0, SIZE)
    root = root_of([leaf_hash(data) for data in entries[:9]])
    note = cosign(sign_head(ORIGIN, 9, root, key("head")), own_cosigner(ORIGIN), key("cosigner"), minutes(0))
    log = ClosedLog(ORIGIN, key("head").public, key("cosigner").public, 9, root, note, minutes(9), b"succession")
    feed = Feed(store, f"{ORIGIN}/2", HeadBoard(), [log])
    batches = [batch async for batch in feed.follow(ORIGIN, 4, 3)]
    assert [entry for batch in batches for entry in batch.entries] == entries[4:9]
    assert {batch.checkpoint for batch in batches} == {note}
    first = batches[0]
    verify_consistency(7, root_of([leaf_hash(data) for data in entries[:7]]), 9, root, first.consistency)
    with pytest.raises(InvalidInput):
        [batch async for batch in feed.follow(ORIGIN, 10, 3)]
    proof = await feed.prove(8, ORIGIN)
    verify_inclusion(leaf_hash(entries[8]), 8, 9, proof.hashes, root)
    with pytest.raises(ProofInvalid):
        await feed.prove(9, ORIGIN)
