"""`huxin certificate`: certificates of this jurisdiction's workloads."""

from __future__ import annotations

import os
import re

import click

from node.app.founding import issue
from node.cli.session import Group, Session, pass_session
from node.config import read_secret
from node.errors import InvalidInput
from trust.identities import Role, WorkloadIdentity

_NAME = r"[a-z0-9][a-z0-9-]{0,62}"


@click.group(cls=Group)
def certificate() -> None:
    """Certificates with which workloads of this jurisdiction reach its node."""


@certificate.command(
    "issue",
    example="huxin certificate issue relying-party 91520100MA6H000001 --out-name bidding-centre\n"
    "huxin certificate issue source market-bureau --out-name market-bureau",
)
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.argument("detail", required=False, default="")
@click.option("--out-name", help="Name of the files. Default: the role.")
@click.option("--days", type=click.IntRange(1, 3650), default=397, show_default=True, help="Validity.")
@pass_session
def issue_command(session: Session, role: str, detail: str, out_name: str | None, days: int) -> None:
    """Make a key and a certificate: keys/NAME.key, certificates/NAME.crt.

    DETAIL is a source's unit (lowercase letters, digits, hyphens) or a relying party's unified social credit code.
    Hand both files and certificates/ca.crt to the holder, the key by a safe way.
    """
    settings = session.settings()
    name = out_name or role
    if not re.fullmatch(_NAME, name):
        raise InvalidInput("--out-name", "A name has lowercase letters, digits and hyphens, at most 63.")
    passphrase_file = settings.keys.passphrase_file
    passphrase = read_secret(passphrase_file, "keys.passphrase_file").encode() if passphrase_file else None
    identity = WorkloadIdentity(settings.division, Role(role), detail)
    layout = session.layout
    if layout.key(name).exists():
        raise InvalidInput("--out-name", f"keys/{name}.key exists; choose another name, or move the old files away.")
    issue(layout, identity, name, session.clock.now(), days, os.urandom, passphrase)
    session.say(f"Issued {identity.spiffe_id} for {days} days:", "green")
    session.say(f"  {layout.certificate(name)}\n  {layout.key(name)}")
