"""`huxin recognise`: what a trust certificate would change is worked out before it is signed."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509

from node.app.jurisdictions import Jurisdictions, load_jurisdictions
from node.app.relations import RelationState, signed_for, state_of
from node.app.trusting import (
    DEFAULT_MONTHS,
    SELF_MONTHS,
    RecognitionChoices,
    freshness_limits,
    known_issuer,
    make_certificate,
    sign_certificate,
    trusted_state,
    withdrawal_of,
)
from node.config.settings import Settings
from node.errors import BadSource, InvalidInput
from node.model.calendar import day_in_china, start_of_day
from node.model.catalogue import Caveat, Edition
from node.model.counting import counted
from node.model.records import RecordType
from node.model.registry import RegistryRecord
from node.model.verdict import Step, StepStatus
from node.recognition.cells import RequiredCell
from node.recognition.coverage import Grade, IssuerView
from node.recognition.flips import Prospect, Terms, VerdictFlip, prospects
from node.recognition.terms import TermChange, term_changes
from node.registry.directory import HeldCertificate, LapsedCertificate, TrustedJurisdiction, TrustedState
from node.verification.trusting import Recognition
from trust import outcome, steps
from trust.errors import StepUndecided
from trust.issuers import TrustedIssuer
from trust.vocabulary import TrustCertificate


@dataclass(frozen=True, slots=True)
class Proposal:
    """A trust certificate, or a withdrawal, that is not signed yet, and all that it would change.

    `earlier` is the certificate signed last for the issuer, if any, withdrawn or not; `changes` are told against it
    unless it was withdrawn. `lapsed`: what was signed last counts no more, for a key that signed it was in other hands;
    `changes` are told against that, and whoever had the key may have written it. `doubts` are sentences: what a careful
    person should know and nothing forbids.
    """

    certificate: TrustCertificate
    earlier: HeldCertificate | None
    changes: tuple[TermChange, ...]
    prospects: tuple[Prospect, ...]
    doubts: tuple[str, ...]
    lapsed: bool = False

    @property
    def flips(self) -> tuple[VerdictFlip, ...]:
        return tuple(each.flip for each in self.prospects if each.flip is not None)


def propose(
    settings: Settings, record: RegistryRecord | None, issuer: str, choices: RecognitionChoices, now: datetime
) -> Proposal:
    """What granting these choices would come to. Raises InvalidInput for an unknown issuer or code, an empty scope."""
    state, jurisdictions = trusted_state(settings, record), load_jurisdictions(settings, record)
    known = known_issuer(state, issuer)
    certificate = make_certificate(jurisdictions, known, choices, now)
    edition = _edition(jurisdictions, issuer, now)
    _require_reach(certificate, edition)
    after = _terms(settings, state, certificate, known, now)
    doubts = (
        *_lapse_doubts(state, issuer, now),
        *_doubts(jurisdictions, certificate, known, edition, now),
        *_signing_doubts(after),
        *_witness_doubts(state, certificate),
    )
    return _proposal(settings, jurisdictions, state, certificate, after, doubts, now)


def propose_withdrawal(
    settings: Settings, record: RegistryRecord | None, issuer: str, reason: str, now: datetime
) -> Proposal:
    """What withdrawing would come to. Raises BadSource when the issuer is not recognised."""
    state, jurisdictions = trusted_state(settings, record), load_jurisdictions(settings, record)
    certificate = withdrawal_of(state, issuer, now, reason)
    after = _terms(settings, state, certificate, known_issuer(state, issuer), now)
    return _proposal(settings, jurisdictions, state, certificate, after, (), now)


def sign(settings: Settings, record: RegistryRecord | None, proposal: Proposal, now: datetime) -> HeldCertificate:
    """Signs and stores what was shown, from now on in force. Raises BadSource when it would not change what was shown.

    Raises InvalidInput when it would have ended already.
    """
    shown = proposal.certificate
    if _last(trusted_state(settings, record), shown.issuer) != proposal.earlier:
        raise BadSource(
            "certificates",
            f"another certificate for {shown.issuer} was signed since this one was shown; look again, then sign",
        )
    if shown.withdrawn:
        return sign_certificate(settings, replace(shown, issued_at=now))
    if shown.valid_until <= now:
        raise InvalidInput("months_valid", "The certificate would have ended already; look again, then sign.")
    return sign_certificate(settings, replace(shown, issued_at=now, valid_from=now))


def choices_of(settings: Settings, record: RegistryRecord | None, issuer: str) -> RecognitionChoices:
    """The terms signed last for an issuer, for signing them again. Raises InvalidInput when there are none.

    How long they last is kept of ourselves alone; of others it is twelve months from the new signature.
    Also of a certificate that counts no more since a key was compromised: `propose` says so among its doubts.
    """
    signed = signed_for(trusted_state(settings, record), issuer)
    if not signed:
        raise InvalidInput("--keep", f"Nothing was signed for {issuer} before; choose the terms without --keep.")
    certificate = signed[-1].certificate
    scope = certificate.scope
    if not (scope.leaves and scope.record_types and scope.scenarios):
        raise InvalidInput("--keep", f"The scope signed last for {issuer} is empty; choose the terms without --keep.")
    return RecognitionChoices(
        scenarios=scope.scenarios,
        leaves=scope.leaves,
        record_types=scope.record_types,
        caveats=tuple(caveat for caveat in Caveat if caveat.value in certificate.accepted_caveats),
        suites=certificate.suites.any_of,
        required_suites=certificate.suites.all_of,
        max_trust_state_age_seconds=certificate.max_trust_state_age_seconds,
        max_log_view_age_seconds=certificate.max_log_view_age_seconds,
        witness_quorum=certificate.witness_quorum,
        legal_basis=certificate.legal_basis,
        # Of ourselves, or our own reports would end here; of others a new year is a decision of its own.
        months_valid=_months(certificate) if issuer == settings.division else DEFAULT_MONTHS,
    )


def digest_words(jurisdictions: Jurisdictions, digest: bytes) -> str:
    """A reviewed catalogue or crosswalk by the version that it belongs to, and its digest."""
    for edition in jurisdictions.registry.editions:
        if digest in (edition.catalogue.digest, edition.crosswalk.digest):
            return f"{edition.catalogue.version} {digest.hex()}"
    return f"not known here {digest.hex()}"


def _proposal(
    settings: Settings,
    jurisdictions: Jurisdictions,
    state: TrustedState,
    certificate: TrustCertificate,
    after: Terms,
    doubts: tuple[str, ...],
    now: datetime,
) -> Proposal:
    issuer = certificate.issuer
    earlier = _last(state, issuer)
    signed = None if earlier is None else earlier.certificate
    before = _terms(settings, state, signed, known_issuer(state, issuer), now)
    compared = None if signed is None or signed.withdrawn else signed
    lapsed = _lapsed(state, issuer, now)
    if lapsed is not None:
        compared = lapsed.certificate
    return Proposal(
        certificate,
        earlier,
        term_changes(compared, certificate, lambda digest: digest_words(jurisdictions, digest)),
        prospects(
            jurisdictions.list_requirements(),
            jurisdictions.registry.taxonomy,
            jurisdictions.own_edition(now),
            issuer,
            _edition(jurisdictions, issuer, now),
            (before, after),
            now,
        ),
        doubts,
        lapsed is not None,
    )


def _months(certificate: TrustCertificate) -> int:
    """Its length in the months of `make_certificate`, as far as one can be chosen."""
    whole = round((certificate.valid_until - certificate.valid_from) / timedelta(days=30))
    return min(max(whole, 1), SELF_MONTHS)


def _lapsed(state: TrustedState, issuer: str, now: datetime) -> LapsedCertificate | None:
    """What was signed last for an issuer, when it counts no more; None when it does, or was a withdrawal."""
    signed = signed_for(state, issuer)
    last = signed[-1] if signed and state_of(signed[-1], now) is RelationState.LAPSED else None
    return last if isinstance(last, LapsedCertificate) else None


def _last(state: TrustedState, issuer: str) -> HeldCertificate | None:
    held = state.certificates.get(issuer, ())
    return held[-1] if held else None


def _edition(jurisdictions: Jurisdictions, issuer: str, now: datetime) -> Edition | None:
    """The issuer's catalogue in force today, None when none is known here."""
    in_force = jurisdictions.registry.in_force(day_in_china(now))
    return next((edition for edition in in_force if edition.catalogue.division == issuer), None)


