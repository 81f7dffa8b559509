"""A peer that lies: what it says is refused, our view of its log stays as it was, and the operator is told (R184).

First `Replica` over a real database, lie by lie; then a real node that follows a server with Shanxi's real keys; then
Shanxi's own node, put back to an old copy of its database.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from huxin.v1 import statement_pb2

from node.app.ledgers import entry_reader
from node.app.storing import open_database
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica, ReplicaKeys
from node.model.log import LogHead
from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.integration.liars import (
    ENTRIES,
    NOW,
    ORIGIN,
    OTHERS,
    Telling,
    after_the_truth,
    following_a_liar,
    in_state,
    peer_of,
    response,
)
from tests.integration.provinces import ACCEPT, OF_SHANXI, REJECT, Provinces, provinces, verify
from tests.integration.test_split_views import put_back
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.trust import jurisdiction, key
from trust.errors import CheckpointInvalid, HeadInconsistent, ProofInvalid, TrustError
from trust.issuers import TrustedIssuer
from trust.log.tree import leaf_hash, root_of
from trust.statements import ATTESTATION, STATUS_CHANGE

LIES: dict[str, tuple[Telling, type[TrustError]]] = {
    "a head signed by another key": (Telling(head=key("another")), CheckpointInvalid),
    "a head cosigned by another key": (Telling(cosigner=key("another")), CheckpointInvalid),
    "a head of another log": (Telling(origin="huxin/520000"), CheckpointInvalid),
    "a head from the future": (Telling(at=NOW + timedelta(hours=1)), CheckpointInvalid),
    "entries withheld before the batch": (Telling(first=4, entries=ENTRIES[4:6]), ProofInvalid),
    "entries told again": (Telling(first=2, entries=ENTRIES[2:5]), ProofInvalid),
    "entries in another order": (Telling(entries=[ENTRIES[4], ENTRIES[3]]), HeadInconsistent),
    "an entry withheld inside the batch": (Telling(entries=[ENTRIES[4], ENTRIES[5]]), HeadInconsistent),
    "an entry altered": (Telling(entries=[ENTRIES[3][:-1] + b"\0", ENTRIES[4]]), HeadInconsistent),
    "an entry that is in no head": (Telling(tree=ENTRIES[:5], entries=[*ENTRIES[3:5], OTHERS[0]]), HeadInconsistent),
    "a head over other entries": (Telling(tree=[*ENTRIES[:3], *OTHERS[:3]]), HeadInconsistent),
    "another past": (Telling(tree=[*OTHERS[:3], *ENTRIES[3:6]]), HeadInconsistent),
    "another past of the same size": (Telling(entries=[], tree=OTHERS[:3]), HeadInconsistent),
    "a shorter log": (Telling(entries=[], tree=ENTRIES[:2], consistency=()), HeadInconsistent),
    "an empty log": (Telling(entries=[], tree=[], consistency=()), HeadInconsistent),
    "no proof": (Telling(consistency=()), HeadInconsistent),
    "a proof of something else": (Telling(consistency=(bytes(32),) * 3), HeadInconsistent),
    "a proof of no form": (Telling(consistency=(b"x",)), HeadInconsistent),
    "a proof without end": (Telling(consistency=(bytes(32),) * 100_000), HeadInconsistent),
}


@dataclass
class View:
    """Guizhou's view of Shanxi's log, with three entries in it."""

    replica: Replica
    store: LogStore
    board: HeadBoard

    async def state(self) -> tuple[object, ...]:
        head = await self.store.head(ORIGIN)
        return head, self.board.newest(ORIGIN), await self.store.entries(ORIGIN, 0, 1_000)


@pytest.fixture
async def view(tmp_path: Path) -> AsyncIterator[View]:
    guizhou = nodes.found(tmp_path, "520000")
    async with open_database(guizhou.settings) as opened:
        yield await view_in(opened)


async def view_in(database: Database) -> View:
    issuer = TrustedIssuer.of(jurisdiction(key("signing")), NOW)
    store, board, clock = LogStore(database), HeadBoard(), SettableClock(NOW)
    keys = ReplicaKeys(issuer.origin, issuer.head_key, issuer.cosigners)
    replica = Replica(store, keys, board, clock.now, entry_reader(issuer), timedelta(minutes=1))
    await replica.accept(Telling(0, ENTRIES[:3], ENTRIES[:3], at=NOW - timedelta(minutes=5)).batch())
    return View(replica, store, board)


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_changes_nothing(view: View, lie: str) -> None:
    telling, refusal = LIES[lie]
    before = await view.state()
    with pytest.raises(refusal) as caught:
        await view.replica.accept(telling.batch())
    assert type(caught.value) is refusal
    assert await view.state() == before
    await view.replica.open()
    honest = await view.replica.accept(Telling().batch())
    assert honest.size == 5, "the truth is taken afterwards"


async def test_text_that_is_no_checkpoint_changes_nothing(view: View) -> None:
    before = await view.state()
    for text in ("", "\n", "x" * 100_000, Telling().batch().checkpoint[:-1]):
        with pytest.raises(CheckpointInvalid):
            await view.replica.accept(replace(Telling().batch(), checkpoint=text))
    assert await view.state() == before


async def test_heads_without_their_entries_keep_no_view_fresh(view: View) -> None:
    """The peer shows that there is more and withholds it: a revocation could be in it."""
    head = await view.replica.accept(Telling(entries=[], at=NOW).batch())
    assert (head.size, head.fresh_at) == (3, NOW - timedelta(minutes=5))
    assert view.replica.head_size == 6
    caught_up = await view.replica.accept(Telling(entries=ENTRIES[3:6], at=NOW).batch())
    assert (caught_up.size, caught_up.fresh_at) == (6, NOW)


async def test_a_batch_larger_than_asked_for_is_no_trouble(view: View) -> None:
    many = [b"%d" % number for number in range(20_000)]
    head = await view.replica.accept(Telling(3, many, [*ENTRIES[:3], *many]).batch())
    assert head.size == 20_003


async def test_entries_that_cannot_be_read_are_kept_and_count_for_nothing(database: Database) -> None:
    """PostgreSQL takes neither a zero byte in a text nor thousands of characters into an index."""
    view = await view_in(database)
    odd = [b"", b"\xff" * 50, b"\0", odd_attestation("\0" * 31), odd_attestation("9" * 9_000), odd_status()]
    head = await view.replica.accept(Telling(3, odd, [*ENTRIES[:3], *odd]).batch())
    assert head.size == 3 + len(odd)
    assert await view.store.entries(ORIGIN, 3, 100) == odd
    assert await view.store.find_by_report_number(ORIGIN, "9" * 9_000) is None


def odd_attestation(number: str) -> bytes:
    said = statement_pb2.Attestation(report_number=number, issuer="140000")
    return statement_pb2.Envelope(payload_type=ATTESTATION, payload=said.SerializeToString()).SerializeToString()


def odd_status() -> bytes:
    """From a later version: a flag that this one does not know."""
    said = statement_pb2.StatusChange(issuer="140000", attestation_digest=sha256(ENTRIES[0]).digest(), set=True)
    said.MergeFromString(b"\x18\x63")
    said.effective_at.CopyFrom(Timestamp(seconds=1))
    return statement_pb2.Envelope(payload_type=STATUS_CHANGE, payload=said.SerializeToString()).SerializeToString()


THROUGH_THE_DOOR: dict[str, tuple[Callable[[partial[Telling]], bytes], str, str, str]] = {
    "a forged head": (
        lambda telling: response(telling(head=key("another")).batch()),
        "waiting",
        "CHECKPOINT_INVALID",
        "was refused",
    ),
    "a forked history": (
        lambda telling: response(telling(tree=[*OTHERS[:3], *ENTRIES[3:6]]).batch()),
        "halted",
        "HEAD_INCONSISTENT",
        "not the beginning of the signed head",
    ),
    "a forked history of the same size": (
        lambda telling: response(telling(entries=[], tree=OTHERS[:3]).batch()),
        "halted",
        "HEAD_INCONSISTENT",
        "not the beginning of the signed head",
    ),
    "entries in another order": (
        lambda telling: response(telling(entries=[ENTRIES[4], ENTRIES[3]]).batch()),
        "halted",
        "HEAD_INCONSISTENT",
        "not the beginning of the signed head",
    ),
    "an entry withheld inside the batch": (
        lambda telling: response(telling(entries=[ENTRIES[3], ENTRIES[5]]).batch()),
        "halted",
        "HEAD_INCONSISTENT",
        "not the beginning of the signed head",
    ),
    "entries withheld": (
        lambda telling: response(telling(first=4, entries=ENTRIES[4:6]).batch()),
        "waiting",
        "PROOF_INVALID",
        "starts at 4",
    ),
    "a shorter log": (
        lambda telling: response(telling(entries=[], tree=ENTRIES[:2], consistency=()).batch()),
        "halted",
        "HEAD_INCONSISTENT",
        "we were shown 3 before",
    ),
    "a batch beyond every limit": (
        lambda telling: response(replace(telling().batch(), entries=(bytes(17 << 20),))),
        "waiting",
        "PEER_SENDS_TOO_MUCH",
        "RESOURCE_EXHAUSTED",
    ),
    "more entries than asked for": (
        lambda telling: response(replace(telling().batch(), entries=(b"",) * 1_001)),
        "waiting",
        "PEER_SENDS_TOO_MUCH",
        "more than the 1000 entries",
    ),
    "bytes that are no message": (
        lambda _telling: b"\xff" * 100,
        "waiting",
        "PEER_SENDS_NO_MESSAGE",
        "no message of this protocol",
    ),
}


@pytest.mark.parametrize("lie", THROUGH_THE_DOOR)
async def test_a_node_that_follows_a_liar(tmp_path: Path, lie: str) -> None:
    tell, state, reason, words = THROUGH_THE_DOOR[lie]
    async with following_a_liar(tmp_path, after_the_truth(tell)) as guizhou:
        await nodes.eventually(in_state(guizhou, state, words))
        assert (await peer_of(guizhou)).last_reason == reason
        node = guizhou.node
        assert node is not None
        head = node.board.newest(ORIGIN)
        assert head is not None
        assert (head.size, head.root) == (3, root_of([leaf_hash(one) for one in ENTRIES[:3]]))


async def test_a_peer_that_went_back_in_time(tmp_path: Path) -> None:
    """Shanxi's operator restores an old copy of the database: reports that were answered are gone from its log."""
    async with provinces(tmp_path) as pair:
        shanxi, guizhou = pair.shanxi, pair.guizhou
        await pair.report(shanxi)
        await shanxi.stop()
        old = Path(shutil.copy(shanxi.layout.home / "huxin.db", tmp_path / "old.db"))
        await shanxi.start(pair.clock)
        reports = [await pair.report(shanxi) for _ in range(2)]
        await nodes.caught_up(guizhou, shanxi, 3)
        await shanxi.stop()
        put_back(shanxi, old)
        await shanxi.start(pair.clock)

        await nodes.eventually(told(pair, "waiting", "older copy"))
        assert await decision(pair, reports[-1][1]) == ACCEPT, "our view still holds what was once logged"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await pair.report(shanxi)
        assert nodes.reason_of(refused.value) == "OWN_LOG_SPLIT", "it was told by Guizhou what it lost"

        # A dishonest one sees to it that nobody tells its node.
        await shanxi.stop()
        await guizhou.stop()
        put_back(shanxi, old)
        await shanxi.start(pair.clock)
        _, rewritten = await pair.report(shanxi)
        await guizhou.start(pair.clock)
        verdict = await verify(guizhou, rewritten, shanxi.subject, OF_SHANXI)
        assert (verdict.decision, verdict.steps[5].reason) == (REJECT, "LOG_ENTRY_DIFFERS")

        for _ in itertools.repeat(None, 3):
            _, rewritten = await pair.report(shanxi)
        await nodes.eventually(told(pair, "halted", "not the beginning"))
        assert await decision(pair, reports[-1][1]) == ACCEPT
        assert await size_of(guizhou) == 3


def told(pair: Provinces, state: str, words: str) -> Callable[[], Awaitable[bool]]:
    return in_state(pair.guizhou, state, words)


async def decision(pair: Provinces, bundle: bytes) -> int:
    return (await verify(pair.guizhou, bundle, pair.shanxi.subject, OF_SHANXI)).decision


async def size_of(one: nodes.TestJurisdiction) -> int:
    assert one.node is not None
    head: LogHead | None = one.node.board.newest(ORIGIN)
    return 0 if head is None else head.size
