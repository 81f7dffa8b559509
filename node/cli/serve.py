"""`huxin serve`: the node."""

from __future__ import annotations

import click
import uvloop

from node.app.running import serve as run_node
from node.cli.session import Command, Session, pass_session


@click.command(cls=Command, example="huxin --home shanxi serve")
@pass_session
def serve(session: Session) -> None:
    """Serve callers and peers until SIGTERM or Ctrl-C; open calls end first. Logs go to standard output."""
    uvloop.run(run_node(session.settings()))