def _terms(
    settings: Settings,
    state: TrustedState,
    certificate: TrustCertificate | None,
    known: TrustedJurisdiction,
    now: datetime,
) -> Terms:
    """A certificate as verification would use it, and which of steps 1 to 13 would fail whatever the report."""
    recognition = None
    if certificate is not None:
        recognition = Recognition.of(certificate, b"", freshness_limits(settings))
    conditions = None if recognition is None else recognition.conditions
    trusted = known.trusted
    if known.bundle.division == settings.division:
        # What a node knows of itself is of this moment, however old the bundle is that it handed to others.
        trusted = replace(trusted, refreshed_at=max(now, trusted.refreshed_at))
    skew = timedelta(seconds=settings.freshness.clock_skew_seconds)
    outcomes = [outcome.run(4, _require_signer, trusted, now)]
    if conditions is not None:
        outcomes.append(outcome.run(5, steps.suites_suffice, _suites_now(trusted, now), conditions))
        outcomes.append(
            outcome.run(7, steps.quorum_has_cosigned, len(_could_witness(state, known.bundle.division)), conditions)
        )
    outcomes.append(outcome.run(8, steps.trust_is_fresh, trusted, conditions, now, skew))
    failing = tuple(
        Step(each.number, StepStatus(each.status.value), each.reason)
        for each in outcomes
        if each.status is not outcome.StepStatus.PASS
    )
    return Terms(None if recognition is None else recognition.policy, failing)


