"""How every log stands by what peers showed of it, in memory: for verification, which asks at each verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from node.ledger.heads import HeadBoard
from node.model.log import LogHead
from node.model.witnesses import HeadState, PeerHead, SplitView
from trust.log.checkpoint import origin_of, own_cosigner
from trust.witnesses import Witnessing


class StandingsStore(Protocol):
    """What was kept before."""

    async def peer_heads(self) -> list[PeerHead]: ...
    async def splits(self) -> list[SplitView]: ...


class Standings:
    """The newest known of each log from others. One per process; `load` brings in what other replicas kept."""

    def __init__(self, own_division: str) -> None:
        self._own = own_cosigner(origin_of(own_division))
        self._heads: dict[tuple[str, str, HeadState], PeerHead] = {}
        self._splits: dict[str, tuple[SplitView, ...]] = {}
        self._witnessing: dict[str, Witnessing] = {}
        self._told = 0
        self._cuts: Counter[str] = Counter()

    async def load(self, store: StandingsStore) -> bool:
        """Takes in everything that is stored. Answers whether a log is split of which nobody knew here."""
        while True:
            seen = self._told
            heads, splits = await store.peer_heads(), await store.splits()
            if seen == self._told:  # else what was told meanwhile may be missing in what was read
                break
        before = set(self._splits)
        self._heads = {(head.origin, head.peer, head.state): head for head in heads}
        self._splits = {}
        for split in splits:
            self._splits[split.origin] = (*self._splits.get(split.origin, ()), split)
        self._witnessing.clear()
        return bool(set(self._splits) - before)

    def tell(self, head: PeerHead) -> None:
        """A head that was kept."""
        self._told += 1
        self._heads[head.origin, head.peer, head.state] = head
        ahead = self._heads.get((head.origin, head.peer, HeadState.AHEAD))
        if head.state is HeadState.AGREED and ahead is not None and ahead.size <= head.size:
            del self._heads[head.origin, head.peer, HeadState.AHEAD]
        self._witnessing.pop(head.origin, None)

    def tell_split(self, split: SplitView) -> None:
        """Evidence that was kept."""
        self._told += 1
        self._splits[split.origin] = (*self._splits.get(split.origin, ()), split)
        self._witnessing.pop(split.origin, None)

    def cut(self, origin: str) -> None:
        """Our tree of a log was cut back: what agreed with it before counts as far as it is loaded again, no more."""
        self._cuts[origin] += 1

    def cuts(self, origin: str) -> int:
        """How often that happened, as far as this process knows."""
        return self._cuts[origin]

    def head(self, origin: str, peer: str, state: HeadState) -> PeerHead | None:
        """What a peer showed of a log."""
        return self._heads.get((origin, peer, state))

    def ahead(self, origin: str) -> tuple[PeerHead, ...]:
        """Heads that were beyond our tree when they were shown, and were not compared since."""
        return tuple(h for h in self._heads.values() if h.origin == origin and h.state is HeadState.AHEAD)

    def splits(self, origin: str) -> tuple[SplitView, ...]:
        """Evidence that this log has two histories, oldest first."""
        return self._splits.get(origin, ())

    def all_splits(self) -> Iterable[SplitView]:
        """The same of every log."""
        return tuple(split for found in self._splits.values() for split in found)

    def witnessing(self, origin: str) -> Witnessing:
        """For steps 6 and 7."""
        known = self._witnessing.get(origin)
        if known is None:
            known = self._witnessing[origin] = self._witnessing_of(origin)
        return known

    def _witnessing_of(self, origin: str) -> Witnessing:
        sizes = {
            own_cosigner(origin_of(head.peer)): head.size
            for head in self._heads.values()
            if head.origin == origin and head.state is HeadState.AGREED
        }
        splits = self._splits.get(origin, ())
        return Witnessing(sizes, min((split.agreed_size for split in splits), default=None), self._own)

    def limited(self, head: LogHead) -> LogHead:
        """Our view, no fresher than the moment from which larger heads of its log are known.

        Its own node cosigned a larger head at that moment; whatever it cosigns of the smaller one later vouches for
        nothing that came since. While all is well such a moment is later than the newest cosignature that we hold, and
        changes nothing.
        """
        since = min((ahead.since for ahead in self.ahead(head.origin) if ahead.size > head.size), default=None)
        if since is None or head.fresh_at is None or head.fresh_at <= since:
            return head
        return replace(head, fresh_at=since)

    def views(self, board: HeadBoard) -> Callable[[str], LogHead | None]:
        """The same of our newest view of a log by its origin, None where there is none."""

        def view(origin: str) -> LogHead | None:
            head = board.newest(origin)
            return None if head is None else self.limited(head)

        return view

    def known_size(self, origin: str) -> int:
        """Size of the largest head of a log that any peer showed; 0 for none."""
        return max((head.size for head in self._heads.values() if head.origin == origin), default=0)
