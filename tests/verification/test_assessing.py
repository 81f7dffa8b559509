"""What is remembered of requirements and reports takes a bounded amount of memory."""

from __future__ import annotations

from node.model.records import ENFORCEMENT, PENALTY_ORDINARY
from node.verification.assessing import Assessor, Catalogues
from node.verification.reading import Content, report_facts
from tests.recognition.cases import GUIZHOU, NOW, SHANXI, Report, edition, leaves, registry, requirement


def test_assessments_are_kept_by_the_number_of_their_findings() -> None:
    """Callers write requirements of a thousand cells: thousands of those would not fit into memory."""
    known = registry()
    catalogues = Catalogues(known.taxonomy, known.catalogue, known.crosswalk, lambda _at: edition(GUIZHOU))
    assessor = Assessor(catalogues, findings_kept=7)
    report = Report(SHANXI)
    examination = report.examine()
    attestation = examination.reading.attestation
    assert attestation is not None
    content = Content(report.presented(examination), report_facts(attestation), ("synthetic",))
    one, other = (
        assessor.prepare(requirement(GUIZHOU, *leaves("FN", types=[kind])), NOW)
        for kind in (PENALTY_ORDINARY, ENFORCEMENT)
    )
    first = assessor.assess(one, None, None, content)
    assert len(first.findings) == 4
    assert assessor.assess(one, None, None, content) is first
    assert len(assessor.assess(other, None, None, content).findings) == 4
    again = assessor.assess(one, None, None, content)
    assert again == first
    assert again is not first, "both together were more than is kept"
