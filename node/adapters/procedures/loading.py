"""Requirements from their files, checked against the catalogue and the taxonomy they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from node.adapters.catalogues.registry import PROCEDURES, CatalogueRegistry, jurisdiction_folders
from node.adapters.textfiles import Settings, read_settings
from node.errors import BadSource
from node.model.calendar import Period
from node.model.catalogue import Catalogue
from node.model.records import RECORD_TYPES, RecordType
from node.model.requirement import RequiredItem, Requirement

BUILT_IN = Path(__file__).parent
_ISSUER = "issuer"
_MOST = 1_000_000
"""Hours or minutes of a limit of age: beyond any limit of a node."""


def discover_requirements(registry: CatalogueRegistry, extra_roots: Iterable[Path] = ()) -> Mapping[str, Requirement]:
    """All requirements by id (`520000/tender`): the examples here, and `procedures/` in the jurisdictions' folders.

    Raises BadSource for a file that cannot be read or means nothing, and for an id that two files claim.
    """
    folders = [*jurisdiction_folders((BUILT_IN,))]
    folders += [inside for f in jurisdiction_folders(extra_roots) if (inside := f / PROCEDURES).is_dir()]
    requirements: dict[str, Requirement] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            requirement = load_requirement(path, registry)
            if requirement.requirement_id in requirements:
                raise BadSource(path.name, f"{requirement.requirement_id} exists already; name the file otherwise")
            requirements[requirement.requirement_id] = requirement
    return requirements


def load_requirement(path: Path, registry: CatalogueRegistry) -> Requirement:
    """The requirement in a file; its id is the division of the folder and the name of the file.

    Own rows are looked up in the newest version of the jurisdiction's catalogue. Raises BadSource naming file and key.
    """
    folder = path.parent.parent if path.parent.name == PROCEDURES else path.parent
    division, label = folder.name[:6], f"{folder.name}/{path.name}"
    editions = registry.of(division)
    if not editions:
        raise BadSource(label, f"there is no catalogue of {division}; add one before its procedures")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", path.stem):
        raise BadSource(label, "name the file in lower case letters, digits and hyphens; it becomes part of the id")
    settings = read_settings(path, label)
    months, fixed = _read_period(settings)
    catalogue = editions[-1].catalogue
    requirement = Requirement(
        requirement_id=f"{division}/{path.stem}",
        title_zh=settings.text("title_zh"),
        title_en=settings.text("title_en"),
        jurisdiction=division,
        scenario=_read_scenario(settings, registry),
        items=tuple(_read_item(item, catalogue, registry) for item in settings.tables("items")),
        months=months,
        fixed=fixed,
        territory=_read_territory(settings),
        max_data_age_days=settings.whole("max_data_age_days") if settings.has("max_data_age_days") else 10,
        max_report_age_days=settings.whole("max_report_age_days") if settings.has("max_report_age_days") else 30,
        repaired_records_count=settings.flag("repaired_records_count"),
        illustrative=settings.flag("illustrative"),
        max_trust_age_hours=_read_limit(settings, "max_trust_age_hours"),
        max_log_view_age_minutes=_read_limit(settings, "max_log_view_age_minutes"),
    )
    settings.finish()
    return requirement


def _read_period(settings: Settings) -> tuple[int, Period | None]:
    if settings.has("months") == settings.has("fixed"):
        raise settings.bad("months", "name the period once: months = 36, or a table [fixed] with start and end")
    if settings.has("months"):
        return settings.whole("months"), None
    table = settings.table("fixed")
    start, end = table.day("start"), table.day("end")
    table.finish()
    if start >= end:
        raise table.bad("end", "the end (exclusive) is not after the start; correct one of them")
    return 0, Period(start, end)


def _read_limit(settings: Settings, key: str) -> int:
    """A limit that may be left out, which is 0."""
    limit = settings.whole(key) if settings.has(key) else 0
    if limit > _MOST:
        raise settings.bad(key, f"write at most {_MOST}, or leave it out")
    return limit


def _read_scenario(settings: Settings, registry: CatalogueRegistry) -> str:
    code = settings.text("scenario")
    if code not in registry.scenarios:
        raise settings.bad("scenario", f"{code} is not a scenario; use {', '.join(registry.scenarios)}")
    return code


def _read_territory(settings: Settings) -> str:
    value = settings.text("territory")
    if value != _ISSUER and not re.fullmatch(r"[0-9]{6}", value):
        raise settings.bad("territory", 'write "issuer" for the division that issued the report, or a division code')
    return "" if value == _ISSUER else value


def _read_item(settings: Settings, catalogue: Catalogue, registry: CatalogueRegistry) -> RequiredItem:
    if settings.has("local_code") == settings.has("leaf"):
        raise settings.bad("local_code", "ask for one thing: local_code with local_name (an own row), or leaf")
    known = (*RECORD_TYPES, *catalogue.own_record_types)
    types = settings.texts("record_types")
    for code in types:
        if code not in known:
            raise settings.bad("record_types", f"{code} is not a record type; use {', '.join(known)}")
    target = _read_row(settings, catalogue) if settings.has("local_code") else _read_leaf(settings, registry)
    settings.finish()
    return RequiredItem(tuple(map(RecordType, types)), **target)


def _read_row(settings: Settings, catalogue: Catalogue) -> dict[str, str]:
    code, name = settings.text("local_code"), settings.text("local_name")
    if not catalogue.rows_known:
        raise settings.bad("local_code", "the rows of this jurisdiction are not known; write the requirement in leaves")
    row = catalogue.rows.get(code)
    if row is None:
        raise settings.bad("local_code", f"the catalogue {catalogue.version} has no row {code}; correct the code")
    if row.local_name != name:
        raise settings.bad("local_name", f"row {code} is named {row.local_name} in the catalogue; use its words")
    return {"local_code": code}


def _read_leaf(settings: Settings, registry: CatalogueRegistry) -> dict[str, str]:
    leaf = settings.text("leaf")
    if not registry.taxonomy.expand(leaf):
        raise settings.bad("leaf", f"{leaf} is no leaf or group of the taxonomy; see `huxin catalogue coverage`")
    return {"leaf": leaf}
