"""The own bundle for others, the bundles of others, and signing what we recognise of whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from node.app.jurisdictions import Jurisdictions, load_jurisdictions
from node.app.keyring import load_signing_keys
from node.config.settings import Settings
from node.errors import BadSource, InvalidInput, NotReady
from node.model.calendar import day_in_china
from node.model.catalogue import Caveat, Edition
from node.model.records import RECORD_TYPES
from node.model.registry import RegistryRecord
from node.registry.directory import HeldCertificate, TrustDirectory, TrustedJurisdiction, TrustedState
from node.registry.published import with_registry
from node.verification.trusting import FreshnessLimits
from trust import statements
from trust.algorithms import Suite
from trust.envelope import seal, to_json
from trust.issuers import TrustedIssuer
from trust.signing import valid_keys
from trust.vocabulary import JurisdictionBundle, RecognitionScope, SuitePolicy, TrustCertificate

DEFAULT_CAVEATS = (Caveat.TYPES_SCHEME_WIDE, Caveat.SINCE_YEAR_ONLY, Caveat.SINCE_ASSUMED)
DEFAULT_MONTHS = 12
SELF_MONTHS = 120
"""What a jurisdiction recognises of itself lasts as long as its CA: ten years."""


@dataclass(frozen=True, slots=True)
class RecognitionChoices:
    """What a jurisdiction decides when it recognises an issuer. Empty tuples choose everything that is known.

    One of `suites` must have signed and each of `required_suites`; when both are empty, one of those of its keys.

    Ages in seconds. Catalogue and crosswalk are reviewed in the version in force on the day of signing: so an issuer
    cannot widen its own coverage unseen.
    """

    scenarios: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    record_types: tuple[str, ...] = ()
    caveats: tuple[Caveat, ...] = DEFAULT_CAVEATS
    suites: tuple[str, ...] = ()
    """One of these must have signed."""
    required_suites: tuple[str, ...] = ()
    """Each of these must have signed. Where they are given, no `suites` means that they are enough."""
    months_valid: int = DEFAULT_MONTHS
    max_trust_state_age_seconds: int = 30 * 86_400
    max_log_view_age_seconds: int = 86_400
    witness_quorum: int = 0
    """How many witnesses, neither the issuer nor ourselves, must have cosigned its log with the report in it."""
    legal_basis: tuple[str, ...] = ()


def trusted_state(settings: Settings, record: RegistryRecord | None = None) -> TrustedState:
    """Everything in the trust directory, verified anew, with what a record of the trust registry says besides."""
    return with_registry(_directory(settings).load(), record)


def export_bundle(settings: Settings, now: datetime) -> str:
    """The own bundle as DSSE JSON, signed anew: one version higher, with the present time and endpoints.

    Peers count its age as the age of what they know of us, so it is to be handed to them again before that is too old.
    """
    endpoints = tuple(map(str, settings.rpc.advertised)) or (str(settings.rpc.listen),)
    return amend_own_bundle(settings, now, lambda own: replace(own, endpoints=endpoints))


def amend_own_bundle(
    settings: Settings, now: datetime, amend: Callable[[JurisdictionBundle], JurisdictionBundle]
) -> str:
    """The own bundle with a change, as DSSE JSON: one version higher, signed now, and stored in the trust directory.

    `amend` gets what is published now; version and moment of signing are set here. Every key signs that is here and may
    sign by the new bundle, the one about to retire as well: so peers accept it that know the bundle before only.
    """
    directory = _directory(settings)
    own = directory.load().own.bundle
    bundle = replace(amend(own), version=own.version + 1, issued_at=now)
    held = load_signing_keys(settings).held()
    signers = [
        held[known.key.key_id]
        for known in valid_keys(TrustedIssuer.of(bundle, now, libcrypto=settings.keys.libcrypto), now)
        if known.key.key_id in held
    ]
    if not signers:
        raise NotReady(
            "KEY_NOT_LOADED",
            "No key is here that may sign our bundle now; look with `huxin key list` and `huxin doctor`.",
        )
    sealed = seal(statements.JURISDICTION_BUNDLE, statements.encode_jurisdiction_bundle(bundle), signers)
    text = to_json(sealed)
    # Our own word needs no confirmation by telephone; that history only grows is held against us as against everybody.
    directory.accept_bundle(text, signers[0].key_id)
    return text


def import_bundle(settings: Settings, text: str, key: str | None) -> TrustedJurisdiction:
    """Trusts a jurisdiction's bundle. `key`: the key id that was compared with its administrator."""
    return _directory(settings).accept_bundle(text, key)


def recognise(
    settings: Settings,
    issuer: str,
    choices: RecognitionChoices,
    now: datetime,
    record: RegistryRecord | None = None,
) -> HeldCertificate:
    """Signs and stores our trust certificate for an issuer, which counts from now on. Raises InvalidInput."""
    known = known_issuer(trusted_state(settings, record), issuer)
    return sign_certificate(settings, make_certificate(load_jurisdictions(settings, record), known, choices, now))


def known_issuer(state: TrustedState, issuer: str) -> TrustedJurisdiction:
    """A jurisdiction whose bundle is here. Raises InvalidInput."""
    known = state.jurisdictions.get(issuer)
    if known is None:
        raise InvalidInput(
            "issuer",
            f"{issuer} is not known here yet; `huxin trust refresh`, or import its bundle with `huxin trust import`.",
        )
    return known


