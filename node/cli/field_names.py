"""What a field of a request, or of a use case, is called by whoever typed it: `--territory`, `DIVISION`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import click

_FILLED_BY: Mapping[str, tuple[str, ...]] = {
    "CERTIFICATE": ("what",),
    "against": ("requirement_id", "requirement_file"),
    "bundles": ("files",),
    "disclosed_codes": ("rows",),
    "evidence_digest": ("evidence",),
    "id": ("message_id", "request_id"),
    "issuer": ("division",),
    "leaf": ("leaves",),
    "local_codes": ("rows",),
    "period": ("months", "start", "end"),
    "period.end": ("end",),
    "period.start": ("start",),
    "period_exception": ("asked_by", "asked_for"),
    "period_exception.reason": ("asked_for",),
    "period_exception.relying_party": ("asked_by",),
    "reason_code": ("reason",),
    "record_type": ("record_types",),
    "report_number": ("number", "presented"),
    "required_suite": ("required_suites",),
    "scenario": ("scenario", "scenarios"),
    "scope": ("leaves", "record_types"),
    "set": ("raised",),
    "subject.id": ("subject",),
    "subject.id_type": ("id_type",),
    "suite": ("suites",),
}
"""By field, without places in lists: names of the parameters that fill it in some command, where it is not its own."""

_BY_FILE = frozenset({"as_of", "local_codes", "unit"})
"""What stands in a file beside a delivery where no option says it: then the file's own name is the right one."""

_PLACES = re.compile(r"\[[0-9]+\]")


def as_typed(field: str, parameters: Iterable[click.Parameter], context: click.Context) -> str:
    """The options and arguments of the command that runs which fill a field; the field where none of them does.

    What a file fills keeps its path: there nobody typed anything.
    """
    named = _PLACES.sub("", field)
    wanted = _FILLED_BY.get(named, (named,))
    filling = [each for each in parameters if each.name in wanted]
    if named in _BY_FILE:
        filling = [each for each in filling if context.params.get(each.name or "")]
    found = [_shown(each, context) for each in filling]
    return ", ".join(found) or field


def typed_here(field: str) -> str:
    """`as_typed` for the command that is running; the field itself outside of one."""
    context = click.get_current_context(silent=True)
    return field if context is None else as_typed(field, context.command.params, context)


def _shown(parameter: click.Parameter, context: click.Context) -> str:
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return parameter.make_metavar(context).strip("[]").removesuffix("...").rstrip("]")
