"""`huxin subjects`: organisations of which one jurisdiction told another that it holds records (R183)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from itertools import islice
from typing import TypeVar

import click
from rich.text import Text

from node.cli.asking import asked, node_options, subject_of
from node.cli.connection import SharedSubject, SubjectElsewhere, as_json
from node.cli.message_wording import state_words
from node.cli.session import Group, Session, in_china, json_option, pass_session
from node.cli.tables import Table

T = TypeVar("T", SharedSubject, SubjectElsewhere)

_subject = click.option("--subject", metavar="CODE", help="This organisation alone.")
_limit = click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="At most so many, by code."
)


@click.group(cls=Group)
def subjects() -> None:
    """Organisations of which one jurisdiction told another that it holds records: who, and since when.

    It is a jurisdiction's word and proves nothing: no report and no verdict is made of it. To know what the records
    are, ask for a report (`huxin request`).
    """


@subjects.command("elsewhere", example="huxin subjects elsewhere\nhuxin subjects elsewhere --holder 140000 --json")
@click.option("--holder", default="", metavar="DIVISION", help="What this jurisdiction says, alone.")
@_subject
@_limit
@node_options("gateway")
@json_option
@pass_session
def elsewhere(
    session: Session, *, holder: str, subject: str | None, limit: int, address: str | None, certificate: str
) -> None:
    """List organisations of ours of which other jurisdictions say that they hold records."""
    ref = None if subject is None else subject_of(session, "uscc", subject, "--subject")
    with asked(session, address, certificate) as node:
        found, more = _first(node.subjects_elsewhere(holder, ref), limit)
    if session.as_json:
        session.emit([as_json(each) for each in found])
    elif not found:
        session.say("没有其他地区告知的主体 No other jurisdiction says that it holds records of our organisations.")
    else:
        table = Table("代码\nCode", "名称（对方）\nName (theirs)", "持有方\nHolder", "始于\nSince", "告知\nTold")
        for each in found:
            told_at = in_china(each.received_at.ToDatetime(UTC))
            table.add_row(each.subject.id, Text(each.name), each.holder, each.since, told_at)
        session.out.print(table)
    _tell_more(session, limit, more=more)


@subjects.command("shared", example="huxin subjects shared\nhuxin subjects shared --receiver 520000 --json")
@click.option("--receiver", default="", metavar="DIVISION", help="What this jurisdiction was told, alone.")
@_subject
@_limit
@node_options("gateway")
@json_option
@pass_session
def shared(
    session: Session, *, receiver: str, subject: str | None, limit: int, address: str | None, certificate: str
) -> None:
    """List organisations of elsewhere of which we told their jurisdictions that we hold records.

    Who is told is the setting `sharing.basic_information_with`; nobody, unless it names somebody.
    """
    ref = None if subject is None else subject_of(session, "uscc", subject, "--subject")
    with asked(session, address, certificate) as node:
        found, more = _first(node.shared_subjects(receiver, ref), limit)
    if session.as_json:
        session.emit([as_json(each) for each in found])
    elif not found:
        session.say("没有共享 Nothing was shared. Who is told: the setting sharing.basic_information_with.")
    else:
        table = Table("代码\nCode", "名称\nName", "收件方\nReceiver", "始于\nSince", "写成\nWritten", "状态\nState")
        for each in found:
            told_at = in_china(each.told_at.ToDatetime(UTC))
            since = each.since or "撤回 withdrawn"
            table.add_row(each.subject.id, Text(each.name), each.receiver, since, told_at, state_words(each.state))
        session.out.print(table)
    _tell_more(session, limit, more=more)


def _first(found: Iterator[T], limit: int) -> tuple[list[T], bool]:
    """At most so many, and whether there are more."""
    taken = list(islice(found, limit + 1))
    return taken[:limit], len(taken) > limit


def _tell_more(session: Session, limit: int, *, more: bool) -> None:
    if more:
        session.err.print(f"提示 Note: there are more than {limit}; see --limit.", style="yellow")
