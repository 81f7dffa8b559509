"""What the story says of each verdict, held against what the node said; and how a verdict is shown in short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from node.adapters.catalogues.registry import discover
from node.cli.reasons import REASONS
from node.cli.wording import AUTHENTICITY, DECISIONS, FINDINGS, GAPS, STANDING, TYPES, words_for
from ops.demo.commands import Answer, StoryBroken

EXIT_CODES = {"ACCEPT": 0, "REFER": 10, "REJECT": 11}
STYLES = {"ACCEPT": "green", "REFER": "yellow", "REJECT": "red"}
MARKS = {"ACCEPT": "✔", "REFER": "?", "REJECT": "✘"}

_NO_RECORD = FINDINGS["NO_RECORD_FOUND"].both

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a verdict must say. `reasons` must all be named; unless it is REJECT, gaps and records are exactly these.

    `gaps` are (leaf, reason) pairs, `records` numbers by leaf.
    """

    decision: str
    authenticity: str = "GENUINE"
    standing: str = "IN_FORCE"
    reasons: frozenset[str] = frozenset()
    gaps: frozenset[tuple[str, str]] = frozenset()
    records: frozenset[tuple[str, int]] = frozenset()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.decision]

    def check(self, verdict: Json) -> None:
        """Raises StoryBroken naming the first thing that is otherwise."""
        for name in ("decision", "authenticity", "standing"):
            said, told = code(verdict, name), getattr(self, name)
            if said != told:
                raise StoryBroken(f"{name}: the story tells {told}, the node said {said} {list(verdict['reasons'])}")
        if missing := self.reasons - set(verdict["reasons"]):
            raise StoryBroken(f"reasons: {sorted(missing)} not among {verdict['reasons']}")
        if self.decision != "REJECT":
            self._check_findings(verdict["findings"])

    def _check_findings(self, findings: Sequence[Json]) -> None:
        gaps = {(finding["leaf"], gap["reason"]) for finding in findings for gap in finding["gaps"]}
        if gaps != self.gaps:
            raise StoryBroken(f"gaps: the story tells {sorted(self.gaps)}, the node found {sorted(gaps)}")
        records = {(finding["leaf"], finding["records"]) for finding in findings if finding["records"]}
        if records != self.records:
            raise StoryBroken(f"records: the story tells {sorted(self.records)}, the node found {sorted(records)}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the summary at the end, without the decision: whose procedure asked, which report, and why."""

    procedure: str
    presented: str
    because: str


def code(message: Json, name: str, enum: str = "") -> str:
    """The value of an enum field as its code, without the prefix that the enum's name gives it."""
    return str(message[name]).removeprefix(f"{enum or name.upper()}_")


def checked(answer: Answer, expected: Expected) -> Json:
    """The verdict that `huxin verify --json` printed, once it is what the story tells."""
    verdict: Json = answer.json
    if answer.code != expected.exit_code:
        raise StoryBroken(f"exit code: the story tells {expected.exit_code}, the command ended with {answer.code}")
    expected.check(verdict)
    return verdict


def show(console: Console, verdict: Json) -> None:
    """A verdict in a few lines: decision, requirement, genuine and in force or not, findings in short."""
    decision = code(verdict, "decision")
    label = DECISIONS[decision].label
    head = Text(f"{MARKS[decision]} {label.en} {label.zh}", f"bold {STYLES[decision]}")
    if verdict["requirement_title"]:
        head.append(f"   {verdict['requirement_title']}", "not bold default")
    console.print(Padding(head, (0, 0, 0, 2), expand=False))
    for line in lines(verdict):
        console.print(Padding(Text(line), (0, 0, 0, 4), expand=False))


def lines(verdict: Json) -> Iterator[str]:
    """Authenticity and standing with the first reason, then the findings: those without record together."""
    facts = [words_for(AUTHENTICITY, code(verdict, "authenticity")).both]
    if code(verdict, "standing") != "UNSPECIFIED":
        facts.append(words_for(STANDING, code(verdict, "standing")).both)
    yield " · ".join([*facts, *(words_for(REASONS, reason).both for reason in verdict["reasons"][:1])])
    if code(verdict, "decision") == "REJECT":
        return  # what it would prove does not matter
    findings = verdict["findings"]
    clean = [each for each in findings if code(each, "kind", "FINDING_KIND") == "NO_RECORD_FOUND"]
    if clean:
        since = clean[0]["interval"]["start"]
        yield f"{len(clean)} of {len(findings)} cells since {since}: {_NO_RECORD}"
    for finding in findings:
        if finding["records"]:
            yield f"{_cell(finding)}: {FINDINGS['HAS_RECORDS'].both}: {finding['records']}"
        yield from (f"{_cell(gap)}: {GAPS[gap['reason']].label.both}" for gap in finding["gaps"])


def _cell(part: Json) -> str:
    """A finding's or a gap's place: leaf of the taxonomy and record type."""
    return f"{part['leaf']} {leaf_name(part['leaf'])}, {words_for(TYPES, part['record_type']).zh}"


@cache
def leaf_name(leaf: str) -> str:
    """Chinese name of a leaf of the shared taxonomy; empty where rows were compared directly."""
    concept = discover().taxonomy.concepts.get(leaf)
    return concept.name_zh if concept else ""


def summary(console: Console, told: Sequence[tuple[Line, str]]) -> None:
    """All verdicts in one table."""
    table = Table(title="What was decided 结论一览", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right")
    for head in ("procedure", "report", "verdict", "because"):
        table.add_column(head)
    for number, (line, decision) in enumerate(told, 1):
        verdict = Text(f"{MARKS[decision]} {decision}", f"bold {STYLES[decision]}")
        table.add_row(str(number), line.procedure, line.presented, verdict, line.because)
    console.print(table)
