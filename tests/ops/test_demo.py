"""The demo's fast parts: its synthetic data, its checks of verdicts, its commands. `make demo` plays the whole."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from node.adapters.catalogues.registry import discover
from node.adapters.procedures.loading import discover_requirements
from node.adapters.sources.csv_source import read_records, read_registrations
from node.adapters.sources.delivery_header import header_beside, read_delivery_header
from node.intake.ingest import check_header, file_record
from node.model.catalogue import Catalogue
from node.model.delivery import RecordRow, RegistrationRow
from node.model.identifiers import parse_subject_id
from node.model.records import RECORD_TYPES
from node.model.subject import IdType
from ops.demo import beginning, deciding, recognising, refusing, registering
from ops.demo.commands import Answer, StoryBroken, echo, shortened, together
from ops.demo.nodes import free_ports
from ops.demo.stage import stage
from ops.demo.synthetic import LATE_DAYS, deliveries, fillers, subject, write_deliveries, write_register
from ops.demo.verdicts import Expected, Line, checked, lines, show, summary

TODAY = date(2026, 11, 22)
YESTERDAY = date(2026, 11, 21)
SUBJECTS = [subject("140000", number, "山西") for number in range(1, 51)]


def catalogue(division: str) -> Catalogue:
    return discover().on(division, TODAY).catalogue


# synthetic data


def test_synthetic_companies_say_so_and_their_codes_hold(tmp_path: Path) -> None:
    assert len({one.code for one in SUBJECTS}) == len(SUBJECTS)
    for one in SUBJECTS:
        assert "合成" in one.name
        assert "synthetic" in one.name
        assert "TE5T" in one.code
        assert parse_subject_id(IdType.USCC, one.code)[1] == ()
    write_register(tmp_path / "register.csv", "140000", SUBJECTS)
    read = list(read_registrations(tmp_path / "register.csv", today=TODAY))
    assert [row.registration.ref.id for row in read if isinstance(row, RegistrationRow)] == [
        one.code for one in SUBJECTS
    ]


@pytest.mark.parametrize("division", ["140000", "520000", "620100"])
def test_every_row_can_be_filed_and_the_volume_is_what_intake_files(tmp_path: Path, division: str) -> None:
    known = catalogue(division)
    rows = list(fillers(known, SUBJECTS, 500, TODAY))
    volume = write_deliveries(tmp_path / "deliveries", known, deliveries(known, rows, YESTERDAY))
    filed = kept_out = 0
    for path in sorted((tmp_path / "deliveries").glob("*.csv")):
        header = read_delivery_header(header_beside(path), today=TODAY)
        check_header(header, known, TODAY)
        for row in read_records(path, today=TODAY, record_types=RECORD_TYPES):
            assert isinstance(row, RecordRow), row
            places = file_record(row, header, known)
            assert all(isinstance(place, RecordRow) for place in places), places
            filed += len(places) if row.storable else 0
            kept_out += not row.storable
    assert (volume.rows, volume.filed, volume.kept_out) == (500, filed, kept_out)
    assert kept_out == 20


def test_every_unit_of_every_row_delivers_and_one_is_late() -> None:
    known = catalogue("140000")
    made = deliveries(known, [], YESTERDAY, beginning.LATE_UNIT)
    assert {(one.unit, code) for one in made for code in one.local_codes} == {
        (unit, code) for code, row in known.rows.items() for unit in row.units
    }
    late = [one for one in made if one.as_of != YESTERDAY]
    assert [(one.unit, (YESTERDAY - one.as_of).days) for one in late] == [(beginning.LATE_UNIT, LATE_DAYS)]


def test_the_same_day_gives_the_same_files(tmp_path: Path) -> None:
    known = catalogue("140000")
    for folder in ("one", "two"):
        write_deliveries(tmp_path / folder, known, deliveries(known, list(fillers(known, SUBJECTS, 50, TODAY)), TODAY))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_every_reason_to_keep_a_row_out_occurs(tmp_path: Path) -> None:
    known = catalogue("140000")
    write_deliveries(tmp_path / "d", known, deliveries(known, list(fillers(known, SUBJECTS, 500, TODAY)), TODAY))
    files = [path.read_text(encoding="utf-8") for path in (tmp_path / "d").glob("*.csv")]
    rows = [row for text in files for row in csv.DictReader(io.StringIO(text))]
    for column, value in (("effective", "no"), *((name, "yes") for name in ("not_penalised", "revoked", "sealed"))):
        assert any(row[column] == value for row in rows)
    assert {row["repair_state"] for row in rows} == {"repaired", "not_repaired"}
    assert any(row["list_name"] for row in rows)


# the story


def verdict(decision: str = "ACCEPT", **changed: Any) -> dict[str, Any]:
    """A verdict as `huxin verify --json` prints it."""
    finding = {
        "leaf": "NR02",
        "record_type": "administrative_enforcement",
        "interval": {"start": "2023-11-22", "end": "2026-11-22"},
        "kind": "FINDING_KIND_NO_RECORD_FOUND",
        "records": 0,
        "gaps": [],
    }
    return {
        "decision": f"DECISION_{decision}",
        "authenticity": "AUTHENTICITY_GENUINE",
        "standing": "STANDING_IN_FORCE",
        "reasons": [],
        "requirement_title": "示例",
        "findings": [{**finding, **changed.pop("finding", {})}],
        **changed,
    }


GAP = {"leaf": "NR02", "record_type": "administrative_enforcement", "reason": "SOURCE_LATE"}
OTHERWISE = [
    (Expected("ACCEPT"), 0, verdict("REFER"), "decision"),
    (Expected("ACCEPT"), 10, verdict(), "exit code"),
    (Expected("ACCEPT"), 0, verdict(authenticity="AUTHENTICITY_UNDECIDED"), "authenticity"),
    (Expected("ACCEPT"), 0, verdict(standing="STANDING_REVOKED"), "standing"),
    (Expected("ACCEPT"), 0, verdict(finding={"records": 1}), "records"),
    (Expected("ACCEPT"), 0, verdict(finding={"gaps": [GAP]}), "gaps"),
    (Expected("REFER", gaps=frozenset({("NR02", "SOURCE_LATE")})), 10, verdict("REFER"), "gaps"),
    (Expected("REJECT", reasons=frozenset({"REVOKED"})), 11, verdict("REJECT", reasons=["OTHER"]), "reasons"),
]


@pytest.mark.parametrize(("expected", "code", "said", "named"), OTHERWISE)
def test_a_verdict_that_is_not_as_told_breaks_the_story(
    expected: Expected, code: int, said: dict[str, Any], named: str
) -> None:
    with pytest.raises(StoryBroken, match=named):
        checked(Answer(code, json.dumps(said)), expected)


def test_a_verdict_as_told_is_shown_in_short() -> None:
    said = verdict("REFER", finding={"gaps": [GAP], "kind": "FINDING_KIND_NOT_COVERED"}, reasons=["SOURCE_LATE"])
    expected = Expected("REFER", gaps=frozenset({("NR02", "SOURCE_LATE")}))
    assert checked(Answer(10, json.dumps(said)), expected) == said
    page = io.StringIO()
    console = Console(width=100, file=page)
    show(console, said)
    summary(console, [(Line("Guizhou, licence", "of Shanxi", "a unit is late"), "REFER")])
    text = page.getvalue()
    assert "REFER 转人工核查" in text
    assert "NR02 生态环境, 行政强制: 数源单位迟报" in text
    assert "Guizhou, licence" in text


def test_nothing_that_is_shown_says_clear() -> None:
    assert any("no record found in what was covered" in line for line in lines(verdict()))
    assert not any("clear" in line.lower() for line in lines(verdict()))


def test_the_procedures_of_the_story_ask_what_it_tells() -> None:
    requirements = discover_requirements(discover())
    for name in ("140000/tender", "520000/tender", "520000/licensing", "210000/tender", "210000/licensing"):
        assert requirements[name].illustrative
    assert {leaf for leaf, _ in deciding.WITH_RECORDS.records} <= {
        item.leaf for item in requirements["210000/tender"].items
    }
    assert beginning.LATE_UNIT in catalogue("140000").rows["5"].units
    assert len(refusing.ORIGINAL.encode()) == len(refusing.FORGED.encode())


def test_of_commits_that_nobody_measured_no_time_is_claimed() -> None:
    """As `huxin peers --json` has it: without measurements there are no quantiles."""
    assert deciding.measured_words({"size": "7", "measured": 0})[0] == "not measured"
    measured = {"size": "7", "measured": 5, "p50_seconds": 0.02, "p99_seconds": 1.5}
    assert deciding.measured_words(measured) == ("p50 20 ms, p99 1500 ms", "over 5 commits; goal p99 < 2 s met")
    assert "missed" in deciding.measured_words(measured | {"p99_seconds": 2.5})[1]


# commands and the stage


def test_long_codes_are_shortened_and_words_are_not() -> None:
    command = (
        f"hall verify 140000202611221DAC8SR8Q1YX3T9R9 --subject {SUBJECTS[0].code} --require 210000/tender "
        f"--key {'ab' * 32} --as hall --node 127.0.0.1:20000"
    )
    assert shortened(command) == (
        "hall verify 14000020… --subject 9114…016L --require 210000/tender --key abababab… --as hall …"
    )


def test_a_remark_that_does_not_fit_stands_below() -> None:
    page = io.StringIO()
    console = Console(width=40, file=page, highlight=False)
    echo(console, "--home shanxi serve", "short")
    echo(console, "--home shanxi trust list", "a long remark")
    assert page.getvalue().splitlines() == [
        "$ huxin --home shanxi serve  # short",
        "$ huxin --home shanxi trust list",
        "  # a long remark",
    ]


def test_what_is_done_together_comes_back_in_order_and_raises() -> None:
    assert together([partial(int, number) for number in range(5)]) == [0, 1, 2, 3, 4]

    def fail() -> int:
        raise StoryBroken("synthetic")

    works: list[Callable[[], int]] = [partial(int, 1), fail]
    with pytest.raises(StoryBroken, match="synthetic"):
        together(works)


def test_what_is_awaited_comes_or_breaks_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognising, "ASK_AGAIN_SECONDS", 0.0)
    answers = iter((False, True))
    assert recognising.wait_until(lambda: next(answers), "it is not there") < recognising.NOTICED_SECONDS
    monkeypatch.setattr(recognising, "NOTICED_SECONDS", 0.0)
    with pytest.raises(StoryBroken, match="it is not there after 0 seconds"):
        recognising.wait_until(lambda: False, "it is not there")


def test_two_of_three_officials_found_the_registry(tmp_path: Path) -> None:
    page = io.StringIO()
    console = Console(width=100, file=page, highlight=False)
    with stage(tmp_path / ".demo", console, TODAY, keep=True) as playing:
        beginning.found(playing)
        registering.register(playing)
        status = playing.huxin("lanzhou", "trust", "status", "--json").json
    assert [each["division"] for each in status["jurisdictions"]] == ["140000", "210000", "520000", "620100"]
    assert (status["coordinator"], [each["problem"] for each in status["jurisdictions"]]) == ("140000", [""] * 4)
    assert "2 of 2 signatures：已够 enough." in page.getvalue()


def test_ports_are_free_and_different() -> None:
    assert len(set(free_ports(8))) == 8


def test_the_stage_is_removed_unless_it_is_kept(tmp_path: Path) -> None:
    console = Console(quiet=True)
    folder = tmp_path / ".demo"
    (folder / "left").mkdir(parents=True)
    with stage(folder, console, TODAY, keep=True) as playing:
        assert list(folder.iterdir()) == []  # what a demo that was killed left behind
        assert set(playing.jurisdictions) == {"shanxi", "guizhou", "lanzhou", "liaoning"}
        (folder / "kept").touch()
        with pytest.raises(StoryBroken, match="another demo"), stage(folder, console, TODAY, keep=False):
            pass
    assert (folder / "kept").exists()
    with pytest.raises(StoryBroken, match="synthetic"), stage(folder, console, TODAY, keep=False):
        raise StoryBroken("synthetic")
    assert not folder.exists()


def test_the_demo_says_what_it_is_without_playing() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "ops.demo.run", "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "--keep" in said.stdout
