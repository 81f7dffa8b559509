"""`huxin key`: the life of this jurisdiction's signing keys, from the making to the retirement or the compromise.

Every step makes the private half first and publishes then: a crash in between leaves a key that nobody names yet, which
`list` shows as not published. A running node notices new keys and the new bundle within seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from node.app.held_key import HeldKey, Place, read_uri_file
from node.app.keyring import SigningKeys, load_signing_keys
from node.app.other_keys import advice_on
from node.app.sealing_keys import load_sealing_keys
from node.app.trusting import amend_own_bundle, trusted_state
from node.config.settings import Settings
from node.errors import InvalidInput, NotReady
from node.model.calendar import in_china
from node.model.registry import RegistryRecord
from node.registry.directory import TrustedJurisdiction
from trust import keys
from trust.algorithms import Suite, key_id_of
from trust.errors import TrustError
from trust.issuers import TrustedKey
from trust.log.checkpoint import own_cosigner
from trust.sealing import SEALING_SUITE, key_to_seal_to
from trust.signing import present_signers, valid_keys
from trust.token_uri import TokenUri
from trust.vocabulary import JurisdictionBundle, SigningKeyInfo

SHORT = 12
"""Characters of a key id in a file name."""

FEWEST = 8
"""Characters of a key id that name a key for sure enough to end it."""

LONGEST_WAIT = timedelta(days=366)

NOTICE = timedelta(minutes=1)
"""How long a retired key still counts: a running node needs seconds to notice, and must not lose what it signs then."""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key as a table shows it.

    `where` is empty when its private half is not here, `valid_from` None when the own bundle gives it no time.
    """

    key_id: str
    suite: str
    role: str
    where: str
    valid_from: datetime | None
    retired_at: datetime | None
    compromised_at: datetime | None
    in_use: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What a step did. `version` of the own bundle now; `made` a new key and where it is; `retired` what ends when.

    `recognitions`: issuers whose trust certificates no longer count, because the key that signed them was compromised;
    `compromised` is its id. `unknown_to_peers`: the bundle is signed by no key that peers know from the one before:
    those that know us by file alone must compare the id.
    """

    version: int
    made: SigningKeyInfo | None = None
    place: str = ""
    retired: tuple[SigningKeyInfo, ...] = ()
    recognitions: tuple[str, ...] = ()
    unknown_to_peers: bool = False
    compromised: str = ""

    @property
    def key_id(self) -> str:
        """Id of the key that was made."""
        return "" if self.made is None else key_id_of(self.made.spki)


def list_keys(settings: Settings, now: datetime, record: RegistryRecord | None = None) -> list[KeyLine]:
    """Signing keys that are published or here, in the order of the bundle, the log's two keys, and sealing keys.

    `record` tells whether a successor log has others than the first one had.
    """
    own, signing = trusted_state(settings, record).own, load_signing_keys(settings)
    held = signing.held()
    try:
        in_use = {key.key_id for key in present_signers(own.trusted, held, now)}
    except TrustError:
        in_use = set()
    lines = []
    for info in own.bundle.signing_keys:
        key_id = key_id_of(info.spki)
        where = _where(held[key_id].place) if key_id in held else ""
        times = info.valid_from, info.retired_at, info.compromised_at
        lines.append(KeyLine(key_id, info.suite, "signing", where, *times, key_id in in_use))
    published = {line.key_id for line in lines}
    for key_id, key in held.items():
        if key_id not in published:
            lines.append(KeyLine(key_id, key.suite, "signing", _where(key.place), None, None, None, in_use=False))
    return [*lines, *_log_lines(settings, signing, own), *_sealing_lines(settings, own, now)]


def rotate(
    settings: Settings, suite: Suite | None, wait: timedelta | None, token: TokenUri | None, now: datetime
) -> Change:
    """A new key of a suite, published now; it signs after `wait`, and the one before may for as long again.

    Raises InvalidInput when the suite must be named, has no key, or is being rotated already.
    """
    own = trusted_state(settings).own
    suite = suite or _only_suite(own, now)
    before = [known for known in valid_keys(own.trusted, now) if known.key.suite is suite]
    if not before:
        raise InvalidInput("--suite", f"No key of {suite} may sign now; make one with `huxin key add --suite {suite}`.")
    _require_none_waiting(own, suite, now)
    return _publish(settings, suite, _wait(settings, wait), token, before, now)


def add(settings: Settings, suite: Suite, wait: timedelta | None, token: TokenUri | None, now: datetime) -> Change:
    """A key of a further suite: from then on both suites sign every statement. Raises InvalidInput if it is there."""
    own = trusted_state(settings).own
    if any(known.key.suite is suite for known in valid_keys(own.trusted, now)):
        raise InvalidInput("--suite", f"A key of {suite} signs already; replace it with `huxin key rotate`.")
    _require_none_waiting(own, suite, now)
    return _publish(settings, suite, _wait(settings, wait), token, [], now)


def require_can_be_lost(
    settings: Settings, key_id: str, since: datetime, now: datetime, record: RegistryRecord | None = None
) -> SigningKeyInfo:
    """The key that the beginning of an id names, where that instant can be published of it.

    Raises InvalidInput for an unknown key, one that is no signing key (`node.app.other_keys` says what to do about it),
    an instant in the future, or one later than was published.
    """
    found = _found(settings, trusted_state(settings, record).own, key_id)
    if since > now:
        raise InvalidInput("--since", "It lies in the future; give the first moment at which others may have had it.")
    if found.compromised_at is not None and since >= found.compromised_at:
        raise InvalidInput("--since", "It is published with the same or an earlier moment, which cannot be put off.")
    return found


def retire(settings: Settings, key_id: str, now: datetime, record: RegistryRecord | None = None) -> Change:
    """A key ends in a minute; what it signed stays valid. Raises InvalidInput for an unknown or the last key."""
    own = trusted_state(settings, record).own
    found = _found(settings, own, key_id)
    end = now + NOTICE
    if found.retired_at is not None and found.retired_at <= end:
        raise InvalidInput("KEYID", f"It is retired since {in_china(found.retired_at)}; there is nothing to do.")
    left = {known.key.key_id for known in valid_keys(own.trusted, end)} - {key_id_of(found.spki)}
    if not left:
        raise InvalidInput("KEYID", "No other key could sign after it; make one first with `huxin key rotate`.")
    if not left & set(load_signing_keys(settings).held()):
        raise InvalidInput("KEYID", "No other key that could sign after it is here; restore one first.")
    ended = replace(found, retired_at=end)
    amend_own_bundle(settings, now, lambda bundle: _with_keys(bundle, ended))
    return Change(trusted_state(settings).own.bundle.version, retired=(ended,))


def compromise(
    settings: Settings, key_id: str, since: datetime, now: datetime, record: RegistryRecord | None = None
) -> Change:
    """A key was in other hands from an instant on. A new key of its suite takes its place at once, if none is left.

    Raises InvalidInput as `require_can_be_lost`.
    """
    found = require_can_be_lost(settings, key_id, since, now, record)
    own = trusted_state(settings, record).own
    lost = replace(found, compromised_at=since)
    before = _recognised(settings, now)
    lost_id = key_id_of(found.spki)
    left = [known for known in valid_keys(own.trusted, now) if known.key.key_id != lost_id]
    made, place = None, ""
    if not any(known.key.suite == found.suite for known in left):
        signing = load_signing_keys(settings)
        key, place = _make(signing, settings, Suite(found.suite), _token_of(signing, lost_id), now)
        made = SigningKeyInfo(key.spki, key.suite.value, now)
    amend_own_bundle(settings, now, lambda bundle: _with_keys(bundle, lost, *((made,) if made else ())))
    present = trusted_state(settings).own
    return Change(
        present.bundle.version,
        made,
        place,
        recognitions=tuple(sorted(before - _recognised(settings, now))),
        unknown_to_peers=not {known.key.key_id for known in left} & set(present.signers),
        compromised=lost_id,
    )


def _recognised(settings: Settings, now: datetime) -> set[str]:
    state = trusted_state(settings)
    return {issuer for issuer in state.certificates if state.recognition(issuer, now) is not None}


def _publish(
    settings: Settings, suite: Suite, wait: timedelta, token: TokenUri | None, before: list[TrustedKey], now: datetime
) -> Change:
    signing = load_signing_keys(settings)
    if token is None and before:
        token = _token_of(signing, before[0].key.key_id)
    key, place = _make(signing, settings, suite, token, now)
    begins = now + wait
    ends = begins + max(timedelta(seconds=settings.keys.rotation_seconds), NOTICE)
    made = SigningKeyInfo(key.spki, key.suite.value, begins)
    retired: list[SigningKeyInfo] = []

    def amend(bundle: JurisdictionBundle) -> JurisdictionBundle:
        ending = {known.key.spki for known in before}
        retired.extend(
            replace(info, retired_at=ends)
            for info in bundle.signing_keys
            if info.spki in ending and (info.retired_at is None or info.retired_at > ends)
        )
        return _with_keys(bundle, *retired, made)

    amend_own_bundle(settings, now, amend)
    return Change(trusted_state(settings).own.bundle.version, made, place, tuple(retired))


def _make(
    signing: SigningKeys, settings: Settings, suite: Suite, token: TokenUri | None, now: datetime
) -> tuple[keys.Signer, str]:
    """A new private key in `keys.folder`, or in a token with its URI there."""
    folder = settings.keys.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if token is None:
        key = keys.generate(suite, settings.keys.libcrypto)
        path = folder / f"signing-{key.key_id[:SHORT]}.key"
        signing.opener.save(key, path)
        return key, str(path)
    uri = token if token.object else token.naming(f"signing-{now:%Y%m%dT%H%M%SZ}")
    inside = signing.opener.tokens.generate(uri, suite)
    path = folder / f"signing-{inside.key_id[:SHORT]}.uri"
    keys.write_private(path, f"{uri}\n".encode("ascii"))
    return inside, str(uri)


def _with_keys(bundle: JurisdictionBundle, *changed: SigningKeyInfo) -> JurisdictionBundle:
    """The bundle with keys replaced by their public half, and new ones at the end: none is ever removed."""
    by_spki = {info.spki: info for info in (*bundle.signing_keys, *changed)}
    return replace(bundle, signing_keys=tuple(by_spki.values()))


def _found(settings: Settings, own: TrustedJurisdiction, key_id: str) -> SigningKeyInfo:
    """A signing key by its id or by the beginning of it. Raises InvalidInput."""
    wanted = key_id.lower()
    found = [info for info in own.bundle.signing_keys if key_id_of(info.spki).startswith(wanted)]
    other = advice_on(settings, own, wanted) if not found and len(wanted) >= FEWEST else None
    if other is not None:
        raise InvalidInput("KEYID", f"It is no signing key. {other}")
    if len(found) != 1 or len(wanted) < FEWEST:
        raise InvalidInput(
            "KEYID", f"It names no signing key of ours; give {FEWEST} characters or more of one in `huxin key list`."
        )
    return found[0]


def _only_suite(own: TrustedJurisdiction, now: datetime) -> Suite:
    suites = sorted({known.key.suite for known in valid_keys(own.trusted, now)})
    if len(suites) != 1:
        raise InvalidInput("--suite", f"Name one of the suites that sign now: {', '.join(suites) or 'there is none'}.")
    return suites[0]


def _require_none_waiting(own: TrustedJurisdiction, suite: Suite, now: datetime) -> None:
    for known in own.trusted.keys.values():
        waiting = known.valid_from > now and known.retired_at is None and known.compromised_at is None
        if known.key.suite is suite and waiting:
            raise InvalidInput(
                "--suite", f"A new key of {suite} begins on {in_china(known.valid_from)}; wait until it signs."
            )


def _wait(settings: Settings, wait: timedelta | None) -> timedelta:
    chosen = timedelta(seconds=settings.keys.rotation_seconds) if wait is None else wait
    if chosen > LONGEST_WAIT:
        raise InvalidInput("--in", f"A key begins within {LONGEST_WAIT.days} days; give a shorter time.")
    return chosen


def _token_of(signing: SigningKeys, key_id: str) -> TokenUri | None:
    """The token in which a key is: its successor is made there, never in a file instead."""
    held = signing.held().get(key_id)
    if held is None:
        troubled = next((key for key in signing if key.trouble and key.can_come_back), None)
        if troubled is not None:
            raise NotReady("KEY_NOT_LOADED", f"A signing key is not loaded: {troubled.trouble}.")
        return None
    uri = _uri(held.place)
    return None if uri is None else uri.naming("")


def _uri(place: Place) -> TokenUri | None:
    if isinstance(place, TokenUri):
        return place
    return read_uri_file(place) if place.suffix == ".uri" else None


def _where(place: Place) -> str:
    uri = _uri(place)
    return str(place) if uri is None else str(uri)


def _sealing_lines(settings: Settings, own: TrustedJurisdiction, now: datetime) -> list[KeyLine]:
    """Keys that peers seal to. In use is the one that they take now, if it is here; the others open what is under way.

    One without a beginning is here and not published.
    """
    published = own.bundle.sealing_keys
    places = load_sealing_keys(settings, lambda: published).places()
    try:
        newest = key_to_seal_to(published, now).key_id
    except TrustError:
        newest = ""
    begins = {key_id_of(info.spki): info.valid_from for info in published}
    return [
        KeyLine(
            key_id,
            SEALING_SUITE,
            "sealing",
            str(places.get(key_id, "")),
            begins.get(key_id),
            None,
            None,
            in_use=key_id == newest and key_id in places,
        )
        for key_id in dict.fromkeys([*begins, *places])
    ]


def _log_lines(settings: Settings, signing: SigningKeys, own: TrustedJurisdiction) -> list[KeyLine]:
    lines, cosigner = [], own_cosigner(own.trusted.origin)
    for role, setting, value, spki in (
        ("log", "keys.log", settings.keys.log, own.trusted.head_key.spki),
        ("cosigner", "keys.cosigner", settings.keys.cosigner, own.trusted.cosigners[cosigner].spki),
    ):
        key = HeldKey(role, signing.opener, signing.opener.place(setting, value))
        key.refresh()
        opened = key.opened()
        mine = opened is not None and opened.spki == spki
        where = _where(key.place) if mine else ""
        lines.append(KeyLine(key_id_of(spki), Suite.ED25519, role, where, None, None, None, in_use=mine))
    return lines
