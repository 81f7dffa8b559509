"""The terms of a trust certificate, one by one: to read them in full, and to see what another one would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from node.model.calendar import rfc3339
from node.model.counting import counted
from trust.vocabulary import TrustCertificate

Named = Callable[[bytes], str]
"""The words for the digest of a catalogue or crosswalk."""


@dataclass(frozen=True, slots=True)
class TermChange:
    """One term that would be another: what it says before and after, and of lists what comes and goes."""

    term: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def added(self) -> tuple[str, ...]:
        return tuple(item for item in self.after if item not in self.before)

    @property
    def removed(self) -> tuple[str, ...]:
        return tuple(item for item in self.before if item not in self.after)


def terms_of(certificate: TrustCertificate, named: Named) -> Mapping[str, tuple[str, ...]]:
    """Every term by its name, in a fixed order. Instants are RFC 3339 in UTC, ages have their unit."""
    scope, suites = certificate.scope, certificate.suites
    return {
        "valid_from": (rfc3339(certificate.valid_from),),
        "valid_until": (rfc3339(certificate.valid_until),),
        "leaves": scope.leaves,
        "record_types": scope.record_types,
        "scenarios": scope.scenarios,
        "accepted_caveats": certificate.accepted_caveats,
        "required_suites": suites.all_of,
        "suites": suites.any_of,
        "witness_quorum": (str(certificate.witness_quorum),),
        "max_trust_state_age": (lasting(certificate.max_trust_state_age_seconds),),
        "max_log_view_age": (lasting(certificate.max_log_view_age_seconds),),
        "reviewed_catalogues": tuple(map(named, certificate.reviewed_catalogues)),
        "reviewed_crosswalks": tuple(map(named, certificate.reviewed_crosswalks)),
        "legal_basis": certificate.legal_basis,
    }


def term_changes(before: TrustCertificate | None, after: TrustCertificate, named: Named) -> tuple[TermChange, ...]:
    """What `after` says otherwise than `before`, whatever the order of lists; every term when nothing was before.

    Apart from when it begins: a certificate begins when it is signed.
    """
    old = {} if before is None else terms_of(before, named)
    changes = (TermChange(term, old.get(term, ()), items) for term, items in terms_of(after, named).items())
    return tuple(change for change in changes if change.term != "valid_from" and (change.added or change.removed))


def lasting(seconds: int) -> str:
    """A length of time in the largest unit that says it whole."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length} {unit}{'' if seconds == length else 's'}"
    return counted(seconds, "second")
