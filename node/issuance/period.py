"""Which period a report may cover (R060-R063)."""

from __future__ import annotations

from datetime import date

from node.errors import InvalidInput
from node.model.calendar import Period, months_before
from node.model.catalogue import Catalogue
from node.model.issuing import PeriodExceptionNote

_CUSTOMARY_MONTHS = 60
"""Default length where a scheme names no cap: what the national notice calls the rule (R063)."""


def choose_period(
    catalogue: Catalogue, wanted: Period | None, exception: PeriodExceptionNote | None, today: date
) -> tuple[Period, PeriodExceptionNote | None]:
    """The period of a report issued on `today` (a day in China) and the exception to record with it, if it needs one.

    Raises InvalidInput when the wanted period ends after today or is longer than the scheme's cap without a
    named relying party that asked for it.
    """
    cap = catalogue.scheme.max_period_months
    if wanted is None:
        return Period(months_before(today, cap or _CUSTOMARY_MONTHS), today), None
    if wanted.end > today:
        raise InvalidInput(
            "period.end", f"A report cannot speak for days to come; the last possible end is {today.isoformat()}."
        )
    if cap is None or wanted.start >= months_before(wanted.end, cap):
        return wanted, None
    if exception is None or not exception.relying_party.strip() or not exception.reason.strip():
        raise InvalidInput(
            "period_exception",
            f"The scheme allows {cap} months at most unless a relying party explicitly asked for more; "
            "name it and what it asked for, or choose a shorter period.",
        )
    return wanted, exception
