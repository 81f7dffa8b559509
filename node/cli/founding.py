"""`huxin init`: a new jurisdiction in a folder."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from node.app.authority import NODE_DAYS, WORKLOAD_DAYS
from node.app.founding import Founding, found
from node.app.jurisdictions import known_names
from node.app.storing import prepare_database
from node.app.trusting import recognise_self, trusted_state
from node.cli.parameters import TokenParam
from node.cli.session import Command, Session, json_option, pass_session
from node.config import FILE_NAME, Settings, read_secret
from node.errors import HuxinError, InvalidInput
from trust.algorithms import Suite
from trust.libcrypto import LIBCRYPTO
from trust.token_uri import TokenUri

EXAMPLE = """\
huxin --home shanxi init 140000
huxin --home yuncheng init 140800 --name-zh 运城市 --name-en Yuncheng --endpoint node.yuncheng.example:7443
huxin --home guizhou init 520000 --token 'pkcs11:token=huxin?module-path=/usr/lib/hsm.so&pin-source=file:/etc/pin'"""

DEFAULT_LISTEN = "127.0.0.1:7443"
DEFAULT_OPERATIONS = "127.0.0.1:9464"


@click.command(cls=Command, example=EXAMPLE)
@click.argument("division")
@click.option(
    "--name-zh",
    metavar="NAME",
    default="",
    help="Name in Chinese. Known for jurisdictions whose catalogue is installed.",
)
@click.option("--name-en", metavar="NAME", default="", help="Name in English.")
@click.option("--listen", default=DEFAULT_LISTEN, show_default=True, metavar="HOST:PORT", help="Where callers connect.")
@click.option(
    "--operations",
    default=DEFAULT_OPERATIONS,
    show_default=True,
    metavar="HOST:PORT",
    help="Where /metrics and /readyz are served.",
)
@click.option(
    "--endpoint",
    "endpoints",
    multiple=True,
    metavar="HOST:PORT",
    help="Where peers reach the node, in order of preference. Default: the --listen address.",
)
@click.option(
    "--contact", "contacts", multiple=True, metavar="CONTACT", help="Whom operators of peers can call or write to."
)
@click.option("--database", default="", metavar="URL", help="Default: the SQLite file huxin.db in the home.")
@click.option(
    "--suite",
    type=click.Choice([suite.value for suite in Suite]),
    default=Suite.ED25519.value,
    show_default=True,
    help="Of the signing key.",
)
@click.option(
    "--libcrypto",
    default=LIBCRYPTO,
    show_default=True,
    metavar="NAME|PATH",
    help="OpenSSL 3 for the suite sm2-sm3, where it is not the system's own.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Passphrase of the private keys, on the file's first line. Default: keys without passphrase, mode 0600.",
)
@click.option(
    "--workload-days",
    type=click.IntRange(1, 3650),
    metavar="DAYS",
    default=WORKLOAD_DAYS,
    show_default=True,
    help="Validity of certificates.",
)
@click.option(
    "--node-days",
    type=click.IntRange(1, 3650),
    metavar="DAYS",
    default=NODE_DAYS,
    show_default=True,
    help="Validity of the node's own, which it renews itself.",
)
@click.option(
    "--token",
    type=TokenParam(),
    metavar="URI",
    help="Make the node's signing, log and cosigner keys in a PKCS #11 token: "
    "pkcs11:token=LABEL?module-path=/path/module.so&pin-source=file:/path/of/pin. Default: in files.",
)
@json_option
@pass_session
def init(  # noqa: PLR0913 - one parameter per option
    session: Session,
    *,
    division: str,
    name_zh: str,
    name_en: str,
    listen: str,
    operations: str,
    endpoints: tuple[str, ...],
    contacts: tuple[str, ...],
    database: str,
    suite: str,
    libcrypto: str,
    passphrase_file: Path | None,
    token: TokenUri | None,
    workload_days: int,
    node_days: int,
) -> None:
    """Create the jurisdiction DIVISION (six-digit code) in the home: keys, CA, certificates, settings, database."""
    name_zh, name_en = names(division, name_zh, name_en)
    layout = session.layout
    passphrase_path = passphrase_file.resolve() if passphrase_file else None
    passphrase = read_secret(passphrase_path, "--passphrase-file").encode() if passphrase_path else None
    own_endpoints, days = endpoints or (listen,), (workload_days, node_days)
    founding = Founding(
        division, name_zh, name_en, own_endpoints, contacts, Suite(suite), *days, libcrypto=libcrypto, token=token
    )
    text = settings_text(founding, listen, operations, database, passphrase_path)
    check_settings(text)
    found(layout, founding, session.clock.now(), os.urandom, passphrase)
    layout.settings.write_text(text, encoding="utf-8")
    settings = session.settings()
    own = recognise_self(settings, session.clock.now())
    if not own.certificate.reviewed_catalogues:
        session.err.print(
            f"No installed catalogue of {division} is in force. Once one is (docs/add-a-jurisdiction.md), sign "
            f"`huxin --home {session.home} recognise grant {division}`: its own reports are REFER until then.",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    try:
        asyncio.run(prepare_database(settings))
    except HuxinError:
        session.err.print(
            f"The home {session.home} is made; its database is not. Correct database.url in {FILE_NAME}, look again "
            "with `huxin doctor`; `huxin serve` makes what is missing.",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
        raise
    _say_what_is_next(session, division, name_zh, name_en)
    session.answer(_made_json(session.home, founding, trusted_state(settings).own.signers))


def names(division: str, name_zh: str, name_en: str) -> tuple[str, str]:
    """The names given, completed from the installed catalogues. Raises InvalidInput when one is missing."""
    known = known_names(division) or ("", "")
    both = name_zh or known[0], name_en or known[1]
    if not all(both):
        raise InvalidInput(
            "DIVISION", f"No installed catalogue names {division}; give --name-zh and --name-en, or check the code."
        )
    return both


def settings_text(founding: Founding, listen: str, operations: str, database: str, passphrase_file: Path | None) -> str:
    """The settings file of a new home: what `huxin init` decided, all else at its default."""
    passphrase = f"passphrase_file = {_toml(str(passphrase_file))}\n" if passphrase_file else ""
    library = "" if founding.libcrypto == LIBCRYPTO else f"libcrypto = {_toml(founding.libcrypto)}\n"
    places = "".join(f"{name} = {_toml(place)}\n" for name, place in founding.key_places().items())
    url = f"\n[database]\nurl = {_toml(database)}\n" if database else ""
    return f"""\
