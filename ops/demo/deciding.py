"""Chapters 4, 6 and 7: Shanxi issues; procedures in Guizhou and Liaoning decide."""

from __future__ import annotations

import shutil
import time
from functools import partial
from typing import Any

from rich.table import Table

from ops.demo.commands import StoryBroken, together
from ops.demo.stage import Report, Stage
from ops.demo.synthetic import subject
from ops.demo.verdicts import Expected, Line

HALL = "hall"
"""Home of a relying party in Liaoning: certificates alone, neither settings nor data. Also its certificate's name."""

CATCH_UP_SECONDS = 30.0
PROPAGATION_SECONDS = 2.0
"""The goal for news on a healthy link, p99 (`docs/protocol.md`)."""
FOLLOWING = (("guizhou", "shanxi"), ("liaoning", "shanxi"), ("liaoning", "lanzhou"))
"""Whose replicas the story needs; every member of the registry follows every other."""

ORDERS = {
    "tender": ("shanxi", "shanxi 1", "tender"),
    "licence": ("shanxi", "shanxi 1", "licensing"),
    "records": ("shanxi", "shanxi 2", "tender"),
    "lanzhou": ("lanzhou", "lanzhou 1", "tender"),
}
"""Report -> issuer, subject, scenario."""

ACCEPT = Expected("ACCEPT")
ENVIRONMENT = Expected("REFER", gaps=frozenset({("NR02", "SOURCE_LATE"), ("NR02", "RECORD_TYPE_NOT_COLLECTED")}))
WITH_RECORDS = Expected("REFER", records=frozenset({("UR01", 1), ("EC07", 1)}))


def issue(stage: Stage) -> None:
    """Chapter 4."""
    stage.chapter(
        4,
        "Shanxi issues 山西出具专项信用报告",
        "For each row and record type a report says what was found and what was covered. The subject carries the "
        "file; a signed attestation of it goes into Shanxi's log, which Guizhou and Liaoning replicate.",
    )
    together([partial(stage.nodes.wait_until_ready, one) for one in stage.jurisdictions.values()])
    stage.echo(f"shanxi report create {stage.subjects['shanxi 1'].code} --scenario tender")
    made = together([partial(_issued, stage, name) for name in ORDERS])
    stage.reports |= dict(zip(ORDERS, made, strict=True))
    tender = stage.reports["tender"]
    stage.echo(f"shanxi report download {tender.number} -o {tender.file}")
    stage.show(_list(stage))
    stage.echo("guizhou peers", "whose log is replicated, how far, how fresh")
    held = together([partial(wait_for_entries, stage, home, peer, issued_by(stage, peer)) for home, peer in FOLLOWING])
    stage.say(f"Guizhou holds {held[0]} entries of Shanxi's log, Liaoning {held[1]}, proven against its signed head.")
    stage.echo("shanxi peers", "what peers hold of ours, and how long it took from commit to their word")
    stage.show(propagation(stage, "shanxi", ("guizhou", "liaoning")))
    stage.verify(
        "shanxi",
        [tender.file, "--subject", tender.subject.code, "--require", "140000/tender"],
        ACCEPT,
        Line("Shanxi, tender", "its own", "own rows compared directly"),
    )


def _issued(stage: Stage, name: str) -> Report:
    issuer, who, scenario = ORDERS[name]
    about = stage.subjects[who]
    made = stage.huxin(issuer, "report", "create", about.code, "--scenario", scenario, "--json").json
    stage.huxin(issuer, "report", "download", made["report_number"], "-o", f"{name}.huxin")
    return Report(made["report_number"], f"{name}.huxin", about, int(made["log_index"]))


def _list(stage: Stage) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, report in stage.reports.items():
        issuer, _, scenario = ORDERS[name]
        issued = f"{stage.jurisdictions[issuer].name_en}, {scenario}"
        table.add_row(report.file, report.number, report.subject.name, issued)
    return table


def propagation(stage: Stage, home: str, followers: tuple[str, ...]) -> Table:
    """What followers acknowledged of a log, and how fast. Raises StoryBroken when they have not."""
    needed, table = issued_by(stage, home), Table.grid(padding=(0, 2))
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while True:
        told = {each["division"]: each.get("acknowledged") or {} for each in stage.huxin(home, "peers", "--json").json}
        found = {one: told[stage.jurisdictions[one].division] for one in followers}
        if all(int(each.get("size", 0)) >= needed for each in found.values()):
            break
        if time.monotonic() > deadline:
            raise StoryBroken(f"{home} was not told by {' and '.join(followers)} that they hold its {needed} entries")
    for one, each in found.items():
        table.add_row(stage.jurisdictions[one].name, f"{each['size']} entries", *measured_words(each))
    return table


