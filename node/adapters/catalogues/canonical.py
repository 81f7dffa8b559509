"""Digests of catalogues, crosswalks and taxonomies over a canonical form that knows nothing of file formats.

The form: one line `huxin/<kind>/v1`, then JSON (RFC 8259) in UTF-8 with sorted keys, no white space, text as it is and
days as `YYYY-MM-DD`; absent values are null. Rows stand in published order; what has no order of its own (caveats,
types, kinds, scenarios, crosswalk lines) is sorted. A digest is the SHA-256 of these bytes.

Two things are left out on purpose. Remarks (`note`) are ours and change nothing. `valid_until` of a catalogue and its
scheme is set when a successor appears, and that must not rename the version that attestations already cite.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from node.model.catalogue import Catalogue, Relation, Row, Scheme, Taxonomy


def catalogue_digest(catalogue: Catalogue) -> bytes:
    """SHA-256 (32 bytes) of a catalogue; its field `digest` is not looked at."""
    return _digest(
        "catalogue",
        {
            "division": catalogue.division,
            "territory": catalogue.territory,
            "name_zh": catalogue.name_zh,
            "name_en": catalogue.name_en,
            "version": catalogue.version,
            "valid_from": _day(catalogue.valid_from),
            "rows_known": catalogue.rows_known,
            "stated_domains": catalogue.stated_domains,
            "rows": [_row(row) for row in catalogue.rows.values()],
            "scheme": _scheme(catalogue.scheme),
            "own_record_types": {code: list(names) for code, names in catalogue.own_record_types.items()},
        },
    )


def crosswalk_digest(division: str, lines: Mapping[str, tuple[tuple[str, Relation], ...]]) -> bytes:
    """SHA-256 (32 bytes) of a crosswalk's lines."""
    listed = [[code, leaf, relation.value] for code, pairs in lines.items() for leaf, relation in pairs]
    return _digest("crosswalk", {"division": division, "lines": sorted(listed)})


def taxonomy_digest(taxonomy: Taxonomy) -> bytes:
    """SHA-256 (32 bytes) of a taxonomy; its field `digest` is not looked at."""
    concepts = [[c.code, c.name_zh, c.name_en, c.parent, c.definition] for c in taxonomy.concepts.values()]
    return _digest("taxonomy", {"version": taxonomy.version, "concepts": concepts})


def _row(row: Row) -> dict[str, Any]:
    types = [[t.record_type, _day(t.since), sorted(t.caveats)] for t in row.types]
    return {
        "local_code": row.local_code,
        "local_name": row.local_name,
        "types": sorted(types),
        "units": list(row.units),
        "severe_lists": list(row.severe_lists),
    }


def _scheme(scheme: Scheme) -> dict[str, Any]:
    return {
        "scheme": scheme.scheme,
        "title": scheme.title,
        "document_number": scheme.document_number,
        "issued_on": _day(scheme.issued_on),
        "template_version": scheme.template_version,
        "valid_from": _day(scheme.valid_from),
        "legal_basis": list(scheme.legal_basis),
        "max_period_months": scheme.max_period_months,
        "show_repaired": scheme.show_repaired,
        "date_basis": scheme.date_basis.value,
        "subject_kinds": sorted(scheme.subject_kinds),
        "validity_days": scheme.validity_days,
        "scenarios": sorted(scheme.scenarios),
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _digest(kind: str, value: Mapping[str, Any]) -> bytes:
    body = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(f"huxin/{kind}/v1\n{body}".encode()).digest()
