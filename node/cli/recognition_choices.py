"""What a jurisdiction chooses when it recognises an issuer: options of the command line, or the keys of a file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from node.app.trusting import DEFAULT_CAVEATS, DEFAULT_MONTHS, RecognitionChoices
from node.errors import BadSource
from node.model.catalogue import Caveat

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MAX_VALID_MONTHS = 120
MAX_QUORUM = 1_000
"""As many as a trust certificate can name (`trust.vocabulary.TrustCertificate`)."""


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
    "required_suites": list,
    "legal_basis": list,
    "months_valid": int,
    "max_trust_state_age": str,
    "max_log_view_age": str,
    "witness_quorum": int,
}
"""Keys of a certificate file, the same as the options. A key left out means the option's default."""

_NEVER_EMPTY = {"scenarios", "leaves", "record_types", "suites"}
"""Lists of which none can be meant: an empty scope would recognise nothing, and any signature would do."""


_FILE = click.option(
    "--certificate-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Choices as a TOML file with the keys {', '.join(_KINDS)}; instead of the options below.",
)
_OPTIONS = (
    click.option(
        "--scenario", "scenarios", multiple=True, metavar="SCENARIO", help="Only these scenarios. Default: all."
    ),
    click.option(
        "--leaf", "leaves", multiple=True, metavar="CODE", help="Only these leaves of the taxonomy. Default: all."
    ),
    click.option(
        "--record-type", "record_types", multiple=True, metavar="CODE", help="Only these record types. Default: all."
    ),
    click.option(
        "--accept-caveat",
        "accepted_caveats",
        multiple=True,
        type=click.Choice([*(caveat.value for caveat in Caveat), "none"]),
        help=f"Reservations that are accepted. Default: {', '.join(caveat.value for caveat in DEFAULT_CAVEATS)}.",
    ),
    click.option(
        "--suite",
        "suites",
        multiple=True,
        metavar="SUITE",
        help="One of these must have signed. Default: those of its keys.",
    ),
    click.option(
        "--require-suite", "required_suites", multiple=True, metavar="SUITE", help="Each of these must have signed."
    ),
    click.option(
        "--legal-basis",
        "legal_basis",
        multiple=True,
        metavar="DOCUMENT",
        help="Document on which the recognition rests.",
    ),
    click.option(
        "--months-valid",
        type=click.IntRange(1, _MAX_VALID_MONTHS),
        metavar="MONTHS",
        help=f"How many months it lasts. Default: {DEFAULT_MONTHS}.",
    ),
    click.option(
        "--max-trust-age", "max_trust_state_age", type=Age(), help="Oldest trusted state that is fresh. Default: 30d."
    ),
    click.option(
        "--max-view-age", "max_log_view_age", type=Age(), help="Oldest view of its log that is fresh. Default: 1d."
    ),
    click.option(
        "--witness-quorum",
        type=click.IntRange(0, MAX_QUORUM),
        metavar="N",
        help="How many other nodes must have cosigned its log with the report in it: what it issued just now is REFER "
        "until our node has asked them again (federation.gossip_seconds, ten seconds). Default: 0, none.",
    ),
    click.option(
        "--keep",
        is_flag=True,
        help="What is not chosen here stays as signed last, instead of the defaults; except for how long it lasts, "
        "which is kept for our own division alone: 12 months from now, or --months-valid.",
    ),
)


def choice_options(command: F) -> F:
    """All options by which a certificate is chosen; `chosen` reads them."""
    for option in (*reversed(_OPTIONS), _FILE):
        command = option(command)
    return command


def chosen(
    kept: Callable[[], RecognitionChoices], certificate_file: Path | None, given: Mapping[str, Any], *, keep: bool
) -> RecognitionChoices:
    """The choices that options or a file make; `kept` are those signed last. Raises BadSource for the file."""
    base = kept() if keep else RecognitionChoices()
    if certificate_file is not None:
        if any(value not in (None, ()) for value in given.values()):
            raise click.UsageError("Give --certificate-file or the choices as options, not both.")
        return choices_from(read_choices(certificate_file), base)
    caveats = given["accepted_caveats"]
    named = {**given, "accepted_caveats": tuple(each for each in caveats if each != "none") if caveats else None}
    return choices_from(named, base)


def choices_from(given: Mapping[str, Any], base: RecognitionChoices) -> RecognitionChoices:
    """Choices by the names of the file's keys; what is missing, None or an empty list stays as in `base`."""
    ages = Age()
    named: dict[str, Any] = {
        key: tuple(given[key])
        for key in ("scenarios", "leaves", "record_types", "suites", "required_suites", "legal_basis")
        if given.get(key)
    }
    if "suites" in named or "required_suites" in named:
        # values together: a suite kept from before would weaken, or make impossible, what is required now
        named = {"suites": (), "required_suites": (), **named}
    if given.get("accepted_caveats") is not None:
        named["caveats"] = tuple(map(Caveat, given["accepted_caveats"]))
    if given.get("months_valid") is not None:
        named["months_valid"] = given["months_valid"]
    if given.get("witness_quorum") is not None:
        named["witness_quorum"] = given["witness_quorum"]
    for key in ("max_trust_state_age", "max_log_view_age"):
        if given.get(key) is not None:
            named[f"{key}_seconds"] = ages.convert(given[key], None, None)
    return replace(base, **named)


def read_choices(path: Path) -> dict[str, Any]:
    """A certificate file. Raises BadSource naming file and key."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BadSource(path.name, "it is not TOML in UTF-8; texts need quotes, lists stand in [ ]") from None
    for key, value in values.items():
        if key not in _KINDS:
            raise BadSource(path.name, f"there is no such key; known are {', '.join(_KINDS)}", column=key)
        kind = _KINDS[key]
        # `true` is an int to Python, and none to TOML.
        if type(value) is not kind or (isinstance(value, list) and not all(isinstance(one, str) for one in value)):
            raise BadSource(path.name, "write a list of texts" if kind is list else f"write {_like(key)}", column=key)
        if value == [] and key in _NEVER_EMPTY:
            raise BadSource(
                path.name,
                "name one, or leave the key out, which means all; `huxin recognise withdraw` ends a recognition",
                column=key,
            )
    _check_values(path, values)
    return values


def _check_values(path: Path, values: Mapping[str, Any]) -> None:
    known = {caveat.value for caveat in Caveat}
    if not known.issuperset(values.get("accepted_caveats", ())):
        raise BadSource(path.name, f"known caveats are {', '.join(sorted(known))}", column="accepted_caveats")
    if not 1 <= values.get("months_valid", 1) <= _MAX_VALID_MONTHS:
        raise BadSource(path.name, f"write {_like('months_valid')}", column="months_valid")
    if not 0 <= values.get("witness_quorum", 0) <= MAX_QUORUM:
        raise BadSource(path.name, f"write {_like('witness_quorum')}", column="witness_quorum")
    for key in ("max_trust_state_age", "max_log_view_age"):
        if key in values and not re.fullmatch(r"[1-9][0-9]{0,8}[smhd]", values[key]):
            raise BadSource(path.name, f"write {_like(key)}", column=key)


def _like(key: str) -> str:
    if key == "witness_quorum":
        return f"a number from 0 to {MAX_QUORUM}"
    return f"a number from 1 to {_MAX_VALID_MONTHS}" if key == "months_valid" else 'an age such as "12h" or "30d"'
