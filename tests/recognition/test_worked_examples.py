"""The worked examples of `docs/recognition.md`, over the pure rules, with real signatures (R068, R075, R081, R083)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.adapters.worked_examples.loading import ExpectedFinding, WorkedExample, load_worked_examples
from node.model.verdict import Authenticity, Finding, Standing
from tests.recognition.cases import Report, policy_for

EXAMPLES = load_worked_examples()


def report_of(example: WorkedExample) -> Report:
    """The report that the issuer would issue: a row is delivered when the last of its units is."""
    report = Report(example.issuer, example.local_codes, show_repaired=example.show_repaired)
    late = {
        code: min(example.late_deliveries.get(unit, example.delivered_on) for unit in row.units)
        for code, row in report.edition.catalogue.rows.items()
        if not example.late_deliveries.keys().isdisjoint(row.units)
    }
    records = {(filed.local_code, filed.record_type): (filed.record,) for filed in example.records}
    return replace(report, delivered=example.delivered_on, until=late, records=records)


def told(finding: Finding) -> tuple[object, ...]:
    gaps = tuple((gap.interval, gap.reason, gap.caveat) for gap in finding.gaps)
    caveats = tuple(dict.fromkeys(use.caveat for use in finding.caveats))
    code = "" if finding.leaf else finding.required_rows[0]
    counts = finding.records, finding.counted_records
    return finding.leaf, code, finding.record_type, finding.kind, *counts, gaps, caveats


def expected(finding: ExpectedFinding) -> tuple[object, ...]:
    gaps = tuple((gap.interval, gap.reason, gap.caveat) for gap in finding.gaps)
    counts = finding.records, finding.counted_records
    return finding.leaf, finding.local_code, finding.record_type, finding.kind, *counts, gaps, finding.caveats


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.example_id)
def test_example(example: WorkedExample) -> None:
    accepted = frozenset(example.accepted_caveats)
    asked = example.requirement
    policy = replace(policy_for(example.issuer, asked.jurisdiction), accepted_caveats=accepted)
    judgement = report_of(example).judge(asked, policy)
    assert [told(finding) for finding in judgement.findings] == [expected(finding) for finding in example.findings]
    assert judgement.decision is example.decision
    assert judgement.reasons == example.reasons
    assert (judgement.authenticity, judgement.standing) == (Authenticity.GENUINE, Standing.IN_FORCE)


def test_all_eleven_examples_are_there() -> None:
    numbers = [int(example.example_id.rstrip("abcde")) for example in EXAMPLES]
    assert sorted(set(numbers)) == list(range(1, 12))
    assert numbers == sorted(numbers)
