"""The use case behind `Present`: reports of several jurisdictions, held against one requirement together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from node.model.joint import JointVerdict, PresentedVerdict
from node.model.requirement import Requirement
from node.model.subject import SubjectRef
from node.model.territory import contains
from node.model.verdict import Verdict
from node.recognition.joint import join

VerifyBatch = Callable[
    [Sequence[tuple[bytes, SubjectRef | None]], Requirement | None, datetime | None], Awaitable[Sequence[Verdict]]
]
"""One verdict per item, in order (`VerifyReports.verify_batch`)."""


async def present(
    verify_batch: VerifyBatch,
    bundles: Sequence[bytes],
    subject: SubjectRef | None,
    against: Requirement,
    territories: Sequence[str],
    at: datetime | None,
) -> JointVerdict:
    """One verdict on all reports, which are claimed to be about `subject`, for at least one division code each.

    Every report is verified for each territory that it speaks for, by the same rules as a single one. Raises what
    `verify_batch` raises for requirement and moment.
    """
    items = [(bundle, subject) for bundle in bundles]
    first, *others = territories
    verdicts = await verify_batch(items, replace(against, territory=first), at)
    judged = [
        PresentedVerdict(place, first if _speaks_for(first, verdict) else "", verdict)
        for place, verdict in enumerate(verdicts)
        if _speaks_for(first, verdict) or not any(_speaks_for(other, verdict) for other in others)
    ]
    for territory in others:
        places = [place for place, verdict in enumerate(verdicts) if _speaks_for(territory, verdict)]
        of_it = await verify_batch([items[place] for place in places], replace(against, territory=territory), at)
        judged += [PresentedVerdict(place, territory, each) for place, each in zip(places, of_it, strict=True)]
    return join(territories, judged)


def _speaks_for(territory: str, verdict: Verdict) -> bool:
    """Whether the report, as far as it could be read, proves that division and what lies below it."""
    return verdict.report is not None and contains(verdict.report.territory, territory)
