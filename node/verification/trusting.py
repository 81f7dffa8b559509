"""What this node trusts and recognises, made ready for verification: replaced whole when the trusted state changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from node.model.catalogue import Caveat
from node.model.freshness import AgeLimits, LimitSetter
from node.model.policy import RecognitionPolicy
from node.model.records import RecordType
from trust.issuers import Conditions, TrustedIssuer
from trust.vocabulary import TrustCertificate


@dataclass(frozen=True, slots=True)
class KnownIssuer:
    """The trusted state of one issuer and SHA-256 of the bundle that it comes from."""

    trusted: TrustedIssuer
    digest: bytes


@dataclass(frozen=True, slots=True)
class Recognition:
    """One of our trust certificates in the two forms that use it, and SHA-256 of its envelope."""

    conditions: Conditions
    policy: RecognitionPolicy
    digest: bytes
    issued_at: datetime
    trust_state: AgeLimits
    log_view: AgeLimits

    @staticmethod
    def of(certificate: TrustCertificate, digest: bytes, limits: FreshnessLimits) -> Recognition:
        """From a certificate that was verified. A node may be stricter than its certificates, never laxer.

        Caveats that this version does not know stay refused.
        """
        conditions = Conditions.of(certificate)
        trust_state = AgeLimits(
            min(limits.trust_state_fresh, limits.trust_state), limits.trust_state, LimitSetter.NODE
        ).at_most(conditions.max_trust_state_age, LimitSetter.CERTIFICATE)
        log_view = AgeLimits(min(limits.log_view_fresh, limits.log_view), limits.log_view, LimitSetter.NODE).at_most(
            conditions.max_log_view_age, LimitSetter.CERTIFICATE
        )
        conditions = replace(conditions, max_trust_state_age=trust_state.stale, max_log_view_age=log_view.stale)
        known_caveats = {caveat.value for caveat in Caveat}
        policy = RecognitionPolicy(
            recogniser=certificate.recogniser,
            issuer=certificate.issuer,
            leaves=frozenset(certificate.scope.leaves),
            record_types=frozenset(RecordType(code) for code in certificate.scope.record_types),
            scenarios=frozenset(certificate.scope.scenarios),
            reviewed_catalogues=frozenset(certificate.reviewed_catalogues),
            reviewed_crosswalks=frozenset(certificate.reviewed_crosswalks),
            accepted_caveats=frozenset(
                Caveat(caveat) for caveat in certificate.accepted_caveats if caveat in known_caveats
            ),
            max_trust_state_age=conditions.max_trust_state_age,
            max_log_view_age=conditions.max_log_view_age,
            valid_from=certificate.valid_from,
            valid_until=certificate.valid_until,
            withdrawn=certificate.withdrawn,
        )
        return Recognition(conditions, policy, digest, certificate.issued_at, trust_state, log_view)


@dataclass(frozen=True, slots=True)
class FreshnessLimits:
    """Upper limits of this node, whatever a trust certificate allows, and below which age nothing is warned of.

    A fresh limit beyond the upper one, of whomever, ends with that.
    """

    trust_state: timedelta
    log_view: timedelta
    trust_state_fresh: timedelta = timedelta(days=1)
    log_view_fresh: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TrustSnapshot:
    """Issuers by division code, and our trust certificates by the issuer that they recognise.

    All certificates for an issuer, withdrawals included, in the order in which they were signed.
    """

    issuers: Mapping[str, KnownIssuer]
    recognitions: Mapping[str, tuple[Recognition, ...]]
    unchecked: frozenset[str] = frozenset()
    """Divisions whose bundle is held, but signed in a suite that cannot be checked here."""

    def recognition(self, issuer: str, at: datetime) -> Recognition | None:
        """Our certificate for an issuer that counts at an instant: the last one signed, even if it is a withdrawal."""
        found = None
        for each in self.recognitions.get(issuer, ()):
            if each.issued_at <= at:
                found = each
        return found
