"""Who recognises whom: our own certificates and those that others have published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from node.adapters.catalogues.registry import CatalogueRegistry
from node.model.calendar import day_in_china
from node.registry.directory import HeldCertificate, LapsedCertificate, TrustedState
from trust.vocabulary import TrustCertificate


class RelationState(StrEnum):
    """Whether one jurisdiction recognises another at an instant."""

    IN_FORCE = "IN_FORCE"
    NOT_YET = "NOT_YET"
    ENDED = "ENDED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"
    """A key that signed it was in other hands, so it counts no more: its terms can be signed again."""


@dataclass(frozen=True, slots=True)
class Relation:
    """The certificate that counts between two jurisdictions, and what it comes to at an instant.

    `outdated` says which catalogue it reviews instead of the one in force; empty when it reviews that one, or when none
    is in force here.
    """

    state: RelationState
    certificate: TrustCertificate
    outdated: str


def relations(state: TrustedState, registry: CatalogueRegistry, now: datetime) -> tuple[Relation, ...]:
    """All relations known here, by recogniser and issuer; our own word on ours."""
    own = state.own.bundle.division
    everyone: dict[str, Mapping[str, Sequence[HeldCertificate | LapsedCertificate]]] = {
        **state.published,
        own: {issuer: signed_for(state, issuer) for issuer in {*state.certificates, *state.lapsed}},
    }
    return tuple(
        _relation(history, registry, now)
        for _, published in sorted(everyone.items())
        for _, history in sorted(published.items())
        if history
    )


def signed_for(state: TrustedState, issuer: str) -> tuple[HeldCertificate | LapsedCertificate, ...]:
    """All that we ever signed for an issuer, in the order of signing, what counts no more included."""
    lapsed = state.lapsed.get(issuer, ())
    moments = {each.certificate.issued_at for each in lapsed}
    # What ended with a certificate that lapsed is told by that itself, and not as a withdrawal that nobody signed.
    held = [each for each in state.certificates.get(issuer, ()) if each.envelope or _moment(each) not in moments]
    return tuple(sorted((*held, *lapsed), key=_moment))


def state_of(signed: HeldCertificate | LapsedCertificate, now: datetime) -> RelationState:
    """What a certificate of ours, the last one signed, comes to at an instant."""
    if isinstance(signed, LapsedCertificate) and not signed.certificate.withdrawn:
        return RelationState.LAPSED
    return relation_state(signed.certificate, now)


def relation_state(certificate: TrustCertificate, now: datetime) -> RelationState:
    """What a certificate, the last one signed, comes to at an instant."""
    if now < certificate.issued_at:
        return RelationState.NOT_YET
    if certificate.withdrawn:
        return RelationState.WITHDRAWN
    if now < certificate.valid_from:
        return RelationState.NOT_YET
    return RelationState.IN_FORCE if now < certificate.valid_until else RelationState.ENDED


def outdated_review(certificate: TrustCertificate, registry: CatalogueRegistry, now: datetime) -> str:
    """How what was reviewed differs from what the issuer's reports are made under today; empty when it does not.

    Reports under a version that was not reviewed are REFER (CATALOGUE_NOT_REVIEWED), our own included.
    """
    for edition in registry.in_force(day_in_china(now)):
        catalogue = edition.catalogue
        if catalogue.division != certificate.issuer:
            continue
        if catalogue.digest not in certificate.reviewed_catalogues:
            reviewed = [_version(digest, registry) for digest in certificate.reviewed_catalogues]
            return f"catalogue {catalogue.version} is in force, {' and '.join(reviewed) or 'none'} was reviewed"
        if edition.crosswalk.digest not in certificate.reviewed_crosswalks:
            return f"the crosswalk of {catalogue.version} is another one than was reviewed"
    return ""


def _relation(
    history: Sequence[HeldCertificate | LapsedCertificate], registry: CatalogueRegistry, now: datetime
) -> Relation:
    signed = [each for each in history if each.certificate.issued_at <= now]
    last = signed[-1] if signed else history[0]
    state = state_of(last, now)
    outdated = outdated_review(last.certificate, registry, now) if state is RelationState.IN_FORCE else ""
    return Relation(state, last.certificate, outdated)


def _moment(signed: HeldCertificate | LapsedCertificate) -> datetime:
    return signed.certificate.issued_at


def _version(digest: bytes, registry: CatalogueRegistry) -> str:
    found = registry.catalogue(digest)
    return "one not known here" if found is None else found.version
