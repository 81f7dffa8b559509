"""`huxin key`: the signing keys of this jurisdiction, from the making to the retirement or the compromise."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

import click
from rich.text import Text

from node.app.key_life import SHORT, Change, KeyLine, add, compromise, list_keys, require_can_be_lost, retire, rotate
from node.app.sealing_keys import rotate_sealing
from node.cli.parameters import Instant, TokenParam
from node.cli.recognition_choices import Age
from node.cli.session import Group, Session, in_china, json_option, pass_session, rfc3339
from node.cli.tables import Table
from node.errors import NotReady
from node.model.registry import RegistryRecord
from trust.algorithms import Suite, key_id_of
from trust.token_uri import SCHEME, TokenUri, read_token_uri

_SUITES = click.Choice([suite.value for suite in Suite])
_WHERE = "Make it in this PKCS #11 token: pkcs11:token=LABEL?module-path=/path/module.so&pin-source=file:/path/of/pin."


@click.group(cls=Group)
def key() -> None:
    """Signing keys: make, add, replace, retire them, and say when one was in other hands.

    A running node notices each change within seconds; none needs a restart. Keys are never removed from the bundle.
    """


@key.command("list", example="huxin key list\nhuxin key list --json")
@json_option
@pass_session
def list_command(session: Session) -> None:
    """List the signing keys that are published or here, the two keys of the log, and sealing keys."""
    lines = list_keys(session.settings(), session.clock.now(), _registry(session))
    if session.as_json:
        session.emit([_as_json(line) for line in lines])
        return
    table = Table("Key id", "Suite", "Role", "Where", "Valid from", "Retired", "Compromised", "In use")
    for line in lines:
        table.add_row(*map(Text, _cells(session, line)))
    session.out.print(table)
    for line in lines:
        if line.valid_from is None and line.role in {"signing", "sealing"}:
            session.say(
                f"{line.key_id[:SHORT]}… is not published: delete its file unless a command is under way.", "yellow"
            )


@key.command(
    "rotate", example="huxin key rotate\nhuxin key rotate --suite ed25519 --in 48h\nhuxin key rotate --sealing"
)
@click.option(
    "--sealing", is_flag=True, help="The key that peers seal messages to. A file in keys.folder, used at once."
)
@click.option("--suite", type=_SUITES, help="Which suite's key, when several sign.")
@click.option(
    "--in", "wait", type=Age(), help="How long it is published before it signs. Default: keys.rotation_seconds."
)
@click.option("--token", type=TokenParam(), metavar="URI", help=f"{_WHERE} Default: where the key before is.")
@json_option
@pass_session
def rotate_command(
    session: Session, sealing: bool, suite: str | None, wait: int | None, token: TokenUri | None
) -> None:
    """Make a new key, publish it now, let it sign later, and retire the one before after an overlap.

    With --sealing: a new key for messages from peers, or the first one of a home that has none.
    """
    if sealing:
        if suite or wait is not None or token is not None:
            raise click.UsageError("--sealing stands alone: its key is a file and counts at once.")
        _rotate_sealing(session)
        return
    change = rotate(session.settings(), Suite(suite) if suite else None, _length(wait), token, session.clock.now())
    _say_made(session, change)
    for info in change.retired:
        session.say(
            f"  {_when(info.retired_at)}  the key before, {key_id_of(info.spki)[:SHORT]}…, is retired; what it "
            "signed stays valid"
        )
    _say_next(session)
    session.answer(_changed(change))


@key.command("add", example="huxin key add --suite ecdsa-p256-sha256")
@click.option("--suite", type=_SUITES, required=True, help="The further suite.")
@click.option(
    "--in", "wait", type=Age(), help="How long it is published before it signs. Default: keys.rotation_seconds."
)
@click.option("--token", type=TokenParam(), metavar="URI", help=f"{_WHERE} Default: a file in keys.folder.")
@json_option
@pass_session
def add_command(session: Session, suite: str, wait: int | None, token: TokenUri | None) -> None:
    """Make a key of a further suite: from its beginning on, all suites sign every statement together."""
    change = add(session.settings(), Suite(suite), _length(wait), token, session.clock.now())
    _say_made(session, change)
    session.say("  A verifier whose huxin does not know this suite will answer REFER: ask your peers first.", "yellow")
    _say_next(session)
    session.answer(_changed(change))


@key.command("retire", example="huxin key retire 5f0c1a2b3c4d")
@click.argument("key_id", metavar="KEYID")
@json_option
@pass_session
def retire_command(session: Session, key_id: str) -> None:
    """End a key in a minute. What it signed stays valid; KEYID may be the beginning of one."""
    change = retire(session.settings(), key_id, session.clock.now(), _registry(session))
    (info,) = change.retired
    session.say(f"{key_id_of(info.spki)[:SHORT]}… is retired from {_when(info.retired_at)} on.", "green")
    session.say("Reports that it signed before stay valid. Delete its private half when that moment has passed.")
    _say_next(session)
    session.answer(_changed(change))


@key.command("compromised", example="huxin key compromised 5f0c1a2b3c4d --since 2026-11-20T08:00:00+08:00")
@click.argument("key_id", metavar="KEYID")
@click.option("--since", type=Instant(), required=True, help="First moment at which others may have had it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_session
def compromised_command(session: Session, key_id: str, since: datetime, yes: bool) -> None:
    """Publish that a signing key was in other hands. This cannot be taken back, only dated earlier.

    The keys of the log, for messages and for the trust registry end otherwise: name one, and what to do is told. A
    certificate of a node or a workload is revoked with `huxin certificate revoke`.
    """
    require_can_be_lost(session.settings(), key_id, since, session.clock.now(), _registry(session))
    session.say(f"密钥泄露 A key in other hands since {in_china(since)}:", "bold")
    session.say("  signed from then on       REJECT everywhere (KEY_COMPROMISED), your own reports of that time too")
    session.say(
        "  signed before             stands at each node that saw it in your log in time, or has the word of as"
    )
    session.say("                            many witnesses as its trust certificate demands; else REFER")
    session.say(
        "                            (KEY_COMPROMISED_SINCE): a thief can date back, so the date proves nothing"
    )
    session.say("  what to do                issue those reports again; what other keys alone signed is not touched")
    session.say("  this cannot be taken back: the moment can be moved earlier, never later")
    if not yes and session.as_json:
        raise click.UsageError("With --json nobody is asked: read the above, and add --yes.")
    if not yes:
        click.confirm("确认发布 Publish this?", abort=True)
    change = compromise(session.settings(), key_id, since, session.clock.now(), _registry(session))
    session.say(f"Published in our bundle, version {change.version}.", "green")
    if change.made is not None:
        session.say(f"New key {change.key_id}\n  ({change.made.suite}) signs from now on: {change.place}")
    for issuer in change.recognitions:
        session.say(
            f"Our recognition of {issuer} was signed with it and does not count any more; read each term, which "
            f"whoever had the key may have written, then sign it again: huxin recognise grant {issuer} --keep",
            "yellow",
        )
    if change.unknown_to_peers:
        session.say(
            "Peers that know us by file alone know no key that signs for us now: they need `huxin trust import FILE "
            "--key KEYID`, with the new key id told by telephone.",
            "yellow",
        )
    _say_next(session)
    _say_who_waits(session, change)
    session.answer(
        {
            **_changed(change),
            "compromised": {"key_id": change.compromised, "since": rfc3339(since)},
            "recognitions_to_sign_again": list(change.recognitions),
            "unknown_to_peers": change.unknown_to_peers,
        }
    )


def _rotate_sealing(session: Session) -> None:
    made, path, version = rotate_sealing(session.settings(), session.clock.now())
    session.say(f"新密封密钥 New sealing key {key_id_of(made.spki)}", "bold green")
    session.say(f"  {made.suite}, {path}")
    session.say(f"  {'now':<25}it is published in our bundle, version {version}; peers seal to it when they know it")
    session.say("  Beside it may be pseudonyms-….sealed of the same characters: copy and back up both.")
    session.say("  Keep the files of the keys before until every message to them has expired: they open those.")
    _say_next(session)
    key_id = key_id_of(made.spki)
    session.answer({"bundle_version": version, "made": {"key_id": key_id, "suite": made.suite, "where": str(path)}})


def _changed(change: Change) -> dict[str, object]:
    """What a step did: the new key and when it begins, and which end when; key ids in whole."""
    made = change.made
    return {
        "bundle_version": change.version,
        "made": None
        if made is None
        else {
            "key_id": change.key_id,
            "suite": str(made.suite),
            "where": change.place,
            "valid_from": rfc3339(made.valid_from),
        },
        "retired": [
            {"key_id": key_id_of(info.spki), "retired_at": rfc3339(info.retired_at)} for info in change.retired
        ],
    }


def _say_made(session: Session, change: Change) -> None:
    made = change.made
    if made is None:
        raise AssertionError("a key was made")
    session.say(f"新密钥 New key {change.key_id}", "bold green")
    session.say(f"  {made.suite}, {change.place}")
    session.say(f"  {'now':<25}it is published in our bundle, version {change.version}")
    session.say(f"  {in_china(made.valid_from)}  it begins to sign; a running node changes over by itself")


def _say_next(session: Session) -> None:
    if _is_member(session):
        session.say(
            "下一步 Next: a running node publishes this in the trust registry by itself (huxin trust status).", "bold"
        )
        session.say("Peers that know us by file alone need the new bundle, before a new key begins:")
    else:
        session.say("下一步 Next: peers, which know us by file, need the new bundle, before a new key begins:", "bold")
    session.say(f"  huxin --home {session.home} trust export -o bundle.json")


def _say_who_waits(session: Session, change: Change) -> None:
    """Last, for it is what the next minutes bring."""
    if change.made is None:
        return
    session.say("A running node signs nothing with the lost key from now on.", "bold")
    if _is_member(session):
        session.say(
            "新密钥公布前不出具报告 It issues no report either (KEY_NOT_PUBLISHED) until the trust registry holds the "
            "new key: members count what that signs from then on. Your running node publishes it, or `huxin trust "
            "publish`; `huxin trust status` shows when. Changes of status are not held up.",
            "yellow",
        )


def _registry(session: Session) -> RegistryRecord | None:
    """What the trust registry says, None without one; keys are looked after without the database, too."""
    with suppress(NotReady):
        return session.registry()
    return None


def _is_member(session: Session) -> bool:
    """Whether this jurisdiction has published in the trust registry, as far as is known here."""
    record, own = _registry(session), session.settings().division
    return record is not None and any(each.division == own for each in record.standings)


def _length(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _place(session: Session, line: KeyLine) -> str:
    """Short enough for a table; `--json` has it in full."""
    if line.where.startswith(SCHEME):
        uri = read_token_uri(line.where)
        return f"token {uri.token}: {uri.object}"
    return line.where.removeprefix(f"{session.home.absolute()}/") or "not here"


def _when(at: datetime | None) -> str:
    return "" if at is None else in_china(at)


def _cells(session: Session, line: KeyLine) -> tuple[str, ...]:
    times = map(_when, (line.valid_from, line.retired_at, line.compromised_at))
    return (
        line.key_id,
        line.suite,
        line.role,
        _place(session, line),
        *times,
        "yes" if line.in_use else "",
    )


def _as_json(line: KeyLine) -> dict[str, object]:
    return {
        "key_id": line.key_id,
        "suite": line.suite,
        "role": line.role,
        "where": line.where or None,
        "valid_from": rfc3339(line.valid_from),
        "retired_at": rfc3339(line.retired_at),
        "compromised_at": rfc3339(line.compromised_at),
        "in_use": line.in_use,
    }
