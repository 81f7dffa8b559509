"""Heads that peers show, held against our own trees: what agrees, what is beyond us, what cannot both be true.

A head counts when the log's own key signed it, the log's own node cosigned it, and the peer that shows it cosigned it:
so nobody can invent one, and each is bound to what it shows. At or below our size our own tree says whether it is the
same history; a head beyond it is kept and compared as soon as our tree has grown so far. Two histories that are both
signed are kept as evidence (`trust.log.forks`), and evidence that a peer kept is taken over once it is verified here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from node.ledger.assembly import HashReader, load_frontier
from node.ledger.replica import ReplicaKeys
from node.ledger.standings import Standings
from node.ledger.subtrees import SubtreeReader
from node.model.log import LogHead
from node.model.witnesses import HeadState, PeerHead, ShownHead, SplitNotes, SplitView
from trust.errors import CheckpointInvalid
from trust.log.checkpoint import open_checkpoint, origin_of, own_cosigner, size_of
from trust.log.forks import Fork, ForkProof, open_fork
from trust.log.proofs import consistency_plan
from trust.log.tree import EMPTY_ROOT

_log = structlog.get_logger(__name__)

_AGREED_EVERY = timedelta(minutes=1)
"""How old the kept time of a peer's cosignature may grow while the log stands still: each keeping is a write."""


class ComparisonStore(HashReader, Protocol):
    """Our trees. What `head` answers is committed."""

    async def head(self, origin: str) -> LogHead | None: ...


class EvidenceStore(Protocol):
    """Durable. `keep_split` is False when that peer's evidence was kept before.

    `keep_peer_head` is False, and `keep_recalled` keeps nothing, when our log was cut back behind that head meanwhile.
    """

    async def keep_peer_head(self, head: PeerHead) -> bool: ...
    async def keep_split(self, split: SplitView) -> bool: ...
    async def keep_recalled(self, head: PeerHead) -> None: ...


@dataclass(frozen=True, slots=True)
class ComparisonLimits:
    """`now`: civil time, aware. `skew`: how far ahead of it a cosignature may be. `own`: our division."""

    now: Callable[[], datetime]
    skew: timedelta
    own: str


