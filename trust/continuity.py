"""What a jurisdiction's next bundle may change of the one before: its history only grows.

A verifier asks a bundle which keys could sign at some past moment. Whoever could take a key out of the history, or move
its times back and forth, could make an old signature good or bad at will. So no key is ever removed, the beginning of
a key never moves, and its retirement and its compromise move from absent to a time, or to an earlier one, and never
back (`docs/protocol.md`, Trusted state). The rules hold whoever signed: nobody's confirmation lifts them.
"""

from __future__ import annotations

from datetime import datetime

from trust.errors import HistoryBroken
from trust.vocabulary import JurisdictionBundle, SigningKeyInfo


def require_continues(earlier: JurisdictionBundle, later: JurisdictionBundle) -> None:
    """Check that `later` may follow `earlier`. Says nothing of who signed: that is checked apart.

    Raises HistoryBroken: OTHER_DIVISION, VERSION_NOT_GREATER, ISSUED_EARLIER, LOG_REPLACED, KEY_REMOVED, KEY_ALTERED.
    """
    if later.division != earlier.division:
        raise HistoryBroken("it speaks for another jurisdiction: give the bundle of the same one", "OTHER_DIVISION")
    if later.version <= earlier.version:
        raise HistoryBroken(
            f"it is version {later.version}, we hold {earlier.version}; ask for a newer one", "VERSION_NOT_GREATER"
        )
    if later.issued_at < earlier.issued_at:
        raise HistoryBroken(
            "it says that it was signed before the version that we hold: ask its administrator to check the clock "
            "and to sign again",
            "ISSUED_EARLIER",
        )
    if later.log.origin != earlier.log.origin:
        raise HistoryBroken(
            "it names another log: reports in the log that we follow would be lost, ask its administrator why",
            "LOG_REPLACED",
        )
    kept = {info.spki: info for info in later.signing_keys}
    for info in earlier.signing_keys:
        if info.spki not in kept:
            raise HistoryBroken(
                "it leaves out a signing key that the version before named: keys are retired, never removed; ask its "
                "administrator for a bundle with all of them",
                "KEY_REMOVED",
            )
        _require_same_key(info, kept[info.spki])


def _require_same_key(earlier: SigningKeyInfo, later: SigningKeyInfo) -> None:
    if later.suite != earlier.suite or later.valid_from != earlier.valid_from:
        raise _altered("the suite or the beginning")
    if _moved_back(earlier.retired_at, later.retired_at):
        raise _altered("the retirement")
    if _moved_back(earlier.compromised_at, later.compromised_at):
        raise _altered("the compromise")


def _moved_back(earlier: datetime | None, later: datetime | None) -> bool:
    """Whether an end was taken away or put off."""
    return earlier is not None and (later is None or later > earlier)


def _altered(what: str) -> HistoryBroken:
    return HistoryBroken(
        f"it changes {what} of a signing key as no later version may: ends can be set or moved earlier, nothing else; "
        "ask its administrator why",
        "KEY_ALTERED",
    )
