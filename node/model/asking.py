"""Reports of other jurisdictions, asked for at a window here on behalf of their subject (R181)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from node.model.calendar import Period
from node.model.subject import SubjectRef


@dataclass(frozen=True, slots=True)
class ReportAsk:
    """What a request says. `evidence_digest`: SHA-256 of the evidence of identity and consent, 32 bytes.

    `period` None: the longest that the issuer's scheme allows. `local_codes` empty: all rows of its catalogue.
    """

    subject: SubjectRef
    period: Period | None
    local_codes: tuple[str, ...]
    scenario: str
    evidence_digest: bytes


@dataclass(frozen=True, slots=True)
class AskOrder:
    """A window's order to ask `receiver`. `request_id` is the caller's UUID (AIP-155)."""

    request_id: str
    receiver: str
    ask: ReportAsk


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """What the issuing jurisdiction answers: a report number with its bundle, or a reason with a sentence."""

    request_id: bytes
    report_number: str = ""
    bundle: bytes = b""
    reason: str = ""
    message: str = ""


class AskedState(StrEnum):
    """How a request stands."""

    QUEUED = "queued"
    """It waits here for the peer."""
    ASKED = "asked"
    """The peer has it; the answer has not come."""
    ANSWERED = "answered"
    REFUSED = "refused"
    """The peer's jurisdiction issues no report."""
    UNDELIVERED = "undelivered"
    """The peer's node did not take the request."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class NewAsk:
    """A request to be stored with its message. `content` is a keyed digest of what is asked, 32 bytes."""

    id: bytes
    caller: str
    request_id: str
    content: bytes
    receiver: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AskedReport:
    """A request as its caller sees it: nothing of its content. `downloadable`: the bundle is here."""

    id: bytes
    receiver: str
    state: AskedState
    created_at: datetime
    expires_at: datetime
    answered_at: datetime | None = None
    report_number: str = ""
    reason: str = ""
    message: str = ""
    downloadable: bool = False
