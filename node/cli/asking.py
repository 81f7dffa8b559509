"""Options of every command that asks a running node, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from node.app.jurisdictions import check_requirement
from node.cli.connection import Node, connected, endpoint, require_in_force
from node.cli.session import NODE_VARIABLE, Session
from node.config import Address
from node.errors import BadConfiguration
from node.model.identifiers import parse_subject_id
from node.model.requirement import Requirement
from node.model.subject import IdType, SubjectRef

F = TypeVar("F", bound=Callable[..., Any])

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound: who listens everywhere is asked on loopback
ID_TYPES = {"uscc": IdType.USCC, "resident-id": IdType.RESIDENT_ID}


def node_options(certificate: str) -> Callable[[F], F]:
    """`--node` and `--as`, the latter with the certificate that usually opens the command's calls."""

    def add(command: F) -> F:
        named = click.option(
            "--as",
            "certificate",
            default=certificate,
            show_default=True,
            metavar="NAME",
            help="Certificate of the home to ask with: certificates/NAME.crt and keys/NAME.key.",
        )
        address = click.option(
            "--node",
            "address",
            envvar=NODE_VARIABLE,
            show_envvar=True,
            metavar="HOST:PORT",
            help="Where the node listens. Default: as the settings in the home say.",
        )
        return address(named(command))

    return add


def requirement_options(command: F) -> F:
    """`--require` and `--requirement-file`: by what the node is to decide."""
    named = click.option(
        "--require", "requirement_id", metavar="ID", help="Requirement of this jurisdiction to decide by."
    )
    written = click.option(
        "--requirement-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Requirement to decide by, as a TOML file.",
    )
    return named(written(command))


def requirement_to(requirement_id: str | None, requirement_file: Path | None) -> Requirement | str | None:
    """The requirement that a file holds, or an id; None when neither is named. Raises UsageError for both."""
    if requirement_id and requirement_file:
        raise click.UsageError("Give --require or --requirement-file, not both.")
    return check_requirement(requirement_file) if requirement_file else requirement_id or None


@contextmanager
def asked(session: Session, address: str | None, certificate: str) -> Iterator[Node]:
    """The node to ask. Raises BadConfiguration when its address or our certificate is not to be found or has ended."""
    found = endpoint(session.home, address or _address(session), certificate)
    require_in_force(found, certificate, session.clock.now())
    with connected(found) as node:
        yield node


def subject_of(session: Session, id_type: str, text: str, field: str = "SUBJECT") -> SubjectRef:
    """An identifier as typed, normalised; doubts go to stderr. Raises InvalidInput naming what is wrong with it."""
    ref, warnings = parse_subject_id(ID_TYPES[id_type], text, field)
    if warnings:
        session.err.print(
            "提示 Note: the code's check character does not fit. Some codes in use fail it; compare with the licence.",
            style="yellow",
            soft_wrap=True,
        )
    return ref


id_type_option = click.option(
    "--id-type",
    type=click.Choice(list(ID_TYPES)),
    default="uscc",
    show_default=True,
    help="Register of the subject's identifier: unified social credit code or resident ID.",
)


def _address(session: Session) -> str:
    listen = session.settings().rpc.listen
    if listen.port == 0:
        raise BadConfiguration("rpc.listen", "lets the system choose the port; say with --node where the node listens.")
    return str(Address(_ANY.get(listen.host, listen.host), listen.port))
