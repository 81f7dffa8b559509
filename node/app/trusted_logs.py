"""Whose log is whose: origins by division, and the keys that their heads and entries are judged by, as a home knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from node.app.trusting import trusted_state
from node.config.settings import Settings
from node.errors import NotFound
from node.ledger.assembly import EntryDraft
from node.model.log import EntryKind, StatusEvent, StatusFlag
from node.model.registry import RegistryRecord
from node.model.witnesses import SuccessorLog
from node.registry.directory import TrustedState
from trust.errors import CheckpointInvalid, MalformedInput, TrustError
from trust.issuers import ClosedLog, TrustedIssuer, open_status_change
from trust.log.checkpoint import SignedHead, open_checkpoint, origin_of, own_cosigner
from trust.log.succession import read_succession
from trust.statements import peek_entry

_COMPROMISED = frozenset({"KEY_COMPROMISED", "KEY_COMPROMISED_SINCE"})
"""Signed as it should be, with a key that is told to have been in other hands: verification judges it again."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Where a log ends that k of n closed, and the origin of the one that goes on."""

    log: ClosedLog
    successor: str

    @property
    def size(self) -> int:
        """How many of its entries count, from the first on."""
        return self.log.size


class TrustedLogs:
    """The keys of every log that this home trusts."""

    def __init__(self, issuers: Mapping[str, TrustedIssuer], closings: Mapping[str, Closing] | None = None) -> None:
        """Both by the origin of the log. The node of each issuer may have cosigned the heads of all others."""
        self._issuers = issuers
        self._closings = closings or {}
        names = {origin: own_cosigner(origin) for origin in issuers}
        self._witnesses = {
            name: issuers[origin].cosigners[name] for origin, name in names.items() if name in issuers[origin].cosigners
        }

    def closing(self, origin: str) -> Closing | None:
        """What the trust registry says of the end of a log; None for one that goes on, and for an unknown one."""
        return self._closings.get(origin)

    def open_note(self, origin: str, text: str) -> SignedHead:
        """A head's note, every line of it verified. Raises CheckpointInvalid, also where no key is trusted."""
        issuer = self._issuers.get(origin)
        if issuer is None:
            raise CheckpointInvalid(
                "No keys of this log are trusted here, so its signatures cannot be checked. Refresh the trust registry "
                "(`huxin trust refresh`), or import the jurisdiction's bundle."
            )
        return open_checkpoint(text, issuer.head_key, origin, {**self._witnesses, **issuer.cosigners})

    def readings(self, origin: str, entry: bytes, digest: bytes) -> Sequence[EntryDraft]:
        """Everything that an entry of this log may have been filed as, the likeliest first.

        A change that lifts a flag counts only with a signature that can be judged. One that can be judged now may have
        been put aside when it came, before its key was known here, and one of a key that was compromised since may have
        come before that was told: then both readings are right.
        """
        put_aside = EntryDraft(entry, digest, EntryKind.OTHER)
        try:
            peeked = peek_entry(entry)
        except MalformedInput:
            return (put_aside,)
        change = peeked.status
        if change is None:
            return (EntryDraft(entry, digest, EntryKind.ATTESTATION, peeked.report_number),)
        event = StatusEvent(change.attestation_digest, StatusFlag(change.flag.value), change.set, change.effective_at)
        filed = EntryDraft(entry, digest, EntryKind.STATUS_CHANGE, status=event)
        if change.set:
            return (filed,)
        return (filed, put_aside) if self._signed(origin, entry) else (put_aside,)

    def _signed(self, origin: str, entry: bytes) -> bool:
        issuer = self._issuers.get(origin)
        if issuer is None:
            return False
        try:
            open_status_change(entry, issuer)
        except TrustError as error:
            return error.reason in _COMPROMISED
        return True


def trusted_logs(settings: Settings, record: RegistryRecord | None) -> TrustedLogs:
    """The keys that this home trusts, with what the trust registry says. Raises NotReady without an own bundle."""
    state = trusted_state(settings, record)
    issuers = [found.trusted for found in (*state.jurisdictions.values(), state.own)]
    closed = {log.origin: issuer.as_of_log(log) for issuer in issuers for log in issuer.closed}
    # The newest logs last: as a witness of others' logs a node has the key of its newest one.
    return TrustedLogs(
        closed | {issuer.origin: issuer for issuer in issuers},
        {each.log.origin: each for issuer in issuers for each in closings_of(issuer)},
    )


def closings_of(issuer: TrustedIssuer) -> list[Closing]:
    """The logs of an issuer that are closed, from the first on, each with the one after it."""
    origins = [*(log.origin for log in issuer.closed), issuer.origin]
    return [Closing(log, after) for log, after in zip(issuer.closed, origins[1:], strict=True)]


def successor_of(origin: str, state: TrustedState) -> SuccessorLog | None:
    """The log that goes on where this one was closed, as the registry says; None for one that goes on itself."""
    for found in (*state.jurisdictions.values(), state.own):
        for each in closings_of(found.trusted):
            if each.log.origin == origin:
                decided_at = read_succession(each.log.first_entry).decided_at
                return SuccessorLog(each.successor, each.size, decided_at)
    return None


def is_own(settings: Settings, origin: str) -> bool:
    """Whether it is a log of this node's own, the newest or one before."""
    return own_cosigner(origin) == own_cosigner(origin_of(settings.division))


def origins_named(text: str | None, settings: Settings, known: Sequence[str]) -> list[str]:
    """The stored logs that a division code (all of its, the newest first) or an origin names; the own ones for None.

    Raises NotFound when nothing of it is stored, naming what is.
    """
    wanted = settings.division if text is None else text
    if re.fullmatch("[0-9]{6}", wanted):
        first = origin_of(wanted)
        found = sorted((each for each in known if own_cosigner(each) == own_cosigner(first)), key=_age, reverse=True)
        wanted = first
    else:
        found = [each for each in known if each == wanted]
    if not found:
        there = ", ".join(known) or "none: the node begins its own log when it serves for the first time"
        raise NotFound("NO_SUCH_LOG", f"No log {wanted} is stored here. Stored logs: {there}.")
    return found


def _age(origin: str) -> tuple[int, str]:
    """Sorts huxin/140000 before huxin/140000/2 before huxin/140000/10."""
    return len(origin), origin
