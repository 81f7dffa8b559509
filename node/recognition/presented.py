"""What recognition reads of an authenticated report. Nothing unauthenticated is ever put in here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from node.model.calendar import Period
from node.model.report import DisclosedReport


@dataclass(frozen=True, slots=True)
class Presented:
    """An attestation's content and the sections shown with it.

    Made only from a statement whose signature was checked (steps 1-5) and from sections that were proven against its
    root (step 13). `catalogue_digest` and `crosswalk_digest` are SHA-256, 32 bytes; instants are UTC.
    """

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
