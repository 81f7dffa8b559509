"""Chapters 8 and 11: what is rejected, and what goes on while the issuer's node is away."""

from __future__ import annotations

from ops.demo.commands import StoryBroken
from ops.demo.deciding import ACCEPT, HALL, at_the_hall, issued_by, wait_for_entries
from ops.demo.stage import Report, Stage
from ops.demo.verdicts import Expected, Json, Line

ORIGINAL, FORGED = "罚款50000元", "罚款00000元"

TAMPERED = Expected("REJECT", "NOT_GENUINE", "UNSPECIFIED", reasons=frozenset({"SECTION_ROOT_MISMATCH"}))
NOT_RECOGNISED = Expected("REJECT", reasons=frozenset({"ISSUER_NOT_RECOGNISED"}))
REVOKED = Expected("REJECT", standing="REVOKED", reasons=frozenset({"REVOKED"}))


def reject(stage: Stage) -> None:
    """Chapter 8."""
    stage.chapter(
        8,
        "What Liaoning rejects 不予采信",
        "A file that somebody changed, a genuine report of a city that Liaoning does not recognise, a revoked report.",
    )
    records, lanzhou, licence = (stage.reports[name] for name in ("records", "lanzhou", "licence"))
    tamper(stage)
    stage.say(f"The company changes one digit in its file: {ORIGINAL} becomes {FORGED}.")
    _ask(
        stage,
        Report(records.number, "forged.huxin", records.subject, records.log_index),
        "tender",
        TAMPERED,
        Line("Liaoning, tender", "Shanxi's, one digit changed", "not what Shanxi signed"),
    )
    _ask(
        stage,
        lanzhou,
        "tender",
        NOT_RECOGNISED,
        Line("Liaoning, tender", "Lanzhou's", "genuine, but not recognised"),
    )
    stage.echo(f"shanxi report status {licence.number} revoked --set --reason issued_in_error")
    stage.huxin("shanxi", "report", "status", licence.number, "revoked", "--set", "--reason", "issued_in_error")
    wait_for_entries(stage, "liaoning", "shanxi", issued_by(stage, "shanxi") + 1)
    _ask(
        stage,
        licence,
        "licensing",
        REVOKED,
        Line("Liaoning, fire safety", "Shanxi's, revoked since", "accepted before, now revoked"),
    )


def _ask(stage: Stage, report: Report, procedure: str, expected: Expected, line: Line) -> Json:
    """The hall in Liaoning verifies a report for one of Liaoning's procedures."""
    words = [report.file, "--subject", report.subject.code, "--require", f"210000/{procedure}", *at_the_hall(stage)]
    return stage.verify(HALL, words, expected, line)


def tamper(stage: Stage) -> None:
    """Writes forged.huxin: the report with records, with one digit of its content changed."""
    content = (stage.folder / stage.reports["records"].file).read_bytes()
    if content.count(ORIGINAL.encode()) != 1:
        raise StoryBroken(f"the report with records does not say {ORIGINAL} once")
    (stage.folder / "forged.huxin").write_bytes(content.replace(ORIGINAL.encode(), FORGED.encode()))


def go_on_alone(stage: Stage) -> None:
    """Chapter 11."""
    tender = stage.reports["tender"]
    stage.chapter(
        11,
        "Shanxi's node goes away, and with it the coordinator 山西节点离线",
        "Nobody has to wait for it: Liaoning verifies from its replica of Shanxi's log, has the registry from any "
        "other member, and says how old both are.",
    )
    stage.nodes.stop(["shanxi"])
    stage.echo(f"shanxi report show {tender.number}", "no node answers")
    stage.huxin("shanxi", "report", "show", tender.number, expect=3)
    stage.echo("liaoning trust refresh")
    refreshed = stage.huxin("liaoning", "trust", "refresh").stdout
    if "520000: verified" not in refreshed:
        raise StoryBroken(f"Liaoning did not have the registry from Guizhou: {refreshed}")
    stage.page(refreshed)
    verdict = _ask(
        stage,
        tender,
        "tender",
        ACCEPT,
        Line("Liaoning, tender", "Shanxi's, its node stopped", "verified from the replica"),
    )
    view = verdict["log_view"]
    stage.say(
        f"  日志视图 Log view: {view['origin']}, {view['size']} entries, proven fresh {view['age_seconds']} s ago"
    )
    stage.say(
        "[italic]The revocation is among them. Once this view is older than a day, nothing is accepted any more; the "
        "registry holds for five days without its coordinator.[/]"
    )
