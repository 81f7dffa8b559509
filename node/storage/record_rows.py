"""Records as rows: natural keys, and the columns of `records`.

A record is known again by its *natural key*: subject, catalogue row, record type, authority, document number, day of
the decision and list; where there is no document number, the content as well. Delivered again with the same content, it
is replaced: its repair state may have changed. Rows that share a key but not the content (one decision, several
penalties) are all kept, numbered by `ordinal`, whether they come in one delivery or in several: to merge them would be
to lose a record. So a content that was reworded stands twice until the old one is withdrawn, which is an over-count.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, SmallInteger, bindparam, delete, exists, update

from node.model.delivery import Delivery, RecordRow
from node.model.records import RepairState, ViolationRecord
from node.model.subject import SubjectRef
from node.storage.schema import records


def _digest(*parts: str | bytes) -> bytes:
    """SHA-256 of length-prefixed parts: no two different lists of parts are the same bytes."""
    hasher = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "big") + data)
    return hasher.digest()


def delivery_identity(delivery: Delivery) -> bytes:
    """SHA-256 by which the same delivery is known again: who, for which rows, until when, and the bytes."""
    header = delivery.header
    codes = sorted(set(header.local_codes))
    return _digest(header.unit, header.as_of.isoformat(), str(header.complete), delivery.digest, *codes)


def _record_key(row: RecordRow) -> bytes:
    record = row.record
    return _digest(
        row.local_code,
        row.record_type,
        record.deciding_authority,
        record.document_number,
        record.decided_on.isoformat(),
        record.list_name,
        "" if record.document_number else record.content,
    )


Places = dict[tuple[SubjectRef, bytes], dict[str, int]]
"""(subject, natural key) -> content -> ordinal, of records that are stored."""


def record_values(rows: Iterable[RecordRow], delivery_id: int, places: Places) -> list[dict[str, Any]]:
    """Column values of rows, with their natural key and ordinal. `places` grows by what is new."""
    values = []
    for row in rows:
        key = _record_key(row)
        ordinals = places.setdefault((row.subject, key), {})
        if row.record.content not in ordinals:
            ordinals[row.record.content] = max(ordinals.values(), default=-1) + 1
        values.append(_values(row, key, ordinals[row.record.content], delivery_id))
    return values


def _values(row: RecordRow, key: bytes, ordinal: int, delivery_id: int) -> dict[str, Any]:
    record = row.record
    return {
        "id_type": row.subject.id_type.value,
        "id": row.subject.id,
        "record_key": key,
        "ordinal": ordinal,
        "local_code": row.local_code,
        "record_type": row.record_type,
        "deciding_authority": record.deciding_authority,
        "document_number": record.document_number,
        "decided_on": record.decided_on,
        "content": record.content,
        "source_unit": record.source_unit,
        "effective_on": record.effective_on,
        "removed_on": record.removed_on,
        "list_name": record.list_name,
        "repair_state": record.repair_state.value,
        "repaired_on": record.repaired_on,
        "delivery_id": delivery_id,
    }


def to_record(row: Row[Any]) -> ViolationRecord:
    """The record of a stored row."""
    return ViolationRecord(
        deciding_authority=row.deciding_authority,
        document_number=row.document_number,
        decided_on=row.decided_on,
        content=row.content,
        source_unit=row.source_unit,
        effective_on=row.effective_on,
        removed_on=row.removed_on,
        list_name=row.list_name,
        repair_state=RepairState(row.repair_state),
        repaired_on=row.repaired_on,
    )


def withdrawal(row: RecordRow) -> dict[str, Any]:
    """Parameters of WITHDRAW and WITHDRAW_ONLY for one row."""
    return {
        "of_type": row.subject.id_type.value,
        "of_id": row.subject.id,
        "of_key": _record_key(row),
        "of_content": row.record.content,
    }


_OF_KEY = (
    records.c.id_type == bindparam("of_type"),
    records.c.id == bindparam("of_id"),
    records.c.record_key == bindparam("of_key"),
)
_twin = records.alias("twin")

WITHDRAW = delete(records).where(*_OF_KEY, records.c.content == bindparam("of_content")).returning(records.c.ordinal)
"""Deletes the stored record of the same key and content."""

LEAVE_FIRST_PLACE = (
    update(records).where(*_OF_KEY, records.c.ordinal == 0).values(ordinal=bindparam("of_ordinal", type_=SmallInteger))
)
"""Moves the first record of a key to the place of a twin that was withdrawn: WITHDRAW_ONLY then leaves it alone."""

WITHDRAW_ONLY = delete(records).where(
    *_OF_KEY,
    records.c.ordinal == 0,
    ~exists().where(
        _twin.c.id_type == records.c.id_type,
        _twin.c.id == records.c.id,
        _twin.c.record_key == records.c.record_key,
        _twin.c.ordinal != 0,
    ),
)
"""Deletes the record of a key whose content was corrected meanwhile: the only one of that key that ever was.

Of two penalties of one decision the one that stays is not it: units repeat their withdrawals, and the second time would
take the other penalty away.
"""
