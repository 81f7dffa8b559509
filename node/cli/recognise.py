"""`huxin trust recognise`: whose reports count here, for what, under which reservations, until when."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from node.app.trusting import DEFAULT_CAVEATS, DEFAULT_MONTHS, RecognitionChoices, recognise
from node.cli.session import Command, Session, in_china, pass_session
from node.errors import BadSource
from node.model.catalogue import Caveat

EXAMPLE = """\
huxin --home guizhou trust recognise 140000
huxin --home guizhou trust recognise 140000 --scenario tender --months-valid 6 --max-view-age 12h
huxin --home guizhou trust recognise 140000 --certificate-file shanxi.toml"""

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MAX_VALID_MONTHS = 120


class Age(click.ParamType[int]):
    """A length of time such as 90m, 12h or 30d; in seconds."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", str(value))
        if found is None:
            self.fail("write a number and s, m, h or d, such as 12h or 30d", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


_KINDS: dict[str, type] = {
    "scenarios": list,
    "leaves": list,
    "record_types": list,
    "accepted_caveats": list,
    "suites": list,
    "legal_basis": list,
    "months_valid": int,
    "max_trust_state_age": str,
    "max_log_view_age": str,
}
"""Keys of a certificate file, the same as the options. A key left out means the option's default."""


@click.command("recognise", cls=Command, example=EXAMPLE)
@click.argument("issuer")
@click.option(
    "--certificate-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Choices as a TOML file with the keys {', '.join(_KINDS)}; instead of the options below.",
)
@click.option("--scenario", "scenarios", multiple=True, help="Only these scenarios. Default: all.")
@click.option("--leaf", "leaves", multiple=True, help="Only these leaves of the taxonomy. Default: all.")
@click.option("--record-type", "record_types", multiple=True, help="Only these record types. Default: all.")
@click.option(
    "--accept-caveat",
    "caveats",
    multiple=True,
    type=click.Choice([*(caveat.value for caveat in Caveat), "none"]),
    help=f"Reservations that are accepted. Default: {', '.join(caveat.value for caveat in DEFAULT_CAVEATS)}.",
)
@click.option("--suite", "suites", multiple=True, help="One of these must have signed. Default: those of its keys.")
@click.option("--legal-basis", multiple=True, help="Document on which the recognition rests.")
@click.option("--months-valid", type=click.IntRange(1, _MAX_VALID_MONTHS), help=f"Default: {DEFAULT_MONTHS}.")
@click.option("--max-trust-age", type=Age(), help="Oldest trusted state that counts as fresh. Default: 30d.")
@click.option("--max-view-age", type=Age(), help="Oldest view of its log that counts as fresh. Default: 1d.")
@pass_session
def recognise_command(
    session: Session, /, *, issuer: str, certificate_file: Path | None, caveats: tuple[str, ...], **given: Any
) -> None:
    """Sign our trust certificate for ISSUER. It reviews the issuer's catalogue as known here today.

    A running node notices within seconds. Sign again when the issuer publishes a new catalogue, or before it ends.
    """
    if certificate_file is None:
        choices = choices_from(
            {
                "scenarios": given["scenarios"],
                "leaves": given["leaves"],
                "record_types": given["record_types"],
                "accepted_caveats": tuple(each for each in caveats if each != "none") if caveats else None,
                "suites": given["suites"],
                "legal_basis": given["legal_basis"],
                "months_valid": given["months_valid"],
                "max_trust_state_age": given["max_trust_age"],
                "max_log_view_age": given["max_view_age"],
            }
        )
    elif caveats or any(given.values()):
        raise click.UsageError("Give --certificate-file or the choices as options, not both.")
    else:
        choices = choices_from(read_choices(certificate_file))
    held = recognise(session.settings(), issuer, choices, session.clock.now())
    certificate = held.certificate
    scope = certificate.scope
    session.say(f"{issuer} is recognised until {in_china(certificate.valid_until)}:", "green")
    session.say(
        f"  {len(scope.leaves)} leaves, {len(scope.record_types)} record types, {len(scope.scenarios)} scenarios; "
        f"caveats accepted: {', '.join(certificate.accepted_caveats) or 'none'}"
    )
    if not certificate.reviewed_catalogues:
        session.say("No catalogue of it is in force here: every cell will be CATALOGUE_UNKNOWN.", "yellow")


def choices_from(chosen: Mapping[str, Any]) -> RecognitionChoices:
    """Choices by the names of the file's keys; what is missing or None is left at its default."""
    ages = Age()
    named: dict[str, Any] = {
        "scenarios": tuple(chosen.get("scenarios") or ()),
        "leaves": tuple(chosen.get("leaves") or ()),
        "record_types": tuple(chosen.get("record_types") or ()),
        "suites": tuple(chosen.get("suites") or ()),
        "legal_basis": tuple(chosen.get("legal_basis") or ()),
        "months_valid": chosen.get("months_valid"),
    }
    if chosen.get("accepted_caveats") is not None:
        named["caveats"] = tuple(map(Caveat, chosen["accepted_caveats"]))
    for key in ("max_trust_state_age", "max_log_view_age"):
        if chosen.get(key) is not None:
            named[f"{key}_seconds"] = ages.convert(chosen[key], None, None)
    return RecognitionChoices(**{name: value for name, value in named.items() if value is not None})


def read_choices(path: Path) -> dict[str, Any]:
    """A certificate file. Raises BadSource naming file and key."""
    try:
        chosen = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BadSource(path.name, "it is not TOML in UTF-8; texts need quotes, lists stand in [ ]") from None
    for key, value in chosen.items():
        if key not in _KINDS:
            raise BadSource(path.name, f"there is no such key; known are {', '.join(_KINDS)}", column=key)
        kind = _KINDS[key]
        # `true` is an int to Python, and none to TOML.
        if type(value) is not kind or (isinstance(value, list) and not all(isinstance(one, str) for one in value)):
            raise BadSource(path.name, "write a list of texts" if kind is list else f"write {_like(key)}", column=key)
    _check_values(path, chosen)
    return chosen


def _check_values(path: Path, chosen: Mapping[str, Any]) -> None:
    known = {caveat.value for caveat in Caveat}
    if not known.issuperset(chosen.get("accepted_caveats", ())):
        raise BadSource(path.name, f"known caveats are {', '.join(sorted(known))}", column="accepted_caveats")
    if not 1 <= chosen.get("months_valid", 1) <= _MAX_VALID_MONTHS:
        raise BadSource(path.name, f"write {_like('months_valid')}", column="months_valid")
    for key in ("max_trust_state_age", "max_log_view_age"):
        if key in chosen and not re.fullmatch(r"[1-9][0-9]{0,8}[smhd]", chosen[key]):
            raise BadSource(path.name, f"write {_like(key)}", column=key)


def _like(key: str) -> str:
    return f"a number from 1 to {_MAX_VALID_MONTHS}" if key == "months_valid" else 'an age such as "12h" or "30d"'
