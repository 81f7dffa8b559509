"""How long it takes from a commit to our log until each peer says that it holds it.

Peers acknowledge the size of their view (`Acknowledge`). That is their word and no proof: measurements rest on it,
decisions do not. Commits are kept as (size of the log, moment) until every peer that speaks has acknowledged them; at
most `_MOST_COMMITS`, of which the older ones are thinned, so that a peer that stays away for days costs no memory. What
another replica of this node committed is not measured here, for its moment is not known.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import ceil

import structlog

from node.errors import InvalidInput, NotFound
from node.model.counting import in_entries
from node.model.peers import Acknowledged

_log = structlog.get_logger(__name__)

COUNTED, BEHIND, BEYOND_LOG = "COUNTED", "BEHIND", "BEYOND_LOG"
RESULTS = frozenset({COUNTED, BEHIND, BEYOND_LOG})
"""What can come of an acknowledgement."""

RECENT = 256
"""Newest measurements of a peer, from which its quantiles are told."""
_MOST_COMMITS = 4_096


@dataclass(slots=True)
class _Peer:
    size: int
    since: int
    """Size of the log when it spoke first: what was committed before is history that it catches up with."""
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    beyond: bool = False


class Propagation:
    """What the peers acknowledged of the own log `origin`.

    `log_size` reads the committed size; `clock` is monotonic, in seconds; `observe` is told peer and seconds of each
    commit that a peer acknowledged, `counted` peer and result of each acknowledgement.
    """

    def __init__(
        self,
        origin: str,
        log_size: Callable[[], Awaitable[int]],
        clock: Callable[[], float],
        observe: Callable[[str, float], None],
        counted: Callable[[str, str], None],
    ) -> None:
        self._origin = origin
        self._log_size = log_size
        self._clock = clock
        self._observe = observe
        self._counted = counted
        self._commits: list[tuple[int, float]] = []
        self._size = 0
        self._peers: dict[str, _Peer] = {}

    def committed(self, size: int) -> None:
        """The log has grown to `size`, just now and here."""
        self._size = max(self._size, size)
        self._commits.append((size, self._clock()))
        if len(self._commits) > _MOST_COMMITS:
            half = _MOST_COMMITS // 2
            self._commits[:half] = _thinned(self._commits[:half])

    async def acknowledge(self, peer: str, origin: str, size: int) -> int:
        """The peer holds `size` entries. The size that counts. Raises NotFound for another log, InvalidInput."""
        if origin != self._origin:
            raise NotFound("NO_SUCH_LOG", f"This node serves the log {self._origin} only.")
        if size > self._size:  # not known here before a restart, or committed by another replica
            self._size = max(self._size, await self._log_size())
        known = self._peers.get(peer)
        if size > self._size:
            self._refuse(peer, known)
        if known is None:
            known = self._peers[peer] = _Peer(size, self._size)
        elif size < known.size:
            self._counted(peer, BEHIND)
            return known.size
        else:
            self._measure(peer, known, size)
        known.beyond = False
        self._counted(peer, COUNTED)
        self._forget()
        return size

    def of(self, peer: str) -> Acknowledged | None:
        """What is known of one peer, None before it has acknowledged anything."""
        known = self._peers.get(peer)
        if known is None:
            return None
        ordered = sorted(known.recent)
        lag = max(0, self._size - known.size)
        return Acknowledged(known.size, lag, len(ordered), _quantile(ordered, 0.5), _quantile(ordered, 0.99))

    def _refuse(self, peer: str, known: _Peer | None) -> None:
        self._counted(peer, BEYOND_LOG)
        if known is not None and not known.beyond:
            known.beyond = True  # told once, until it says something else
            _log.warning("acknowledged_beyond_log", peer=peer, size=self._size)
        raise InvalidInput(
            "size",
            f"The log has {in_entries(self._size)}; nobody can hold more. Ask our operator whether it "
            "was restored from an older copy.",
            "ACKNOWLEDGEMENT_BEYOND_LOG",
        )

    def _measure(self, peer: str, known: _Peer, size: int) -> None:
        now = self._clock()
        for committed, at in self._commits[self._after(max(known.size, known.since)) : self._after(size)]:
            # A commit that two peers are measured by is two measurements; one of many entries is one.
            del committed
            known.recent.append(now - at)
            self._observe(peer, now - at)
        known.size = size

    def _forget(self) -> None:
        del self._commits[: self._after(min(each.size for each in self._peers.values()))]

    def _after(self, size: int) -> int:
        """Place of the first commit that grew the log beyond `size`."""
        return bisect_right(self._commits, size, key=lambda commit: commit[0])


def _thinned(commits: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Half of them at most, the first one included, as evenly spread over the sizes of the log as they are."""
    first, last = commits[0][0], commits[-1][0]
    wanted = len(commits) // 2
    # Every second one would thin the oldest again and again, until nothing told of how long a peer was away.
    places = {
        bisect_left(commits, first + (last - first) * step // wanted, key=lambda commit: commit[0])
        for step in range(wanted)
    }
    return [commits[place] for place in sorted(places)]


def _quantile(ordered: list[float], share: float) -> float | None:
    """The least of them that at least `share` of them do not exceed; None of nothing."""
    return ordered[ceil(share * len(ordered)) - 1] if ordered else None
