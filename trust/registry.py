"""Rules of the trust registry: what a refreshed repository means, as facts with two times.

The repository's metadata was verified before (signatures, thresholds, versions, expiry, delegations); here its content
is read. Every fact has a *valid* time, in which it holds, and a *known* time, in which we held it to be so. Keys count
from the later of their `valid_from` and their first appearance in a snapshot that the coordinator signed.

A jurisdiction whose publication breaks a rule harms itself only: what was known of it stays, and ages. A file that this
version cannot read is left out alone, so that a later version's publication does not hide a compromised key from us.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType

from trust.algorithms import key_id_of
from trust.errors import MalformedInput, TrustError
from trust.issuers import TrustedIssuer, open_jurisdiction_bundle, open_trust_certificate
from trust.log.succession import Succession
from trust.vocabulary import JurisdictionBundle, require_division

MAX_TARGET_BYTES = 1 << 20
"""One published file: a bundle, a certificate, a catalogue, a crosswalk."""

MAX_TARGETS = 512
"""Files of one jurisdiction: 34 recognitions and a few versions of catalogues stay far below."""

MAX_SIGNING_KEYS = 512
"""Signing keys in one bundle, past ones included: a new one each week for ten years. Each is kept by every node for
good, once for each change of it."""

_PROBLEMS_TOLD = 5
_PATH_SHOWN = 120
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")

Continuity = Callable[[JurisdictionBundle, JurisdictionBundle], None]
"""(earlier, later) of one jurisdiction. Raises TrustError when the later one rewrites history."""


class FactKind(StrEnum):
    """What a published file is, as the second part of its path says; `key` and `succession` are no files."""

    BUNDLE = "bundle"
    KEY = "key"
    RECOGNITION = "recognition"
    CATALOGUE = "catalogue"
    CROSSWALK = "crosswalk"
    SCHEME = "scheme"
    SUCCESSION = "succession"
    """What k of n signed off, not what a jurisdiction publishes."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A published file, or a key of a published bundle, with its two times; both intervals are half-open.

    `name` is empty for a bundle, the issuer's division for a recognition, the key id for a key, the successor's origin
    for a succession, the version otherwise. `content` is the file as published (for a key its SubjectPublicKeyInfo, for
    a succession its one form), `digest` SHA-256 of it. An end that is None
    is open.
    """

    division: str
    kind: FactKind
    name: str
    content: bytes
    digest: bytes
    valid_from: datetime
    valid_until: datetime | None
    known_from: datetime
    known_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How current our knowledge of one jurisdiction is.

    `refreshed_at`: when the coordinator last signed that what we know is current. `expires_at`: when the metadata ends
    by which we know it. `problem`: why its newest publication was not taken over, or "".
    """

    division: str
    refreshed_at: datetime
    expires_at: datetime
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """What one jurisdiction's delegated role lists in a verified repository: paths with their content.

    `content` is None when it says nothing any more: its metadata has expired, or is not what that jurisdiction may
    sign; `problem` says which.
    """

    expires_at: datetime
    content: Mapping[str, bytes] | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A verified repository.

    `signed_at` is the coordinator's time of the timestamp; `expires_at` the earliest end among root, targets, snapshot
    and timestamp; `first_seen` says by division and key id when a snapshot first held a key.
    """

    snapshot_version: int
    signed_at: datetime
    expires_at: datetime
    first_seen: Mapping[str, Mapping[str, datetime]]
    publications: Mapping[str, Publication]
    successions: tuple[Succession, ...] = ()
    """Of logs, as k of n signed them off; all there ever were."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything learned from the registry so far: facts, past ones included, and the standing of each jurisdiction."""

    signed_at: datetime | None
    facts: tuple[Fact, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)

    def current(self, kind: FactKind, division: str | None = None) -> tuple[Fact, ...]:
        """Facts of a kind that are known to hold still, of one jurisdiction or of all."""
        return tuple(
            fact
            for fact in self.facts
            if fact.kind is kind and fact.known_until is None and division in (None, fact.division)
        )


NOTHING = Knowledge(None)

_NO_FILES = (FactKind.KEY, FactKind.SUCCESSION)


def path_of(division: str, kind: FactKind, name: str = "") -> str:
    """Path of a published file: `140000/bundle`, `140000/recognition/520000`, `140000/catalogue/2025-237`.

    Raises MalformedInput for a name that no path can hold.
    """
    require_division("path", division)
    if kind is FactKind.BUNDLE:
        return f"{division}/{kind}"
    if not _NAME.fullmatch(name):
        raise MalformedInput("a published name has 1 to 64 letters, digits, dots, dashes: name the version so")
    return f"{division}/{kind}/{name}"


def read_path(path: str) -> tuple[str, FactKind, str]:
    """Division, kind and name of a published file's path. Raises MalformedInput for any other path."""
    division, _, rest = path.partition("/")
    word, _, name = rest.partition("/")
    try:
        kind = FactKind(word)
        if kind not in _NO_FILES and path == path_of(division, kind, name):
            return division, kind, name
    except ValueError:
        pass
    raise MalformedInput("a published path is <division>/bundle or <division>/<kind>/<name>: publish it so")


