"""The worked examples of `docs/recognition.md` through the real doors (R068, R075, R081, R083).

Four jurisdictions with their real catalogues. Records come in as CSV, reports are issued and downloaded through
ReportService, logs are followed, and the relying party asks its own node with the requirement written in the request.
Two more nodes live with a later version of Shanxi's catalogue, which no longer shows repaired records.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from huxin.v1 import verdict_pb2, verification_service_pb2

from node.adapters.catalogues import registry
from node.adapters.worked_examples.loading import ExpectedFinding, WorkedExample, load_worked_examples
from node.app.ingesting import ingest_deliveries
from node.app.jurisdictions import load_jurisdictions
from node.app.storing import prepare_database
from node.intake.ingest import IntakeSummary
from node.model.catalogue import Catalogue, Caveat
from node.model.report import Section
from node.wire.report import decode_section
from node.wire.requirement import requirement_message
from tests.support import nodes
from tests.support.clock import SettableClock
from trust.bundle import read_bundle

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = load_worked_examples()
LATE = {unit: day for example in EXAMPLES for unit, day in example.late_deliveries.items()}
COMMON_CAVEATS = EXAMPLES[0].accepted_caveats
COLUMNS = (
    "id_type,subject_id,local_code,record_type,deciding_authority,document_number,decided_on,effective_on,content,"
    "source_unit,repair_state,repaired_on,effective,not_penalised,revoked,secret,sealed"
)
PLAIN, RECORDED = 1, 2
"""Numbers of the two synthetic subjects of each jurisdiction: one without records, one with those of the examples."""

Told = tuple[object, ...]
ReportKey = tuple[str, tuple[str, ...], bool, bool, bool]
"""Issuer, rows chosen, whether the subject has records, whether a unit is late, whether the catalogue is the later."""


def report_key(example: WorkedExample) -> ReportKey:
    hidden = example.show_repaired is False
    return example.issuer, example.local_codes, bool(example.records), bool(example.late_deliveries), hidden


@dataclass
class World:
    """Running nodes by division, those that know the later version apart, and the reports that the examples need."""

    today: dict[str, nodes.TestJurisdiction]
    later: dict[str, nodes.TestJurisdiction]
    bundles: dict[ReportKey, bytes]
    clock: SettableClock

    def relying_party(self, example: WorkedExample) -> nodes.TestJurisdiction:
        group = self.later if example.show_repaired is False else self.today
        return group[example.requirement.jurisdiction]

    async def verdict(self, example: WorkedExample) -> verdict_pb2.Verdict:
        response = (
            await self.relying_party(example)
            .verification()
            .Verify(
                verification_service_pb2.VerifyRequest(
                    bundle=self.bundles[report_key(example)],
                    subject=nodes.claim(subject_of(example)),
                    requirement=requirement_message(example.requirement),
                )
            )
        )
        verdict: verdict_pb2.Verdict = response.verdict
        return verdict


def subject_of(example: WorkedExample) -> str:
    return nodes.synthetic_code(example.issuer, RECORDED if example.records else PLAIN)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    clock = SettableClock(nodes.THE_DAY)
    async with AsyncExitStack() as exits:
        today = await settle(exits, tmp_path_factory.mktemp("today"), ["140000", "210000", "520000", "620100"], clock)
        with later_catalogue(tmp_path_factory.mktemp("catalogues")):
            later = await settle(exits, tmp_path_factory.mktemp("later"), ["140000", "520000"], clock)
        world = World(today, later, {}, clock)
        await issue(world, [example for example in EXAMPLES if example.late_deliveries])
        for shanxi in (today["140000"], later["140000"]):
            await nodes.deliver(shanxi, catalogue_of(shanxi), EXAMPLES[0].delivered_on)
        await issue(world, EXAMPLES)
        for group in (today, later):
            issued = [key for key in world.bundles if (group is later) == key[-1]]
            for one in group.values():
                for other in group.values():
                    if one is not other:
                        size = sum(1 for key in issued if key[0] == other.division)
                        await nodes.caught_up(one, other, size)
        yield world


async def settle(
    exits: AsyncExitStack, home: Path, divisions: Sequence[str], clock: SettableClock
) -> dict[str, nodes.TestJurisdiction]:
    """Founded, introduced to each other, recognising each other and themselves, with data, and running."""
    group = {division: nodes.found(home, division) for division in divisions}
    nodes.introduce(group.values())
    for one in group.values():
        for issuer in group:
            nodes.recognise(one, issuer, caveats=COMMON_CAVEATS)
        await prepare_database(one.settings)
        await nodes.register(one, *(nodes.synthetic_code(one.division, number) for number in (PLAIN, RECORDED)))
        await nodes.deliver(one, catalogue_of(one), EXAMPLES[0].delivered_on, late_units=LATE)
        await ingest(one, home, clock)
    await exits.enter_async_context(nodes.running(list(group.values()), clock))
    return group


def catalogue_of(one: nodes.TestJurisdiction) -> Catalogue:
    return load_jurisdictions(one.settings).edition_at(nodes.THE_DAY).catalogue


async def ingest(one: nodes.TestJurisdiction, home: Path, clock: SettableClock) -> None:
    """The examples' records as their unit delivers them."""
    filed = {record for example in EXAMPLES if example.issuer == one.division for record in example.records}
    paths: list[Path] = []
    taken: list[IntakeSummary] = []
    for place, found in enumerate(filed):
        record, path = found.record, home / f"{one.division}-{place}.csv"
        line = (
            f"uscc,{nodes.synthetic_code(one.division, RECORDED)},{found.local_code},{found.record_type},"
            f"{record.deciding_authority},{record.document_number},{record.decided_on},{record.effective_on},"
            f"{record.content},{record.source_unit},repaired,{record.repaired_on},yes,no,no,no,no"
        )
        path.write_text(f"{COLUMNS}\n{line}\n", encoding="utf-8")
        path.with_suffix(".delivery.toml").write_text(
            f'unit = "{record.source_unit}"\nlocal_codes = ["{found.local_code}"]\n'
            f"as_of = {min(LATE.values())}\ncomplete = true\n",
            encoding="utf-8",
        )
        paths.append(path)
    await ingest_deliveries(
        one.settings, clock, paths, None, lambda _rows: None, lambda _path, summary: taken.append(summary)
    )
    assert [(summary.filed, summary.quarantined) for summary in taken] == [(1, ())] * len(paths)


