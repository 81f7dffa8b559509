"""How old what a verdict rests on may be, and how old it is (`docs/recognition.md`, Freshness)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class FreshnessCondition(StrEnum):
    """Fresh enough and nothing to say; enough, with a warning; too old; of registry metadata that has ended."""

    FRESH = "FRESH"
    GRACE = "GRACE"
    STALE = "STALE"
    EXPIRED = "EXPIRED"


class LimitSetter(StrEnum):
    """Who said how old something may be."""

    NODE = "NODE"
    CERTIFICATE = "CERTIFICATE"
    REQUIREMENT = "REQUIREMENT"


@dataclass(frozen=True, slots=True)
class AgeLimits:
    """FRESH below `fresh`, GRACE up to `stale` (inclusive), STALE beyond. `set_by` said how far `stale` reaches."""

    fresh: timedelta
    stale: timedelta
    set_by: LimitSetter

    def at_most(self, age: timedelta, set_by: LimitSetter) -> AgeLimits:
        """The same, or what somebody else demands where that is stricter: nobody can make a limit laxer."""
        return self if age >= self.stale else AgeLimits(min(self.fresh, age), age, set_by)

    def condition(self, age: timedelta) -> FreshnessCondition:
        """What an age means. Steps 8 and 9 judge `stale` in the same way."""
        if age > self.stale:
            return FreshnessCondition.STALE
        return FreshnessCondition.FRESH if age < self.fresh else FreshnessCondition.GRACE


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old something is, against which limits.

    `condition` is None where it cannot be said: no trust certificate sets limits, or the thing is dated in the future.
    `expires_at` (exclusive) is the end of the registry metadata behind it, if any.
    """

    condition: FreshnessCondition | None
    age_seconds: int
    limits: AgeLimits | None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """On what the verdicts on one issuer's reports rest at a moment.

    `as_of` is the moment whose rules apply, `known_at` that up to when we use what we know: the moment of the decision.
    The two are the same unless a moment in the past was asked about. None: we hold no such thing of the issuer.
    """

    as_of: datetime
    known_at: datetime
    trust_state: Freshness | None
    log_view: Freshness | None
    recognition_withdrawn_since: bool = False
    """Whether we recognised the issuer at `as_of` and have withdrawn that up to `known_at`."""
