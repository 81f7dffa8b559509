"""Our view of a peer's log: a batch counts only after it was proven to be part of a head the peer signed.

The arithmetic is done on our side of the wire: our own tree is extended by the batch, and its root must lead to the
signed head by a consistency proof. So an entry can be neither altered, left out nor moved without being caught here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from node.ledger.assembly import Batch, EntryDraft, assemble, load_frontier
from node.ledger.growth import Growth
from node.ledger.heads import HeadBoard
from node.ledger.sequencer import LedgerStore
from node.model.counting import in_entries
from node.model.log import EntryKind, FeedBatch, LogClosed, LogHead
from trust.algorithms import PublicKey
from trust.errors import CheckpointInvalid, HeadInconsistent, MalformedInput, ProofInvalid
from trust.issuers import ClosedLog, TrustedIssuer
from trust.log import checkpoint, proofs
from trust.log.checkpoint import SignedHead
from trust.log.tree import Frontier

_TURN = 64
"""Entries read at a stretch: under a millisecond of the event loop."""


class EntryReader(Protocol):
    """Reads what an entry states, without checking its signature. Raises MalformedInput for what it cannot read."""

    def __call__(self, entry: bytes, digest: bytes) -> EntryDraft: ...


@dataclass(frozen=True, slots=True)
class ReplicaKeys:
    """What the trusted state says of a peer's log.

    `first`: the entry that it begins with, b"" for any: that of a successor is what k of n signed off. `last`: size and
    root of the only head that counts, once the log was closed.
    """

    origin: str
    head: PublicKey
    cosigners: Mapping[str, PublicKey]
    first: bytes = b""
    last: tuple[int, bytes] | None = None

    @staticmethod
    def newest(issuer: TrustedIssuer) -> ReplicaKeys:
        """Those of the log that an issuer goes on with."""
        first = issuer.closed[-1].first_entry if issuer.closed else b""
        return ReplicaKeys(issuer.origin, issuer.head_key, issuer.cosigners, first)

    @staticmethod
    def closed(issuer: TrustedIssuer, log: ClosedLog) -> ReplicaKeys:
        """Those of a log that it went on with before."""
        before = issuer.as_of_log(log)
        place = issuer.closed.index(log)
        first = issuer.closed[place - 1].first_entry if place else b""
        return ReplicaKeys(log.origin, log.head_key, before.cosigners, first, (log.size, log.root))


class Replica:
    """Stores one peer's log. One task at a time may call `accept`."""

    def __init__(
        self,
        store: LedgerStore,
        keys: ReplicaKeys,
        board: HeadBoard,
        now: Callable[[], datetime],
        read_entry: EntryReader,
        clock_skew: timedelta,
        contradiction: Callable[[], str] = lambda: "",
    ) -> None:
        """`clock_skew`: how far ahead of `now` a peer's cosignature may be before it is refused.

        `contradiction`: a sentence once the log is known to have two histories, else "".
        """
        self._store = store
        self._keys = keys
        self._board = board
        self._now = now
        self._read_entry = read_entry
        self._clock_skew = clock_skew
        self._contradiction = contradiction
        self._growth = Growth(store, keys.origin)
        self._frontier: Frontier | None = None
        self._known: LogHead | None = None
        self.head_size = 0
        """Size of the newest head that the peer signed, as far as it told us."""
        self.cosigned_at: datetime | None = None
        """Time of the cosignature in the newest batch's head, once authenticated, even if it was refused then."""

    async def open(self) -> LogHead | None:
        """Loads what is stored, as after any stop. Returns our view's head, where to resume; None: from the start.

        Raises HeadInconsistent when the log has two histories: what is stored is told, and nothing is added to it.
        """
        self._known = await self._store.head(self._keys.origin)
        size = 0 if self._known is None else self._known.size
        self._frontier = await load_frontier(self._store, self._keys.origin, size)
        if self._known is not None:
            self._board.publish(self._known)
        self._require_one_history()
        return self._known

    async def accept(self, batch: FeedBatch) -> LogHead:
        """Proves a batch, stores it in one transaction, and returns our view's head.

        Raises CheckpointInvalid for a head that its keys did not sign, ProofInvalid for a gap in the entries, and
        HeadInconsistent when the peer's head contradicts what it showed us before. LogMoved: another replica of this
        node stored the batch first; `open` again.
        """
        if self._frontier is None:
            await self.open()
        self._require_one_history()
        frontier = self._frontier or Frontier()
        self.cosigned_at = None
        head = self._opened(batch.checkpoint)
        if batch.entries and batch.first_index != frontier.size:
            raise ProofInvalid(f"The batch starts at {batch.first_index}, our view ends at {frontier.size}.")
        if frontier.size == 0 and batch.entries and self._keys.first not in (b"", batch.entries[0]):
            raise HeadInconsistent(
                "The log does not begin with the succession that the registry's holders signed off, so it is not the "
                "successor. Ask its operator."
            )
        extended = assemble(frontier, await self._drafts(batch.entries))
        self._prove(extended.frontier, head, batch)
        view = self._view(extended.frontier, head, batch.checkpoint)
        await self._keep(frontier.size, view, extended, self._seen_at(head))
        self.head_size = head.size
        self._frontier, self._known = extended.frontier, view
        self._board.publish(view)
        return view

    def _require_one_history(self) -> None:
        if sentence := self._contradiction():
            raise HeadInconsistent(sentence)

    def _opened(self, text: str) -> SignedHead:
        head = checkpoint.open_checkpoint(text, self._keys.head, self._keys.origin, self._keys.cosigners)
        self.cosigned_at = head.cosigned_at
        if head.cosigned_at is not None and head.cosigned_at > self._now() + self._clock_skew:
            raise CheckpointInvalid("The head was cosigned in the future by our clock; check both clocks.")
        if self._keys.last not in (None, (head.size, head.root)):
            raise CheckpointInvalid("The log was closed at another head, and this one counts for nothing.")
        return head

    @staticmethod
    def _prove(frontier: Frontier, head: SignedHead, batch: FeedBatch) -> None:
        """Our tree, extended, must be the signed tree or its beginning."""
        if head.size < frontier.size:
            size = in_entries(head.size)
            raise HeadInconsistent(f"The signed head has {size}, we were shown {frontier.size} before.")
        if frontier.size == 0:
            return
        try:
            proofs.verify_consistency(frontier.size, frontier.root(), head.size, head.root, batch.consistency)
        except ProofInvalid as error:
            raise HeadInconsistent(
                f"What we were shown up to entry {frontier.size} is not the beginning of the signed head "
                f"of {in_entries(head.size)}."
            ) from error

    def _view(self, frontier: Frontier, head: SignedHead, text: str) -> LogHead:
        # A view that has not caught up is only as fresh as when it last had: the head tells of entries, such as a
        # revocation, that we do not hold yet.
        known_at = None if self._known is None else self._known.fresh_at
        caught_up = frontier.size == head.size
        fresh_at = _latest(known_at, head.cosigned_at) if caught_up else known_at
        return LogHead(self._keys.origin, frontier.size, frontier.root(), text, fresh_at)

    def _seen_at(self, head: SignedHead) -> datetime:
        """By when the batch existed: it is here. Never earlier than its issuer says: our clock may be late."""
        now = self._now()
        return now if head.cosigned_at is None else max(now, head.cosigned_at)

    async def _keep(self, old_size: int, view: LogHead, batch: Batch, at: datetime) -> None:
        seen_at = await self._growth.due(view.size, at)
        try:
            if batch.entries or self._known is None:
                # The commit point of replication. A crash before it: the batch is asked for again from the same index.
                # A crash after it: the next index is asked for. Never a gap, never an entry twice. By when we saw
                # the log so large is written with it, and lost with it.
                await self._store.append(old_size, view, batch.entries, batch.subtrees, (), seen_at)
            elif view.fresh_at != self._known.fresh_at:
                # Only a newer time is worth a commit: heads that say nothing new could come without end.
                # A crash here leaves an older, still true, time of freshness.
                await self._store.update_head(view, seen_at)
            else:
                return
        except LogClosed as error:
            raise HeadInconsistent("The log was closed and goes on in another one: this one ends here.") from error
        self._growth.kept(view.size, seen_at)

    async def _drafts(self, entries: Sequence[bytes]) -> list[EntryDraft]:
        """All entries of a batch, read in turns: whoever else this node serves does not wait for a thousand of them."""
        drafts: list[EntryDraft] = []
        for start in range(0, len(entries), _TURN):
            drafts += [self._draft(entry) for entry in entries[start : start + _TURN]]
            await asyncio.sleep(0)
        return drafts

    def _draft(self, entry: bytes) -> EntryDraft:
        digest = sha256(entry).digest()
        try:
            return self._read_entry(entry, digest)
        except MalformedInput:
            # The head vouches that it is the peer's entry; a later version may know what it means.
            return EntryDraft(entry, digest, EntryKind.OTHER)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)
