"""`huxin certificate`: certificates of this jurisdiction's workloads, and the CA that issues them."""

from __future__ import annotations

import os
import re
from datetime import datetime

import click

from node.app import certifying
from node.app.authority import issue, own_authority, usual_days
from node.cli.session import Group, Session, in_china, json_option, pass_session, rfc3339
from node.cli.tables import Table
from node.errors import InvalidInput
from node.model.counting import counted
from trust.certificates import claimed_identity
from trust.errors import CertificateRejected
from trust.identities import Role, WorkloadIdentity
from trust.revocation import REASONS

_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
_DAYS = click.IntRange(1, 3650)


@click.group(cls=Group)
def certificate() -> None:
    """Certificates with which workloads of this jurisdiction reach its node, and its CA."""


@certificate.command(
    "issue",
    example="huxin certificate issue relying-party 91520100MA6H000001 --out-name bidding-centre\n"
    "huxin certificate issue source market-bureau --out-name market-bureau",
)
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.argument("detail", required=False, default="")
@click.option("--out-name", metavar="NAME", help="Name of the files. Default: the role.")
@click.option(
    "--days", type=_DAYS, metavar="DAYS", help="Validity. Default: 30 for a node, which renews itself, 397 for others."
)
@json_option
@pass_session
def issue_command(session: Session, role: str, detail: str, out_name: str | None, days: int | None) -> None:
    """Make a key and a certificate: keys/NAME.key, certificates/NAME.crt.

    DETAIL is a source's unit (lowercase letters, digits, hyphens) or a relying party's unified social credit code.
    Hand both files and certificates/ca.crt to the holder, the key by a safe way.
    """
    settings = session.settings()
    name = out_name or role
    if not re.fullmatch(_NAME, name):
        raise InvalidInput("--out-name", "A name has lowercase letters, digits and hyphens, at most 63.")
    identity = WorkloadIdentity(settings.division, Role(role), detail)
    files = certifying.pair_files(settings, name)
    if files.key.exists() or files.certificate.exists():
        raise InvalidInput(
            "--out-name", f"{name} exists; choose another name, or renew it: huxin certificate renew {name}"
        )
    now = session.clock.now()
    authority = own_authority(settings).issuing(now)
    lasting = days or usual_days(identity.role)
    issue(authority, identity, files, now, lasting, os.urandom)
    session.say(f"Issued {identity.spiffe_id} for {counted(lasting, 'day')}:", "green")
    session.say(f"  {files.certificate}\n  {files.key}")
    session.answer(
        {
            "identity": identity.spiffe_id,
            "days": lasting,
            "certificate": str(files.certificate),
            "key": str(files.key),
        }
    )


