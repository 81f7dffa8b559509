"""`huxin trust`: the own bundle for others, the bundles of others, and what we recognise of whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from node.app.jurisdictions import load_jurisdictions
from node.app.keyring import load_signing_keys
from node.config.settings import Settings
from node.errors import BadSource, InvalidInput, NotReady
from node.model.calendar import day_in_china
from node.model.catalogue import Caveat, Edition
from node.model.records import RECORD_TYPES
from node.registry.directory import HeldCertificate, TrustDirectory, TrustedJurisdiction, TrustedState
from trust import statements
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

    Ages in seconds. Catalogue and crosswalk are reviewed in the version in force on the day of signing: so an issuer
    cannot widen its own coverage unseen.
    """

    scenarios: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    record_types: tuple[str, ...] = ()
    caveats: tuple[Caveat, ...] = DEFAULT_CAVEATS
    suites: tuple[str, ...] = ()
    months_valid: int = DEFAULT_MONTHS
    max_trust_state_age_seconds: int = 30 * 86_400
    max_log_view_age_seconds: int = 86_400
    legal_basis: tuple[str, ...] = ()


def trusted_state(settings: Settings) -> TrustedState:
    """Everything in the trust directory, verified anew."""
    return _directory(settings).load()


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
        held[known.key.key_id] for known in valid_keys(TrustedIssuer.of(bundle, now), now) if known.key.key_id in held
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


def recognise(settings: Settings, issuer: str, choices: RecognitionChoices, now: datetime) -> HeldCertificate:
    """Signs and stores our trust certificate for an issuer, which counts from now on. Raises InvalidInput."""
    directory = _directory(settings)
    known = directory.load().jurisdictions
    if issuer not in known:
        raise InvalidInput(
            "issuer", f"The bundle of {issuer} is not here yet; import it first with `huxin trust import`."
        )
    certificate = make_certificate(settings, issuer, known[issuer], choices, now)
    return _sign_certificate(settings, directory, certificate)


def _sign_certificate(settings: Settings, directory: TrustDirectory, certificate: TrustCertificate) -> HeldCertificate:
    signers = load_signing_keys(settings).present(directory.load().own.trusted, certificate.issued_at)
    sealed = seal(statements.TRUST_CERTIFICATE, statements.encode_trust_certificate(certificate), signers)
    return directory.accept_certificate(to_json(sealed))


def recognise_self(settings: Settings, now: datetime) -> HeldCertificate:
    """Signs our certificate for ourselves, so that this jurisdiction's procedures accept its own reports.

    It reviews the catalogue in force on the day of signing, as for any issuer: with a new catalogue, sign again.
    """
    return recognise(settings, settings.division, RecognitionChoices(months_valid=SELF_MONTHS), now)


def withdraw(settings: Settings, issuer: str, now: datetime) -> HeldCertificate:
    """Ends the recognition of an issuer by a signed statement: its reports are rejected from now on.

    Raises BadSource when it is not recognised. Nothing is deleted: decisions about earlier days stay explicable.
    """
    directory = _directory(settings)
    held = directory.load().recognition(issuer, now)
    if held is None:
        raise BadSource("certificates", f"{issuer} is not recognised here; see `huxin trust list`")
    return _sign_certificate(settings, directory, replace(held.certificate, withdrawn=True, issued_at=now))


def make_certificate(
    settings: Settings, issuer: str, known: TrustedJurisdiction, choices: RecognitionChoices, now: datetime
) -> TrustCertificate:
    """The certificate that these choices come to. Raises InvalidInput for a code that nothing bears."""
    jurisdictions = load_jurisdictions(settings)
    registry = jurisdictions.registry
    in_force: list[Edition] = [
        edition for edition in registry.in_force(day_in_china(now)) if edition.catalogue.division == issuer
    ]
    types = {*RECORD_TYPES, *(code for edition in in_force for code in edition.catalogue.own_record_types)}
    return TrustCertificate(
        recogniser=settings.division,
        issuer=issuer,
        scope=RecognitionScope(
            _chosen("leaf", choices.leaves, registry.taxonomy.leaves),
            _chosen("record_type", choices.record_types, sorted(types)),
            _chosen("scenario", choices.scenarios, sorted(registry.scenarios)),
        ),
        reviewed_catalogues=tuple(edition.catalogue.digest for edition in in_force),
        reviewed_crosswalks=tuple(edition.crosswalk.digest for edition in in_force),
        accepted_caveats=tuple(caveat.value for caveat in choices.caveats),
        suites=SuitePolicy(any_of=choices.suites or tuple(sorted({info.suite for info in known.bundle.signing_keys}))),
        witness_quorum=0,
        max_trust_state_age_seconds=choices.max_trust_state_age_seconds,
        max_log_view_age_seconds=choices.max_log_view_age_seconds,
        valid_from=now,
        valid_until=now + timedelta(days=30 * choices.months_valid),
        legal_basis=choices.legal_basis,
        issued_at=now,
    )


def _chosen(name: str, wanted: tuple[str, ...], known: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    for code in wanted:
        if code not in known:
            raise InvalidInput(name, f"{code} is no {name.replace('_', ' ')} known here; known: {', '.join(known)}.")
    return wanted or tuple(known)


def _directory(settings: Settings) -> TrustDirectory:
    return TrustDirectory(settings.trust.directory, settings.division)
