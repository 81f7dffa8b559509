"""Basic information of organisations between nodes (R183), in line with settings, trust, and what was delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta

import structlog

from node.clock import Clock
from node.config.settings import Settings
from node.errors import NotReady
from node.federation.basics_sharing import ShareBasics
from node.federation.basics_taking import TakeBasics
from node.federation.messages import Writer
from node.storage.database import Database
from node.storage.elsewhere_store import ElsewhereStore
from node.storage.record_store import RecordStore
from node.storage.registration_store import RegistrationStore
from node.storage.sharing_store import SharingStore
from node.wire.basics import BasicsContent

_log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
"""How soon is noticed that something was delivered, or that a full queue has room again."""

AGAIN_SECONDS = 600.0
"""How often all subjects are gone through without such news: the register may have changed, a message expired."""

_REST = 4.0
"""So many times as long as it worked a sweep rests: however many records there are, callers come first."""


class Sharing:
    """Both directions for one node.

    `reachable`: other jurisdictions that are trusted now; `known`: these, and those whose bundle cannot be checked
    here. `queued` is told the receiver of each message.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        writer: Writer,
        clock: Clock,
        reachable: Callable[[], Collection[str]],
        known: Callable[[], Collection[str]],
        queued: Callable[[str], None],
    ) -> None:
        content, own = BasicsContent(), settings.division
        told, elsewhere = SharingStore(database), ElsewhereStore(database)
        self._clock = clock
        self._known = known
        self._reachable = reachable
        self._deliveries = RecordStore(database).delivery_version
        self._willing = frozenset(settings.sharing.basic_information_with) - {own}
        self._share = ShareBasics(
            own,
            self._willing,
            reachable,
            known,
            told,
            writer,
            content,
            life=timedelta(seconds=settings.messages.life_seconds),
            now=clock.now,
            queued=queued,
        )
        self._seen: tuple[object, ...] = ()
        self._waits = ""
        self._began_at = 0.0
        self.taken = TakeBasics(own, RegistrationStore(database).get, elsewhere, content).taken
        self.elsewhere = elsewhere.list
        self.shared = told.list

    async def keep(self) -> None:
        """Sweeps until cancelled."""
        for unknown in sorted(self._willing - frozenset(self._known())):
            _log.warning("sharing_with_unknown", peer=unknown)
        while True:
            began = self._clock.monotonic()
            try:
                await self._round(began)
                self._waits = ""
            except NotReady as error:  # the database, or a key of ours: both come back
                if error.reason != self._waits:
                    _log.warning("sharing_waits", reason=error.reason)
                self._waits = error.reason
            except Exception:  # noqa: BLE001 - whatever it is, what is withdrawn must be told one day
                _log.exception("sharing_failed")
            await asyncio.sleep(max(LOOK_SECONDS, _REST * (self._clock.monotonic() - began)))

    async def _round(self, now: float) -> None:
        if await self._share.idle():
            return
        # Read before the sweep: what is delivered while it goes on makes the next one begin anew.
        seen = (await self._deliveries(), frozenset(self._known()), frozenset(self._reachable()))
        if seen != self._seen or now - self._began_at >= AGAIN_SECONDS:
            self._share.begin()
            self._began_at = now
        told = await self._share.sweep()
        self._seen = seen
        if told:
            _log.info("basic_information_queued", messages=told)
