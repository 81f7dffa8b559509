"""A node is a witness of its peers' logs: it cosigns its own views, and nothing that it has not proven itself.

A view is a head that our own tree was proven to lead to, entry by entry (`node/ledger/replica.py`). It is cosigned at
exactly its size: never one that we are still catching up with, never a smaller one than before, never another of the
same size. What is about to be cosigned is remembered durably first, so that not even a restored process memory can make
this node vouch for two histories (C2SP tlog-witness; what a restored *database* forgets, peers tell it: it then
disagrees with what they hold).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from node.ledger.growth import Growth
from node.ledger.heads import HeadBoard
from node.ledger.standings import Standings
from node.model.log import LogHead
from node.model.witnesses import CosignedNote, ShownHead, Sighting, SplitNotes
from trust.keys import Signer
from trust.log.checkpoint import cosign, size_of

_log = structlog.get_logger(__name__)


class WitnessMemory(Protocol):
    """Durable. False: something that forbids this head was cosigned before."""

    async def remember_cosigned(
        self, origin: str, size: int, root: bytes, note: CosignedNote | None = None
    ) -> bool: ...
    async def last_sighting(self, origin: str) -> Sighting | None: ...
    async def note_before(self, origin: str, before: datetime) -> str: ...


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """Origin of the own log, the name under which this node cosigns, and its key."""

    origin: str
    name: str
    signer: Signer


class Witness:
    """Answers peers with the heads of our views."""

    def __init__(
        self,
        memory: WitnessMemory,
        key: WitnessKey,
        board: HeadBoard,
        standings: Standings,
        now: Callable[[], datetime],
    ) -> None:
        self._memory = memory
        self._key = key
        self._board = board
        self._standings = standings
        self._now = now
        self._remembered: dict[str, tuple[int, bytes]] = {}
        self._noted: dict[str, Growth] = {}

    async def heads(self, wanted: Sequence[str], known: AbstractSet[str]) -> list[ShownHead]:
        """What this node has to show of these logs, as far as they are `known` here, each once and in this order.

        Of a log with two histories the evidence is shown, and no head is cosigned any more. Raises whatever a signer or
        the database raises.
        """
        found = (await self._show(origin) for origin in dict.fromkeys(wanted) if origin in known)
        return [shown async for shown in found if shown is not None]

    async def heads_before(self, wanted: Sequence[str], known: AbstractSet[str], before: datetime) -> list[ShownHead]:
        """Of each of these logs the newest head that this node cosigned before a moment, as it left it then.

        Nothing of a log with two histories, and nothing of our own: we are no witness of that.
        """
        asked = [each for each in dict.fromkeys(wanted) if each in known and each != self._key.origin]
        whole = [origin for origin in asked if not self._standings.splits(origin)]
        notes = [(origin, await self._memory.note_before(origin, before)) for origin in whole]
        return [ShownHead(origin, text) for origin, text in notes if text]

    async def _show(self, origin: str) -> ShownHead | None:
        split = self._evidence(origin)
        if split is not None:
            return ShownHead(origin, "", split)
        head = self._board.newest(origin)
        if head is None or head.size == 0 or head.fresh_at is None or size_of(head.checkpoint) != head.size:
            return None
        if origin == self._key.origin:
            return ShownHead(origin, head.checkpoint)
        text = await self._cosigned(head)
        return None if text is None else ShownHead(origin, text)

    async def _cosigned(self, head: LogHead) -> str | None:
        at, growth = self._now(), self._noted.setdefault(head.origin, Growth(self._memory, head.origin))
        text = cosign(head.checkpoint, self._key.name, self._key.signer, at)
        due = await growth.due(head.size, at)
        if due is not None or self._remembered.get(head.origin) != (head.size, head.root):
            note = None if due is None else CosignedNote(due, text)
            # A crash after this line and before the answer: bound to a head that nobody has our cosignature of, and
            # which may be told later as seen now: it was.
            if not await self._memory.remember_cosigned(head.origin, head.size, head.root, note):
                _log.warning("head_not_cosigned", origin=head.origin, size=head.size)
                return None
            growth.kept(head.size, due)
            self._remembered[head.origin] = (head.size, head.root)
        return text

    def _evidence(self, origin: str) -> SplitNotes | None:
        """What anybody can check. That our own log is behind what our key signed proves nothing to others."""
        return next((split.notes for split in self._standings.splits(origin) if split.notes.root), None)
