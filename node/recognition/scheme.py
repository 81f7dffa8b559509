"""Steps 14 and 15: the issuing scheme's rules at the moment of issue, and whether we recognise the issuer."""

from __future__ import annotations

from datetime import datetime

from node.model.calendar import day_in_china, months_before
from node.model.catalogue import Catalogue, Scheme
from node.model.policy import RecognitionPolicy
from node.model.requirement import Requirement
from node.model.territory import contains
from node.model.verdict import Step, StepStatus
from node.recognition.presented import Presented


def scheme_step(presented: Presented, catalogue: Catalogue | None) -> Step:
    """Step 14: what the issuing scheme required at `issued_at` and the attestation can show (R214, R216).

    `catalogue` is the version that the report names, None where it is not known here: then the step is undecided, for
    its rules cannot be read.
    """
    if catalogue is None or catalogue.scheme.scheme != presented.scheme:
        return Step(14, StepStatus.UNDECIDED, "SCHEME_UNKNOWN")
    broken = _broken_rule(presented, catalogue, catalogue.scheme)
    return Step(14, StepStatus.FAIL, broken) if broken else Step(14, StepStatus.PASS)


def _broken_rule(presented: Presented, catalogue: Catalogue, scheme: Scheme) -> str:
    issued_on = day_in_china(presented.issued_at)
    if catalogue.division != presented.issuer or not contains(catalogue.territory, presented.territory):
        return "SCHEME_TERRITORY"
    if issued_on < scheme.valid_from or (scheme.valid_until is not None and issued_on >= scheme.valid_until):
        return "SCHEME_NOT_IN_FORCE"
    if presented.template_version != scheme.template_version:
        return "SCHEME_TEMPLATE"
    if presented.subject_kind not in scheme.subject_kinds:
        return "SCHEME_SUBJECT_KIND"
    cap = scheme.max_period_months
    too_long = cap is not None and presented.period.start < months_before(presented.period.end, cap)
    # R060, R061: longer only where a named relying party asked, and then that is on record.
    return "SCHEME_PERIOD" if too_long and not presented.period_exception else ""


def recognition_step(
    presented: Presented, policy: RecognitionPolicy | None, requirement: Requirement, as_of: datetime
) -> Step:
    """Step 15: our trust certificate covers issuer, scenario and time. `policy` is that which counted at `as_of`.

    Both the scenario of the procedure and the one that the report was issued for (where it names one) must be in scope.
    Leaves and record types are judged cell by cell (NOT_RECOGNISED).
    """
    if policy is None or policy.issuer != presented.issuer or policy.recogniser != requirement.jurisdiction:
        return Step(15, StepStatus.FAIL, "ISSUER_NOT_RECOGNISED")
    if policy.withdrawn:
        return Step(15, StepStatus.FAIL, "RECOGNITION_WITHDRAWN")
    if not policy.valid_from <= as_of < policy.valid_until:
        return Step(15, StepStatus.FAIL, "RECOGNITION_NOT_IN_FORCE")
    asked = {requirement.scenario, presented.scenario or requirement.scenario}
    if not asked <= policy.scenarios:
        return Step(15, StepStatus.FAIL, "SCENARIO_NOT_RECOGNISED")
    return Step(15, StepStatus.PASS)