# Settings of this node. Every key, its default and its meaning: docs/configuration.md. Paths count from this folder.

division = {_toml(founding.division)}

[rpc]
listen = {_toml(listen)}
advertised = [{", ".join(map(_toml, founding.endpoints))}]

[operations]
listen = {_toml(operations)}

[tls]
certificate = "certificates/node.crt"
key = "keys/node.key"
ca = "certificates/ca.crt"

[keys]
{places}ca = "keys/ca.key"
{passphrase}{library}
[trust]
directory = "trust"
{url}"""


def check_settings(text: str) -> None:
    """Raises BadConfiguration for settings that would not load, before anything is made."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        path.write_text(text, encoding="utf-8")
        Settings.load(path, {})


def _say_what_is_next(session: Session, division: str, name_zh: str, name_en: str) -> None:
    home = session.home
    session.say(f"已建立 Created {name_zh} {name_en} ({division}) in {home}:", "bold green")
    for path, what in (
        ("keys/", "private keys, readable by this user only; keep a copy in a safe place"),
        ("keys/registry.pub", "for the holders of the registry's root keys: docs/ceremony.md"),
        ("certificates/", "the CA, and certificates of node, gateway and operator"),
        ("trust/", "what this jurisdiction says of itself, and later whom it trusts"),
        (FILE_NAME, "settings"),
    ):
        session.say(f"  {path:<19}{what}")
    session.say("下一步 Next:", "bold")
    for command, what in (
        ("ingest registrations FILE", "who is registered here"),
        ("ingest records FILE", "what the source units delivered"),
        ("serve", "start the node"),
        ("trust publish -o FILE", "for the coordinator of the trust registry; then"),
        ("trust join 1.root.json --digest DIGEST", "compare the digest by telephone first"),
        ("trust export -o bundle.json", "where there is no registry: for the others;"),
        ("trust import THEIRS.json --key KEYID", "compare the key id by telephone first"),
        ("recognise grant DIVISION", "recognise what they attest; shows first what that changes"),
    ):
        session.say(f"  huxin --home {home} {command:<40}# {what}")


def _made_json(home: Path, founding: Founding, signers: Iterable[str]) -> dict[str, object]:
    """What was made, with the ids of the keys that sign for it: what peers are told by telephone."""
    return {
        "home": str(home),
        "division": founding.division,
        "name_zh": founding.name_zh,
        "name_en": founding.name_en,
        "endpoints": list(founding.endpoints),
        "signers": list(signers),
    }


def _toml(text: str) -> str:
    """A TOML basic string: what JSON escapes, TOML reads the same way."""
    return json.dumps(text, ensure_ascii=False)
