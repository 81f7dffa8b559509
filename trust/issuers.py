"""What we trust of an issuer: its keys with their times, its log's keys, and since when we know.

Also opens the statements that trust is made of: a jurisdiction's own bundle, trust certificates, status changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from trust.algorithms import PublicKey, Suite, key_id_of, load_public_key
from trust.envelope import Envelope, check_signatures
from trust.errors import MalformedInput, SignatureInvalid, StepFailed, StepUndecided, UnknownSuite
from trust.libcrypto import LIBCRYPTO
from trust.log.checkpoint import own_cosigner
from trust.log.succession import Succession, open_last_head
from trust.statements import (
    JURISDICTION_BUNDLE,
    STATUS_CHANGE,
    TRUST_CERTIFICATE,
    read_envelope,
    read_jurisdiction_bundle,
    read_status_change,
    read_trust_certificate,
)
from trust.vocabulary import JurisdictionBundle, StatusChange, TrustCertificate

_NO_WITNESSES: Mapping[str, PublicKey] = MappingProxyType({})

_NEW_REPORT = "ask for a new report"
_INSTEAD: Mapping[str, str] = {
    JURISDICTION_BUNDLE: "ask its administrator for a new bundle",
    TRUST_CERTIFICATE: "its recogniser must sign it again (`huxin recognise grant DIVISION --keep`)",
    STATUS_CHANGE: "its issuer must publish the change again",
}
"""What to do about a statement whose key may not have signed it, by type; of a report's, to ask for a new one."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A signing key and when it may sign: from `valid_from` (inclusive) to `retired_at` (exclusive)."""

    key: PublicKey
    valid_from: datetime
    retired_at: datetime | None
    compromised_at: datetime | None

    def require_valid(self, at: datetime, existed_by: datetime | None = None, instead: str = _NEW_REPORT) -> None:
        """Check that what claims to be signed at that instant can count (`docs/recognition.md`, Recognition policy).

        `existed_by`: the latest that the issuer's clock may have shown when it is proven to have existed; None where
        nothing proves that. `instead`: what to do where it cannot, for people. Raises StepFailed: KEY_NOT_YET_VALID,
        KEY_RETIRED or KEY_COMPROMISED. Raises StepUndecided (KEY_COMPROMISED_SINCE) for what claims to be older than a
        compromise, unless it existed before that: the thief could have dated it back.
        """
        if at < self.valid_from:
            raise StepFailed("KEY_NOT_YET_VALID", f"signed before its key was valid: {instead}")
        if self.compromised_at is not None and at >= self.compromised_at:
            raise StepFailed("KEY_COMPROMISED", "signed when its key was in other hands: do not rely on it")
        if self.retired_at is not None and at >= self.retired_at:
            raise StepFailed("KEY_RETIRED", f"signed after its key was retired: {instead}")
        if self.compromised_at is not None and (existed_by is None or existed_by >= self.compromised_at):
            raise StepUndecided(
                "KEY_COMPROMISED_SINCE", f"its key was compromised later, so its date proves nothing: {instead}"
            )