@certificate.command(
    "renew", example="huxin certificate renew\nhuxin certificate renew gateway bidding-centre --days 90"
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--days", type=_DAYS, metavar="DAYS", help="Validity. Default: 30 for a node, 397 for others.")
@json_option
@pass_session
def renew_command(session: Session, names: tuple[str, ...], days: int | None) -> None:
    """Make a new key and certificate in the place of the old ones. Without NAME: for all that are due.

    Due is what has a third of its life left, or comes from a CA that no longer issues. A running node takes up its own
    new certificate within seconds, without a restart; other holders need to be handed theirs. Old ones stay valid until
    they end: revoke what fell into other hands.
    """
    settings, now = session.settings(), session.clock.now()
    wanted, renewed = names or tuple(certifying.due_names(settings, now)), []
    for name in wanted:
        leaf = certifying.renew(settings, name, now, days, os.urandom)
        session.say(
            f"Renewed {name} until {in_china(leaf.not_valid_after_utc)}: serial {leaf.serial_number:x}", "green"
        )
        until = rfc3339(leaf.not_valid_after_utc)
        renewed.append({"name": name, "serial": f"{leaf.serial_number:x}", "until": until})
    if not wanted:
        session.say("No certificate is due.")
    session.answer(renewed)


@certificate.command("list", example="huxin certificate list --json")
@json_option
@pass_session
def list_command(session: Session) -> None:
    """Show every certificate that was issued here: whose, serial number, until when, and whether it counts."""
    settings, now = session.settings(), session.clock.now()
    revoked = {serial for _, serial in certifying.revoked_here(settings)}
    rows = [_row(each, revoked, now) for each in certifying.issued_here(settings)]
    if session.as_json:
        session.emit(rows)
        return
    table = Table("name", "identity", "serial", "until", "state")
    for row in rows:
        until = in_china(datetime.fromisoformat(row["until"]))
        table.add_row(row["names"] or "-", row["identity"], row["serial"], until, row["state"])
    session.out.print(table)


def _row(issued: certifying.IssuedCertificate, revoked: set[int], now: datetime) -> dict[str, str]:
    leaf = issued.leaf
    if leaf.serial_number in revoked:
        state = "revoked"
    elif leaf.not_valid_after_utc < now:
        state = "ended"
    else:
        state = "in use" if issued.names else "replaced, still valid"
    try:
        identity = claimed_identity(leaf).spiffe_id
    except CertificateRejected:
        identity = "unreadable"
    return {
        "names": ", ".join(issued.names),
        "identity": identity,
        "serial": issued.serial,
        "until": rfc3339(leaf.not_valid_after_utc),
        "state": state,
    }


@certificate.command(
    "revoke",
    example="huxin certificate revoke certificates/bidding-centre.crt --reason key-compromise\n"
    "huxin certificate revoke 6ba1f0c2a55d4e1b9d3c7f20aa10bb7d",
)
@click.argument("what", metavar="SERIAL|FILE")
@click.option("--reason", type=click.Choice(list(REASONS)), default="unspecified", show_default=True, help="Why.")
@click.option("--unrecorded", is_flag=True, help="Also when no certificate of that serial number is known here.")
@json_option
@pass_session
def revoke_command(session: Session, what: str, reason: str, unrecorded: bool) -> None:
    """Take a certificate back, for good: our own node refuses it within seconds, on open connections as well.

    Other jurisdictions refuse it once they have our new bundle: a running node publishes it in the trust registry.
    A node whose own certificate is revoked makes itself another one where the CA key is at hand.
    """
    serial = certifying.revoke(session.settings(), what, reason, session.clock.now(), unrecorded=unrecorded)
    session.say(f"已吊销 Revoked: serial {serial}", "green")
    _say_published(session)
    session.answer({"serial": serial, "reason": reason})


@certificate.command("sign-revocations", example="huxin certificate sign-revocations")
@json_option
@pass_session
def sign_revocations_command(session: Session) -> None:
    """Sign our lists of revoked certificates again, before they are out of date (397 days)."""
    count = certifying.sign_lists_again(session.settings(), session.clock.now())
    session.say(f"Signed {counted(count, 'list')} again." if count else "Nothing is revoked: there is no list to sign.")
    session.answer({"lists": count})


@certificate.command("rotate-ca", example="huxin certificate rotate-ca")
@json_option
@pass_session
def rotate_command(session: Session) -> None:
    """Publish a new CA beside the one in use: the first of three steps, none of which interrupts a call.

    1. `rotate-ca`: a running node publishes our bundle; hand certificates/ca.crt to own workloads.
    2. After keys.ca_overlap_seconds the node issues from the new CA: `huxin certificate renew`, hand over.
    3. `huxin certificate retire-ca` once nothing valid comes from the old one.

    If the old CA's key is in other hands, do all three at once, with HUXIN_KEYS__CA_OVERLAP_SECONDS=0, and telephone.
    """
    settings = session.settings()
    begins = certifying.rotate_ca(settings, session.clock.now(), os.urandom)
    session.say(f"A new CA is published; certificates are issued from it from {in_china(begins)} on.", "green")
    session.say(f"Until then hand {settings.tls.ca} to own workloads.")
    _say_published(session)
    session.answer({"ca": str(settings.tls.ca), "issues_from": rfc3339(begins)})


@certificate.command("retire-ca", example="huxin certificate retire-ca")
@click.option("--ignore-replaced", is_flag=True, help="Certificates that a renewal here has replaced do not count.")
@json_option
@pass_session
def retire_command(session: Session, ignore_replaced: bool) -> None:
    """Take the old CA out of our bundle, once nothing valid comes from it; says what still does.

    Its key is deleted. Whoever still holds one of its certificates is refused from then on.
    """
    certifying.retire_ca(session.settings(), session.clock.now(), ignore_replaced=ignore_replaced)
    session.say("The old CA is retired.", "green")
    _say_published(session)
    session.answer({"retired": True, "ca": str(session.settings().tls.ca)})


def _say_published(session: Session) -> None:
    session.say("A running node publishes this in the trust registry by itself (huxin trust status).")
    session.say("For jurisdictions that know us by file alone: huxin trust export -o bundle.json")