def measured_words(told: dict[str, Any]) -> tuple[str, str]:
    """How long commits took to a follower, and whether that is within the goal; of none nothing is claimed."""
    if not told["measured"]:
        return "not measured", "it first came to them after they were committed"
    p50, p99 = told["p50_seconds"], told["p99_seconds"]
    met = "met" if p99 < PROPAGATION_SECONDS else "missed on this machine"
    times = f"p50 {p50 * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms"
    return times, f"over {told['measured']} commits; goal p99 < {PROPAGATION_SECONDS:.0f} s {met}"


def issued_by(stage: Stage, issuer: str) -> int:
    """How many entries the log of an issuer has by its reports."""
    return 1 + max(report.log_index for name, report in stage.reports.items() if ORDERS[name][0] == issuer)


def wait_for_entries(stage: Stage, home: str, peer: str, needed: int) -> int:
    """Waits until a node holds so many entries of a peer's log. Raises StoryBroken when it takes too long."""
    division = stage.jurisdictions[peer].division
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while time.monotonic() < deadline:
        for held in stage.huxin(home, "peers", "--json").json:
            if held["division"] == division and int(held["replicated"]) >= needed:
                return int(held["replicated"])
    raise StoryBroken(f"{home} did not replicate {needed} entries of {peer} within {CATCH_UP_SECONDS:.0f} seconds")


def decide_in_guizhou(stage: Stage) -> None:
    """Chapter 6."""
    tender, licence = stage.reports["tender"], stage.reports["licence"]
    stage.chapter(
        6,
        "Guizhou decides 贵州核验",
        "One company, two procedures. Guizhou asks in its own words, cell by cell (a domain and a record type); a "
        "shared taxonomy translates them to Shanxi's rows. The requirements shown are examples (示例).",
    )
    stage.verify(
        "guizhou",
        [tender.file, "--subject", tender.subject.code, "--require", "520000/tender"],
        ACCEPT,
        Line("Guizhou, tender", "Shanxi's", "all covered, no record found"),
    )
    stage.say(
        "[italic]A sealed record of this company lies in what the units delivered: the law keeps it out, and nothing "
        "shows that it exists.[/]\n"
    )
    words = ["verify", licence.file, "--subject", licence.subject.code, "--require", "520000/licensing"]
    stage.echo(" ".join(["guizhou", *words]), "the whole page, as a clerk sees it")
    page, answer = together(
        [
            partial(stage.huxin, "guizhou", *words, expect=ENVIRONMENT.exit_code),
            partial(stage.huxin, "guizhou", *words, "--json", expect=ENVIRONMENT.exit_code),
        ]
    )
    because = "type not collected, unit late"
    stage.believe(answer, ENVIRONMENT, Line("Guizhou, environment", "Shanxi's", because))
    stage.page(page.stdout)
    stage.say(
        "[italic]No record, yet not accepted: huxin never says clear. It names what was not covered, and what could "
        "fill the gap.[/]"
    )


def decide_in_liaoning(stage: Stage) -> None:
    """Chapter 7."""
    records, licence = stage.reports["records"], stage.reports["licence"]
    stage.chapter(
        7,
        "A service hall in Liaoning decides 辽宁办事大厅核验",
        "Liaoning's list of domains is not published, so its requirements are written in leaves of the taxonomy. The "
        "hall is a relying party (用证方) with a certificate of its own: it may verify, and nothing else.",
    )
    hall = subject("210000", 1, "辽宁")
    stage.echo(f"liaoning certificate issue relying-party {hall.code} --out-name {HALL}")
    stage.huxin("liaoning", "certificate", "issue", "relying-party", hall.code, "--out-name", HALL)
    for file in ("certificates/ca.crt", f"certificates/{HALL}.crt", f"keys/{HALL}.key"):
        target = stage.folder / HALL / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(stage.folder / "liaoning" / file, target)
    stage.verify(
        HALL,
        [licence.file, "--subject", licence.subject.code, "--require", "210000/licensing", *at_the_hall(stage)],
        ACCEPT,
        Line("Liaoning, fire safety", "the same", "all covered, no record found"),
    )
    stage.say("[italic]The file that did not answer Guizhou's question answers this one whole.[/]\n")
    stage.verify(
        HALL,
        [records.file, "--subject", records.subject.code, "--require", "210000/tender", *at_the_hall(stage)],
        WITH_RECORDS,
        Line("Liaoning, tender", "Shanxi's", "two records, one repaired"),
    )
    stage.echo(f"{HALL} report create {records.subject.code} ...", "refused: only the platform's gateway issues")
    order = ["report", "create", records.subject.code, "--scenario", "tender"]
    stage.huxin(HALL, *order, *at_the_hall(stage), expect=3)


def at_the_hall(stage: Stage) -> list[str]:
    """How the relying party reaches Liaoning's node, and as whom."""
    return ["--as", HALL, "--node", f"127.0.0.1:{stage.jurisdictions['liaoning'].rpc_port}"]
