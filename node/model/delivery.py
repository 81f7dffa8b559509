"""What a source hands to intake: checked rows, rows that could not be read, and headers of deliveries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from node.model.identifiers import IdWarning
from node.model.records import RecordType, ViolationRecord
from node.model.subject import Registration, SubjectRef


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One delivered record. Intake MUST leave it out, without a trace, unless `storable` says so (R043-R053, F07).

    `local_code` is empty when the entry of a severe list is filed by `record.list_name` alone (`rows_naming`).
    `line` is the physical line of the file, 1 for its first.
    """

    line: int
    subject: SubjectRef
    local_code: str
    record_type: RecordType
    record: ViolationRecord = field(repr=False)
    effective: bool
    not_penalised: bool
    revoked: bool
    secret: bool
    sealed: bool
    warnings: tuple[IdWarning, ...] = ()

    @property
    def storable(self) -> bool:
        """True for an effective record that the law lets a report show."""
        return self.effective and not (self.not_penalised or self.revoked or self.secret or self.sealed)


@dataclass(frozen=True, slots=True)
class RegistrationRow:
    """One delivered registration."""

    line: int
    registration: Registration = field(repr=False)
    warnings: tuple[IdWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read. `column` is empty when the row as a whole is wrong.

    `message` says what to do and never repeats what the cell held, so that it may be logged and sent back.
    """

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class DeliveryHeader:
    """What a unit says of a delivery: for these rows its data are complete up to the start of `as_of` in China.

    Only a delivery with `complete` moves the `until` of a coverage; the others add records and promise nothing.
    """

    unit: str
    local_codes: tuple[str, ...]
    as_of: date
    complete: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as received. `digest` is SHA-256 of the delivered bytes: the same delivery again changes nothing."""

    header: DeliveryHeader
    received_at: datetime
    digest: bytes


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that could not be read, with its bytes as delivered, so that nothing is lost."""

    bad: BadRow
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """What became of a delivery. `repeated`: it was stored before, and nothing changed now."""

    delivery_id: int
    repeated: bool
