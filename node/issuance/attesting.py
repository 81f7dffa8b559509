"""A filled report becomes evidence: salted section tree, attestation, signed envelope, bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from node.model.calendar import Period
from node.model.catalogue import Catalogue
from node.model.issuing import PeriodExceptionNote
from node.model.subject import Registration
from trust import bundle, disclosure, statements, vocabulary
from trust.envelope import seal
from trust.keys import Signer

RandomBytes = Callable[[int], bytes]
_SALT = 32


@dataclass(frozen=True, slots=True)
class ReportDraft:
    """A report before it is signed. `sections` are encoded, in tree order, the summary first."""

    report_number: str
    registration: Registration
    issued_at: datetime
    period: Period
    exception: PeriodExceptionNote | None
    scenario: str
    sections: Sequence[bytes]
    catalogue: Catalogue
    crosswalk_digest: bytes


@dataclass(frozen=True, slots=True)
class AttestedReport:
    """A signed report: its envelope for the log, its digest, and the complete bundle without a proof of inclusion."""

    envelope: bytes
    digest: bytes
    bundle: bytes


def attest(draft: ReportDraft, signers: Sequence[Signer], random: RandomBytes) -> AttestedReport:
    """Signs `draft` with every signer.

    Every section, the subject and the report digest get fresh salts of 32 random bytes each.
    """
    count = len(draft.sections)
    drawn = random(_SALT * (count + 2))
    *salts, subject_salt, report_salt = (drawn[at : at + _SALT] for at in range(0, len(drawn), _SALT))
    leaves = disclosure.section_leaves(salts, draft.sections)
    scheme = draft.catalogue.scheme
    ref = draft.registration.ref
    statement = vocabulary.Attestation(
        report_number=draft.report_number,
        issuer=draft.catalogue.division,
        territory=draft.catalogue.territory,
        subject_kind=vocabulary.SubjectKind(draft.registration.kind.value),
        scheme=scheme.scheme,
        template_version=scheme.template_version,
        legal_basis=scheme.legal_basis,
        issued_at=draft.issued_at,
        valid_until=None if scheme.validity_days is None else draft.issued_at + timedelta(days=scheme.validity_days),
        data_cutoff=draft.issued_at,
        period=vocabulary.Period(draft.period.start, draft.period.end),
        period_exception=None
        if draft.exception is None
        else vocabulary.PeriodException(draft.exception.relying_party, draft.exception.reason),
        scenario=draft.scenario,
        subject_commitment=disclosure.commitment(subject_salt, ref.id_type.value, ref.id),
        section_count=count,
        section_root=disclosure.tree_root(leaves),
        report_digest=disclosure.report_digest(
            report_salt, bundle.report_document(draft.report_number, draft.sections)
        ),
        catalogue_digest=draft.catalogue.digest,
        crosswalk_digest=draft.crosswalk_digest,
    )
    envelope = statements.encode_envelope(
        seal(statements.ATTESTATION, statements.encode_attestation(statement), signers)
    )
    return AttestedReport(
        envelope,
        sha256(envelope).digest(),
        bundle.encode_bundle(
            envelope, subject_salt, bundle.Disclosure(tuple(draft.sections), tuple(salts)), report_salt
        ),
    )
