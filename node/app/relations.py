"""Who recognises whom: our own certificates and those that others have published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from node.adapters.catalogues.registry import CatalogueRegistry
from node.model.calendar import day_in_china
from node.registry.directory import HeldCertificate, TrustedState
from trust.vocabulary import TrustCertificate


class RelationState(StrEnum):
    """Whether one jurisdiction recognises another at an instant."""

    IN_FORCE = "IN_FORCE"
    NOT_YET = "NOT_YET"
    ENDED = "ENDED"
    WITHDRAWN = "WITHDRAWN"


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
    everyone: dict[str, Mapping[str, tuple[HeldCertificate, ...]]] = {
        **state.published,
        state.own.bundle.division: state.certificates,
    }
    return tuple(
        _relation(history, registry, now)
        for _, published in sorted(everyone.items())
        for _, history in sorted(published.items())
        if history
    )


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


def _relation(history: tuple[HeldCertificate, ...], registry: CatalogueRegistry, now: datetime) -> Relation:
    signed = [held.certificate for held in history if held.certificate.issued_at <= now]
    certificate = signed[-1] if signed else history[0].certificate
    state = relation_state(certificate, now)
    outdated = outdated_review(certificate, registry, now) if state is RelationState.IN_FORCE else ""
    return Relation(state, certificate, outdated)


def _version(digest: bytes, registry: CatalogueRegistry) -> str:
    found = registry.catalogue(digest)
    return "one not known here" if found is None else found.version