def _suites_now(trusted: TrustedIssuer, now: datetime) -> frozenset[str]:
    """Suites of the keys that an issuer can sign with today."""
    usable = (known for known in trusted.keys.values() if outcome.run(4, known.require_valid, now).reason == "")
    return frozenset(known.key.suite.value for known in usable)


def _require_signer(trusted: TrustedIssuer, now: datetime) -> None:
    """Step 4 of whatever the issuer signs today. Raises as `TrustedKey.require_valid`, StepUndecided: UNKNOWN_SUITE."""
    if _suites_now(trusted, now):
        return
    for known in trusted.keys.values():
        known.require_valid(now)
    raise StepUndecided("UNKNOWN_SUITE", "none of the issuer's keys has a suite that this version knows: upgrade")


def _require_reach(certificate: TrustCertificate, edition: Edition | None) -> None:
    """Raises InvalidInput when the issuer's catalogue collects nothing of what would be recognised."""
    if edition is None or not edition.catalogue.rows_known:
        return  # told as a doubt: what it collects is not known
    view = IssuerView.of(edition.catalogue, edition.crosswalk)
    scope = certificate.scope
    cells = (RequiredCell(leaf, RecordType(kind), (), ()) for leaf in scope.leaves for kind in scope.record_types)
    if all(view.feed(cell).grade < Grade.PARTIAL for cell in cells):
        raise InvalidInput(
            "scope",
            f"The catalogue {edition.catalogue.version} of {certificate.issuer} collects nothing of these leaves and "
            "record types, so nothing would be recognised; see `huxin catalogue coverage`, and choose others.",
        )