def learn(known: Knowledge, release: Release, continuity: Continuity) -> Knowledge:
    """What is known after a verified release on top of what was known before.

    Raises MalformedInput when the coordinator signed it earlier than the last one: its clock or the release is wrong.
    """
    if known.signed_at is not None and release.signed_at < known.signed_at:
        raise MalformedInput("the coordinator signed this earlier than what is known already: check its clock")
    # Closed logs stay so, whatever becomes of a membership: they are learned, and never end.
    closed = [fact for fact in known.facts if fact.kind is FactKind.SUCCESSION]
    closed += [each for each in _successions(release) if not any(each.name == fact.name for fact in closed)]
    facts = [fact for fact in known.facts if fact.kind is not FactKind.SUCCESSION]
    standings = dict(known.standings)
    for division, publication in sorted(release.publications.items()):
        expires = min(release.expires_at, publication.expires_at)
        before = [fact for fact in facts if fact.division == division]
        try:
            after, problem = _read_publication(
                division, publication, before, standings.get(division), release, continuity
            )
        except TrustError as error:
            held = standings.get(division)
            refreshed = release.signed_at if held is None else held.refreshed_at
            ends = expires if held is None else min(held.expires_at, expires)
            standings[division] = Standing(division, refreshed, ends, error.message)
            continue
        facts = [fact for fact in facts if fact.division != division] + after
        standings[division] = Standing(division, release.signed_at, expires, problem)
    for division in known.standings.keys() - release.publications.keys():
        # No longer delegated: the federation has ended its membership. It is known no more, and what was known stays on
        # record; statements of it fail from now on.
        facts = [_ended(fact, release.signed_at) if fact.division == division else fact for fact in facts]
        del standings[division]
    return Knowledge(release.signed_at, (*facts, *closed), MappingProxyType(standings))


def _successions(release: Release) -> Iterable[Fact]:
    for each in release.successions:
        yield Fact(
            each.division,
            FactKind.SUCCESSION,
            each.origin,
            each.entry,
            each.digest,
            each.decided_at,
            None,
            release.signed_at,
        )


def require_taken_over(known: Knowledge, release: Release, division: str) -> None:
    """Check that what a jurisdiction publishes was learned, as whole as this version can read it.

    Raises MalformedInput when it has no delegation, or broke a rule and therefore changed nothing.
    """
    standing, publication = known.standings.get(division), release.publications.get(division)
    if standing is None or publication is None:
        raise MalformedInput(f"{division} has no delegation yet; k of n holders sign one first")
    bundle = (publication.content or {}).get(path_of(division, FactKind.BUNDLE))
    if bundle is None or bundle not in [fact.content for fact in known.current(FactKind.BUNDLE, division)]:
        raise MalformedInput(f"it cannot be taken over: {standing.problem}")


def first_seen_of(knowledge: Knowledge, division: str) -> Mapping[str, datetime]:
    """From when on each key of a jurisdiction counts at the earliest, by key id: keys of the past too."""
    return _first_known(fact for fact in knowledge.facts if fact.division == division)