async def issue(world: World, examples: Iterable[WorkedExample]) -> None:
    """Every report that these examples need and that is not there yet."""
    for example in examples:
        key = report_key(example)
        if key not in world.bundles:
            issuer = (world.later if example.show_repaired is False else world.today)[example.issuer]
            number = await nodes.create_report(issuer, subject_of(example), codes=example.local_codes)
            world.bundles[key] = await nodes.download(issuer, number)


@contextmanager
def later_catalogue(root: Path) -> Iterator[None]:
    """The data files of a later release: since November Shanxi shows no repaired records.

    A new version beside the old one, which now says when it ended (`docs/add-a-jurisdiction.md`, step 7).
    """
    copy = Path(shutil.copytree(registry.BUILT_IN, root / "release", ignore=shutil.ignore_patterns("*.py*", "__*")))
    old = copy / "140000_shanxi" / "2025-237"
    new = Path(shutil.copytree(old, old.with_name("2026-11")))
    replace_in(old / "jurisdiction.toml", {"rows_known": "valid_until = 2026-11-01\nrows_known"})
    replace_in(
        new / "jurisdiction.toml",
        {
            'version = "2025-237"': 'version = "2026-11"',
            "valid_from = 2025-09-01 # start": "valid_from = 2026-11-01 # synthetic; start",
            "show_repaired = true": "show_repaired = false",
        },
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "BUILT_IN", copy)
        yield


