"""`huxin trust key`: keys for the ceremonies of the trust registry, made where they are kept."""

from __future__ import annotations

from pathlib import Path

import click

from node.app.ceremony_files import new_key, public_path, read_public_key
from node.cli.session import F, Group, Session, json_option, pass_session
from node.cli.tables import in_groups
from node.cli.wording import Words
from node.config import read_secret
from node.registry.keys import SUITES
from trust.algorithms import PublicKey, Suite

USES: dict[str, Words] = {
    "root": Words(
        "离线保管：密封存放，仅在签署仪式时取出。",
        "Keep it offline, sealed, and take it out for ceremonies only; keep a second copy in another safe.",
    ),
    "registry": Words(
        "由本地区节点保管，用于签署本地区发布的内容。",
        "It stays at this jurisdiction's node and signs what the jurisdiction publishes.",
    ),
    "snapshot": Words("由协调节点在线保管。", "It stays online at the coordinator."),
    "timestamp": Words("由协调节点在线保管。", "It stays online at the coordinator."),
}
"""What ceremony keys are for, and where each is kept."""


def passphrase_option(command: F) -> F:
    """`--passphrase-file` and `--ask-passphrase`, of a private key."""
    from_file = click.option(
        "--passphrase-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Passphrase of the private key, on the file's first line.",
    )
    asked = click.option("--ask-passphrase", is_flag=True, help="Ask for the passphrase of the private key.")
    return from_file(asked(command))


def read_passphrase(file: Path | None, *, ask: bool, confirm: bool = False) -> bytes | None:
    """The passphrase as the options say; None when they name none. Raises BadConfiguration."""
    if file is not None:
        return read_secret(file, "--passphrase-file").encode()
    if ask:
        text: str = click.prompt("口令 Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
        return text.encode()
    return None


@click.group("key", cls=Group)
def key_group() -> None:
    """Keys for the ceremonies of the trust registry. No home and no network is needed."""


@key_group.command("new", example="huxin trust key new root -o shanxi-root.key --ask-passphrase")
@click.argument("use", metavar="NAME", type=click.Choice(list(USES)))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Key file. Default: NAME.key.")
@click.option(
    "--suite",
    type=click.Choice([suite.value for suite in SUITES.values()]),
    default=Suite.ED25519.value,
    show_default=True,
    help="Of the key.",
)
@passphrase_option
@json_option
@pass_session
def new_command(
    session: Session,
    use: str,
    output: Path | None,
    suite: str,
    passphrase_file: Path | None,
    ask_passphrase: bool,
) -> None:
    """Make a key for the use NAME (root, registry, snapshot, timestamp): FILE.key, and FILE.pub to hand over."""
    path = output or Path(f"{use}.key")
    passphrase = read_passphrase(passphrase_file, ask=ask_passphrase, confirm=True)
    key = new_key(path, Suite(suite), passphrase)
    if session.as_json:
        session.emit({"file": str(path), "public": str(public_path(path)), **_as_json(key)})
        return
    session.say(f"已生成 Made a {use} key:", "green")
    session.say(f"  {path}  私钥 PRIVATE, never leaves its holder. {USES[use].both}")
    session.say(f"  {public_path(path)}  公钥 public, to hand over; it holds no secret.")
    if passphrase is None:
        session.say(
            "It has no passphrase: whoever reads the file can sign. --ask-passphrase gives a new key one.", "yellow"
        )
    session.say(
        "编号 Its id; whoever receives the .pub asks you for it by telephone, and you read it from here:", "bold"
    )
    session.say(f"  {in_groups(key.key_id)}")


@key_group.command("id", example="huxin trust key id guizhou-root.pub")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@pass_session
def id_command(session: Session, file: Path) -> None:
    """Show the id of a public key that was handed over, to compare with its holder by telephone."""
    key = read_public_key(file)
    if session.as_json:
        session.emit(_as_json(key))
        return
    session.say(f"{file}  {key.suite.value}")
    session.say(f"  {in_groups(key.key_id)}")
    session.say("Call the holder, at a number that did not come with the file, and compare all 64 characters.")


def _as_json(key: PublicKey) -> dict[str, object]:
    return {"suite": key.suite.value, "key_id": key.key_id}