@dataclass(frozen=True, slots=True)
class ClosedLog:
    """A log that was succeeded: its first `size` entries count, those under `root` (32 bytes), and none after them.

    `note`: the signed note of that head, which the log's own node cosigned at `cosigned_at`. `first_entry`: what the
    successor MUST begin with.
    """

    origin: str
    head_key: PublicKey
    cosigner: PublicKey
    size: int
    root: bytes
    note: str
    cosigned_at: datetime
    first_entry: bytes


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """Trusted state of one issuer, as of `refreshed_at`, when it was last known to be current.

    `keys` by key id; `unsupported` are ids of keys whose suite this version or machine does not know; `cosigners` by
    the name in the log's notes, the issuer's own node among them. `expires_at` (exclusive) is the end of the registry
    metadata by which we know the issuer; None for a bundle that was handed over, which ends by its age alone.
    """

    division: str
    keys: Mapping[str, TrustedKey]
    unsupported: frozenset[str]
    origin: str
    head_key: PublicKey
    cosigners: Mapping[str, PublicKey]
    refreshed_at: datetime
    expires_at: datetime | None = None
    closed: tuple[ClosedLog, ...] = ()
    """The logs before the one at `origin`, from the first on."""
    log_keys_digest: bytes = field(init=False, repr=False)
    """SHA-256 over origins and log keys: what the arithmetic of a tree head depends on."""
    compromised: frozenset[str] = field(init=False, repr=False)
    """Ids of the keys that were in other hands: what they signed counts by when it is proven to have existed."""

    def __post_init__(self) -> None:
        known = sorted((name, key.key_id) for name, key in self.cosigners.items())
        closed = [(log.origin, log.head_key.key_id, log.cosigner.key_id) for log in self.closed]
        text = repr((self.origin, self.head_key.key_id, known, closed))
        object.__setattr__(self, "log_keys_digest", hashlib.sha256(text.encode()).digest())
        lost = frozenset(key_id for key_id, known in self.keys.items() if known.compromised_at is not None)
        object.__setattr__(self, "compromised", lost)

    def succeeded(self, succession: Succession) -> TrustedIssuer:
        """The same, whose log goes on as this succession says: what k of n signed off, no less.

        Raises CheckpointInvalid when the last head that it names is not signed by the log that it closes, and
        MalformedInput when that is not the log of this issuer.
        """
        if succession.predecessor != self.origin:
            raise MalformedInput("the succession closes another log than the issuer's: ask who wrote it")
        own = own_cosigner(self.origin)
        last = open_last_head(succession, self.head_key, self.cosigners[own])
        closed = ClosedLog(
            self.origin,
            self.head_key,
            self.cosigners[own],
            last.size,
            last.root,
            succession.head,
            last.cosigners[own],
            succession.entry,
        )
        return replace(
            self,
            origin=succession.origin,
            head_key=succession.new_head_key,
            cosigners=MappingProxyType({**self.cosigners, own: succession.new_cosigner}),
            closed=(*self.closed, closed),
        )

    def as_of_log(self, closed: ClosedLog) -> TrustedIssuer:
        """The same issuer as the log that was closed knew it: for what stands there."""
        cosigners = MappingProxyType({**self.cosigners, own_cosigner(closed.origin): closed.cosigner})
        return replace(self, origin=closed.origin, head_key=closed.head_key, cosigners=cosigners)

    def of_log(self, origin: str) -> TrustedIssuer:
        """The same issuer with the keys of the log of that origin, where it is one of its own; else as it is."""
        for closed in self.closed:
            if closed.origin == origin:
                return self.as_of_log(closed)
        return self

    def with_witnesses(self, witnesses: Mapping[str, PublicKey]) -> TrustedIssuer:
        """The same, with these witnesses known as well; nobody takes the place of the issuer's own node."""
        return replace(self, cosigners=MappingProxyType({**witnesses, **self.cosigners}))

    @staticmethod
    def of(
        bundle: JurisdictionBundle,
        refreshed_at: datetime,
        witnesses: Mapping[str, PublicKey] = _NO_WITNESSES,
        expires_at: datetime | None = None,
        libcrypto: str = LIBCRYPTO,
    ) -> TrustedIssuer:
        """Trusted state from a bundle that was verified, with the witnesses whose cosignatures we know by name.

        `libcrypto` is the library asked for SM2: without it, keys of that suite are among the unsupported.
        Raises BadKey when a key does not fit its suite or a log key is not Ed25519.
        """
        keys: dict[str, TrustedKey] = {}
        unsupported = set()
        for info in bundle.signing_keys:
            try:
                key = load_public_key(info.spki, info.suite, libcrypto)
            except UnknownSuite:
                unsupported.add(key_id_of(info.spki))
            else:
                keys[key.key_id] = TrustedKey(key, info.valid_from, info.retired_at, info.compromised_at)
        cosigner = load_public_key(bundle.log.cosigner_spki, Suite.ED25519)
        return TrustedIssuer(
            division=bundle.division,
            keys=MappingProxyType(keys),
            unsupported=frozenset(unsupported),
            origin=bundle.log.origin,
            head_key=load_public_key(bundle.log.head_spki, Suite.ED25519),
            cosigners=MappingProxyType({**witnesses, own_cosigner(bundle.log.origin): cosigner}),
            refreshed_at=refreshed_at,
            expires_at=expires_at,
        )


def witness_keys(issuers: Iterable[TrustedIssuer]) -> Mapping[str, PublicKey]:
    """By name the key with which each of these issuers' nodes cosigns its own log and, as a witness, all others."""
    names = {own_cosigner(issuer.origin): issuer for issuer in issuers}
    return MappingProxyType({name: issuer.cosigners[name] for name, issuer in names.items()})