def replace_in(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def told(finding: verdict_pb2.Finding) -> Told:
    code = "" if finding.leaf else finding.required_rows[0]
    kind = verdict_pb2.FindingKind.Name(finding.kind).removeprefix("FINDING_KIND_")
    gaps = [(gap.interval.start, gap.interval.end, gap.reason, gap.caveat) for gap in finding.gaps]
    caveats = list(dict.fromkeys(use.caveat for use in finding.caveats))
    return finding.leaf, code, finding.record_type, kind, finding.records, finding.counted_records, gaps, caveats


def expected(finding: ExpectedFinding) -> Told:
    gaps = [(str(gap.interval.start), str(gap.interval.end), gap.reason, gap.caveat or "") for gap in finding.gaps]
    counts = finding.records, finding.counted_records
    return finding.leaf, finding.local_code, finding.record_type, finding.kind, *counts, gaps, list(finding.caveats)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.example_id)
async def test_example(world: World, example: WorkedExample) -> None:
    if example.accepted_caveats != COMMON_CAVEATS:
        await accept(world, example, example.accepted_caveats)
    verdict = await world.verdict(example)
    assert [told(finding) for finding in verdict.findings] == [expected(finding) for finding in example.findings]
    assert verdict_pb2.Decision.Name(verdict.decision) == f"DECISION_{example.decision}"
    assert tuple(verdict.reasons) == example.reasons
    assert verdict.authenticity == verdict_pb2.AUTHENTICITY_GENUINE
    assert verdict.standing == verdict_pb2.STANDING_IN_FORCE
    assert not [step for step in verdict.steps[:15] if step.status not in PASSING]
    assert verdict.requirement_title == example.requirement.title_zh
    assert verdict.log_view.origin == f"huxin/{example.issuer}"
    if example.accepted_caveats != COMMON_CAVEATS:
        await accept(world, example, COMMON_CAVEATS)


PASSING = {verdict_pb2.STEP_STATUS_PASS, verdict_pb2.STEP_STATUS_NOT_REQUIRED}


async def accept(world: World, example: WorkedExample, caveats: Sequence[Caveat]) -> None:
    """The relying party signs another trust certificate, and its running node takes it up."""
    relying = world.relying_party(example)
    world.clock.advance(timedelta(microseconds=1))
    held = nodes.recognise(relying, example.issuer, world.clock.now(), caveats=caveats)

    async def taken_up() -> bool:
        return (await world.verdict(example)).inputs.trust_certificate == held.digest

    await nodes.eventually(taken_up)


async def test_a_row_that_the_subject_withholds_is_told_apart_from_one_that_was_not_chosen(world: World) -> None:
    """Example 8b, of which the subject shows row 7 alone."""
    example = next(example for example in EXAMPLES if example.example_id == "8b")
    shanxi, guizhou = world.today["140000"], world.relying_party(example)
    number = await nodes.create_report(shanxi, subject_of(example), codes=example.local_codes)
    shown = await nodes.download(shanxi, number, ["7"])
    response = await guizhou.verification().Verify(
        verification_service_pb2.VerifyRequest(
            bundle=shown,
            subject=nodes.claim(subject_of(example)),
            requirement=requirement_message(example.requirement),
        )
    )
    verdict = response.verdict
    assert (verdict.decision, verdict.reasons) == (verdict_pb2.DECISION_REFER, ["NOT_DISCLOSED"])
    assert {gap.reason for finding in verdict.findings for gap in finding.gaps} == {"NOT_DISCLOSED"}
    assert "市场监管" not in shown.decode(errors="ignore")


async def test_the_record_of_the_examples_is_in_the_reports_that_show_it(world: World) -> None:
    shown = {key[-1]: records_of(bundle) for key, bundle in world.bundles.items() if key[2]}
    assert shown == {False: ["示例市监罚〔2025〕1号"], True: []}


def records_of(bundle: bytes) -> list[str]:
    disclosure = read_bundle(bundle).disclosure
    assert disclosure is not None
    sections: list[Section] = [decode_section(section) for section in disclosure.sections[1:]]
    return [record.document_number for section in sections for record in section.records]