def _lapse_doubts(state: TrustedState, issuer: str, now: datetime) -> Iterator[str]:
    """What was signed last counts no more, and may not even be ours."""
    lapsed = _lapsed(state, issuer, now)
    if lapsed is not None:
        yield (
            f"The certificate signed last for {issuer}, on {day_in_china(lapsed.certificate.issued_at)}, counts no "
            "more: a key that signed it was in other hands. With --keep its terms are signed again; whoever had the "
            "key may have written them, so read each."
        )


def _doubts(
    jurisdictions: Jurisdictions,
    certificate: TrustCertificate,
    known: TrustedJurisdiction,
    edition: Edition | None,
    now: datetime,
) -> Iterator[str]:
    issuer = certificate.issuer
    if edition is None:
        code = "CATALOGUE_NOT_REVIEWED" if jurisdictions.registry.of(issuer) else "CATALOGUE_UNKNOWN"
        yield (
            f"No catalogue of {issuer} is in force here: every cell will be {code}. Install it "
            "(docs/add-a-jurisdiction.md) and sign again."
        )
    else:
        if not edition.catalogue.rows_known:
            yield f"The rows of the catalogue of {issuer} are not published: every cell will be CATALOGUE_UNKNOWN."
        if not set(certificate.scope.scenarios) & set(edition.catalogue.scheme.scenarios):
            yield f"The scheme of {issuer} issues for none of these scenarios: every report will be REJECT."
    for what, ends in _ends(known, edition, now):
        if ends < certificate.valid_until:
            yield (
                f"{what} of {issuer} ends on {day_in_china(ends)}, before the certificate does: look again then, and "
                f"sign with `huxin recognise grant {issuer} --keep`."
            )
    if not jurisdictions.list_requirements():
        yield "No procedure of ours is installed: which decisions change cannot be told."


def _ends(known: TrustedJurisdiction, edition: Edition | None, now: datetime) -> Iterator[tuple[str, datetime]]:
    """What a report of the issuer rests on, and when that ends."""
    if edition is not None and edition.catalogue.valid_until is not None:
        yield f"The catalogue {edition.catalogue.version}", start_of_day(edition.catalogue.valid_until)
    if edition is not None and edition.catalogue.scheme.valid_until is not None:
        yield "The scheme", start_of_day(edition.catalogue.scheme.valid_until)
    yield (
        "The last CA certificate",
        max(x509.load_der_x509_certificate(der).not_valid_after_utc for der in known.bundle.ca_certificates),
    )
    signers = [info.retired_at for info in known.bundle.signing_keys if info.valid_from <= now]
    last = [retired_at for retired_at in signers if retired_at is not None]
    if last and len(last) == len(signers):
        yield "The last signing key", max(last)


def _could_witness(state: TrustedState, issuer: str) -> AbstractSet[str]:
    """Jurisdictions known here that could be a witness of an issuer's log: neither it nor we are one."""
    return state.jurisdictions.keys() - {issuer, state.own.bundle.division}


def _witness_doubts(state: TrustedState, certificate: TrustCertificate) -> Iterator[str]:
    """Whether there are as many witnesses as are demanded."""
    demanded = certificate.witness_quorum
    others = _could_witness(state, certificate.issuer)
    if demanded > len(others):
        known = counted(len(others), "other jurisdiction")
        yield (f"Witnesses demanded: {demanded}; known here that could be one: {known}. Every report will be REFER.")


def _signing_doubts(after: Terms) -> Iterator[str]:
    """Why every report would fail or stay undecided before its content is looked at."""
    for step in after.failing:
        if step.reason == "WITNESS_QUORUM_UNMET":
            continue  # told with how many there are
        if step.reason == "SUITE_MISSING":
            yield "The keys that it signs with today have not the suites required: every report will be REJECT."
        elif step.reason == "TRUST_STATE_STALE":
            yield "What we hold of it is older than allowed: every report will be REFER until a newer bundle is here."
        else:
            yield f"No report that it signs today can be relied on ({step.reason}); ask its administrator."
