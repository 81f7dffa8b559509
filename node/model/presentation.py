"""What a relying party presents for verification."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from node.model.requirement import Requirement
from node.model.subject import SubjectRef


@dataclass(frozen=True, slots=True)
class Presentation:
    """One report as presented: its bundle's bytes (at most 1 MiB), or its number alone (then `bundle` is None).

    `subject` is whom it is claimed to be about; without it no decision is better than REFER. `against` None asks for
    authenticity and standing only. `at` is the moment whose rules apply; None is that of the question.
    """

    bundle: bytes | None = field(repr=False)
    report_number: str
    subject: SubjectRef | None
    against: Requirement | None
    at: datetime | None = None
