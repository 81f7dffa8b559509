"""What all jurisdictions share: the taxonomy, the reading of wordings, the codes of scenarios."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from node.adapters.catalogues.canonical import taxonomy_digest
from node.adapters.catalogues.readings import Wording, load_wordings
from node.adapters.textfiles import read_table
from node.errors import BadSource
from node.model.catalogue import Concept, Scenario, Taxonomy

TAXONOMY_COLUMNS = ("code", "name_zh", "name_en", "parent_code", "definition")
SCENARIO_COLUMNS = ("code", "class", "name_zh", "name_en", "source")
SCENARIO_CLASSES = ("administration", "business", "finance", "other")
_FOLDER = Path(__file__).parent / "shared"


@dataclass(frozen=True, slots=True)
class SharedData:
    """Loaded once and handed to every loader of a jurisdiction."""

    taxonomy: Taxonomy
    wordings: tuple[Wording, ...]
    scenarios: Mapping[str, Scenario]


def load_shared(folder: Path = _FOLDER) -> SharedData:
    """The shared tables; of the taxonomy its newest version. Raises BadSource."""
    versions = {int(m[1]): p for p in folder.glob("taxonomy-*.csv") if (m := re.fullmatch(r"taxonomy-(\d+)", p.stem))}
    if not versions:
        raise BadSource("shared", "there is no taxonomy; put taxonomy-1.csv there")
    newest = max(versions)
    return SharedData(
        taxonomy=load_taxonomy(versions[newest], str(newest)),
        wordings=load_wordings(folder / "wordings.csv", "shared/wordings.csv"),
        scenarios=load_scenarios(folder / "scenarios.csv", "shared/scenarios.csv"),
    )


def load_taxonomy(path: Path, version: str) -> Taxonomy:
    """A version of the taxonomy. Raises BadSource for a code given twice and a leaf without its group."""
    concepts: dict[str, Concept] = {}
    for row in read_table(path, f"shared/{path.name}", TAXONOMY_COLUMNS):
        code, parent = row.required("code"), row["parent_code"]
        if code in concepts:
            raise row.bad("code", f"{code} is given twice; every concept has one row")
        if parent and (parent not in concepts or concepts[parent].parent):
            raise row.bad("parent_code", f"{parent} is not a group given above; groups come first and have no parent")
        concepts[code] = Concept(
            code, row.required("name_zh"), row.required("name_en"), parent, row.required("definition")
        )
    taxonomy = Taxonomy(version, concepts, b"")
    return replace(taxonomy, digest=taxonomy_digest(taxonomy))


def load_scenarios(path: Path, label: str) -> Mapping[str, Scenario]:
    """The shared codes of scenarios, in the file's order. Raises BadSource."""
    scenarios: dict[str, Scenario] = {}
    for row in read_table(path, label, SCENARIO_COLUMNS):
        code = row.required("code")
        if not re.fullmatch(r"[a-z][a-z_]*", code) or code in scenarios:
            raise row.bad("code", "a scenario code is in lower case with underscores and stands here once")
        if row["class"] not in SCENARIO_CLASSES:
            raise row.bad("class", f"write one of {', '.join(SCENARIO_CLASSES)}")
        scenarios[code] = Scenario(code, row["class"], row.required("name_zh"), row.required("name_en"))
    return scenarios