class Comparison:
    """Judges what peers show. May be called by many tasks; each log is compared by one at a time."""

    def __init__(
        self,
        logs: ComparisonStore,
        evidence: EvidenceStore,
        standings: Standings,
        limits: ComparisonLimits,
        split_found: Callable[[SplitView], None],
    ) -> None:
        """`split_found` is called when evidence is kept durably, also where another replica kept it first."""
        self._logs = logs
        self._evidence = evidence
        self._standings = standings
        self._limits = limits
        self._split_found = split_found
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def shown(self, peer: str, keys: ReplicaKeys, shown: ShownHead) -> None:
        """What the node of `peer` shows of a log. Raises CheckpointInvalid or ProofInvalid for what does not verify."""
        async with self._turns[keys.origin]:
            await self._settle(keys)
            if shown.split is not None:
                await self._take_over(peer, keys, shown.split)
            if shown.checkpoint:
                await self._compare(keys, self._opened(peer, keys, shown.checkpoint))

    async def recalled(self, peer: str, keys: ReplicaKeys, shown: ShownHead) -> bool:
        """A head of the past that the node of `peer` cosigned then. False while our tree is too small to tell.

        Raises CheckpointInvalid for what does not verify. One that is not of our history is a second one, as any head.
        """
        async with self._turns[keys.origin]:
            head = self._opened(peer, keys, shown.checkpoint)
            ours = await self._logs.head(keys.origin)
            if ours is None or head.size > ours.size:
                return False
            if head.size == 0:
                return True
            if await self._root(keys.origin, head.size, ours) == head.root:
                await self._evidence.keep_recalled(head)
            else:
                await self._compare(keys, head)
            return True

    async def settle(self, keys: ReplicaKeys) -> None:
        """Compares what was beyond our tree before."""
        async with self._turns[keys.origin]:
            await self._settle(keys)

    async def _settle(self, keys: ReplicaKeys) -> None:
        for ahead in self._standings.ahead(keys.origin):
            await self._compare(keys, ahead)

    def _opened(self, peer: str, keys: ReplicaKeys, text: str) -> PeerHead:
        head = open_checkpoint(text, keys.head, keys.origin, keys.cosigners)
        cosigned_at = head.cosigners.get(own_cosigner(origin_of(peer)))
        if cosigned_at is None or head.cosigned_at is None:
            raise CheckpointInvalid("A head that is shown is cosigned by the log's own node and by who shows it.")
        if max(cosigned_at, head.cosigned_at) > self._limits.now() + self._limits.skew:
            raise CheckpointInvalid("The head was cosigned in the future by our clock; check both clocks.")
        if head.size == 0 and head.root != EMPTY_ROOT:
            raise CheckpointInvalid("The head of an empty log has another root than the empty tree.")
        return PeerHead(keys.origin, peer, HeadState.AHEAD, head.size, head.root, cosigned_at, head.cosigned_at, text)

    async def _compare(self, keys: ReplicaKeys, shown: PeerHead) -> None:
        if shown.size == 0 or self._told_by(shown.origin, shown.peer):
            return
        cuts = self._standings.cuts(keys.origin)
        # What is committed, and not what this process heard of: another replica of ours may have extended the log.
        ours = await self._logs.head(keys.origin)
        if ours is None or shown.size > ours.size:
            await self._beyond(keys, shown, ours)
        elif await self._root(keys.origin, shown.size, ours) == shown.root:
            await self._agreed(shown, cuts)
        elif size_of(ours.checkpoint) == ours.size:
            await self._split(shown, await self._proof(keys.origin, shown, ours))
        else:
            # Nothing that we hold is signed over our whole tree until we have caught up, so there is no second note to
            # keep. Until then our view does not grow fresher.
            await self._keep_ahead(shown, ours)

    async def _beyond(self, keys: ReplicaKeys, shown: PeerHead, ours: LogHead | None) -> None:
        if own_cosigner(keys.origin) == own_cosigner(origin_of(self._limits.own)):
            # Our key signed what our log does not hold. Whoever shows it read it after it was committed somewhere.
            first = "" if ours is None else ours.checkpoint
            await self._split(shown, SplitNotes(first, shown.checkpoint, b"", ()))
        else:
            await self._keep_ahead(shown, ours)

    async def _keep_ahead(self, shown: PeerHead, ours: LogHead | None) -> None:
        known = self._standings.head(shown.origin, shown.peer, HeadState.AHEAD)
        if known is not None and known.size > shown.size:
            return
        size = 0 if ours is None else ours.size
        since = min(known.since, shown.since) if known is not None and known.size > size else shown.since
        head = replace(shown, since=since)
        if known is not None and (known.size, known.root, known.since) == (head.size, head.root, head.since):
            return
        await self._evidence.keep_peer_head(head)
        self._standings.tell(head)

    async def _agreed(self, shown: PeerHead, cuts: int) -> None:
        """`cuts`: how often the log had been cut back when it was held against our tree."""
        head = replace(shown, state=HeadState.AGREED)
        known = self._standings.head(head.origin, head.peer, HeadState.AGREED)
        ahead = self._standings.head(head.origin, head.peer, HeadState.AHEAD)
        if known is not None and known.size > head.size:
            if ahead is None or ahead.size > head.size:
                return
            head = known  # the one ahead was compared and is done with
        news = known is None or head.size > known.size or head.cosigned_at >= known.cosigned_at + _AGREED_EVERY
        news = news or (ahead is not None and ahead.size <= head.size)
        # What agreed with a tree that was cut back since is a witness of nothing, neither stored nor here.
        if news and await self._evidence.keep_peer_head(head) and self._standings.cuts(head.origin) == cuts:
            self._standings.tell(head)

    async def _root(self, origin: str, size: int, ours: LogHead) -> bytes:
        return ours.root if size == ours.size else (await load_frontier(self._logs, origin, size)).root()

    async def _proof(self, origin: str, shown: PeerHead, ours: LogHead) -> SplitNotes:
        """Our head and our log's root at the size shown: neither head continues the other."""
        plan = consistency_plan(shown.size, ours.size)
        roots = await SubtreeReader(self._logs, origin).roots(plan.subtrees)
        root = await self._root(origin, shown.size, ours)
        return SplitNotes(shown.checkpoint, ours.checkpoint, root, plan.fold(roots))

    async def _take_over(self, peer: str, keys: ReplicaKeys, notes: SplitNotes) -> None:
        if self._told_by(keys.origin, peer):
            return
        proof = ForkProof(notes.first, notes.second, notes.root, notes.consistency)
        fork = open_fork(proof, keys.head, keys.origin, keys.cosigners)
        differ = fork.first.size
        first = self._standing_for(keys.origin, fork.first.cosigners.keys(), differ)
        second = self._standing_for_second(keys.origin, peer, fork)
        ours = await self._root_at(keys.origin, differ)
        # Where the history that is not ours parts from it, those tell who stand for that one. While our tree is too
        # short to say which of the two is ours, it may be either: then somebody has to stand for each.
        against = [first] if ours == notes.root else [second] if ours == fork.first.root else [first, second]
        agreed = min([*first, *second]) if all(against) else 0
        if any(notes == known.notes for known in self._standings.splits(keys.origin)):
            # Evidence that we hold already, ours perhaps. Who stands for its first head is written under that; who for
            # the second one may be whoever made it, and that may be who shows it now.
            lowest = self._standings.witnessing(keys.origin).agreed
            if ours == notes.root or not all(against) or (lowest is not None and agreed >= lowest):
                return
        await self._keep_split(SplitView(keys.origin, peer, self._limits.now(), agreed, notes))

    async def _root_at(self, origin: str, size: int) -> bytes | None:
        """Root of our tree at a size; None while it is shorter."""
        ours = await self._logs.head(origin)
        return None if ours is None or ours.size < size else await self._root(origin, size, ours)

    def _for_none(self, origin: str) -> AbstractSet[str]:
        """The log's own node stands for all its histories, hence for none, and what we cosigned is our own."""
        return {own_cosigner(origin), own_cosigner(origin_of(self._limits.own))}

    async def _split(self, shown: PeerHead, notes: SplitNotes) -> None:
        # Without a proof our own log is shorter than what our key signed: whatever we hold may be before the parting.
        differ = size_of(notes.first if notes.root else notes.second)
        agreed = min(self._standing_for_shown(shown.origin, shown.peer, differ), default=0)
        await self._keep_split(SplitView(shown.origin, shown.peer, self._limits.now(), agreed, notes))

    def _standing_for(self, origin: str, names: AbstractSet[str], differ: int) -> list[int]:
        """How far each of those who cosigned a history agreed with us, as far as that says where it parts from ours.

        `differ`: a size at which the two are different. Who agrees with us from there on stands for ours, or for both.
        """
        sizes = self._standings.witnessing(origin).sizes
        return [size for name in names - self._for_none(origin) if (size := sizes.get(name, 0)) < differ]

    def _standing_for_shown(self, origin: str, peer: str, differ: int) -> list[int]:
        """The same for a head that `peer` shows: it stands for that one."""
        others = {own_cosigner(origin_of(peer))} - self._for_none(origin)
        if others:
            return self._standing_for(origin, others, differ)
        # Shown by the log's own node alone: what every other witness that we know holds as we do was seen by all.
        sizes = self._standings.witnessing(origin).sizes
        return [min(sizes[name], max(differ - 1, 0)) for name in sizes.keys() - self._for_none(origin)]

    def _standing_for_second(self, origin: str, peer: str, fork: Fork) -> list[int]:
        """The same for the second head of evidence that `peer` shows: whoever made that held it.

        Nobody's cosignature but the log's own is under it as a rule, and `peer` may have taken it over from the maker:
        who cosigned the first head, or agrees with us from where the two differ, has. Any witness may be the maker.
        """
        differ, first, shower = fork.first.size, fork.first.cosigners.keys(), own_cosigner(origin_of(peer))
        signed = fork.second.cosigners.keys() - self._for_none(origin)
        if signed:
            return self._standing_for(origin, signed, differ)
        stands = self._standing_for_shown(origin, peer, differ)
        if not stands or shower in self._for_none(origin):
            return stands
        if shower in first:
            return []
        return [*stands, *self._standing_for(origin, self._standings.witnessing(origin).sizes.keys() - first, differ)]

    async def _keep_split(self, split: SplitView) -> None:
        if await self._evidence.keep_split(split):
            self._standings.tell_split(split)
            _log.error("log_split", origin=split.origin, shown_by=split.shown_by, agreed_size=split.agreed_size)
        self._split_found(split)

    def _told_by(self, origin: str, peer: str) -> bool:
        return any(split.shown_by == peer for split in self._standings.splits(origin))
