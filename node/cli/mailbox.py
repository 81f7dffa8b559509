"""`huxin outbox` and `huxin inbox`: messages to and from peers. What they say is never shown."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import click
from rich.text import Text

from node.cli.asking import asked, node_options
from node.cli.connection import INBOX, OUTBOX, Box, Message, as_json
from node.cli.message_wording import reason_words, state_words
from node.cli.session import Group, Session, in_china, json_option, pass_session
from node.cli.tables import Table
from node.model.messages import InboxState, OutboxState


def _mailbox(name: str, box: Box, states: list[str], about: str, retried: str) -> click.Group:
    """The commands of one box."""
    peer = "receiver" if box == OUTBOX else "sender"

    @click.group(name, cls=Group, help=about)
    def group() -> None: ...

    @group.command("list", example=f"huxin {name} list\nhuxin {name} list --state {states[0]} --peer 140000 --json")
    @click.option("--peer", default="", metavar="DIVISION", help=f"Those of this {peer} alone.")
    @click.option("--state", type=click.Choice(states), metavar="STATE", help=f"Those that are {', '.join(states)}.")
    @node_options("operator")
    @json_option
    @pass_session
    def list_command(session: Session, peer: str, state: str | None, address: str | None, certificate: str) -> None:
        """List messages, newest first. Those with the same order wait for each other."""
        with asked(session, address, certificate) as node:
            found = node.messages(box, peer, state or "")
        if session.as_json:
            session.emit([_as_json(each) for each in found])
        elif not found:
            session.say("没有消息 No messages.")
        else:
            session.out.print(_table(found))

    @group.command("show", example=f"huxin {name} show 0192f3c4a5b67c8d9e0f1a2b3c4d5e6f")
    @click.argument("message_id", metavar="ID")
    @node_options("operator")
    @json_option
    @pass_session
    def show_command(session: Session, message_id: str, address: str | None, certificate: str) -> None:
        """Show the message ID, and why it stands as it does."""
        with asked(session, address, certificate) as node:
            _tell(session, node.message(box, message_id))

    @group.command("retry", example=f"huxin {name} retry 0192f3c4a5b67c8d9e0f1a2b3c4d5e6f")
    @click.argument("message_id", metavar="ID")
    @node_options("operator")
    @json_option
    @pass_session
    def retry_command(session: Session, message_id: str, address: str | None, certificate: str) -> None:
        with asked(session, address, certificate) as node:
            _tell(session, node.retry_message(box, message_id))

    retry_command.help = retried
    return group


outbox = _mailbox(
    "outbox",
    OUTBOX,
    [state.value for state in OutboxState],
    "Messages to peers: what waits, and what became of the others. Their content is never shown.",
    "Try the peer of the queued message ID now, and not after its pause.",
)

inbox = _mailbox(
    "inbox",
    INBOX,
    [state.value for state in InboxState],
    "Messages from peers: what was handled, and what could not be. Their content is never shown.",
    "Handle the parked message ID again, when what was wrong is put right.",
)


def _table(found: list[Message]) -> Table:
    table = Table()
    table.add_column("编号\nId", no_wrap=True)
    for name in ("对方\nPeer", "种类\nKind", "状态\nState", "次数\nTried", "写成\nWritten", "顺序\nOrder", "原因\nWhy"):
        table.add_column(name)
    for each in found:
        table.add_row(
            each.id,
            *map(
                Text,
                (
                    each.peer,
                    each.kind,
                    state_words(each.state),
                    str(each.attempts),
                    in_china(each.created_at.ToDatetime(UTC)),
                    each.order,
                    each.reason,
                ),
            ),
        )
    return table


def _tell(session: Session, found: Message) -> None:
    if session.as_json:
        session.emit(_as_json(found))
        return
    lines = [
        ("编号 Id", found.id),
        ("对方 Peer", found.peer),
        ("种类 Kind", found.kind),
        ("状态 State", state_words(found.state)),
        ("次数 Tried", str(found.attempts)),
        ("写成 Written", in_china(found.created_at.ToDatetime(UTC))),
        ("过期 Expires", in_china(found.expires_at.ToDatetime(UTC))),
        ("顺序 Order", found.order),
    ]
    if found.HasField("ended_at"):
        lines.append(("结束 Ended", in_china(found.ended_at.ToDatetime(UTC))))
    if found.reason:
        lines.append(("原因 Why", reason_words(found.reason)))
    if found.outcome:
        lines.append(("结果 Outcome", found.outcome))
    if found.evidence_digest:
        lines.append(("依据摘要 Evidence SHA-256", found.evidence_digest.hex()))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in lines:
        table.add_row(name, Text(value))
    session.out.print(table)


def _as_json(message: Message) -> dict[str, Any]:
    """As the others, but the digest as people compare it: `sha256sum` prints hexadecimal digits."""
    return {**as_json(message), "evidence_digest": message.evidence_digest.hex()}
