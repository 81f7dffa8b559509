"""One version of a jurisdiction's catalogue from its folder of three files.

`jurisdiction.toml` (who, when, under which scheme), `catalogue.csv` (the rows, word for word as published) and
`crosswalk.csv` (`local RELATION shared`, R076-R081). Every refusal is a BadSource that names file, row, column or key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from node.adapters.catalogues.canonical import catalogue_digest, crosswalk_digest
from node.adapters.catalogues.readings import Reading, Wording
from node.adapters.catalogues.shared_data import SharedData
from node.adapters.textfiles import Settings, TableRow, read_settings, read_table
from node.model.catalogue import Catalogue, Crosswalk, DateBasis, Edition, Relation, Row, Scheme, Taxonomy
from node.model.records import RECORD_TYPES, RecordType
from node.model.subject import SubjectKind

CATALOGUE_COLUMNS = (
    "local_code",
    "local_name",
    "record_types",
    "responsible_units",
    "severe_list_names",
    "data_since",
    "note",
)
CROSSWALK_COLUMNS = ("local_code", "local_name", "leaf", "relation")


def load_edition(folder: Path, shared: SharedData) -> Edition:
    """The version in that folder. Raises BadSource when anything in it cannot be trusted to mean what it says."""
    label = f"{folder.parent.name}/{folder.name}"
    settings = read_settings(folder / "jurisdiction.toml", f"{label}/jurisdiction.toml")
    bare = _read_metadata(settings, shared)
    reading = _read_reading(settings, shared, bare)
    settings.finish()
    rows = _read_rows(folder / "catalogue.csv", f"{label}/catalogue.csv", reading)
    if rows and not bare.rows_known:
        raise settings.bad("rows_known", "the catalogue has rows, so they are known; write true or take them out")
    if bare.rows_known and not rows:
        raise settings.bad("rows_known", "the catalogue has no rows; write false or supply them")
    catalogue = replace(bare, rows=rows)
    catalogue = replace(catalogue, digest=catalogue_digest(catalogue))
    return Edition(catalogue, _read_crosswalk(folder / "crosswalk.csv", f"{label}/crosswalk.csv", catalogue, shared))


def _read_metadata(settings: Settings, shared: SharedData) -> Catalogue:
    """The catalogue without its rows and digest."""
    valid_from, valid_until = _validity(settings)
    return Catalogue(
        division=_division(settings, "division"),
        territory=_division(settings, "territory"),
        name_zh=settings.text("name_zh"),
        name_en=settings.text("name_en"),
        version=settings.text("version"),
        valid_from=valid_from,
        valid_until=valid_until,
        rows_known=settings.flag("rows_known"),
        stated_domains=settings.whole_or_none("stated_domains"),
        rows={},
        scheme=_read_scheme(settings.table("scheme"), shared),
        digest=b"",
        own_record_types=_read_own_types(settings),
    )


def _division(settings: Settings, key: str) -> str:
    value = settings.text(key)
    if not re.fullmatch(r"[0-9]{6}", value):
        raise settings.bad(key, "a division code has six digits (GB/T 2260)")
    return value


def _validity(settings: Settings) -> tuple[date, date | None]:
    start = settings.day("valid_from")
    end = settings.day("valid_until") if settings.has("valid_until") else None
    if end is not None and end <= start:
        raise settings.bad("valid_until", "the end (exclusive) is not after valid_from; correct one of them")
    return start, end


def _read_scheme(settings: Settings, shared: SharedData) -> Scheme:
    valid_from, valid_until = _validity(settings)
    basis, kinds, scenarios = settings.text("date_basis"), settings.texts("subject_kinds"), settings.texts("scenarios")
    if basis not in [b.value for b in DateBasis]:
        raise settings.bad("date_basis", f"write one of {', '.join(DateBasis)}")
    for kind in kinds:
        if kind not in [k.value for k in SubjectKind]:
            raise settings.bad("subject_kinds", f"{kind} is not a kind of subject; use {', '.join(SubjectKind)}")
    for code in scenarios:
        if code not in shared.scenarios:
            raise settings.bad("scenarios", f"{code} is not a scenario; use {', '.join(shared.scenarios)}")
    scheme = Scheme(
        scheme=settings.text("id"),
        title=settings.text("title"),
        template_version=settings.text("template_version"),
        valid_from=valid_from,
        valid_until=valid_until,
        legal_basis=settings.texts("legal_basis"),
        max_period_months=settings.whole_or_none("max_period_months"),
        show_repaired=settings.flag("show_repaired"),
        date_basis=DateBasis(basis),
        subject_kinds=frozenset(kinds),
        validity_days=settings.whole_or_none("validity_days"),
        scenarios=scenarios,
        document_number=settings.text_or_none("document_number"),
        issued_on=settings.day_or_none("issued_on"),
    )
    settings.finish()
    return scheme


def _read_own_types(settings: Settings) -> Mapping[RecordType, tuple[str, str]]:
    """`[record_types]`: code = ["Chinese name", "English name"] for types beyond the common ones (R037)."""
    if not settings.has("record_types"):
        return {}
    table = settings.table("record_types")
    own: dict[RecordType, tuple[str, str]] = {}
    for code in table.names():
        names = table.texts(code)
        if not re.fullmatch(r"[a-z][a-z_]*", code) or code in RECORD_TYPES or len(names) != 2:
            raise table.bad(code, 'write new_code = ["Chinese name", "English name"], with a code that is not common')
        own[RecordType(code)] = (names[0], names[1])
    return own


def _read_reading(settings: Settings, shared: SharedData, catalogue: Catalogue) -> Reading:
    table = settings.table("reading")
    reading = Reading(
        division=catalogue.division,
        wordings=_read_own_wordings(settings, catalogue) + shared.wordings,
        types_scheme_wide=table.flag("types_scheme_wide"),
        since_when_not_stated=table.day("since_when_not_stated") if table.has("since_when_not_stated") else None,
    )
    table.finish()
    return reading


def _read_own_wordings(settings: Settings, catalogue: Catalogue) -> tuple[Wording, ...]:
    """`[wordings]`: "wording as published" = ["record_type", ...], read before the shared table."""
    if not settings.has("wordings"):
        return ()
    table = settings.table("wordings")
    known = [*RECORD_TYPES, *catalogue.own_record_types]
    wordings = []
    for text in table.names():
        codes = table.texts(text)
        for code in codes:
            if code not in known:
                raise table.bad(
                    text, f"{code} is not a record type; use {', '.join(known)} or add it to [record_types]"
                )
        wordings.append(Wording(text, contains=False, division="", record_types=tuple(map(RecordType, codes))))
    return tuple(wordings)


def _read_rows(path: Path, label: str, reading: Reading) -> Mapping[str, Row]:
    rows: dict[str, Row] = {}
    for cells in read_table(path, label, CATALOGUE_COLUMNS):
        code = cells.required("local_code")
        if code in rows:
            raise cells.bad("local_code", f"{code} is given twice; every row has its own code")
        rows[code] = Row(
            local_code=code,
            local_name=cells.required("local_name"),
            types=reading.collected_types(cells),
            units=cells.parts("responsible_units"),
            severe_lists=cells.parts("severe_list_names"),
            note=cells["note"],
        )
    return rows


def _read_crosswalk(path: Path, label: str, catalogue: Catalogue, shared: SharedData) -> Crosswalk:
    found: dict[tuple[str, str], Relation] = {}
    for cells in read_table(path, label, CROSSWALK_COLUMNS):
        code, leaf, relation = cells.required("local_code"), cells.required("leaf"), cells.required("relation")
        row = catalogue.rows.get(code)
        if row is None:
            raise cells.bad("local_code", f"the catalogue has no row {code}; correct the code or add the row")
        if cells["local_name"] != row.local_name:
            raise cells.bad("local_name", f"row {code} is named {row.local_name} in the catalogue; use its words")
        _check_leaf(cells, leaf, shared.taxonomy)
        if relation not in [r.value for r in Relation]:
            raise cells.bad("relation", f"{relation} is not a relation; use {', '.join(Relation)}")
        if (code, leaf) in found:
            raise cells.bad("leaf", f"row {code} is tied to {leaf} twice; keep one relation")
        found[code, leaf] = Relation(relation)
    return build_crosswalk(catalogue, found, shared.taxonomy)


def _check_leaf(cells: TableRow, leaf: str, taxonomy: Taxonomy) -> None:
    concept = taxonomy.concepts.get(leaf)
    if concept is None:
        raise cells.bad("leaf", f"{leaf} is not in the taxonomy (version {taxonomy.version}); use one of its leaves")
    if not concept.parent:
        raise cells.bad("leaf", f"{leaf} is a group; name its leaves ({', '.join(taxonomy.expand(leaf))}) one by one")


def build_crosswalk(
    catalogue: Catalogue, relations: Mapping[tuple[str, str], Relation], taxonomy: Taxonomy
) -> Crosswalk:
    """A crosswalk from (local code, leaf) -> relation, in the order of the catalogue and the taxonomy."""
    lines = {
        code: pairs
        for code in catalogue.rows
        if (pairs := tuple((leaf, relations[code, leaf]) for leaf in taxonomy.leaves if (code, leaf) in relations))
    }
    by_leaf = {
        leaf: pairs
        for leaf in taxonomy.leaves
        if (pairs := tuple((code, relations[code, leaf]) for code in catalogue.rows if (code, leaf) in relations))
    }
    return Crosswalk(catalogue.division, lines, crosswalk_digest(catalogue.division, lines), by_leaf)
