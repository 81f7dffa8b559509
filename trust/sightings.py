"""Witnessed time: by which moment an entry is proven to have stood in its issuer's log.

Whoever stole a signing key can date what it signs as it likes; what stood in the log before the theft it cannot have
signed. A sighting says that somebody knew the log to have a size at a moment. Our own is the best: our replica held the
entry by our own clock. That of another witness is as good as its word and its clock, so it takes as many of them as our
trust certificate demands for anything else; where that demands none we have named nobody whose word counts, and
others' sightings prove nothing. The issuer's own time never counts: a thief of its log keys could write it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from trust.issuers import TrustedIssuer
from trust.log.checkpoint import own_cosigner
from trust.witnesses import Witnessing

OURSELVES = ""
"""Names this node itself as the witness of a sighting."""


class SightingFacts(Protocol):
    """One witness's word that the log had `size` entries, all of which our own tree holds, at the moment `at`."""

    @property
    def witness(self) -> str:
        """Its name under heads, such as `huxin/520000/node`, or OURSELVES."""
        ...

    @property
    def size(self) -> int: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Existence:
    """That an entry stood in the log at `at`, by the clocks of those who say so: ourselves, or these `witnesses`.

    `by_issuer_clock`: the latest that a clock of the issuer may have shown then.
    """

    at: datetime
    witnesses: tuple[str, ...]
    by_issuer_clock: datetime

    @property
    def own(self) -> bool:
        """Whether it is our own record."""
        return not self.witnesses


def existence(
    index: int,
    sightings: Sequence[SightingFacts],
    trusted: TrustedIssuer,
    witnessing: Witnessing,
    quorum: int,
    known_at: datetime,
    skew: timedelta,
) -> Existence | None:
    """The earliest proof that the entry `index` of our own view existed, or None.

    `quorum`: how many witnesses our trust certificate demands. Nothing later than `known_at` is known, and of a log
    with two histories nothing that was seen beyond the point up to which they agree. A witness that is not, or no
    longer, known here does not count; one key counts once; neither the issuer's node nor we are a witness.
    """
    agreed = witnessing.agreed
    telling = [each for each in sightings if each.size > index and each.at <= known_at]
    if agreed is not None:
        telling = [each for each in telling if each.size <= agreed]
    own = min((each.at for each in telling if each.witness == OURSELVES), default=None)
    others = _others(telling, trusted, witnessing)
    found = [] if own is None else [Existence(own, (), own + skew)]
    if quorum and len(others) >= quorum:
        at = others[quorum - 1][0]
        found.append(Existence(at, tuple(sorted(name for _, name in others[:quorum])), at + skew))
    return min(found, key=lambda each: each.at, default=None)


def _others(
    telling: Sequence[SightingFacts], trusted: TrustedIssuer, witnessing: Witnessing
) -> list[tuple[datetime, str]]:
    """The earliest sighting of each key that counts, earliest first."""
    cosigners = trusted.cosigners
    nobody = {cosigners[name].key_id for name in (own_cosigner(trusted.origin), witnessing.own) if name in cosigners}
    earliest: dict[str, tuple[datetime, str]] = {}
    for each in telling:
        key = cosigners.get(each.witness)
        if key is None or key.key_id in nobody:
            continue
        word = (each.at, each.witness)
        earliest[key.key_id] = min(word, earliest.get(key.key_id, word))
    return sorted(earliest.values())
