"""Which keys sign at a moment: what the own bundle lets sign, for every suite at once.

All suites sign each statement together (`trust.envelope.seal`). A suite that is published but whose private half is
not here is an error and not left out: a verifier that demands it would reject everything that was signed without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from trust.algorithms import Suite
from trust.errors import BadKey, TrustError
from trust.issuers import TrustedIssuer, TrustedKey
from trust.keys import Signer


def valid_keys(own: TrustedIssuer, at: datetime) -> tuple[TrustedKey, ...]:
    """The keys that may sign at an instant, the one with the latest beginning first."""
    valid = [known for known in own.keys.values() if _may_sign(known, at)]
    return tuple(sorted(valid, key=lambda known: (known.valid_from, known.key.key_id), reverse=True))


def present_signers(own: TrustedIssuer, held: Mapping[str, Signer], at: datetime) -> tuple[Signer, ...]:
    """The signers of an instant: for each suite the valid key that began last, of those held here (by key id).

    Raises BadKey: KEY_NOT_PUBLISHED when the bundle lets no key sign then, KEY_NOT_HELD naming the suites of which a
    key may sign and none is held.
    """
    valid = valid_keys(own, at)
    if not valid:
        raise BadKey("our own bundle lets no key sign now: publish one with `huxin key rotate`", "KEY_NOT_PUBLISHED")
    chosen: dict[Suite, Signer] = {}
    for known in valid:
        if known.key.key_id in held:
            chosen.setdefault(known.key.suite, held[known.key.key_id])
    missing = sorted({known.key.suite for known in valid} - set(chosen))
    if missing:
        raise BadKey(
            f"our own bundle says that we sign with {' and '.join(missing)}, and no such key is here: restore it, or "
            "retire it with `huxin key retire`",
            "KEY_NOT_HELD",
        )
    return tuple(chosen[suite] for suite in sorted(chosen))


def _may_sign(known: TrustedKey, at: datetime) -> bool:
    try:
        known.require_valid(at)
    except TrustError:
        return False
    return True
