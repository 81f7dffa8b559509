"""What one peer is asked about the past: the newest head that it cosigned before a key of a log's issuer was lost.

A node that joined later, or was away, has no record of its own from then. A cosignature that a witness made at the
time, and kept, says what the log held then. Each question is asked once, one at a time; what the peer answers is proven
like any head it shows (`node/ledger/comparison.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import structlog

from node.model.witnesses import ShownHead
from trust.errors import TrustError
from trust.log.checkpoint import origin_of

_log = structlog.get_logger(__name__)

Moments = Callable[[], Mapping[str, Sequence[datetime]]]
"""By origin, the moments before which heads are wanted."""
Judge = Callable[[str, ShownHead], Awaitable[bool]]
"""(peer, what it shows) -> False while our own tree is too small to tell. Raises TrustError for what is not proven."""


class Recollection:
    """The questions to one peer. Forgotten when the process ends, and then asked once more."""

    def __init__(self, peer: str, moments: Moments, judge: Judge) -> None:
        self._peer = peer
        self._moments = moments
        self._judge = judge
        self._done: set[tuple[str, datetime]] = set()
        self._turn = 0

    def next(self) -> tuple[str, datetime] | None:
        """(origin, moment) to ask about, each in its turn; None when everything was answered.

        A peer is not asked about its own log: the issuer's word on when proves nothing.
        """
        known = [(origin, before) for origin, moments in self._moments().items() for before in moments]
        self._done.intersection_update(known)
        own = origin_of(self._peer)
        pending = [each for each in known if each not in self._done and each[0] != own]
        if not pending:
            return None
        self._turn += 1
        return pending[self._turn % len(pending)]

    async def answered(self, origin: str, before: datetime, shown: ShownHead | None) -> None:
        """The peer's answer; None: it cosigned nothing before that moment."""
        if shown is not None:
            try:
                if not await self._judge(self._peer, shown):
                    return  # asked again when our own tree has grown
            except TrustError as error:
                _log.warning("past_head_refused", peer=self._peer, origin=origin, reason=error.reason)
        self._done.add((origin, before))
