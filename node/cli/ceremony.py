"""`huxin trust root`, `delegate`, `undelegate`, `succeed`: ceremonies of the registry, offline, on a folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from node.app.ceremonies import (
    Examined,
    FoundingChoices,
    RotationChoices,
    delegate,
    examine,
    found,
    merge_files,
    rotate,
    sign_file,
    succeed,
    undelegate,
)
from node.cli.ceremony_keys import passphrase_option, read_passphrase
from node.cli.ceremony_view import as_json, named, show, show_next
from node.cli.session import Command, F, Group, Session, json_option, pass_session
from node.errors import InvalidInput
from node.model.counting import counted
from node.registry.ceremony import DEFAULT_DAYS
from trust import keys

FOUND = (
    "huxin trust root init --holder 140000=shanxi.pub --holder 520000=guizhou.pub --holder 620100=lanzhou.pub "
    "--threshold 2 --coordinator 140000 --snapshot snapshot.pub --timestamp timestamp.pub --folder ceremony"
)
ROTATE = """\
huxin trust root rotate --replace 520000=guizhou-new.pub --folder ceremony
huxin trust root rotate --add 210000=liaoning.pub --threshold 3 --folder ceremony"""

PUBLIC_KEY = click.Path(exists=True, dir_okay=False, path_type=Path)
DOCUMENT = click.Path(exists=True, dir_okay=False, path_type=Path)


class DivisionKey(click.ParamType[tuple[str, Path]]):
    """`DIVISION=FILE.pub`."""

    name = "division=file.pub"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        division, equals, file = str(value).partition("=")
        if not equals or not re.fullmatch("[0-9]{6}", division) or not file:
            self.fail("write a division code of six digits, =, and the public key file: 140000=shanxi.pub", param, ctx)
        return division, Path(file)


folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder with all versions of N.root.json and N.targets.json. Default: this folder.",
)
days_option = click.option(
    "--days", type=int, metavar="DAYS", default=DEFAULT_DAYS, show_default=True, help="Life of the document."
)


def single_option(command: F) -> F:
    """`--allow-single`, which says itself what it is."""
    return click.option("--allow-single", is_flag=True, help="Allow a threshold of 1. For demonstrations only.")(
        command
    )


@click.group("root", cls=Group)
def root_group() -> None:
    """Ceremonies of the registry's root: who may change the registry, k of n, with keys that are kept offline.

    These commands need no home and no network. A document counts once enough holders signed it and the coordinator
    published it. docs/ceremony.md has every step.
    """


@root_group.command("init", example=FOUND)
@click.option(
    "--holder", "holders", type=DivisionKey(), multiple=True, required=True, help="A jurisdiction's root key."
)
@click.option("--threshold", type=int, metavar="K", required=True, help="How many of the holders must sign.")
@click.option(
    "--coordinator", required=True, metavar="DIVISION", help="Division code of the jurisdiction that publishes."
)
@click.option("--snapshot", type=PUBLIC_KEY, required=True, help="The coordinator's snapshot key, public.")
@click.option("--timestamp", type=PUBLIC_KEY, required=True, help="The coordinator's timestamp key, public.")
@days_option
@single_option
@folder_option
@json_option
@pass_session
def init_command(  # noqa: PLR0913 - one parameter per option
    session: Session,
    *,
    holders: tuple[tuple[str, Path], ...],
    threshold: int,
    coordinator: str,
    snapshot: Path,
    timestamp: Path,
    days: int,
    allow_single: bool,
    folder: Path,
) -> None:
    """Write 1.root.json and 1.targets.json: the beginning of a registry, to be signed by the holders."""
    choices = FoundingChoices(
        _by_division("--holder", holders), threshold, coordinator, snapshot, timestamp, days, allow_single
    )
    made = found(folder, choices, session.clock.now())
    first = (
        "签名之前，逐一写入可发布的地区：",
        "Before anybody signs, for each jurisdiction that is to publish:",
        f"  huxin trust delegate DIVISION --key FILE.pub --folder {folder}",
        "然后 Then:",
    )
    _tell(session, made, "已写出 Written, not signed yet.", first)


@root_group.command("rotate", example=ROTATE)
@click.option("--add", type=DivisionKey(), multiple=True, help="A new holder.")
@click.option("--replace", type=DivisionKey(), multiple=True, help="A new key of a holder.")
@click.option("--remove", multiple=True, metavar="DIVISION", help="A holder who is none any more.")
@click.option(
    "--threshold", type=int, metavar="K", help="How many must sign from the next root on. Default: as many as now."
)
@click.option("--coordinator", metavar="DIVISION", help="Another jurisdiction publishes.")
@click.option("--snapshot", type=PUBLIC_KEY, help="A new snapshot key, public.")
@click.option("--timestamp", type=PUBLIC_KEY, help="A new timestamp key, public.")
@days_option
@single_option
@folder_option
@json_option
@pass_session
def rotate_command(  # noqa: PLR0913 - one parameter per option
    session: Session,
    *,
    add: tuple[tuple[str, Path], ...],
    replace: tuple[tuple[str, Path], ...],
    remove: tuple[str, ...],
    threshold: int | None,
    coordinator: str | None,
    snapshot: Path | None,
    timestamp: Path | None,
    days: int,
    allow_single: bool,
    folder: Path,
) -> None:
    """Write the next root with these changes, or with none but a new expiry, and the next targets.

    The root must be signed by enough holders of the old root and of the new one, targets by enough of the new one.
    """
    choices = RotationChoices(
        _by_division("--add", add),
        _by_division("--replace", replace),
        remove,
        threshold,
        coordinator,
        snapshot,
        timestamp,
        days,
        allow_single,
    )
    _tell(session, rotate(folder, choices, session.clock.now()), "已写出 Written, not signed yet.")


@root_group.command("show", example="huxin trust root show 2.root.json")
@click.argument("file", type=DOCUMENT)
@json_option
@pass_session
def show_command(session: Session, file: Path) -> None:
    """Show what a root or targets document says and changes, its digest, and who has signed it."""
    _tell(session, [examine(file, session.clock.now())])


@root_group.command("sign", example="huxin trust root sign 2.root.json --key shanxi.key --digest '5f0c1a2b ...'")
@click.argument("file", type=DOCUMENT)
@click.option("--key", "key", type=DOCUMENT, required=True, help="The holder's private key.")
@click.option(
    "--digest",
    metavar="DIGEST",
    help="All 64 characters, as compared by telephone. Any other document is then refused.",
)
@passphrase_option
@json_option
@pass_session
def sign_command(
    session: Session, file: Path, key: Path, digest: str | None, passphrase_file: Path | None, ask_passphrase: bool
) -> None:
    """Add a holder's signature to a root or targets document, in place. Signing twice changes nothing."""
    agreed = None if digest is None else _digest(digest)
    signer = keys.load(key, read_passphrase(passphrase_file, ask=ask_passphrase))
    signed, holder = sign_file(file, signer, agreed, session.clock.now())
    heading = f"已签名 Signed for {named(holder)}. Keep the key offline; the file holds no secret."
    if agreed is None:
        heading += " The digest was not given: compare it now, before the file leaves your hands."
    _tell(session, [signed], heading)