def _first_known(facts: Iterable[Fact]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for fact in facts:
        if fact.kind is FactKind.KEY:
            found[fact.name] = min(fact.known_from, found.get(fact.name, fact.known_from))
    return found


def _read_publication(
    division: str,
    publication: Publication,
    before: list[Fact],
    standing: Standing | None,
    release: Release,
    continuity: Continuity,
) -> tuple[list[Fact], str]:
    """All facts of one jurisdiction, past ones included, and what was left out of its publication, or "".

    Raises TrustError when the publication breaks a rule.
    """
    if publication.content is None:
        raise MalformedInput(publication.problem or "its publication has expired: its administrator must publish again")
    present = [fact for fact in before if fact.known_until is None]
    bundle_path = path_of(division, FactKind.BUNDLE)
    if bundle_path not in publication.content:
        raise MalformedInput("it publishes no bundle: its administrator must publish again")
    bundle = open_jurisdiction_bundle(publication.content[bundle_path])
    if bundle.division != division:
        raise MalformedInput("its bundle is another jurisdiction's: its administrator must publish its own")
    if len(bundle.signing_keys) > MAX_SIGNING_KEYS:
        raise MalformedInput(f"its bundle lists more than {MAX_SIGNING_KEYS} signing keys: publish fewer")
    for fact in present:
        if fact.kind is FactKind.BUNDLE and fact.content != publication.content[bundle_path]:
            continuity(open_jurisdiction_bundle(fact.content), bundle)
    if not any(fact.kind is FactKind.BUNDLE for fact in present):
        _require_no_replay(before, publication.content[bundle_path], bundle)
    fresh, problems = [*_keys(bundle, release, _last_current(before, standing), before)], []
    for path, content in sorted(publication.content.items()):
        try:
            fresh.append(_fact(division, path, content, bundle, release.signed_at))
        except TrustError as error:
            problems.append(f"{_shown(path)} is left out: {error.message}")
    more = f" And {len(problems) - _PROBLEMS_TOLD} more." if len(problems) > _PROBLEMS_TOLD else ""
    return [*_merged(before, fresh, release.signed_at)], " ".join(problems[:_PROBLEMS_TOLD]) + more


def _require_no_replay(before: Iterable[Fact], content: bytes, bundle: JurisdictionBundle) -> None:
    """Whose membership ended and began again must not come back as it was before it told of a compromise."""
    past = {fact.content: open_jurisdiction_bundle(fact.content) for fact in before if fact.kind is FactKind.BUNDLE}
    newest = max(past, key=lambda each: past[each].version, default=content)
    if content != newest and bundle.version <= past[newest].version:
        raise MalformedInput(
            f"its bundle is version {bundle.version}, and as a member before it had said {past[newest].version}: its "
            "administrator must sign anew"
        )


def _shown(path: str) -> str:
    """A path, safe to store and to print: whoever publishes chooses it."""
    plain = ascii(path)[1:-1]
    return plain if len(plain) <= _PATH_SHOWN else f"{plain[:_PATH_SHOWN]}..."


def _last_current(before: Iterable[Fact], standing: Standing | None) -> datetime | None:
    """When what we know of a jurisdiction was last known to be all; None when we never knew anything of it."""
    bundles = [fact for fact in before if fact.kind is FactKind.BUNDLE]
    if not bundles:
        return None
    if standing is not None and any(fact.known_until is None for fact in bundles):
        return standing.refreshed_at
    return max(fact.known_until for fact in bundles if fact.known_until is not None)


def _fact(division: str, path: str, content: bytes, bundle: JurisdictionBundle, known_from: datetime) -> Fact:
    owner, kind, name = read_path(path)
    if owner != division:
        raise MalformedInput("a jurisdiction publishes below its own division code only: publish it there")
    if len(content) > MAX_TARGET_BYTES:
        raise MalformedInput(f"a published file has at most {MAX_TARGET_BYTES} bytes: publish less at once")
    valid_from, valid_until = known_from, None
    if kind is FactKind.BUNDLE:
        valid_from = bundle.issued_at
    elif kind is FactKind.RECOGNITION:
        certificate = open_trust_certificate(content, TrustedIssuer.of(bundle, bundle.issued_at))
        if certificate.issuer != name:
            raise MalformedInput("it names another issuer than its path: publish it again")
        valid_from = max(certificate.valid_from, certificate.issued_at)
        valid_until = max(valid_from, valid_from if certificate.withdrawn else certificate.valid_until)
    return Fact(division, kind, name, content, sha256(content).digest(), valid_from, valid_until, known_from)


def _keys(
    bundle: JurisdictionBundle, release: Release, last_current: datetime | None, before: Iterable[Fact]
) -> Iterable[Fact]:
    """The keys of a bundle. What the coordinator says of their first appearance cannot be earlier than what we saw.

    A key that we lacked when we last knew all appeared after that, whatever the coordinator says now, and no later than
    in this release; and of a key that we know, the moment does not change any more.
    """
    recorded = _first_known(before)
    said = release.first_seen.get(bundle.division, {})
    for info in bundle.signing_keys:
        key_id = key_id_of(info.spki)
        first = recorded.get(key_id)
        known_from = release.signed_at
        if first is None:
            first = min(said.get(key_id, release.signed_at), release.signed_at)
            if last_current is not None:
                first = max(first, last_current)
            # Who learns of the key now takes the coordinator's word for when it appeared.
            known_from = first
        content = info.spki
        digest = sha256(repr((info.retired_at, info.compromised_at)).encode() + content).digest()
        valid_from = max(info.valid_from, first)
        ends = [end for end in (info.retired_at, info.compromised_at) if end is not None]
        until = max(valid_from, min(ends)) if ends else None
        yield Fact(bundle.division, FactKind.KEY, key_id, content, digest, valid_from, until, known_from)


def _merged(before: list[Fact], fresh: list[Fact], signed_at: datetime) -> Iterable[Fact]:
    """What was known with what is: facts that are not said any more end now, those that are still said go on."""
    said = {(fact.kind, fact.name, fact.digest) for fact in fresh}
    held = {(fact.kind, fact.name, fact.digest) for fact in before if fact.known_until is None}
    for fact in before:
        still = fact.known_until is not None or (fact.kind, fact.name, fact.digest) in said
        yield fact if still else _ended(fact, signed_at)
    for fact in fresh:
        if (fact.kind, fact.name, fact.digest) not in held:
            yield fact


def _ended(fact: Fact, at: datetime) -> Fact:
    return fact if fact.known_until is not None else replace(fact, known_until=max(at, fact.known_from))
