"""What recognition reads of an authenticated report. Nothing unauthenticated is ever put in here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from node.model.calendar import Period
from node.model.report import DisclosedReport
from trust.verify import Examined


@dataclass(frozen=True, slots=True)
class Presented:
    """What an examined statement says, and the sections shown with it.

    `envelope_digest` (SHA-256 of the signed envelope) names the statement; the other digests are those of the issuer's
    catalogue and crosswalk versions; all have 32 bytes. Instants are UTC.
    """

    envelope_digest: bytes
    issuer: str
    territory: str
    subject_kind: str
    scheme: str
    template_version: str
    issued_at: datetime
    data_cutoff: datetime
    period: Period
    period_exception: bool
    scenario: str
    catalogue_digest: bytes
    crosswalk_digest: bytes
    report: DisclosedReport

    @classmethod
    def of(cls, examined: Examined, report: DisclosedReport) -> Presented:
        """`report` is what `examined.sections` decode to, and nothing else."""
        said = examined.attestation
        return cls(
            examined.envelope_digest,
            said.issuer,
            said.territory,
            said.subject_kind.value,
            said.scheme,
            said.template_version,
            said.issued_at,
            said.data_cutoff,
            Period(said.period.start, said.period.end),
            said.period_exception is not None,
            said.scenario,
            said.catalogue_digest,
            said.crosswalk_digest,
            report,
        )
