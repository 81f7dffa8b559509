"""The coordinator's part: takes over what jurisdictions publish, and signs snapshot and timestamp."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from node.errors import BadSource, HuxinError, InvalidInput, NotPermitted
from node.model.registry import RegistryRecord
from node.registry.keeping import TrustRegistry
from node.registry.publishing import publication_of
from node.registry.refresh import RefreshFailed
from node.registry.release import Changes, Online
from trust.errors import TrustError

_log = structlog.get_logger(__name__)

_NOTHING = Changes()

MAX_PUBLICATIONS = 288
"""So often a day may a jurisdiction publish: once in five minutes. What was published, every node keeps for good, so
whoever published without end would fill everybody's disks."""

_DAY = timedelta(days=1)
LOOK_SECONDS = 15.0
"""How long the first release waits for what peers hold: some may be away."""


class Coordinating:
    """The registry as this node's door serves it. Without the online keys it is a mirror and nothing more.

    `look` asks the peers for what this node has lost, once before the first release: released on top of an old copy
    of its database, a change would be refused by every peer, and would have to be undone.
    """

    def __init__(
        self,
        registry: TrustRegistry,
        online: Online | None,
        now: Callable[[], datetime],
        look: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._registry = registry
        self._online = online
        self._now = now
        self._look = look
        self._published: dict[str, deque[datetime]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def file(self, name: str) -> bytes:
        """A file as a mirror serves it. Raises NotFound."""
        return await self._registry.file(name)

    async def publish(self, division: str, metadata: bytes, files: Mapping[str, bytes]) -> int:
        """Takes a publication over. The version of the snapshot that holds it, committed.

        Raises NotPermitted on any node but the coordinator's, InvalidInput for what cannot be taken over.
        """
        if self._online is None:
            raise NotPermitted(
                "NOT_COORDINATOR",
                "This node does not release the trust registry; `huxin trust status` names the coordinator.",
            )
        recent = self._published.setdefault(division, deque())
        while recent and recent[0] + _DAY <= self._now():
            recent.popleft()
        if len(recent) >= MAX_PUBLICATIONS:
            raise InvalidInput(
                "publication",
                f"A jurisdiction publishes at most {MAX_PUBLICATIONS} times a day. If this one cannot wait, have the "
                "coordinator's administrator take the file over (`huxin trust accept`).",
                "PUBLICATION_REFUSED",
            )
        try:
            found = await asyncio.to_thread(publication_of, division, metadata, files)
            changes = Changes(publications=(found,))
            record = await self._release(changes, self._online)
        except (BadSource, RefreshFailed, TrustError) as error:
            raise InvalidInput("publication", error.message, "PUBLICATION_REFUSED") from error
        recent.append(self._now())
        return record.snapshot_version

    async def keep(self, every_seconds: float) -> None:
        """Signs the timestamp anew again and again, until cancelled: its age is the age of all trust."""
        while self._online is not None:
            try:
                await self._release(_NOTHING, self._online)
            except HuxinError as error:
                _log.error("registry_not_released", reason=error.reason, message=error.message)
            except Exception:  # noqa: BLE001 - a loop that ended would let all trust expire
                _log.exception("registry_not_released")
            await asyncio.sleep(every_seconds)

    async def _release(self, changes: Changes, online: Online) -> RegistryRecord:
        async with self._one_at_a_time:
            if self._look is not None:
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._look()
                except TimeoutError:
                    _log.warning("peers_not_all_asked", seconds=LOOK_SECONDS)
                self._look = None
            return await self._registry.release(changes, online)
