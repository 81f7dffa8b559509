"""`huxin present`: whether the reports of several jurisdictions together prove what is needed."""

from __future__ import annotations

from pathlib import Path

import click

from node.cli.as_of import read_moment
from node.cli.asking import asked, id_type_option, node_options, requirement_options, requirement_to, subject_of
from node.cli.connection import Names, as_json, code_of
from node.cli.failures import ExitCode
from node.cli.joint_view import show
from node.cli.session import Command, Session, json_option, pass_session
from node.cli.verify import bundle_content, known_names
from node.model.verdict import Decision

EXAMPLE = """\
huxin present shanxi.huxin guizhou.huxin --require 520000/tender --territory 140000 --territory 520000
huxin present tax.huxin market.huxin --subject 91140100MA0K000001 --require 520000/tender --territory 140000 --json"""

_EXITS: dict[str, ExitCode] = {Decision.ACCEPT: ExitCode.OK, Decision.REJECT: ExitCode.REJECT}


@click.command(cls=Command, example=EXAMPLE)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--subject", metavar="CODE", help="Whom all are said to be about. Without it nothing is accepted.")
@id_type_option
@requirement_options
@click.option(
    "--territory",
    "territories",
    metavar="DIVISION",
    multiple=True,
    help="Division for which the requirement must be met, such as 140000; may be given several times. Default: the "
    "requirement's own territory.",
)
@click.option("--at", metavar="DAY_OR_TIME", help="Decide by the rules of that moment, as in huxin verify.")
@node_options("gateway")
@json_option
@pass_session
@click.pass_context
def present(  # noqa: PLR0913 - one parameter per option
    ctx: click.Context,
    session: Session,
    *,
    files: tuple[Path, ...],
    subject: str | None,
    id_type: str,
    requirement_id: str | None,
    requirement_file: Path | None,
    territories: tuple[str, ...],
    at: str | None,
    address: str | None,
    certificate: str,
) -> None:
    """Hold several reports on one subject together against one requirement, over one or more territories.

    What one report does not cover another may; records that any of them shows count. The answer is ACCEPT (exit 0),
    REFER (10) or REJECT (11), with what no report covers in each territory, and each report's own verdict.
    """
    against = requirement_to(requirement_id, requirement_file)
    if against is None:
        raise click.UsageError("Give --require or --requirement-file: what the reports are to meet together.")
    claim = subject_of(session, id_type, subject, "--subject") if subject else None
    moment = None if at is None else read_moment(at, session.clock.now())
    bundles = [bundle_content(path) for path in files]
    with asked(session, address, certificate) as node:
        joint = node.present(bundles, claim, against, territories, moment)
        names = Names() if session.as_json else known_names(node)
    if session.as_json:
        session.emit(as_json(joint))
    else:
        show(session.out, joint, names, [path.name for path in files])
    ctx.exit(_EXITS.get(code_of(joint, "decision"), ExitCode.REFER))
