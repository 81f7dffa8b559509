"""A peer that lies: what it tells, and a server with everything of a jurisdiction but its honesty.

`python -m tests.integration.liars HOME PORT CA_FILE LIE` serves a lie without end, as a process of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import grpc
import grpc.aio
from huxin.v1 import admin_service_pb2, federation_service_pb2

from node.app.founding import Layout
from node.app.keyring import Keyring, load_keyring
from node.app.storing import prepare_database
from node.config.settings import Settings
from node.model.log import FeedBatch
from tests.support import nodes
from tests.support.trust import attestation_of, key, sections_of
from trust.envelope import seal
from trust.keys import Signer
from trust.log import checkpoint, proofs
from trust.log.tree import Frontier, leaf_hash, root_of
from trust.statements import ATTESTATION, encode_attestation, encode_envelope

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


Answers = Callable[[int], AsyncIterator[bytes]]
"""What a liar sends to whoever asks for its log from an index on, message by message, as serialised bytes."""


class Liar(grpc.GenericRpcHandler):
    """Serves Follow with what it is told to."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        if handler_call_details.method != "/huxin.v1.FederationService/Follow":
            return None
        return grpc.unary_stream_rpc_method_handler(self._follow)

    async def _follow(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        asked = federation_service_pb2.FollowRequest.FromString(request)
        async for answer in self._answers(asked.start):
            await context.write(answer)


def response(batch: FeedBatch) -> bytes:
    return federation_service_pb2.FollowResponse(
        first_index=batch.first_index,
        entries=batch.entries,
        checkpoint=batch.checkpoint,
        consistency=batch.consistency,
    ).SerializeToString()


@asynccontextmanager
async def lying(layout: Layout, port: int, roots: bytes, answers: Answers) -> AsyncIterator[None]:
    """A server with a jurisdiction's real certificate. `roots`: the CA of who may ask, PEM."""
    pair = layout.pair("node").read()
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((Liar(answers),))
    server.add_secure_port(
        f"127.0.0.1:{port}", grpc.ssl_server_credentials([(pair.key, pair.certificate)], roots, True)
    )
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


@asynccontextmanager
async def following_a_liar(
    home: Path, tell: Callable[[Keyring], Answers], extra: Mapping[str, str] = {}
) -> AsyncIterator[nodes.TestJurisdiction]:
    """Guizhou's node follows a server that has everything of Shanxi, its keys as well, but its honesty."""
    shanxi, guizhou = nodes.found(home, "140000"), nodes.found(home, "520000", extra=extra)
    nodes.introduce([shanxi, guizhou])
    await prepare_database(guizhou.settings)
    roots, port = guizhou.layout.certificate("ca").read_bytes(), shanxi.settings.rpc.listen.port
    async with lying(shanxi.layout, port, roots, tell(load_keyring(shanxi.settings))), nodes.running([guizhou]):
        yield guizhou


def after_the_truth(lie: Callable[[partial[Telling]], bytes]) -> Callable[[Keyring], Answers]:
    """Three honest entries, then one lie, then the end of the stream."""

    def tell(keyring: Keyring) -> Answers:
        telling = partial(Telling, head=keyring.head, cosigner=keyring.cosigner)

        async def answers(start: int) -> AsyncIterator[bytes]:
            if start == 0:
                yield response(telling(0, ENTRIES[:3], ENTRIES[:3]).batch())
            yield lie(telling)

        return answers

    return tell


@dataclass(frozen=True)
class Alike:
    """A log of one entry, over and over: of any length, and its every head and proof at no cost."""

    keyring: Keyring
    origin: str
    now: Callable[[], datetime]
    entry: bytes = b"synthetic ".ljust(600, b".")

    def _perfect(self, level: int) -> bytes:
        found = leaf_hash(self.entry)
        for _ in range(level):
            found = root_of_pair(found)
        return found

    def batch(self, first: int, count: int, size: int = 0) -> bytes:
        """`count` entries from `first` on, under the head of `size` entries, or of what they end at."""
        end = first + count
        size = size or end
        roots = [self._perfect(level) for level in range(size.bit_length())]
        frontier = Frontier(size, tuple(roots[level] for level in reversed(range(len(roots))) if size >> level & 1))
        proof: tuple[bytes, ...] = ()
        if 0 < end < size:
            plan = proofs.consistency_plan(end, size)
            proof = plan.fold({s: roots[s.level] for s in plan.subtrees})
        text = checkpoint.sign_head(self.origin, size, frontier.root(), self.keyring.head)
        text = checkpoint.cosign(text, checkpoint.own_cosigner(self.origin), self.keyring.cosigner, self.now())
        return response(FeedBatch(first, (self.entry,) * count, text, proof))


def root_of_pair(one: bytes) -> bytes:
    """Root of two equal subtrees."""
    return sha256(b"\x01" + one + one).digest()


async def heads_without_end(log: Alike, start: int) -> AsyncIterator[bytes]:
    if start == 0:
        yield log.batch(0, 1)
    while True:
        yield log.batch(1, 0)


async def entries_without_end(log: Alike, start: int) -> AsyncIterator[bytes]:
    for index in itertools.count(start):
        yield log.batch(index, 1)


async def a_log_without_end(log: Alike, start: int) -> AsyncIterator[bytes]:
    for first in itertools.count(start, 1_000):
        yield log.batch(first, 1_000)


async def huge_messages(log: Alike, start: int) -> AsyncIterator[bytes]:
    if start == 0:
        yield log.batch(0, 1)
    yield b"\x12\x80\x80\x80\x08" + bytes(16 << 20)


async def silence(log: Alike, start: int) -> AsyncIterator[bytes]:
    if start == 0:
        yield log.batch(0, 1)
    await asyncio.Event().wait()


async def a_drip(log: Alike, start: int) -> AsyncIterator[bytes]:
    """Heads of a long log, more than one a second, and an entry of it now and then."""
    for index in itertools.count(start):
        yield log.batch(index, 1, 1_000_000)
        for _ in range(5):
            await asyncio.sleep(0.4)
            yield log.batch(index + 1, 0, 1_000_000)


ENDLESS: dict[str, Callable[[Alike, int], AsyncIterator[bytes]]] = {
    lie.__name__: lie
    for lie in (heads_without_end, entries_without_end, a_log_without_end, huge_messages, silence, a_drip)
}


def endless(lie: str) -> Callable[[Keyring], Answers]:
    """One of ENDLESS, told of Shanxi's log on the day of the tests."""
    return lambda keyring: partial(ENDLESS[lie], Alike(keyring, ORIGIN, lambda: NOW))


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


async def main(layout: Layout, port: int, roots: bytes, lie: str) -> None:
    """Serves a lie until killed."""
    settings = Settings.load(layout.settings, {})
    log = Alike(load_keyring(settings), checkpoint.origin_of(settings.division), lambda: datetime.now(UTC))
    async with lying(layout, port, roots, partial(ENDLESS[lie], log)):
        print("lying", flush=True)  # noqa: T201 - whoever started this waits for it
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Layout(Path(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3]).read_bytes(), sys.argv[4]))
