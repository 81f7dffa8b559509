"""A log of our own and a peer's log, in small: real keys, synthetic entries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from node.gathering import Gathering
from node.ledger.assembly import EntryDraft
from node.ledger.heads import HeadBoard
from node.ledger.sequencer import LedgerStore, LogKeys, Sequencer
from node.model.issuing import ReportRow, RequestKey, StatusRow
from node.model.log import EntryKind, FeedBatch, LogEntry, LogHead, SubtreeRoot
from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.support.trust import key
from trust.log import proofs
from trust.log.checkpoint import SignedHead, cosign, open_checkpoint, own_cosigner, sign_head
from trust.log.tree import leaf_hash, root_of

ORIGIN = "huxin/140000"
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
KEYS = LogKeys(ORIGIN, key("head"), own_cosigner(ORIGIN), key("cosigner"))
COSIGNERS = {own_cosigner(ORIGIN): key("cosigner").public}


def opened(head: LogHead) -> SignedHead:
    """A head whose note verifies and says the same."""
    signed = open_checkpoint(head.checkpoint, key("head").public, ORIGIN, COSIGNERS)
    assert (signed.size, signed.root) == (head.size, head.root)
    return signed


def entry(name: object) -> bytes:
    return f"synthetic entry {name} ".encode().ljust(200, b".")


def draft(name: object) -> EntryDraft:
    """An entry by name: the same name, the same bytes."""
    data = entry(name)
    return EntryDraft(data, sha256(data).digest(), EntryKind.ATTESTATION, f"number of {name}")


def request(name: object) -> Callable[[int], StatusRow]:
    """What is committed with an entry: the request id that brought it."""
    return lambda index: StatusRow(index, RequestKey("caller", str(name), sha256(str(name).encode()).digest()))


def sequencer_of(
    store: LedgerStore, board: HeadBoard | None = None, now: datetime = NOW, groups: list[int] | None = None
) -> Sequencer:
    """A sequencer of the own log that does not run yet. `groups` collects the sizes of its commits."""
    sizes = [] if groups is None else groups
    return Sequencer(store, KEYS, board or HeadBoard(), lambda: now, Gathering(), sizes.append)


@asynccontextmanager
async def sequencing(
    store: LedgerStore, board: HeadBoard | None = None, groups: list[int] | None = None
) -> AsyncIterator[Sequencer]:
    """A running one."""
    sequencer = sequencer_of(store, board, groups=groups)
    task = asyncio.create_task(sequencer.run())
    try:
        yield sequencer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def grow(store: LedgerStore, stop: int, start: int = 0) -> None:
    """Appends the entries named `start` to `stop` (exclusive) in one call of all of them."""
    async with sequencing(store) as sequencer:
        await asyncio.gather(*(sequencer.append(draft(name), request(name)) for name in range(start, stop)))


async def check_log(store: LogStore) -> list[bytes]:
    """The entries, after checking that the log is one: no entry twice, the signed head over exactly these."""
    head = await store.head(ORIGIN)
    assert head is not None
    entries = await store.entries(ORIGIN, 0, head.size + 1)
    assert len(set(entries)) == len(entries) == opened(head).size
    assert head.root == root_of([leaf_hash(data) for data in entries])
    return entries


@dataclass
class Troubled(LogStore):
    """The real store, with trouble on the way to it or back: what networks and disks do."""

    database: Database
    before: Callable[[], object] | None = None
    """Called once instead of the next append."""
    after: Callable[[], object] | None = None
    """Called once after the next append has committed."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Appends wait for it."""
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while an append waits."""

    def __post_init__(self) -> None:
        super().__init__(self.database)
        self.gate.set()

    async def append(
        self,
        expected_size: int,
        head: LogHead,
        entries: Sequence[LogEntry],
        subtrees: Sequence[SubtreeRoot],
        attachments: Sequence[ReportRow | StatusRow] = (),
        seen_at: datetime | None = None,
    ) -> None:
        self.waiting.set()
        await self.gate.wait()
        before, self.before = self.before, None
        if before is not None:
            before()
        await super().append(expected_size, head, entries, subtrees, attachments, seen_at)
        after, self.after = self.after, None
        if after is not None:
            after()


def failing(error: Exception) -> Callable[[], object]:
    """Raises when called."""

    def fail() -> None:
        raise error

    return fail


@dataclass
class PeerLog:
    """What a peer shows of its log. `name` makes its entries different from another's."""

    name: str = "peer"
    size: int = 0

    @property
    def entries(self) -> list[bytes]:
        return [entry(f"{self.name} {index}") for index in range(self.size)]

    def root(self, size: int) -> bytes:
        return root_of([leaf_hash(data) for data in self.entries[:size]])

    def note(self, size: int, at: datetime | None = NOW) -> str:
        text = sign_head(ORIGIN, size, self.root(size), key("head"))
        return text if at is None else cosign(text, own_cosigner(ORIGIN), key("cosigner"), at)

    def batch(self, start: int, stop: int, size: int | None = None, at: datetime | None = NOW) -> FeedBatch:
        """Entries from `start` to `stop` (exclusive), proven against the head of `size` entries."""
        size = stop if size is None else size
        leaves = [leaf_hash(data) for data in self.entries]
        proof: tuple[bytes, ...] = ()
        if 0 < stop < size:
            plan = proofs.consistency_plan(stop, size)
            proof = plan.fold(
                {s: root_of(leaves[s.index << s.level : (s.index + 1) << s.level]) for s in plan.subtrees}
            )
        return FeedBatch(start, tuple(self.entries[start:stop]), self.note(size, at), proof)


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)
