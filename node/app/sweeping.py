"""The idle sweep: while nearly nobody is served, signatures that somebody may ask for are checked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from node.errors import NotReady
from node.federation.patience import Traffic
from node.ledger.heads import HeadBoard
from node.verification.sweep import SignatureSweep
from trust.issuers import TrustedIssuer
from trust.memo import SMALL_ENTRY_BYTES

_log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 60.0
"""How long it rests after what nobody foresaw, such as a library that fails."""
_QUIET: Final = 10
"""So many calls answered and batches stored between two looks are nearly none."""


_SHARE_OF_MEMORY: Final = 4
"""A quarter of what arithmetic may take, for all logs together: bundles that callers present need the rest."""


class Sweeping:
    """Looks each second, and works for at most one while it is quiet."""

    def __init__(
        self,
        sweep: SignatureSweep,
        peers: Callable[[], Sequence[TrustedIssuer]],
        board: HeadBoard,
        traffic: Traffic,
        monotonic: Callable[[], float],
        memo_bytes: int,
    ) -> None:
        """`peers`: the issuers whose logs are followed, as trusted now. `monotonic`: seconds."""
        self._sweep = sweep
        self._peers = peers
        self._board = board
        self._traffic = traffic
        self._monotonic = monotonic
        self._room = memo_bytes // _SHARE_OF_MEMORY // SMALL_ENTRY_BYTES

    async def keep(self) -> None:
        """Sweeps until cancelled."""
        seen = self._traffic.all
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            served, seen = self._traffic.all - seen, self._traffic.all
            if served <= _QUIET:
                try:
                    await self._work()
                except NotReady as error:
                    _log.warning("sweep_waits", reason=error.reason)
                except Exception:  # noqa: BLE001 - a sweep that ended would leave signatures that fail untold
                    _log.exception("sweep_failed")
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _work(self) -> None:
        """All peers' logs in turn, until nothing is left, a second is over, or callers come."""
        began, served = self._monotonic(), self._traffic.all
        more = True
        while more and self._monotonic() - began < LOOK_SECONDS and self._traffic.all - served <= _QUIET:
            more = False
            peers = self._peers()
            for trusted in peers:
                head = self._board.newest(trusted.origin)
                if head is not None:
                    more |= await self._sweep.advance(trusted, head.size, self._room // len(peers))
