"""Whom this node trusts, with what the trust registry says: the directory of files and the registry as one state.

The registry counts for whoever has published in it, unless a newer bundle was imported by hand meanwhile (a coordinator
that is away must not keep a compromise from being told). Of itself a node knows more than the registry. What only the
directory names stays as it is: the way to begin, and to go on without a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from node.errors import BadSource
from node.model.registry import RegistryRecord
from node.registry.directory import (
    HeldCertificate,
    TrustedJurisdiction,
    TrustedState,
    in_order,
    open_bundle,
    open_certificate,
)
from node.registry.keeping import knowledge_of
from trust.errors import TrustError
from trust.issuers import TrustedIssuer
from trust.log.succession import Succession, in_log_order, read_succession
from trust.registry import FactKind, Knowledge, first_seen_of

Published = Mapping[str, Mapping[str, tuple[HeldCertificate, ...]]]


def with_registry(state: TrustedState, record: RegistryRecord | None) -> TrustedState:
    """The state of the directory together with what the registry says; as it is before a registry was joined."""
    if record is None:
        return state
    knowledge = knowledge_of(record)
    own, problems = state.own.bundle.division, list(state.problems)
    jurisdictions = dict(state.jurisdictions)
    members: dict[str, TrustedJurisdiction] = {own: state.own}
    for division, standing in sorted(knowledge.standings.items()):
        if standing.problem:
            problems.append(
                f"What {division} published in the trust registry is not taken over whole: {standing.problem}"
            )
        for fact in knowledge.current(FactKind.BUNDLE, division):
            try:
                members.setdefault(division, _member(fact.content, knowledge, division, state))
            except (TrustError, BadSource) as error:
                problems.append(f"The bundle of {division} in the trust registry is left out: {error.message}")
    for division, found in members.items():
        held = jurisdictions.get(division)
        if held is None or held.bundle.version <= found.bundle.version:
            jurisdictions[division] = found
    ours = _with_successions(knowledge, state.own, jurisdictions, problems)
    published = _recognitions(knowledge, members)
    unchecked = state.unchecked | {
        each for each in (*knowledge.standings, *state.jurisdictions) if each not in jurisdictions
    }
    return replace(
        state,
        own=ours,
        jurisdictions=jurisdictions,
        certificates=_with_published(state.certificates, published.get(own, {})),
        problems=tuple(problems),
        unchecked=frozenset(unchecked),
        published={division: each for division, each in published.items() if division != own},
    )


def _member(content: bytes, knowledge: Knowledge, division: str, state: TrustedState) -> TrustedJurisdiction:
    found = open_bundle(content)
    standing = knowledge.standings[division]
    by_hand = state.jurisdictions.get(division)
    confirmed = frozenset() if by_hand is None else frozenset(by_hand.trusted.keys)
    trusted = TrustedIssuer.of(found.bundle, standing.refreshed_at, expires_at=standing.expires_at)
    return replace(found, trusted=counted_from(trusted, first_seen_of(knowledge, division), confirmed))


def _with_successions(
    knowledge: Knowledge,
    own: TrustedJurisdiction,
    jurisdictions: dict[str, TrustedJurisdiction],
    problems: list[str],
) -> TrustedJurisdiction:
    """Puts the newest log of each jurisdiction in the place of that of its bundle. Ourselves, likewise."""
    for division, successions in _successions(knowledge).items():
        try:
            if division in jurisdictions:
                jurisdictions[division] = _succeeded(jurisdictions[division], successions)
            if division == own.bundle.division:
                own = _succeeded(own, successions)
        except TrustError as error:
            # What k of n closed does not go on as if nothing had happened: nothing of it is believed or refused.
            jurisdictions.pop(division, None)
            problems.append(f"The log of {division} was closed in a way that does not fit its bundle: {error.message}")
    return own


def _successions(knowledge: Knowledge) -> Mapping[str, Sequence[Succession]]:
    """By division, from the first log on. Raises TrustError for what was not stored whole."""
    found: dict[str, list[Succession]] = {}
    for each in in_log_order(read_succession(fact.content) for fact in knowledge.current(FactKind.SUCCESSION)):
        found.setdefault(each.division, []).append(each)
    return found


def _succeeded(one: TrustedJurisdiction, successions: Sequence[Succession]) -> TrustedJurisdiction:
    trusted = one.trusted
    for each in successions:
        trusted = trusted.succeeded(each)
    return replace(one, trusted=trusted)


def counted_from(
    trusted: TrustedIssuer, first_seen: Mapping[str, datetime], confirmed: frozenset[str]
) -> TrustedIssuer:
    """The same keys, each counted from its first appearance in the registry at the earliest.

    Keys that administrators confirmed to each other before count as they say: what they signed until then stands.
    """
    keys = {
        key_id: key
        if key_id in confirmed
        else replace(key, valid_from=max(key.valid_from, first_seen.get(key_id, trusted.refreshed_at)))
        for key_id, key in trusted.keys.items()
    }
    return replace(trusted, keys=keys)


def as_members_know(own: TrustedIssuer, record: RegistryRecord | None) -> TrustedIssuer:
    """Ourselves with those keys alone that count at the members of the registry, each from when until when it does.

    What was signed with a key before that is KEY_NOT_YET_VALID there for good. As it is without a registry, and before
    we have published in it: then others know us by our file.
    """
    facts = () if record is None else record.facts
    counted = {
        fact.name: fact
        for fact in facts
        if fact.division == own.division and fact.kind == FactKind.KEY.value and fact.known_until is None
    }
    if not counted:
        return own
    keys = {
        key_id: replace(
            key,
            valid_from=max(key.valid_from, counted[key_id].valid_from),
            retired_at=min(filter(None, (key.retired_at, counted[key_id].valid_until)), default=None),
        )
        for key_id, key in own.keys.items()
        if key_id in counted
    }
    return replace(own, keys=keys)


def _recognitions(knowledge: Knowledge, members: Mapping[str, TrustedJurisdiction]) -> Published:
    """By recogniser and issuer; what does not verify under the recogniser's present bundle is no longer said by it."""
    found: dict[str, dict[str, list[HeldCertificate]]] = {}
    for fact in knowledge.current(FactKind.RECOGNITION):
        recogniser = members.get(fact.division)
        if recogniser is None:
            continue
        bundle = recogniser.bundle
        try:
            # Under its keys as it states them: a certificate may be older than the registry.
            held = open_certificate(
                fact.content, replace(recogniser, trusted=TrustedIssuer.of(bundle, bundle.issued_at))
            )
        except TrustError:
            continue
        found.setdefault(fact.division, {}).setdefault(fact.name, []).append(held)
    return {
        division: {issuer: in_order(held) for issuer, held in issuers.items()} for division, issuers in found.items()
    }


def _with_published(
    held: Mapping[str, tuple[HeldCertificate, ...]], published: Mapping[str, tuple[HeldCertificate, ...]]
) -> Mapping[str, tuple[HeldCertificate, ...]]:
    """Our certificates: those of the directory, and those that we published. So a withdrawal outlives its file."""
    merged = dict(held)
    for issuer, certificates in published.items():
        known = {each.digest for each in held.get(issuer, ())}
        merged[issuer] = in_order((*held.get(issuer, ()), *(each for each in certificates if each.digest not in known)))
    return merged
