"""`huxin requirement`: what procedures ask of a report, and what reports prove of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

import click
from rich.text import Text

from node.adapters.worked_examples.loading import ExpectedFinding, WorkedExample, load_worked_examples
from node.cli.catalogue_tables import plain
from node.cli.requirement_asking import check_command, list_command, show_command
from node.cli.session import Group, Session, json_option, pass_session
from node.cli.tables import Table
from node.cli.wording import TYPES, words_for
from node.model.counting import counted
from node.model.records import RecordType
from node.model.verdict import Decision

_COLOURS = {Decision.ACCEPT: "green", Decision.REFER: "yellow", Decision.REJECT: "red"}


@click.group(cls=Group)
def requirement() -> None:
    """What the procedures of a jurisdiction require of a report."""


for _command in (list_command, show_command, check_command):
    requirement.add_command(_command)


@requirement.command("examples", example="huxin requirement examples --json")
@json_option
@pass_session
def examples_command(session: Session) -> None:
    """Show worked examples: what real catalogues prove elsewhere, cell by cell.

    Needs no node. A report never says that a subject is clear: it says what was covered, and names what was not.
    """
    examples = load_worked_examples()
    if session.as_json:
        session.emit(plain([asdict(example) for example in examples]))
    else:
        session.out.print(_table(examples))


def _table(examples: Sequence[WorkedExample]) -> Table:
    """One row per example: the question, the findings of the cells, the decision."""
    table = Table(
        title=f"Reports issued and verified on {examples[0].day}; units delivered up to {examples[0].delivered_on}",
        caption="Days are [from, until): the last one is not included.",
        show_lines=True,
    )
    table.add_column("No.")
    table.add_column("Question", ratio=2)
    table.add_column("Findings", ratio=3)
    table.add_column("Decision")
    for example in examples:
        table.add_row(
            example.example_id,
            Text(f"{example.title}\n{_asked(example)}"),
            Text("\n".join(_lines(example.findings))),
            Text(example.decision.value, style=_COLOURS[example.decision]),
        )
    return table


def _asked(example: WorkedExample) -> str:
    """Who asks whom for which rows, and how far back."""
    asked = example.requirement
    wanted = _rows([item.local_code for item in asked.items])
    reported = _rows(example.local_codes) if example.local_codes else "all its rows"
    back = counted(asked.months, "month")
    return f"{asked.jurisdiction} asks for its {wanted}, {back}; {example.issuer} reports {reported}"


def _rows(codes: Sequence[str]) -> str:
    return f"row{'s' if len(codes) > 1 else ''} {', '.join(codes)}"


def _lines(findings: Sequence[ExpectedFinding]) -> Iterator[str]:
    """One line per answer: cells of one target that differ in their record type only stand together."""
    same: dict[ExpectedFinding, list[str]] = {}
    for finding in findings:
        answer = replace(finding, record_type=RecordType(""))
        same.setdefault(answer, []).append(words_for(TYPES, finding.record_type).zh)
    for finding, types in same.items():
        target = finding.leaf or f"row {finding.local_code}"
        count = f" ({finding.records})" if finding.records else ""
        yield f"{target} {' '.join(types)}: {finding.kind.value}{count}"
        for gap in finding.gaps:
            yield f"  {gap.reason.value} [{gap.interval.start}, {gap.interval.end})"
        if finding.caveats:
            yield f"  under {', '.join(finding.caveats)}"
