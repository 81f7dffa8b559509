"""Signatures of peers' statements, checked before anybody presents them.

What the arithmetic memory then knows no verdict has to compute, and a statement whose signature does not hold is told
to the operator by a counter, not by whoever stands at a window with it. Nothing is judged here: whether a key was
valid, what holds of a report and how fresh our view is are questions of each verdict, which also checks again whatever
was forgotten.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from enum import StrEnum
from hashlib import sha256
from typing import Final, Protocol

import structlog

from trust.errors import TrustError
from trust.issuers import TrustedIssuer
from trust.memo import ArithmeticMemo
from trust.statements import read_envelope
from trust.steps import signature_holds

_log = structlog.get_logger(__name__)

_SHARE: Final = 16
"""Statements that one thread checks at a stretch: under two milliseconds, which a caller's own checks may wait."""


class SweptAs(StrEnum):
    """What the signatures of one statement came to; the first that applies to any of them."""

    UNREADABLE = "UNREADABLE"
    FAILS = "FAILS"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    HOLDS = "HOLDS"


class Entries(Protocol):
    """Our views of logs: at most `limit` entries from index `start` on."""

    async def entries(self, origin: str, start: int, limit: int) -> Sequence[bytes]: ...


class SignatureSweep:
    """Goes through the views of the logs that peers go on with, each once per process. One task at a time."""

    def __init__(
        self,
        entries: Entries,
        memo: ArithmeticMemo,
        threads: Executor,
        told: Callable[[str, SweptAs, int], None],
    ) -> None:
        """`told` gets the issuer's division, an outcome and how many statements had it, zero to begin with."""
        self._entries = entries
        self._memo = memo
        self._threads = threads
        self._told = told
        self._next: dict[str, int] = {}
        self._named: set[str] = set()

    async def advance(self, trusted: TrustedIssuer, size: int, most: int) -> bool:
        """Checks some statements of our view, which has so many entries. False when none were left.

        `most`: how many of the newest are worth the memory; those before them wait for their first use. Raises NotReady
        when the database cannot be read.
        """
        origin = trusted.origin
        if origin not in self._next:
            for outcome in SweptAs:
                self._told(trusted.division, outcome, 0)
        start = max(self._next.get(origin, 0), size - most)
        self._next[origin] = start
        limit = min(size - start, _SHARE * (os.cpu_count() or 1))
        if limit <= 0:
            return False
        found = await self._entries.entries(origin, start, limit)
        loop = asyncio.get_running_loop()
        shares = [found[at : at + _SHARE] for at in range(0, len(found), _SHARE)]
        swept = await asyncio.gather(
            *(loop.run_in_executor(self._threads, sweep, share, trusted, self._memo) for share in shares)
        )
        self._next[origin] = start + len(found)
        outcomes = [outcome for share in swept for outcome in share]
        for outcome, count in Counter(outcomes).items():
            self._told(trusted.division, outcome, count)
        if SweptAs.FAILS in outcomes and origin not in self._named:
            self._named.add(origin)  # once: the counter says how many
            _log.warning("signature_fails", issuer=trusted.division, entry=start + outcomes.index(SweptAs.FAILS))
        return bool(found)


def sweep(entries: Sequence[bytes], trusted: TrustedIssuer, memo: ArithmeticMemo) -> list[SweptAs]:
    """Checks what known keys signed and remembers it. On any thread: the checks release the interpreter lock."""
    return [_swept(entry, trusted, memo) for entry in entries]


def _swept(entry: bytes, trusted: TrustedIssuer, memo: ArithmeticMemo) -> SweptAs:
    try:
        envelope = read_envelope(entry)
    except TrustError:
        return SweptAs.UNREADABLE
    digest, keys = sha256(entry).digest(), trusted.keys
    known = [(signature, keys[signature.key_id].key) for signature in envelope.signatures if signature.key_id in keys]
    held = [signature_holds(envelope, digest, signature, key, memo) for signature, key in known]
    if not all(held):
        return SweptAs.FAILS
    return SweptAs.HOLDS if len(known) == len(envelope.signatures) else SweptAs.KEY_UNKNOWN