@dataclass(frozen=True, slots=True)
class Conditions:
    """What our trust certificate demands of an issuer's statements. Nothing in a message can lower it."""

    all_of: frozenset[str]
    any_of: frozenset[str]
    witness_quorum: int
    max_trust_state_age: timedelta
    max_log_view_age: timedelta

    @staticmethod
    def of(certificate: TrustCertificate) -> Conditions:
        """The conditions of a certificate that was verified."""
        return Conditions(
            all_of=frozenset(certificate.suites.all_of),
            any_of=frozenset(certificate.suites.any_of),
            witness_quorum=certificate.witness_quorum,
            max_trust_state_age=timedelta(seconds=certificate.max_trust_state_age_seconds),
            max_log_view_age=timedelta(seconds=certificate.max_log_view_age_seconds),
        )


def open_jurisdiction_bundle(data: bytes, libcrypto: str = LIBCRYPTO) -> JurisdictionBundle:
    """Read a jurisdiction's bundle from envelope bytes; it is signed by keys that it lists itself.

    That proves possession of the keys, not who holds them: whoever imports it confirms the key ids another way.
    Raises MalformedInput, BadKey, SignatureInvalid, StepFailed or StepUndecided (key validity), and UnknownSuite when
    a signature is of a suite that cannot be checked here, whatever the others are worth.
    """
    envelope = _envelope_of(JURISDICTION_BUNDLE, data)
    bundle = read_jurisdiction_bundle(envelope.payload)
    _require_signed(envelope, TrustedIssuer.of(bundle, bundle.issued_at, libcrypto=libcrypto), bundle.issued_at)
    return bundle


def open_trust_certificate(data: bytes, recogniser: TrustedIssuer) -> TrustCertificate:
    """Read a trust certificate from envelope bytes and check that the recogniser signed it. Raises as above."""
    envelope = _envelope_of(TRUST_CERTIFICATE, data)
    certificate = read_trust_certificate(envelope.payload)
    _require_author(certificate.recogniser, recogniser)
    _require_signed(envelope, recogniser, certificate.issued_at)
    return certificate


def open_lapsed_certificate(data: bytes, recogniser: TrustedIssuer) -> TrustCertificate:
    """Read a trust certificate as if no key of its recogniser had ever been in other hands. Raises as above.

    It says what was signed, or what the thief wrote: terms to look at and to sign again, never trust.
    """
    kept = {key_id: replace(known, compromised_at=None) for key_id, known in recogniser.keys.items()}
    return open_trust_certificate(data, replace(recogniser, keys=MappingProxyType(kept)))


def open_status_change(data: bytes, issuer: TrustedIssuer, existed_by: datetime | None = None) -> StatusChange:
    """Read a status change from envelope bytes and check that the issuer signed it. Raises as above.

    `existed_by` as for `TrustedKey.require_valid`.
    """
    envelope = _envelope_of(STATUS_CHANGE, data)
    change = read_status_change(envelope.payload)
    _require_author(change.issuer, issuer)
    _require_signed(envelope, issuer, change.issued_at, existed_by)
    return change


def _envelope_of(payload_type: str, data: bytes) -> Envelope:
    envelope = read_envelope(data)
    if envelope.payload_type != payload_type:
        raise MalformedInput(f"not a statement of type {payload_type}: give the right file", "WRONG_PAYLOAD_TYPE")
    return envelope


def _require_author(claimed: str, signer: TrustedIssuer) -> None:
    if claimed != signer.division:
        raise SignatureInvalid("a jurisdiction speaks for itself only: ask the one it names", "ISSUER_MISMATCH")


def _require_signed(
    envelope: Envelope, signer: TrustedIssuer, at: datetime, existed_by: datetime | None = None
) -> None:
    if any(signature.key_id in signer.unsupported for signature in envelope.signatures):
        raise UnknownSuite(
            "signed with a suite that cannot be checked here: upgrade, or install what the suite needs "
            "(docs/protocol.md, Signed statements)"
        )
    check_signatures(envelope, {key_id: trusted.key for key_id, trusted in signer.keys.items()})
    for signature in envelope.signatures:
        signer.keys[signature.key_id].require_valid(at, existed_by, _INSTEAD.get(envelope.payload_type, _NEW_REPORT))
