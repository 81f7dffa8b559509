"""Telling other jurisdictions of which of their organisations records are held here (R183, R191; ADR 0027).

Only whom the operator named is told, and of its own organisations alone: code, name, and since when. A sweep holds what
is known here against what was told and queues the difference, so that whatever the cause (a delivery, a withdrawal of
records, the register, the setting, a message that expired) and wherever a process died, the next sweep comes to what is
right. Records are taken in by processes of their own that have no sealing key: they could queue nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from node.federation.messages import Writer
from node.model.messages import MessageKind, OutboxState, Telling
from node.model.sharing import (
    MAX_NAME,
    Holding,
    SharedBasics,
    SubjectBasics,
    division_of,
    home_of,
    may_be_shared,
)

MOST_QUEUED = 64
"""Messages of this kind that wait for one peer at once: what its windows are asked goes between them."""

_PAGE = 500

_ON_ITS_WAY = frozenset({OutboxState.QUEUED.value, OutboxState.DELIVERED.value})


class Store(Protocol):
    """What is known and what was told (`node.storage.sharing_store`). Raises NotReady without a database."""

    async def anything_told(self) -> bool: ...
    async def queued(self) -> dict[str, int]: ...
    async def holdings(self, after: str, limit: int, own: str) -> tuple[list[Holding], str]: ...
    async def record(self, tellings: Sequence[Telling], ended: Sequence[SharedBasics] = ()) -> list[str]: ...


class Content(Protocol):
    """The wire form."""

    def basics(self, basics: SubjectBasics) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """What one subject asks for: whom to tell what, in place of what was told before; and withdrawals that arrived."""

    tell: tuple[tuple[str, SubjectBasics, SharedBasics | None], ...] = ()
    ended: tuple[SharedBasics, ...] = ()


def difference(holding: Holding, target: str | None, reachable: Collection[str], lost_before: datetime) -> Difference:
    """What is to be told so that `target` knows of a subject, and nobody else does.

    Whoever is not `reachable` waits. What did not arrive, or is not known to have, is told again when it was queued
    before `lost_before`: a message that expired may have arrived all the same, so a withdrawal follows it in any case.
    """
    tell: list[tuple[str, SubjectBasics, SharedBasics | None]] = []
    ended: list[SharedBasics] = []
    before: SharedBasics | None = None
    for told in holding.shared:
        lost = told.state not in _ON_ITS_WAY and told.queued_at <= lost_before
        if told.receiver == target:
            before = told
        elif told.receiver not in reachable:
            continue
        elif not told.withdrawn or lost:
            tell.append((told.receiver, SubjectBasics(holding.subject), told))
        elif told.state == OutboxState.DELIVERED.value:
            ended.append(told)
    if target is not None:
        name = "" if holding.registration is None else holding.registration.name.strip()[:MAX_NAME]
        # The day that was told once stands: a record delivered again has a later one.
        since = holding.since if before is None or before.withdrawn else before.basics.since
        basics = SubjectBasics(holding.subject, name, since)
        lost = before is not None and before.state not in _ON_ITS_WAY and before.queued_at <= lost_before
        if before is None or before.basics != basics or lost:
            tell.append((target, basics, before))
    return Difference(tuple(tell), tuple(ended))


class ShareBasics:
    """Sweeps for the node of `own`. `willing`: whom the operator named. `reachable`: whom this node trusts now.

    `known`: all jurisdictions that there are, so that nobody is told of a subject whose home is another.
    `life` of a message: so long is waited before what did not arrive is told again. `queued` is told each receiver.
    """

    def __init__(  # noqa: PLR0913 - what it speaks of, with what it writes, and to whom
        self,
        own: str,
        willing: Collection[str],
        reachable: Callable[[], Collection[str]],
        known: Callable[[], Collection[str]],
        store: Store,
        writer: Writer,
        content: Content,
        *,
        life: timedelta,
        now: Callable[[], datetime],
        queued: Callable[[str], None],
    ) -> None:
        self._own = own
        self._willing = frozenset(willing) - {own}
        self._reachable = reachable
        self._known = known
        self._store = store
        self._writer = writer
        self._content = content
        self._life = life
        self._now = now
        self._queued = queued
        self._after: dict[str, str] = {}
        """By peer, the code of the last subject that it has come through. Absent: it has come to the end."""

    async def idle(self) -> bool:
        """Whether nobody is to be told anything, and nobody ever was."""
        return not self._willing and not await self._store.anything_told()

    def begin(self) -> None:
        """Something may have changed: all subjects are gone through again, for every peer."""
        self._after = dict.fromkeys(self._reachable(), "")

    async def sweep(self) -> int:
        """Goes on from where each peer has come to, as far as there is room in its queue: how many were told.

        A peer whose queue is full keeps its place and holds up nobody. Raises NotReady without a database or a sealing
        key of our own.
        """
        reachable, known = frozenset(self._reachable()), frozenset(self._known())
        waiting = await self._store.queued()
        after = self._after
        room = {peer: MOST_QUEUED - waiting.get(peer, 0) for peer in after if peer in reachable}
        room = {peer: free for peer, free in room.items() if free > 0}
        place, count = min((after[peer] for peer in room), default=""), 0
        while room:
            page, place = await self._store.holdings(place, _PAGE, self._own)
            count += await self._tell(page, room, reachable, known)
            if not place:
                for peer in room:
                    del after[peer]
                return count
            after.update(dict.fromkeys(room, place))
        return count

    async def _tell(
        self, page: Sequence[Holding], room: dict[str, int], reachable: frozenset[str], known: frozenset[str]
    ) -> int:
        """One page. Whose queue is full by it leaves `room`, and goes on with the subject that was too many."""
        lost_before = self._now() - self._life
        tellings: list[Telling] = []
        ended: list[SharedBasics] = []
        full: dict[str, str] = {}
        place = ""
        for holding in page:
            found = difference(holding, self._target(holding, known), reachable, lost_before)
            ended += found.ended
            for receiver, basics, told in found.tell:
                if receiver not in room:
                    continue
                if room[receiver] == 0:
                    del room[receiver]
                    if place:
                        full[receiver] = place
                    continue
                room[receiver] -= 1
                tellings.append(self._telling(receiver, basics, told))
                await asyncio.sleep(0)  # each seals a little: others come between
            place = holding.subject.id
        if not tellings and not ended:
            return 0
        receivers = await self._store.record(tellings, ended)
        self._after.update(full)  # only now: who could not be told yet must not be passed over
        for receiver in set(receivers):
            self._queued(receiver)
        return len(receivers)

    def _target(self, holding: Holding, known: frozenset[str]) -> str | None:
        """Who is to know of a subject: its home, if the operator named it; None when nobody is."""
        registration = holding.registration
        if holding.since is None or not may_be_shared(holding.subject, registration):
            return None
        home = home_of(division_of(holding.subject, registration), self._own, known)
        return home if home in self._willing else None

    def _telling(self, receiver: str, basics: SubjectBasics, told: SharedBasics | None) -> Telling:
        kind = MessageKind.SUBJECT_BASICS
        draft = self._writer.write(kind, receiver, basics.subject, self._content.basics(basics))
        noted = SharedBasics(receiver, basics, draft.header.id, draft.header.created_at)
        return Telling(noted, None if told is None else told.message_id, draft)
