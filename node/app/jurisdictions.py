"""Catalogues, requirements and scenarios that come with huxin or with configured folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import structlog

from node.adapters.catalogues.registry import CatalogueRegistry, discover, edition_of
from node.adapters.procedures.loading import discover_requirements, load_requirement
from node.config.settings import Settings
from node.errors import BadSource, NotFound, NotReady
from node.model.calendar import day_in_china
from node.model.catalogue import Catalogue, Crosswalk, Edition
from node.model.registry import RegistryRecord
from node.model.requirement import Requirement
from node.rpc.catalogue_service import CatalogueShelf
from node.verification.assessing import Catalogues

_log = structlog.get_logger(__name__)


class Jurisdictions:
    """What this node knows of catalogues and procedures: read at the start, and what others publish as it comes."""

    def __init__(self, own: str, registry: CatalogueRegistry, requirements: Mapping[str, Requirement]) -> None:
        self.own = own
        self.registry = registry
        self.requirements = requirements
        self._installed = registry
        self._read: dict[bytes, Edition | None] = {}

    def learn(self, record: RegistryRecord | None) -> None:
        """Takes up the catalogues that other jurisdictions publish in the trust registry, past ones included.

        That a version is known does not make it count: a trust certificate must have reviewed it. One that cannot be
        read is logged and left out. Reads files, so not on the event loop.
        """
        facts = sorted(() if record is None else record.facts, key=lambda fact: fact.known_from)
        by_kind = {
            # Of one version the newest word counts, also when it is not published any more: reports name it still.
            kind: {(fact.division, fact.name): fact for fact in facts if fact.kind == kind}
            for kind in ("catalogue", "crosswalk", "scheme")
        }
        editions = []
        for (division, version), catalogue in by_kind["catalogue"].items():
            others = [by_kind[kind].get((division, version)) for kind in ("crosswalk", "scheme")]
            if division == self.own or None in others:
                continue
            files = (catalogue.content, *(other.content for other in others if other is not None))
            edition = self._edition(division, files)
            if edition is not None:
                editions.append(edition)
        self.registry = self._installed.extended(editions)

    def _edition(self, division: str, files: tuple[bytes, ...]) -> Edition | None:
        key = sha256(b"".join(sha256(content).digest() for content in files)).digest()
        if key not in self._read:
            try:
                self._read[key] = edition_of(division, (files[0], files[1], files[2]), self.registry.shared)
            except BadSource as error:
                _log.warning("published_catalogue_left_out", division=division, problem=error.message)
                self._read[key] = None
        return self._read[key]

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
        return Catalogues(self.registry.taxonomy, self.catalogue, self.crosswalk, self.own_edition)

    def catalogue(self, digest: bytes) -> Catalogue | None:
        """The version with that digest, as known at this moment."""
        return self.registry.catalogue(digest)

    def crosswalk(self, digest: bytes) -> Crosswalk | None:
        """The crosswalk with that digest, as known at this moment."""
        return self.registry.crosswalk(digest)

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


def load_jurisdictions(settings: Settings, record: RegistryRecord | None = None) -> Jurisdictions:
    """Reads every data file, and what a record of the trust registry holds besides.

    Raises BadSource naming file, row and column.
    """
    registry = discover(settings.catalogues.folders)
    requirements = discover_requirements(registry, settings.catalogues.folders)
    found = Jurisdictions(settings.division, registry, requirements)
    found.learn(record)
    return found


def known_names(division: str) -> tuple[str, str] | None:
    """Chinese and English name of a jurisdiction whose catalogue comes with huxin, or None."""
    editions = discover().of(division)
    return (editions[-1].catalogue.name_zh, editions[-1].catalogue.name_en) if editions else None


def check_requirement(path: Path) -> Requirement:
    """Reads a requirement file against the catalogues that come with huxin. Raises BadSource."""
    return load_requirement(path, discover())
