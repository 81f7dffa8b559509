"""What witnesses tell of an issuer's log, and what follows: whose cosignatures count, and where histories part.

A witness is the node of another jurisdiction that cosigned a head of the log which our own tree continues, or is
continued by. The issuer's own node is none, and neither are we: our view is required anyway (steps 6 and 9), and a
quorum that we could fill alone would say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from trust.errors import StepUndecided
from trust.issuers import TrustedIssuer
from trust.log.checkpoint import own_cosigner

_NOBODY: Mapping[str, int] = MappingProxyType({})
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Witnessing:
    """What we know of one log from others.

    `sizes`: by name of the witness, such as `huxin/520000/node`, the size of the newest head that it cosigned and that
    our own tree holds. `agreed`: None while there is one history; of two, the size up to which they are known to be the
    same. `own`: our own name as a witness, which never counts.
    """

    sizes: Mapping[str, int] = field(default_factory=lambda: _NOBODY)
    agreed: int | None = None
    own: str = ""


NOTHING_WITNESSED = Witnessing()


def require_one_history(index: int, witnessing: Witnessing) -> None:
    """Of step 6: the entry lies where all known histories of the log agree. Raises StepUndecided: LOG_SPLIT."""
    if witnessing.agreed is not None and index >= witnessing.agreed:
        raise StepUndecided(
            "LOG_SPLIT",
            "its issuer's log has two histories, and this entry is not proven to be in both: wait until the log is "
            "recovered, or ask the issuer",
        )


def witnesses_of(
    index: int | None, on_head: Iterable[str], trusted: TrustedIssuer, witnessing: Witnessing
) -> frozenset[str]:
    """Keys (by id) of the witnesses that cosigned a head which holds the entry `index`; None: it is in no known head.

    `on_head`: names under the bundle's head, once the entry was proven to be in it. Who is not, or no longer, known
    here does not count, and one key counts once, under whatever names.
    """
    sizes, cosigners = witnessing.sizes, trusted.cosigners
    names = {*on_head, *(name for name, size in sizes.items() if index is not None and size > index)}
    keys = {cosigners[name].key_id for name in names if name in cosigners}
    if not keys:
        return _NONE
    nobody = (own_cosigner(trusted.origin), witnessing.own)
    return frozenset(keys - {cosigners[name].key_id for name in nobody if name in cosigners})


def require_quorum(count: int, quorum: int) -> None:
    """Step 7: at least as many witnesses as our trust certificate demands. Raises StepUndecided."""
    if count < quorum:
        raise StepUndecided(
            "WITNESS_QUORUM_UNMET", "too few witnesses cosigned the log with this entry in it: ask again shortly"
        )
