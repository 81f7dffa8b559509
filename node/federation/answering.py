"""Whom this jurisdiction answers: which peers' requests for reports, and how many of them in a day (ADR 0027)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from node.errors import NotEligible
from node.model.calendar import day_in_china, start_of_day
from node.model.sharing import RECOGNISED, TRUSTED

Handled = Callable[[str, datetime], Awaitable[int]]
"""(division, instant) -> how many of its requests were handled since, refused ones included."""


class AnswerPolicy:
    """Judges who asks, before anything is looked up for it.

    `whom`: division codes, RECOGNISED, TRUSTED; empty: nobody. `recognised` says whether our certificate for a
    division is in force now.
    """

    def __init__(
        self,
        whom: Sequence[str],
        per_day: int,
        recognised: Callable[[str], bool],
        handled: Handled,
        now: Callable[[], datetime],
    ) -> None:
        self._whom = frozenset(whom)
        self._per_day = per_day
        self._recognised = recognised
        self._handled = handled
        self._now = now

    async def require(self, division: str) -> None:
        """Raises NotEligible with a sentence for the asking window, and NotReady without a database.

        `division` is a trusted peer's, by its certificate. Refused requests count for the day as well: whoever tries
        codes learns no more of them by what is refused. A request is counted when it has ended, so one that is handled
        again after a crash is judged as before.
        """
        if not self._answers(division):
            raise NotEligible(
                "ASKER_NOT_ANSWERED",
                "This jurisdiction answers no requests of yours for reports; its credit authority and yours agree on "
                "that first. The subject can apply here itself.",
            )
        today = start_of_day(day_in_china(self._now()))
        if await self._handled(division, today) >= self._per_day:
            raise NotEligible(
                "ASKED_TOO_OFTEN",
                "Your jurisdiction has asked for as many reports today as are answered in a day; ask again tomorrow.",
            )

    def _answers(self, division: str) -> bool:
        if division in self._whom or TRUSTED in self._whom:
            return True
        return RECOGNISED in self._whom and self._recognised(division)
