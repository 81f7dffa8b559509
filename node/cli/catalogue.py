"""`huxin catalogue lint|show|coverage|diff`: what this node knows of catalogues. Needs neither database nor keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from node.adapters.catalogues.coverage import coverage
from node.adapters.catalogues.difference import difference
from node.adapters.catalogues.lint import Level, lint
from node.adapters.catalogues.registry import CatalogueRegistry, discover, load_version
from node.adapters.procedures.loading import discover_requirements
from node.app.trusting import DEFAULT_CAVEATS
from node.cli import catalogue_tables as tables
from node.cli.failures import ExitCode
from node.cli.session import Group, Session, json_option, pass_session
from node.model.calendar import day_in_china
from node.model.catalogue import Caveat, Edition
from node.model.requirement import Requirement
from node.recognition.flips import catalogue_flips

_ON = click.option(
    "--on",
    "on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Day in China, such as 2026-11-22, that decides which versions are in force. Default: today.",
)
_FOLDERS = click.option(
    "--catalogues",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another folder of jurisdictions, instead of those in the settings; may be given more than once.",
)


@click.group("catalogue", cls=Group)
def catalogue_group() -> None:
    """Catalogues of domains, their crosswalks to the shared taxonomy, and what they cover."""


@catalogue_group.command("lint", example="huxin catalogue lint --catalogues ./my-catalogues")
@_FOLDERS
@json_option
@pass_session
def lint_command(session: Session, folders: tuple[Path, ...]) -> None:
    """Load every version of every catalogue and say what a person should look at.

    A file that cannot be trusted to mean what it says stops the command, naming file, row, column and what to do.
    Exits 1 when there is a problem; notes do not count.
    """
    registry = discover(_roots(session, folders))
    findings = [finding for edition in registry.editions for finding in lint(edition)]
    if session.as_json:
        session.emit(tables.plain([asdict(finding) for finding in findings]))
    else:
        tables.print_findings(session.out, findings)
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise click.exceptions.Exit(ExitCode.PROBLEMS)


@catalogue_group.command("show", example="huxin catalogue show 140000")
@click.argument("division", required=False)
@_ON
@_FOLDERS
@json_option
@pass_session
def show_command(session: Session, division: str | None, on: datetime | None, folders: tuple[Path, ...]) -> None:
    """List all versions, or show that of DIVISION (six digits) in force on a day, row by row."""
    registry = discover(_roots(session, folders))
    edition = registry.on(division, _day(session, on)) if division else None
    if session.as_json:
        shown: Any = [tables.summary_json(e.catalogue) for e in registry.editions]
        session.emit(tables.plain(tables.edition_json(edition) if edition else shown))
    elif edition:
        tables.print_edition(session.out, edition)
    else:
        tables.print_versions(session.out, registry)


@catalogue_group.command("coverage", example="huxin catalogue coverage --on 2026-11-22")
@_ON
@_FOLDERS
@json_option
@pass_session
def coverage_command(session: Session, on: datetime | None, folders: tuple[Path, ...]) -> None:
    """Print which rows of which jurisdiction bear on each leaf of the shared taxonomy.

    A covered leaf is not yet a proof: record types, dates and deliveries decide, cell by cell.
    """
    registry = discover(_roots(session, folders))
    editions = registry.in_force(_day(session, on))
    cells = coverage(editions, registry.taxonomy)
    if session.as_json:
        session.emit(tables.plain([asdict(cell) for cell in cells]))
    else:
        tables.print_coverage(session.out, registry, editions, cells)


@catalogue_group.command(
    "diff", example="huxin catalogue diff 140000@2025-237 ./140000_shanxi/2027-1 --requirements all"
)
@click.argument("old")
@click.argument("new")
@click.option(
    "--requirements",
    "wanted",
    multiple=True,
    metavar="ID",
    help="Requirement such as 520000/tender, a division for all of its, or all; may be given more than once.",
)
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    type=click.Choice([caveat.value for caveat in Caveat]),
    help="Caveat that the trust certificates accept. Without it: all but CLOSE_MATCH.",
)
@_ON
@_FOLDERS
@json_option
@pass_session
def diff_command(
    session: Session,
    old: str,
    new: str,
    wanted: tuple[str, ...],
    accepted: tuple[str, ...],
    on: datetime | None,
    folders: tuple[Path, ...],
) -> None:
    """Say what changes from version OLD to version NEW, and every verdict that would flip.

    OLD and NEW are DIVISION@VERSION, the first 8 or more characters of a digest, or the folder of a version that is
    not installed yet. Verdicts are those on the best report an issuer could give that day: complete, delivered in full,
    no record. Exits 1 when a verdict flips.
    """
    roots = _roots(session, folders)
    registry = discover(roots)
    before, after = _find(registry, old), _find(registry, new)
    if before.catalogue.division != after.catalogue.division:
        raise click.UsageError("OLD and NEW are of different jurisdictions; name two versions of one.")
    requirements = _select(discover_requirements(registry, roots), wanted)
    caveats = frozenset(map(Caveat, accepted)) if accepted else frozenset(DEFAULT_CAVEATS)
    day = _day(session, on)
    others = [e for e in registry.in_force(day) if e.catalogue.division != before.catalogue.division]
    changes = difference(before, after)
    flips = catalogue_flips(before, after, requirements, others, registry.taxonomy, day, caveats)
    if session.as_json:
        session.emit(tables.plain({"changes": [asdict(c) for c in changes], "flips": [asdict(f) for f in flips]}))
    else:
        tables.print_difference(session.out, changes, flips, len(requirements))
    if flips:
        raise click.exceptions.Exit(ExitCode.PROBLEMS)


def _roots(session: Session, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    if folders or not session.layout.settings.is_file():
        return folders
    return session.settings().catalogues.folders


def _day(session: Session, given: datetime | None) -> date:
    return given.date() if given else day_in_china(session.clock.now())


def _find(registry: CatalogueRegistry, name: str) -> Edition:
    division, _, version = name.partition("@")
    for edition in registry.editions:
        named = (edition.catalogue.division, edition.catalogue.version) == (division, version)
        if named or (len(name) >= 8 and edition.catalogue.digest.hex().startswith(name.lower())):
            return edition
    folder = Path(name)
    if (folder / "jurisdiction.toml").is_file():
        return load_version(folder.resolve(), registry.shared)
    raise click.UsageError(
        f"There is no version {name}: give DIVISION@VERSION (`huxin catalogue show` lists them), "
        "8 characters of a digest, or a folder with jurisdiction.toml."
    )


def _select(requirements: Mapping[str, Requirement], wanted: Sequence[str]) -> list[Requirement]:
    chosen: dict[str, Requirement] = {}
    for name in wanted:
        found = {i: r for i, r in requirements.items() if name in ("all", i, r.jurisdiction)}
        if not found:
            raise click.UsageError(f"There is no requirement {name}; known are {', '.join(requirements)}.")
        chosen |= found
    return list(chosen.values())
