"""A signed world in small: one issuer (Shanxi) with real keys and a real log, and what a verifier holds of it.

Subjects and sections are synthetic. Everything is deterministic except the keys, which are made once per process.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from node.model.log import EntryView, LogHead, StatusEvent
from trust.algorithms import Suite
from trust.bundle import Disclosure, Inclusion, encode_bundle, report_document
from trust.disclosure import commitment, report_digest, section_leaves, tree_root
from trust.envelope import Envelope, seal
from trust.issuers import Conditions, TrustedIssuer
from trust.keys import PrivateKey, generate
from trust.log.checkpoint import cosign, own_cosigner, sign_head
from trust.log.proofs import inclusion_plan
from trust.log.tree import leaf_hash, root_of
from trust.memo import ArithmeticMemo
from trust.sightings import SightingFacts
from trust.statements import ATTESTATION, encode_attestation, encode_envelope
from trust.verify import Examination, verify
from trust.vocabulary import Attestation, JurisdictionBundle, LogKeys, Period, SigningKeyInfo, SubjectKind
from trust.witnesses import NOTHING_WITNESSED, Witnessing

ISSUED = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
NOW = ISSUED + timedelta(minutes=10)
ORIGIN = "huxin/140000"
CLAIM = ("uscc", "91140000MA0TE5T16Q")
NUMBER = "14000020261122ABCDEFGHJKMNPQRS7"


_KEYS: dict[tuple[str, Suite], PrivateKey] = {}


def key(name: str, suite: Suite = Suite.ED25519) -> PrivateKey:
    """A key by name, made once per process."""
    if (name, suite) not in _KEYS:
        _KEYS[name, suite] = generate(suite)
    return _KEYS[name, suite]


def salt(name: str) -> bytes:
    """32 bytes that depend on the name alone: tests repeat, issuers draw."""
    return hashlib.sha256(name.encode()).digest()


def sections_of(count: int) -> tuple[bytes, ...]:
    """So many synthetic sections: the trust kernel does not look inside."""
    return tuple(f"synthetic section {number}".encode() * 3 for number in range(count))


def attestation_of(sections: tuple[bytes, ...]) -> Attestation:
    """What the issuer attests of a report with these sections."""
    leaves = section_leaves([salt(f"section {at}") for at in range(len(sections))], sections)
    return Attestation(
        report_number=NUMBER,
        issuer="140000",
        territory="140000",
        subject_kind=SubjectKind.ENTERPRISE,
        scheme="140000/2025-237",
        template_version="1",
        legal_basis=("synthetic legal basis",),
        issued_at=ISSUED,
        valid_until=ISSUED + timedelta(days=30),
        data_cutoff=ISSUED,
        period=Period(date(2021, 11, 22), date(2026, 11, 22)),
        period_exception=None,
        scenario="tender",
        subject_commitment=commitment(salt("subject"), *CLAIM),
        section_count=len(sections),
        section_root=tree_root(leaves),
        report_digest=report_digest(salt("report"), report_document(NUMBER, sections)),
        catalogue_digest=salt("catalogue"),
        crosswalk_digest=salt("crosswalk"),
    )


def complete(sections: tuple[bytes, ...]) -> Disclosure:
    """All sections shown."""
    return Disclosure(sections, tuple(salt(f"section {at}") for at in range(len(sections))))


def jurisdiction(*signers: PrivateKey) -> JurisdictionBundle:
    """Shanxi's bundle with these signing keys, valid for a month before the report."""
    return JurisdictionBundle(
        division="140000",
        name_zh="山西",
        name_en="Shanxi",
        version=1,
        issued_at=ISSUED - timedelta(days=1),
        ca_certificates=(b"synthetic",),
        signing_keys=tuple(
            SigningKeyInfo(signer.spki, signer.suite, ISSUED - timedelta(days=30)) for signer in signers
        ),
        log=LogKeys(ORIGIN, key("head").spki, key("cosigner").spki),
    )


