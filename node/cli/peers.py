"""`huxin peers`: whom this node follows, and how far."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

import click
from rich.text import Text

from node.cli.asking import asked, node_options
from node.cli.connection import Peer, as_json
from node.cli.session import Command, Session, in_china, json_option, pass_session
from node.cli.tables import Table
from node.model.peers import PeerCondition

_STYLES = {
    PeerCondition.CONNECTED: "green",
    PeerCondition.WAITING: "yellow",
    PeerCondition.REFUSED: "red",
    PeerCondition.HALTED: "red",
}
_HALTED = (
    "`huxin evidence --export FOLDER` saves the proof; ops/README.md, HuxinSplitView, says how its log is recovered. "
    "Its statements are REFER from where the two histories part."
)
_WITHHELD = (
    "it shows us {} fewer entries than others hold of its log; call its operators (ops/README.md, HuxinLogWithheld)."
)
_REFUSED = (
    "ask its operators whether they hold our newest bundle (`huxin trust export`), and which certificate they refuse "
    "(ops/README.md, HuxinPeerDisconnected)."
)


@click.command(cls=Command, example="huxin --home guizhou peers")
@node_options("operator")
@json_option
@pass_session
def peers(session: Session, address: str | None, certificate: str) -> None:
    """List peers: connection, how much of their log is replicated and witnessed, how fresh, what they hold of ours.

    "Ours there" is what a peer says it holds of this node's log; p50 and p99: within how many seconds of their commit
    half, and 99 of 100, of the newest entries were there. A peer whose log has two histories is halted: see
    `huxin evidence`. Where each is reached, what was last wrong and what to do stand beneath the table.
    """
    with asked(session, address, certificate) as node:
        found = node.peers()
    if session.as_json:
        session.emit([as_json(peer) for peer in found])
        return
    if not found:
        session.say("No peers yet. Join the trust registry (`huxin trust join`), or import a bundle by hand.")
        return
    table = Table("Peer", "State", "Replicated", "Witnesses", "Newest cosignature", "Ours there", "p50 / p99")
    for peer in found:
        table.add_row(*(_cells(peer)))
    session.out.print(table)
    for peer in found:
        for line, style in _beneath(peer):
            session.say(line, style)


def _beneath(peer: Peer) -> Iterator[tuple[str, str | None]]:
    """What is too long for a table, and has to be read whole."""
    yield f"{peer.division} {peer.name_zh}: {peer.endpoint or 'no endpoint yet'}", None
    if peer.last_error:
        reason = f" ({peer.last_reason})" if peer.last_reason else ""
        yield f"  {peer.state}: {peer.last_error}{reason}", _style(peer)
    if peer.state == PeerCondition.HALTED:
        yield f"  下一步 Next: {_HALTED}", None
    elif peer.withheld:
        yield f"  下一步 Next: {_WITHHELD.format(peer.withheld)}", None
    elif peer.state == PeerCondition.REFUSED:
        yield f"  下一步 Next: {_REFUSED}", None


def _cells(peer: Peer) -> tuple[Text, ...]:
    fresh = in_china(peer.fresh_at.ToDatetime(UTC)) if peer.HasField("fresh_at") else "none yet"
    return (
        Text(f"{peer.division} {peer.name_zh}"),
        Text(peer.state, style=_style(peer)),
        Text(f"{peer.replicated} of {max(peer.head_size, peer.known_size)}", style="yellow" if peer.withheld else ""),
        Text(str(len(peer.witnesses))),
        Text(fresh),
        *_acknowledged(peer),
    )


def _style(peer: Peer) -> str:
    return _STYLES[PeerCondition(peer.state)] if peer.state in _STYLES else ""


def _acknowledged(peer: Peer) -> tuple[Text, Text]:
    """Entries of ours that it holds, and how long they took to it."""
    if not peer.HasField("acknowledged"):
        return Text("not told yet"), Text("-")
    told = peer.acknowledged
    entries = Text(f"{told.size} of {told.size + told.lag}")
    if not told.HasField("p50_seconds"):
        return entries, Text("-")
    return entries, Text(f"{told.p50_seconds:.2f} / {told.p99_seconds:.2f} s")
