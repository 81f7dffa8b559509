"""`huxin trust`: whose bundles this jurisdiction holds, kept as signed files in the home."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import click
from rich.text import Text

from node.app.jurisdictions import load_jurisdictions
from node.app.recognising import digest_words
from node.app.trusting import export_bundle, import_bundle, trusted_state
from node.cli.ceremony import delegate_command, root_group, succeed_command, undelegate_command
from node.cli.ceremony_keys import key_group
from node.cli.recognition_view import scope_counts, term_rows
from node.cli.registry import COMMANDS
from node.cli.session import Group, Session, in_china, json_option, pass_session, rfc3339
from node.cli.tables import Table
from node.errors import BadSource, InvalidInput
from node.recognition.terms import Named, terms_of
from node.registry.directory import HeldCertificate, TrustedJurisdiction, TrustedState

MAX_BUNDLE_FILE_BYTES = 1 << 20


@click.group(cls=Group)
def trust() -> None:
    """Whose keys, CA and log are whose: by the trust registry, or by bundles that are exchanged by hand."""


for _command in (root_group, delegate_command, undelegate_command, succeed_command, key_group, *COMMANDS):
    trust.add_command(_command)


@trust.command("export", example="huxin --home shanxi trust export -o shanxi.json")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File. Default: standard output.")
@json_option
@pass_session
def export(session: Session, output: Path | None) -> None:
    """Sign this jurisdiction's own bundle anew and write it, for its peers to import. It holds no secret.

    Without --output the bundle itself, which is JSON, is all that stands on standard output.
    """
    text = export_bundle(session.settings(), session.clock.now())
    own = trusted_state(session.settings()).own
    if output is None:
        click.echo(text)
    else:
        output.write_text(text, encoding="utf-8")
        session.say(
            f"Wrote {output}: {own.bundle.name_en} ({own.bundle.division}), version {own.bundle.version}.", "green"
        )
        session.answer({"file": str(output), **_identity_json(own)})
    # On stderr when the bundle itself is on stdout: the file that is handed over must not bring its own confirmation.
    for line in (
        "Tell the importing administrators this key id by telephone or on paper, not with the file:",
        *(f"  {signer}" for signer in own.signers),
    ):
        (session.err if output is None else session.out).print(line, markup=False, soft_wrap=True)


@trust.command("import", example="huxin --home guizhou trust import shanxi.json --key 5f0c...")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", metavar="KEYID", help="Key id that signed it, all 64 characters, confirmed by another channel.")
@json_option
@pass_session
def import_command(session: Session, file: Path, key: str | None) -> None:
    """Take in another jurisdiction's bundle. The first one needs --key; a newer one continues from the one held."""
    if file.stat().st_size > MAX_BUNDLE_FILE_BYTES:
        raise BadSource(file.name, "it is too large for a bundle; give the output of `huxin trust export`")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadSource(file.name, "it is not text; give the output of `huxin trust export`") from None
    found = import_bundle(session.settings(), text, _key_id(key) if key else None)
    bundle = found.bundle
    session.say(f"Imported {bundle.name_zh} {bundle.name_en} ({bundle.division}), version {bundle.version}.", "green")
    session.say(f"Its reports are not recognised yet by this alone: huxin recognise grant {bundle.division}")
    session.answer(_identity_json(found))


@trust.command("list", example="huxin trust list")
@json_option
@pass_session
def list_trusted(session: Session) -> None:
    """List the jurisdictions whose bundles are held, and what is recognised of each."""
    state = trusted_state(session.settings(), session.registry())
    now = session.clock.now()
    if session.as_json:
        session.emit([_as_json(state, division, now) for division in sorted(state.jurisdictions)])
        return
    table = Table("Jurisdiction", "Version")
    table.add_column("Signed by", no_wrap=True)
    for name in ("Recognised", "Scope", "Valid until", "Caveats accepted"):
        table.add_column(name)
    for division in sorted(state.jurisdictions):
        held = state.recognition(division, now)
        table.add_row(*_row(state, state.jurisdictions[division]), *_recognition(held, own=_is_own(state, division)))
        if held is not None and held.certificate.valid_until <= now:
            session.say(f"The recognition of {division} has ended; renew it with `huxin recognise grant`.", "yellow")
    session.out.print(table)
    for problem in state.problems:
        session.say(f"Left out: {problem}", "red")


