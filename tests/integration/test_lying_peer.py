"""A peer that lies: what it says is refused, our view of its log stays as it was, and the operator is told (R184).

First `Replica` over a real database, lie by lie; then a real node that follows a server with Shanxi's real keys; then
Shanxi's own node, put back to an old copy of its database.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from huxin.v1 import admin_service_pb2, federation_service_pb2, statement_pb2

from node.app.keyring import load_keyring
from node.app.ledgers import entry_reader
from node.app.storing import open_database, prepare_database
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica, ReplicaKeys
from node.model.log import FeedBatch, LogHead
from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.integration.provinces import ACCEPT, OF_SHANXI, REJECT, Provinces, provinces, verify
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.trust import attestation_of, jurisdiction, key, sections_of
from trust.envelope import seal
from trust.errors import CheckpointInvalid, HeadInconsistent, ProofInvalid, TrustError
from trust.issuers import TrustedIssuer
from trust.keys import Signer
from trust.log import checkpoint, proofs
from trust.log.tree import leaf_hash, root_of
from trust.statements import ATTESTATION, STATUS_CHANGE, encode_attestation, encode_envelope

ORIGIN = "huxin/140000"
NOW = nodes.THE_DAY


def entry(number: int) -> bytes:
    """A synthetic attestation, different for each number."""
    issued_at, cutoff = NOW - timedelta(seconds=number + 1), NOW - timedelta(days=1)
    said = replace(attestation_of(sections_of(1)), issued_at=issued_at, data_cutoff=cutoff, valid_until=None)
    return encode_envelope(seal(ATTESTATION, encode_attestation(said), [key("signing")]))


ENTRIES = [entry(number) for number in range(8)]
OTHERS = [entry(number) for number in range(100, 108)]


@dataclass(frozen=True)
class Telling:
    """What a peer tells next: `entries` from `first` on, and the head over `tree`, a whole log of its choosing.

    `consistency` None: the proof that the peer's own tree gives, from the end of the batch.
    """

    first: int = 3
    entries: Sequence[bytes] = field(default_factory=lambda: ENTRIES[3:5])
    tree: Sequence[bytes] = field(default_factory=lambda: ENTRIES[:6])
    consistency: tuple[bytes, ...] | None = None
    origin: str = ORIGIN
    head: Signer = field(default_factory=lambda: key("head"))
    cosigner: Signer = field(default_factory=lambda: key("cosigner"))
    at: datetime = NOW

    def batch(self) -> FeedBatch:
        leaves = [leaf_hash(one) for one in self.tree]
        end, size = self.first + len(self.entries), len(leaves)
        proof: tuple[bytes, ...] = ()
        if self.consistency is not None:
            proof = self.consistency
        elif 0 < end < size:
            plan = proofs.consistency_plan(end, size)
            proof = plan.fold(
                {s: root_of(leaves[s.index << s.level : (s.index + 1) << s.level]) for s in plan.subtrees}
            )
        text = checkpoint.sign_head(self.origin, size, root_of(leaves), self.head)
        text = checkpoint.cosign(text, checkpoint.own_cosigner(self.origin), self.cosigner, self.at)
        return FeedBatch(self.first, tuple(self.entries), text, proof)


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


class Liar(grpc.GenericRpcHandler):
    """Serves Follow with what it is told to: honest batches up to the lie, then the lie, then silence."""

    def __init__(self, answers: Callable[[int], Sequence[bytes]]) -> None:
        self._answers = answers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        if handler_call_details.method != "/huxin.v1.FederationService/Follow":
            return None
        return grpc.unary_stream_rpc_method_handler(self._follow)

    async def _follow(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        asked = federation_service_pb2.FollowRequest.FromString(request)
        for answer in self._answers(asked.start):
            await context.write(answer)


def response(batch: FeedBatch) -> bytes:
    return federation_service_pb2.FollowResponse(
        first_index=batch.first_index,
        entries=batch.entries,
        checkpoint=batch.checkpoint,
        consistency=batch.consistency,
    ).SerializeToString()


@asynccontextmanager
async def following_a_liar(
    home: Path, lie: Callable[[partial[Telling]], bytes]
) -> AsyncIterator[nodes.TestJurisdiction]:
    """Guizhou's node follows a server that has everything of Shanxi but its honesty."""
    shanxi, guizhou = nodes.found(home, "140000"), nodes.found(home, "520000")
    nodes.introduce([shanxi, guizhou])
    await prepare_database(guizhou.settings)
    keyring, pair = load_keyring(shanxi.settings), shanxi.layout.pair("node").read()
    telling = partial(Telling, head=keyring.head, cosigner=keyring.cosigner)

    def answers(start: int) -> Sequence[bytes]:
        honest = response(telling(0, ENTRIES[:3], ENTRIES[:3]).batch())
        return [honest, lie(telling)] if start == 0 else [lie(telling)]

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((Liar(answers),))
    credentials = grpc.ssl_server_credentials(
        [(pair.key, pair.certificate)], guizhou.layout.certificate("ca").read_bytes(), True
    )
    server.add_secure_port(str(shanxi.settings.rpc.listen), credentials)
    await server.start()
    try:
        async with nodes.running([guizhou]):
            yield guizhou
    finally:
        await server.stop(None)


