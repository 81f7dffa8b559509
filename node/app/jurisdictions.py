"""Catalogues, requirements and scenarios that come with huxin or with configured folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from node.adapters.catalogues.registry import CatalogueRegistry, discover
from node.adapters.procedures.loading import discover_requirements, load_requirement
from node.config.settings import Settings
from node.errors import NotFound, NotReady
from node.model.calendar import day_in_china
from node.model.catalogue import Edition
from node.model.requirement import Requirement
from node.rpc.catalogue_service import CatalogueShelf
from node.verification.assessing import Catalogues


@dataclass(frozen=True, slots=True)
class Jurisdictions:
    """What this node knows of catalogues and procedures, read once at the start."""

    own: str
    registry: CatalogueRegistry
    requirements: Mapping[str, Requirement]

    def own_edition(self, at: datetime) -> Edition | None:
        """The own catalogue and crosswalk in force, or None."""
        try:
            return self.registry.on(self.own, day_in_china(at))
        except NotFound:
            return None

    def edition_at(self, at: datetime) -> Edition:
        """The same, for issuing. Raises NotReady."""
        edition = self.own_edition(at)
        if edition is None:
            raise NotReady(
                "NO_CATALOGUE",
                f"No catalogue of {self.own} is in force today; add one (docs/add-a-jurisdiction.md) and restart.",
            )
        return edition

    def catalogues(self) -> Catalogues:
        """For verification."""
        return Catalogues(self.registry.taxonomy, self.registry.catalogue, self.registry.crosswalk, self.own_edition)

    def shelf(self, now: Callable[[], datetime]) -> CatalogueShelf:
        """For CatalogueService: what is in force today."""
        editions = self.registry.in_force(day_in_china(now()))
        return CatalogueShelf(
            self.registry.taxonomy,
            [edition.catalogue for edition in editions],
            [edition.crosswalk for edition in editions],
        )

    def list_requirements(self) -> Sequence[Requirement]:
        """The own jurisdiction's procedures, by id."""
        return [found for _, found in sorted(self.requirements.items()) if found.jurisdiction == self.own]

    def get_requirement(self, requirement_id: str) -> Requirement:
        """One of them. Raises NotFound."""
        found = self.requirements.get(requirement_id)
        if found is None or found.jurisdiction != self.own:
            raise NotFound(
                "NO_SUCH_REQUIREMENT", "No such requirement; `huxin requirement list` names those there are."
            )
        return found


def load_jurisdictions(settings: Settings) -> Jurisdictions:
    """Reads every data file. Raises BadSource naming file, row and column."""
    registry = discover(settings.catalogues.folders)
    return Jurisdictions(settings.division, registry, discover_requirements(registry, settings.catalogues.folders))


def known_names(division: str) -> tuple[str, str] | None:
    """Chinese and English name of a jurisdiction whose catalogue comes with huxin, or None."""
    editions = discover().of(division)
    return (editions[-1].catalogue.name_zh, editions[-1].catalogue.name_en) if editions else None


def check_requirement(path: Path) -> Requirement:
    """Reads a requirement file against the catalogues that come with huxin. Raises BadSource."""
    return load_requirement(path, discover())