@dataclass(frozen=True)
class Log:
    """A log of these entries, with its head cosigned at an instant."""

    entries: tuple[bytes, ...]
    cosigned_at: datetime | None

    @property
    def root(self) -> bytes:
        return root_of([leaf_hash(entry) for entry in self.entries])

    def checkpoint(self, *witnesses: str) -> str:
        text = sign_head(ORIGIN, len(self.entries), self.root, key("head"))
        if self.cosigned_at is not None:
            text = cosign(text, own_cosigner(ORIGIN), key("cosigner"), self.cosigned_at)
        for name in witnesses:
            text = cosign(text, name, key(name), ISSUED + timedelta(minutes=2))
        return text

    def inclusion(self, index: int, *witnesses: str) -> Inclusion:
        """Proof for an entry, from a tree kept whole."""
        leaves = [leaf_hash(entry) for entry in self.entries]
        plan = inclusion_plan(index, len(leaves))
        roots = {s: root_of(leaves[s.index << s.level : (s.index + 1) << s.level]) for s in plan.subtrees}
        return Inclusion(index, plan.fold(roots), self.checkpoint(*witnesses))

    def view(self) -> LogHead:
        """A verifier's replica that holds all of it."""
        return LogHead(ORIGIN, len(self.entries), self.root, self.checkpoint(), self.cosigned_at)


@dataclass(frozen=True)
class World:
    """One report and everything that bears on it, each part replaceable. `verify` runs steps 1 to 13 over it.

    `as_of` None: by the rules of `now`.
    """

    bundle: bytes
    envelope: bytes
    log: Log
    trusted: TrustedIssuer | None
    terms: Conditions | None
    view: LogHead | None
    entry: EntryView | None
    claim: tuple[str, str] | None = CLAIM
    now: datetime = NOW
    as_of: datetime | None = None
    memo: ArithmeticMemo | None = field(default=None, compare=False)
    unchecked: bool = False

    @staticmethod
    def build(
        sections: tuple[bytes, ...] = sections_of(5),
        signers: tuple[PrivateKey, ...] | None = None,
        attestation: Attestation | None = None,
        *,
        shown: Disclosure | None = None,
        proof: bool = True,
    ) -> World:
        """A genuine report of these sections, third of five entries in a log that the verifier has replicated."""
        signers = (key("signing"),) if signers is None else signers
        said = attestation_of(sections) if attestation is None else attestation
        return World.around(seal(ATTESTATION, encode_attestation(said), signers), sections, shown, proof, signers)

    @staticmethod
    def around(
        envelope: Envelope,
        sections: tuple[bytes, ...],
        shown: Disclosure | None,
        proof: bool,
        signers: tuple[PrivateKey, ...],
    ) -> World:
        """The same around any envelope."""
        data = encode_envelope(envelope)
        log = Log((b"a", b"b", data, b"d", b"e"), ISSUED + timedelta(minutes=5))
        shown = complete(sections) if shown is None else shown
        report_salt = salt("report") if shown.complete else b""
        inclusion = log.inclusion(2) if proof else None
        return World(
            bundle=encode_bundle(data, salt("subject"), shown, report_salt, inclusion),
            envelope=data,
            log=log,
            trusted=TrustedIssuer.of(jurisdiction(*signers), NOW - timedelta(hours=1)),
            terms=conditions(),
            view=log.view(),
            entry=EntryView(ORIGIN, 2, data, ()),
        )

    def verify(self, bundle: bytes | None = None) -> Examination:
        """Steps 1 to 13 over this bundle, or over another in its place."""
        return replace(self, bundle=self.bundle if bundle is None else bundle).examine(NOTHING_WITNESSED)

    def examine(self, witnessing: Witnessing, *sightings: SightingFacts) -> Examination:
        """The same over this bundle, with what others told of the log, and who saw the entry in it when."""
        return verify(
            self.bundle,
            claim=self.claim,
            trusted=self.trusted,
            terms=self.terms,
            view=self.view,
            entry=self.entry,
            as_of=self.now if self.as_of is None else self.as_of,
            known_at=self.now,
            memo=self.memo,
            unchecked=self.unchecked,
            witnessing=witnessing,
            sightings=sightings,
        )

    def with_statuses(self, *statuses: StatusEvent) -> World:
        """The same with these changes in our view."""
        return replace(self, entry=EntryView(ORIGIN, 2, self.envelope, statuses))


def conditions(
    all_of: frozenset[str] = frozenset({"ed25519"}), any_of: frozenset[str] = frozenset(), quorum: int = 0
) -> Conditions:
    """What a trust certificate demands: these suites, state of a day, view of an hour."""
    return Conditions(all_of, any_of, quorum, timedelta(days=1), timedelta(hours=1))
