"""Requirements of procedures: `Requirement` <-> model."""

from __future__ import annotations

from huxin.v1 import requirement_pb2 as pb

from node.errors import InvalidInput
from node.model.calendar import Period
from node.model.requirement import RequiredItem, Requirement
from node.wire.fields import (
    code,
    division,
    optional_text,
    period,
    period_message,
    record_types,
    text,
    within,
)

_MAX_ITEMS = 1_000
_MAX_ASKED = 1_000
"""Record types of all items together. Every leaf with the five common types are 280."""
_MAX_MONTHS = 1_200
_MAX_DAYS = 36_600


def requirement(message: pb.Requirement, path: str = "requirement") -> Requirement:
    """A requirement written by a caller. Raises InvalidInput. An empty list of items is read, and never met."""
    if len(message.items) > _MAX_ITEMS:
        raise InvalidInput(within(path, "items"), f"More than {_MAX_ITEMS} items; ask for groups of leaves instead.")
    if sum(len(item.record_types) for item in message.items) > _MAX_ASKED:
        raise InvalidInput(
            within(path, "items"), f"The items ask for more than {_MAX_ASKED} record types together; ask for fewer."
        )
    months, fixed = _period(message, path)
    return Requirement(
        requirement_id=optional_text(message.requirement_id, within(path, "requirement_id"), limit=200),
        title_zh=optional_text(message.title_zh, within(path, "title_zh"), limit=200),
        title_en=optional_text(message.title_en, within(path, "title_en"), limit=200),
        jurisdiction=division(message.jurisdiction, within(path, "jurisdiction")),
        scenario=code(message.scenario, within(path, "scenario")),
        items=tuple(_item(item, within(path, f"items[{place}]")) for place, item in enumerate(message.items)),
        months=months,
        fixed=fixed,
        territory=division(message.territory, within(path, "territory")) if message.territory else "",
        max_data_age_days=_days(message.max_data_age_days, within(path, "max_data_age_days")),
        max_report_age_days=_days(message.max_report_age_days, within(path, "max_report_age_days")),
        repaired_records_count=message.repaired_records_count,
        illustrative=message.illustrative,
        max_trust_age_hours=_age(message.max_trust_age_hours, within(path, "max_trust_age_hours"), 24),
        max_log_view_age_minutes=_age(message.max_log_view_age_minutes, within(path, "max_log_view_age_minutes"), 1440),
    )


def requirement_message(value: Requirement) -> pb.Requirement:
    """A requirement as a message."""
    message = pb.Requirement(
        requirement_id=value.requirement_id,
        title_zh=value.title_zh,
        title_en=value.title_en,
        jurisdiction=value.jurisdiction,
        scenario=value.scenario,
        items=[_item_message(item) for item in value.items],
        territory=value.territory,
        max_data_age_days=value.max_data_age_days,
        max_report_age_days=value.max_report_age_days,
        repaired_records_count=value.repaired_records_count,
        illustrative=value.illustrative,
        max_trust_age_hours=value.max_trust_age_hours,
        max_log_view_age_minutes=value.max_log_view_age_minutes,
    )
    if value.fixed is not None:
        message.fixed.CopyFrom(period_message(value.fixed))
    else:
        message.months = value.months
    return message


def _period(message: pb.Requirement, path: str) -> tuple[int, Period | None]:
    if message.HasField("fixed"):
        return 0, period(message.fixed, within(path, "fixed"))
    if not 1 <= message.months <= _MAX_MONTHS:
        raise InvalidInput(within(path, "months"), f"Give months (1 to {_MAX_MONTHS}) or fixed days; neither is set.")
    return message.months, None


def _days(value: int, path: str) -> int:
    if value > _MAX_DAYS:
        raise InvalidInput(path, f"At most {_MAX_DAYS} days.")
    return value


def _age(value: int, path: str, in_a_day: int) -> int:
    if value > _MAX_DAYS * in_a_day:
        raise InvalidInput(path, f"At most {_MAX_DAYS * in_a_day}; leave it out to add no limit.")
    return value


def _item(message: pb.RequiredItem, path: str) -> RequiredItem:
    target = message.WhichOneof("target")
    if target is None:
        raise InvalidInput(within(path, "target"), "An item asks for a local_code or a leaf; neither is set.")
    if not message.record_types:
        raise InvalidInput(within(path, "record_types"), "An item asks for at least one record type; none is named.")
    types = record_types(message.record_types, within(path, "record_types"))
    if target == "leaf":
        return RequiredItem(record_types=types, leaf=text(message.leaf, within(path, "leaf"), limit=64))
    return RequiredItem(record_types=types, local_code=text(message.local_code, within(path, "local_code"), limit=64))


def _item_message(item: RequiredItem) -> pb.RequiredItem:
    if item.leaf:
        return pb.RequiredItem(leaf=item.leaf, record_types=item.record_types)
    return pb.RequiredItem(local_code=item.local_code, record_types=item.record_types)