@trust.command("show", example="huxin trust show 140000")
@click.argument("division")
@json_option
@pass_session
def show(session: Session, division: str) -> None:
    """Show everything held of DIVISION: keys in full, endpoints, contacts, and the trust certificate."""
    settings = session.settings()
    state = trusted_state(settings, session.registry())
    found = state.jurisdictions.get(division)
    if found is None:
        raise InvalidInput("DIVISION", f"No bundle of {division} is held; import it with `huxin trust import`.")
    if session.as_json:
        session.emit({**_as_json(state, division, session.clock.now()), **_held_json(found)})
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    named = partial(digest_words, load_jurisdictions(settings, session.registry()))
    held = state.recognition(division, session.clock.now())
    for name, value in (*_bundle_facts(found), *_certificate_facts(held, named)):
        table.add_row(name, Text(value))
    session.out.print(table)


def _key_id(text: str) -> str:
    """A key id as typed or dictated: capitals and spaces do not matter. Raises InvalidInput."""
    found = "".join(text.split()).lower()
    if not re.fullmatch("[0-9a-f]{64}", found):
        raise InvalidInput(
            "--key",
            "a key id has 64 characters, 0 to 9 and a to f, and this is none; ask the other administrator for the one "
            "that `huxin trust export` printed there",
        )
    return found


def _is_own(state: TrustedState, division: str) -> bool:
    return division == state.own.bundle.division


def _row(state: TrustedState, found: TrustedJurisdiction) -> tuple[Text, ...]:
    bundle = found.bundle
    name = f"{bundle.division} {bundle.name_zh} {bundle.name_en}" + (
        " (this node)" if _is_own(state, bundle.division) else ""
    )
    return Text(name), Text(str(bundle.version)), Text("\n".join(found.signers))


def _recognition(held: HeldCertificate | None, *, own: bool) -> tuple[Text, ...]:
    if held is None:
        return Text("-" if own else "no", style="" if own else "yellow"), Text(""), Text(""), Text("")
    certificate = held.certificate
    return (
        Text("yes", style="green"),
        Text(scope_counts(certificate)),
        Text(in_china(certificate.valid_until)),
        Text("\n".join(certificate.accepted_caveats) or "none"),
    )


def _bundle_facts(found: TrustedJurisdiction) -> Iterator[tuple[str, str]]:
    bundle = found.bundle
    yield "Jurisdiction", f"{bundle.division} {bundle.name_zh} {bundle.name_en}"
    yield "Version", f"{bundle.version}, signed {in_china(bundle.issued_at)}"
    yield "Signed by", "\n".join(found.signers)
    for key_id, known in found.trusted.keys.items():
        yield "Signing key", f"{key_id} ({known.key.suite.value})"
    yield "Log", bundle.log.origin
    yield "Endpoints", "\n".join(bundle.endpoints) or "none"
    yield "Contacts", "\n".join(bundle.contacts) or "none"


def _certificate_facts(held: HeldCertificate | None, named: Named) -> Iterator[tuple[str, str]]:
    if held is None:
        yield "Recognised", "no"
        return
    yield from term_rows(terms_of(held.certificate, named))


def _identity_json(found: TrustedJurisdiction) -> dict[str, object]:
    """Whose bundle, which version, and the ids of the keys that signed it."""
    return {
        "division": found.bundle.division,
        "name_zh": found.bundle.name_zh,
        "name_en": found.bundle.name_en,
        "version": found.bundle.version,
        "signers": list(found.signers),
    }


def _held_json(found: TrustedJurisdiction) -> dict[str, object]:
    """What a bundle says beside that: keys, log, contacts."""
    return {
        "signed_at": rfc3339(found.bundle.issued_at),
        "signing_keys": [
            {"key_id": key_id, "suite": known.key.suite.value} for key_id, known in found.trusted.keys.items()
        ],
        "log": found.bundle.log.origin,
        "contacts": list(found.bundle.contacts),
    }


def _as_json(state: TrustedState, division: str, now: datetime) -> dict[str, object]:
    found = state.jurisdictions[division]
    held = state.recognition(division, now)
    certificate = None
    if held is not None:
        scope = held.certificate.scope
        certificate = {
            "valid_from": rfc3339(held.certificate.valid_from),
            "valid_until": rfc3339(held.certificate.valid_until),
            "leaves": list(scope.leaves),
            "record_types": list(scope.record_types),
            "scenarios": list(scope.scenarios),
            "accepted_caveats": list(held.certificate.accepted_caveats),
        }
    return {
        **_identity_json(found),
        "own": _is_own(state, division),
        "endpoints": list(found.bundle.endpoints),
        "recognition": certificate,
    }