@root_group.command("merge", example="huxin trust root merge guizhou/2.root.json lanzhou/2.root.json -o 2.root.json")
@click.argument("files", type=DOCUMENT, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write, beside the earlier versions.",
)
@json_option
@pass_session
def merge_command(session: Session, files: tuple[Path, ...], output: Path) -> None:
    """Bring the signatures of several copies of one document together. Copies that do not say the same are refused."""
    _tell(session, [merge_files(files, output, session.clock.now())], f"已合并 Merged {counted(len(files), 'file')}.")


@click.command(
    "delegate", cls=Command, example="huxin trust delegate 520000 --key guizhou-registry.pub --folder ceremony"
)
@click.argument("division")
@click.option(
    "--key", "key_files", type=PUBLIC_KEY, multiple=True, required=True, help="Registry key, public; several may be."
)
@click.option(
    "--threshold", type=int, metavar="K", default=1, show_default=True, help="How many of these keys must sign."
)
@days_option
@folder_option
@json_option
@pass_session
def delegate_command(
    session: Session, division: str, key_files: tuple[Path, ...], threshold: int, days: int, folder: Path
) -> None:
    """Write targets that let DIVISION publish under its own code, with this registry key in place of an earlier one.

    The holders of the root keys sign it. While nobody has signed the newest targets, it is changed; else the next
    version is written.
    """
    made = delegate(folder, division, key_files, threshold, days, session.clock.now())
    _tell(session, [made], f"已写出 Written, not signed yet: {named(division)} is to publish with this key.")


@click.command("undelegate", cls=Command, example="huxin trust undelegate 520000 --folder ceremony")
@click.argument("division")
@days_option
@folder_option
@json_option
@pass_session
def undelegate_command(session: Session, division: str, days: int, folder: Path) -> None:
    """Write targets by which DIVISION publishes no more. The holders of the root keys sign it."""
    made = undelegate(folder, division, days, session.clock.now())
    _tell(session, [made], f"已写出 Written, not signed yet: {named(division)} is to publish no more.")


@click.command("succeed", cls=Command, example="huxin trust succeed shanxi.succession.json --folder ceremony")
@click.argument("file", type=DOCUMENT)
@days_option
@folder_option
@json_option
@pass_session
def succeed_command(session: Session, file: Path, days: int, folder: Path) -> None:
    """Write targets that close a log with two histories and name its successor. The holders of the root keys sign it.

    FILE is what the log's own node wrote (`huxin log close`). Before signing, compare the number of entries and the
    root with the log's witnesses: nothing after them counts any more, and what is signed off once is never undone.
    """
    made = succeed(folder, file, days, session.clock.now())
    _tell(session, [made], "已写出 Written, not signed yet: a log is closed, and another one goes on in its place.")


def _tell(session: Session, made: Sequence[Examined], heading: str = "", first: Sequence[str] = ()) -> None:
    if session.as_json:
        session.emit([as_json(each) for each in made])
        return
    if heading:
        session.say(heading, "green")
    for each in made:
        show(session, each)
    show_next(session, made, first)


def _by_division(option: str, given: tuple[tuple[str, Path], ...]) -> dict[str, Path]:
    found_ = dict(given)
    if len(found_) != len(given):
        raise InvalidInput(option, "One jurisdiction is named twice; each holds one root key.")
    return found_


def _digest(text: str) -> str:
    """A digest as typed or dictated: capitals and spaces do not matter. Raises InvalidInput."""
    found_ = "".join(text.split()).lower()
    if not re.fullmatch("[0-9a-f]{64}", found_):
        raise InvalidInput(
            "--digest",
            "A digest has 64 characters, 0 to 9 and a to f; give the one that all holders compared, in quotes if it "
            "has spaces.",
        )
    return found_
