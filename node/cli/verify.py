"""`huxin verify`: whether a report is genuine, still stands, is recognised here, and proves what is needed."""

from __future__ import annotations

from pathlib import Path

import click

from node.cli.as_of import read_moment
from node.cli.asking import asked, id_type_option, node_options, requirement_options, requirement_to, subject_of
from node.cli.connection import Names, Node, Verdict, as_json, code_of
from node.cli.failures import ExitCode, Refused
from node.cli.session import Command, Session, json_option, pass_session
from node.cli.verdict_view import show
from node.config.sections import MAX_BUNDLE_BYTES
from node.errors import BadSource, InvalidInput
from node.model.identifiers import parse_report_number
from node.model.verdict import Authenticity, Decision, Standing

EXAMPLE = """\
huxin verify report.huxin --subject 91140100MA0K000001 --require 520000/tender
huxin verify report.huxin --subject 91140100MA0K000001 --require 520000/tender --at 2026-05-01
huxin verify 14000020261122000G40R40M30E209Q --json"""


@click.command(cls=Command, example=EXAMPLE)
@click.argument("presented", metavar="FILE_OR_NUMBER")
@click.option("--subject", metavar="CODE", help="Whom the report is said to be about. Without it nothing is accepted.")
@id_type_option
@requirement_options
@click.option(
    "--at",
    metavar="DAY_OR_TIME",
    help="Decide by the rules of that moment, such as a bid opening's: 2026-05-01 (the end of that day in China; today "
    "is now) or 2026-05-01T09:30:00+08:00. What is known today counts in any case.",
)
@click.option("--steps", is_flag=True, help="Show all eighteen steps, not only those that did not pass.")
@node_options("gateway")
@json_option
@pass_session
@click.pass_context
def verify(  # noqa: PLR0913 - one parameter per option
    ctx: click.Context,
    session: Session,
    *,
    presented: str,
    subject: str | None,
    id_type: str,
    requirement_id: str | None,
    requirement_file: Path | None,
    at: str | None,
    steps: bool,
    address: str | None,
    certificate: str,
) -> None:
    """Verify a report: a bundle file, or a report number alone (authenticity and standing, never content).

    With a requirement the answer is ACCEPT (exit 0), REFER (10) or REJECT (11). Without one there is no decision: exit
    11 when the report is not genuine or revoked, else 10, never 0. With --at the decision is that of the moment; what
    has changed since is named beside it.
    """
    against = requirement_to(requirement_id, requirement_file)
    claim = subject_of(session, id_type, subject, "--subject") if subject else None
    moment = None if at is None else read_moment(at, session.clock.now())
    content = presented_content(presented)
    with asked(session, address, certificate) as node:
        verdict = node.verify(content, claim, against, moment)
        names = Names() if session.as_json else known_names(node)
    if session.as_json:
        session.emit(as_json(verdict))
    else:
        show(session.out, verdict, names, steps=steps)
    ctx.exit(exit_code(verdict))


def exit_code(verdict: Verdict) -> ExitCode:
    """0 for ACCEPT alone: whoever forgets to name a requirement gets no 0. A decision unknown here is REFER."""
    decision = code_of(verdict, "decision")
    if decision == Decision.ACCEPT:
        return ExitCode.OK
    not_genuine = code_of(verdict, "authenticity") == Authenticity.NOT_GENUINE
    revoked = code_of(verdict, "standing") == Standing.REVOKED
    return ExitCode.REJECT if decision == Decision.REJECT or not_genuine or revoked else ExitCode.REFER


def presented_content(presented: str) -> bytes | str:
    """The bytes of a bundle file, or a report number. Raises InvalidInput for neither, BadSource for a huge file."""
    path = Path(presented)
    if path.is_file():
        return bundle_content(path)
    if path.is_dir() or any(mark in presented for mark in "./\\"):
        raise InvalidInput("FILE_OR_NUMBER", "there is no such file; check its name and the folder it lies in")
    try:
        return parse_report_number(presented).text
    except InvalidInput as error:
        raise InvalidInput(
            "FILE_OR_NUMBER",
            f"there is no such file, and as a report number it is wrong: {error.message}",
            error.reason,
        ) from None


def bundle_content(path: Path) -> bytes:
    """The bytes of a bundle file. Raises BadSource for a huge one."""
    if path.stat().st_size > MAX_BUNDLE_BYTES:
        raise BadSource(path.name, f"a report file has at most {MAX_BUNDLE_BYTES} bytes; this is something else")
    return path.read_bytes()


def known_names(node: Node) -> Names:
    """What the node calls things; codes alone when it will not say."""
    try:
        return node.names()
    except Refused:
        return Names()
