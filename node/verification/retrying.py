"""When a verdict is worth asking for again: where witnesses alone are missing, who become known by themselves."""

from __future__ import annotations

import math

from node.model.verdict import Authenticity, Decision, Standing
from node.recognition.decision import Judgement
from trust.outcome import StepStatus
from trust.verify import Examination


def retry_seconds(examination: Examination, judgement: Judgement, compared_every_seconds: float) -> int:
    """After how many seconds more witnesses may be known, where too few are and that is worth waiting for; else 0.

    It is not where witnesses would change nothing: of what is rejected, and of what is not in the log or in one of its
    histories alone. What our view does not reach yet comes in by itself, as they do.
    """
    logged, quorum = examination.outcomes[5:7]
    unmet = quorum.reason == "WITNESS_QUORUM_UNMET"
    awaited = logged.status is StepStatus.PASS or logged.reason == "NOT_YET_IN_VIEW"
    return math.ceil(compared_every_seconds) if unmet and awaited and not _lost(judgement) else 0


def _lost(judgement: Judgement) -> bool:
    """Whether it is rejected, or would be by any requirement: no requirement was named for a decision of None."""
    return (
        judgement.decision is Decision.REJECT
        or judgement.authenticity is Authenticity.NOT_GENUINE
        or judgement.standing in {Standing.REVOKED, Standing.EXPIRED}
    )
