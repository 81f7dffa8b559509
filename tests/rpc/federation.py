"""What stands behind the doors for peers in `tests/rpc/world.py`: values in memory. All data is synthetic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from node.errors import InvalidInput, NotFound
from node.model.log import FeedBatch, StatusFlag
from node.model.peers import Acknowledged, PeerCondition, PeerState
from node.model.witnesses import ShownHead, SplitNotes, SplitView, SuccessorLog

SHANXI, GUIZHOU = "140000", "520000"
HEARD = datetime(2026, 11, 22, 2, tzinfo=UTC)
UNMEASURED = Acknowledged(size=7, lag=0)
SPLIT = SplitNotes("one note", "another note", b"\x01" * 32, (b"\x02" * 32, b"\x03" * 32))


class Feed:
    """A log of synthetic entries that grows when told to."""

    origin = f"huxin/{SHANXI}"

    def __init__(self) -> None:
        self.entries: list[bytes] = [b"synthetic entry 0", b"synthetic entry 1", b"synthetic entry 2"]
        self.grown = asyncio.Event()
        self.closed = asyncio.Event()
        self.failure: Exception | None = None

    async def follow(self, origin: str, start: int, limit: int) -> AsyncIterator[FeedBatch]:
        await self.checkpoint(origin)
        if start > len(self.entries):
            raise InvalidInput("start", "The log is not that long.")
        try:
            while True:
                batch = tuple(self.entries[start : start + limit])
                if batch:
                    yield FeedBatch(start, batch, f"checkpoint {len(self.entries)}", ())
                    start += len(batch)
                else:
                    self.grown.clear()
                    await self.grown.wait()
        finally:
            self.closed.set()

    def append(self, entry: bytes) -> None:
        self.entries.append(entry)
        self.grown.set()

    async def checkpoint(self, origin: str) -> str:
        if self.failure is not None:
            raise self.failure
        if origin != self.origin:
            raise NotFound("NO_SUCH_LOG", "This node serves its own log only.")
        return f"checkpoint {len(self.entries)}"


class Heads:
    """Shows a synthetic head of the own log, and a second history of Guizhou's."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def heads(self, origins: Sequence[str], before: datetime | None = None) -> Sequence[ShownHead]:
        self.asked.append(origins)
        await self.go.wait()
        if before is not None:
            return [ShownHead(origin, f"of before {before.isoformat()}") for origin in origins]
        known = {
            f"huxin/{SHANXI}": ShownHead(f"huxin/{SHANXI}", "a note"),
            f"huxin/{GUIZHOU}": ShownHead(f"huxin/{GUIZHOU}", "", SPLIT),
        }
        return [known[origin] for origin in origins if origin in known]


class Operation:
    """Two peers, a split view, and status changes as they came."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str, StatusFlag, bool, str, str]] = []
        self.succeeded: dict[str, SuccessorLog] = {}
        self.waiting = False

    def peers(self) -> Sequence[PeerState]:
        return (
            PeerState("620100", "兰州", "127.0.0.1:3", PeerCondition.WAITING, 3, 5, None, "The peer does not answer."),
            PeerState(GUIZHOU, "贵州", "127.0.0.1:2", PeerCondition.CONNECTED, 7, 7, HEARD, acknowledged=UNMEASURED),
        )

    def splits(self) -> Sequence[SplitView]:
        return (SplitView(f"huxin/{GUIZHOU}", "620100", HEARD, 3, SPLIT),)

    def successor(self, origin: str) -> SuccessorLog | None:
        return self.succeeded.get(origin)

    def awaits_recovery(self) -> bool:
        return self.waiting

    async def change_status(
        self, request_id: str, report_number: str, flag: StatusFlag, is_set: bool, reason_code: str, caller: str
    ) -> int:
        self.changes.append((request_id, report_number, flag, is_set, reason_code, caller))
        return 10 + len(self.changes)


class Registry:
    """Two files, and what was handed over."""

    def __init__(self) -> None:
        self.files = {"1.root.json": b"root", "140000/long.bundle": b"file" * 50_000, "empty": b""}
        self.published: list[tuple[str, bytes, dict[str, bytes]]] = []
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.held = asyncio.Event()
        self.held.set()

    async def file(self, name: str) -> bytes:
        self.asked.append(name)
        await self.held.wait()
        if self.failure is not None:
            raise self.failure
        if name not in self.files:
            raise NotFound("NO_SUCH_TRUST_FILE", "The trust registry holds no file of that name here.")
        return self.files[name]

    async def publish(self, division: str, metadata: bytes, files: Mapping[str, bytes]) -> int:
        if self.failure is not None:
            raise self.failure
        self.published.append((division, metadata, dict(files)))
        return 17


@dataclass
class Acknowledgements:
    """What peers said they hold."""

    told: list[tuple[str, str, int]] = field(default_factory=list)

    async def acknowledge(self, peer: str, origin: str, size: int) -> int:
        self.told.append((peer, origin, size))
        return max(each for _, _, each in self.told)