async def peer_of(one: nodes.TestJurisdiction) -> admin_service_pb2.Peer:
    answer = await one.admin().ListPeers(admin_service_pb2.ListPeersRequest())
    peer: admin_service_pb2.Peer
    (peer,) = answer.peers
    return peer


def in_state(one: nodes.TestJurisdiction, state: str, words: str) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        peer = await peer_of(one)
        return peer.state == state and words in peer.last_error and peer.replicated == 3

    return reached


THROUGH_THE_DOOR: dict[str, tuple[Callable[[partial[Telling]], bytes], str, str]] = {
    "a forged head": (lambda telling: response(telling(head=key("another")).batch()), "waiting", "was refused"),
    "entries in another order": (
        lambda telling: response(telling(entries=[ENTRIES[4], ENTRIES[3]]).batch()),
        "halted",
        "not the beginning of the signed head",
    ),
    "entries withheld": (
        lambda telling: response(telling(first=4, entries=ENTRIES[4:6]).batch()),
        "waiting",
        "starts at 4",
    ),
    "a shorter log": (
        lambda telling: response(telling(entries=[], tree=ENTRIES[:2], consistency=()).batch()),
        "halted",
        "we were shown 3 before",
    ),
    "a batch beyond every limit": (
        lambda telling: response(replace(telling().batch(), entries=(bytes(17 << 20),))),
        "waiting",
        "RESOURCE_EXHAUSTED",
    ),
    "more entries than asked for": (
        lambda telling: response(replace(telling().batch(), entries=(b"",) * 1_001)),
        "waiting",
        "more than the 1000 entries",
    ),
    "bytes that are no message": (lambda _telling: b"\xff" * 100, "waiting", "no message of this protocol"),
}


@pytest.mark.parametrize("lie", THROUGH_THE_DOOR)
async def test_a_node_that_follows_a_liar(tmp_path: Path, lie: str) -> None:
    tell, state, words = THROUGH_THE_DOOR[lie]
    async with following_a_liar(tmp_path, tell) as guizhou:
        await nodes.eventually(in_state(guizhou, state, words))
        node = guizhou.node
        assert node is not None
        head = node.board.newest(ORIGIN)
        assert head is not None
        assert (head.size, head.root) == (3, root_of([leaf_hash(one) for one in ENTRIES[:3]]))


async def test_a_peer_that_went_back_in_time(tmp_path: Path) -> None:
    """Shanxi's operator restores an old copy of the database: reports that were answered are gone from its log."""
    async with provinces(tmp_path) as pair:
        shanxi, database = pair.shanxi, Path(pair.shanxi.layout.home / "huxin.db")
        await pair.report(shanxi)
        await shanxi.stop()
        old = shutil.copy(database, tmp_path / "old.db")
        await shanxi.start(pair.clock)
        reports = [await pair.report(shanxi) for _ in range(2)]
        await nodes.caught_up(pair.guizhou, shanxi, 3)
        await shanxi.stop()
        for file in database.parent.glob("huxin.db*"):
            file.unlink()
        shutil.copy(old, database)
        await shanxi.start(pair.clock)

        await nodes.eventually(told(pair, "waiting", "older copy"))
        assert await decision(pair, reports[-1][1]) == ACCEPT, "our view still holds what was once logged"
        _, rewritten = await pair.report(shanxi)
        verdict = await verify(pair.guizhou, rewritten, shanxi.subject, OF_SHANXI)
        assert (verdict.decision, verdict.steps[5].reason) == (REJECT, "LOG_ENTRY_DIFFERS")

        for _ in itertools.repeat(None, 3):
            _, rewritten = await pair.report(shanxi)
        await nodes.eventually(told(pair, "halted", "not the beginning"))
        assert await decision(pair, reports[-1][1]) == ACCEPT
        assert await size_of(pair.guizhou) == 3


def told(pair: Provinces, state: str, words: str) -> Callable[[], Awaitable[bool]]:
    return in_state(pair.guizhou, state, words)


async def decision(pair: Provinces, bundle: bytes) -> int:
    return (await verify(pair.guizhou, bundle, pair.shanxi.subject, OF_SHANXI)).decision


async def size_of(one: nodes.TestJurisdiction) -> int:
    assert one.node is not None
    head: LogHead | None = one.node.board.newest(ORIGIN)
    return 0 if head is None else head.size