def sign_certificate(settings: Settings, certificate: TrustCertificate) -> HeldCertificate:
    """Signs and stores a trust certificate of ours, or a withdrawal. Raises BadSource when a later one is there."""
    directory = _directory(settings)
    signers = load_signing_keys(settings).present(directory.load().own.trusted, certificate.issued_at)
    sealed = seal(statements.TRUST_CERTIFICATE, statements.encode_trust_certificate(certificate), signers)
    return directory.accept_certificate(to_json(sealed))


def recognise_self(settings: Settings, now: datetime) -> HeldCertificate:
    """Signs our certificate for ourselves, so that this jurisdiction's procedures accept its own reports.

    It reviews the catalogue in force on the day of signing, as for any issuer: with a new catalogue, sign again.
    """
    return recognise(settings, settings.division, RecognitionChoices(months_valid=SELF_MONTHS), now)


def withdraw(settings: Settings, issuer: str, now: datetime, reason: str = "") -> HeldCertificate:
    """Ends the recognition of an issuer by a signed statement: its reports are rejected from now on.

    `reason` is published with it. Raises BadSource when it is not recognised, and MalformedInput for a reason that is
    no line of text. Nothing is deleted: decisions about earlier days stay explicable.
    """
    return sign_certificate(settings, withdrawal_of(trusted_state(settings), issuer, now, reason))


def withdrawal_of(state: TrustedState, issuer: str, now: datetime, reason: str) -> TrustCertificate:
    """The statement that ends a recognition, not signed yet. Raises as `withdraw` does."""
    held = state.recognition(issuer, now)
    if held is None:
        raise BadSource("certificates", f"{issuer} is not recognised here; see `huxin recognise list`")
    return replace(held.certificate, withdrawn=True, withdrawal_reason=reason, issued_at=now)


def make_certificate(
    jurisdictions: Jurisdictions, known: TrustedJurisdiction, choices: RecognitionChoices, now: datetime
) -> TrustCertificate:
    """The certificate that these choices come to. Raises InvalidInput for a code that nothing bears."""
    registry, issuer = jurisdictions.registry, known.bundle.division
    in_force: list[Edition] = [
        edition for edition in registry.in_force(day_in_china(now)) if edition.catalogue.division == issuer
    ]
    types = {*RECORD_TYPES, *(code for edition in in_force for code in edition.catalogue.own_record_types)}
    return TrustCertificate(
        recogniser=jurisdictions.own,
        issuer=issuer,
        scope=RecognitionScope(
            _chosen("leaf", choices.leaves, registry.taxonomy.leaves),
            _chosen("record_type", choices.record_types, sorted(types)),
            _chosen("scenario", choices.scenarios, sorted(registry.scenarios)),
        ),
        reviewed_catalogues=tuple(edition.catalogue.digest for edition in in_force),
        reviewed_crosswalks=tuple(edition.crosswalk.digest for edition in in_force),
        accepted_caveats=tuple(caveat.value for caveat in choices.caveats),
        suites=_suite_policy(choices, known),
        witness_quorum=choices.witness_quorum,
        max_trust_state_age_seconds=choices.max_trust_state_age_seconds,
        max_log_view_age_seconds=choices.max_log_view_age_seconds,
        valid_from=now,
        valid_until=now + timedelta(days=30 * choices.months_valid),
        legal_basis=choices.legal_basis,
        issued_at=now,
    )


def freshness_limits(settings: Settings) -> FreshnessLimits:
    """How old trusted state and log views may be here, whatever a certificate allows."""
    return FreshnessLimits(
        timedelta(seconds=settings.freshness.trust_state_seconds),
        timedelta(seconds=settings.freshness.log_view_seconds),
        timedelta(seconds=settings.freshness.trust_state_fresh_seconds),
        timedelta(seconds=settings.freshness.log_view_fresh_seconds),
    )


def _suite_policy(choices: RecognitionChoices, known: TrustedJurisdiction) -> SuitePolicy:
    """Raises InvalidInput for an unknown suite, and a required one of which the issuer publishes no key."""
    published = tuple(sorted({info.suite for info in known.bundle.signing_keys}))
    if choices.suites:
        _chosen("suite", choices.suites, sorted({*Suite, *published}))
    for suite in choices.required_suites:
        if suite not in published:
            raise InvalidInput(
                "required_suite",
                f"{known.bundle.division} publishes no key of {suite}, so nothing that it signs could be accepted; it "
                f"publishes {', '.join(published)}.",
            )
    if choices.required_suites:
        return SuitePolicy(choices.required_suites, choices.suites)
    return SuitePolicy(any_of=choices.suites or published)


def _chosen(name: str, wanted: tuple[str, ...], known: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    for code in wanted:
        if code not in known:
            raise InvalidInput(name, f"{code} is no {name.replace('_', ' ')} known here; known: {', '.join(known)}.")
    return wanted or tuple(known)


def _directory(settings: Settings) -> TrustDirectory:
    return TrustDirectory(settings.trust.directory, settings.division, settings.keys.libcrypto)
