"""Which limits of age apply to an issuer's statements, who set them, and how what we hold stands against them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from node.model.freshness import AgeLimits, Freshness, FreshnessCondition, LimitSetter
from node.model.requirement import Requirement
from node.verification.trusting import Recognition
from trust.issuers import Conditions


@dataclass(frozen=True, slots=True)
class Terms:
    """What steps 5 to 9 hold an issuer's statements to, and where the two limits of age in it come from."""

    conditions: Conditions
    trust_state: AgeLimits
    log_view: AgeLimits

    @staticmethod
    def of(applying: Recognition, present: Recognition | None, requirement: Requirement | None) -> Terms:
        """From our certificate of the moment whose rules apply.

        How fresh our knowledge must be is a question of today: the limits of the `present` certificate and those of the
        requirement count as well, each only where it is stricter.
        """
        trust_state, log_view = applying.trust_state, applying.log_view
        if present is not None and present is not applying:
            trust_state = trust_state.at_most(present.trust_state.stale, present.trust_state.set_by)
            log_view = log_view.at_most(present.log_view.stale, present.log_view.set_by)
        if requirement is not None and requirement.max_trust_age_hours:
            age = timedelta(hours=requirement.max_trust_age_hours)
            trust_state = trust_state.at_most(age, LimitSetter.REQUIREMENT)
        if requirement is not None and requirement.max_log_view_age_minutes:
            age = timedelta(minutes=requirement.max_log_view_age_minutes)
            log_view = log_view.at_most(age, LimitSetter.REQUIREMENT)
        conditions = applying.conditions
        if trust_state is not applying.trust_state or log_view is not applying.log_view:
            conditions = replace(conditions, max_trust_state_age=trust_state.stale, max_log_view_age=log_view.stale)
        return Terms(conditions, trust_state, log_view)


def freshness(
    since: datetime | None,
    known_at: datetime,
    skew: timedelta,
    limits: AgeLimits | None,
    expires_at: datetime | None = None,
) -> Freshness | None:
    """How what was last known to be current at `since` stands at `known_at`; None when it never was."""
    if since is None:
        return None
    age = max(timedelta(0), known_at - since)
    condition = None
    if expires_at is not None and known_at >= expires_at:
        condition = FreshnessCondition.EXPIRED
    elif limits is not None and since <= known_at + skew:
        condition = limits.condition(age)
    return Freshness(condition, int(age.total_seconds()), limits, expires_at)
