"""All versions of all catalogues: found in folders, chosen by division and day or by digest.

A root holds one folder per jurisdiction, `<division>_<name>`, and that holds one folder per version (any name). The
node's own root is the folder of this module; configuration may name more, so that a jurisdiction is added without
touching the program. A jurisdiction's versions may lie in several roots; their days of validity must not overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

from node.adapters.catalogues.loading import load_edition
from node.adapters.catalogues.shared_data import SharedData, load_shared
from node.errors import BadSource, NotFound
from node.model.catalogue import Catalogue, Crosswalk, Edition, Scenario, Taxonomy
from node.workspace import workspace

BUILT_IN = Path(__file__).parent
VERSION_FILES = ("catalogue.csv", "crosswalk.csv", "jurisdiction.toml")
PROCEDURES = "procedures"
"""Folder inside a jurisdiction's folder that holds requirements, not a version."""

_JURISDICTION = re.compile(r"([0-9]{6})_[a-z][a-z0-9_]*")


class CatalogueRegistry:
    """What this node knows of catalogues; read once, unchanged afterwards."""

    def __init__(self, shared: SharedData, editions: Iterable[Edition]) -> None:
        self.shared = shared
        self.editions: tuple[Edition, ...] = tuple(
            sorted(editions, key=lambda e: (e.catalogue.division, e.catalogue.valid_from))
        )
        self._catalogues = {e.catalogue.digest: e.catalogue for e in self.editions}
        self._crosswalks = {e.crosswalk.digest: e.crosswalk for e in self.editions}

    @property
    def taxonomy(self) -> Taxonomy:
        """The shared taxonomy."""
        return self.shared.taxonomy

    @property
    def scenarios(self) -> Mapping[str, Scenario]:
        """The shared codes of scenarios."""
        return self.shared.scenarios

    @property
    def divisions(self) -> tuple[str, ...]:
        """All jurisdictions with at least one version, by code."""
        return tuple(dict.fromkeys(e.catalogue.division for e in self.editions))

    def of(self, division: str) -> tuple[Edition, ...]:
        """All versions of a jurisdiction, oldest first; () when none is known."""
        return tuple(e for e in self.editions if e.catalogue.division == division)

    def in_force(self, day: date) -> tuple[Edition, ...]:
        """Every jurisdiction's version in force on a day, by division; jurisdictions without one are left out."""
        return tuple(
            edition
            for edition in self.editions
            if edition.catalogue.valid_from <= day
            and (edition.catalogue.valid_until is None or day < edition.catalogue.valid_until)
        )

    def on(self, division: str, day: date) -> Edition:
        """The version in force on a day. Raises NotFound."""
        for edition in self.in_force(day):
            if edition.catalogue.division == division:
                return edition
        raise NotFound(
            "NO_CATALOGUE",
            f"no catalogue of {division} is in force on {day}; see `huxin catalogue show` for the versions known here",
        )

    def extended(self, editions: Iterable[Edition]) -> CatalogueRegistry:
        """With further versions, of jurisdictions whose versions fit together then; what is known already stays.

        What was installed here counts: a version of the same name that says something else is left out.
        """
        further: dict[str, list[Edition]] = {}
        for edition in editions:
            if edition.catalogue.version not in {
                each.catalogue.version for each in self.of(edition.catalogue.division)
            }:
                further.setdefault(edition.catalogue.division, []).append(edition)
        found = [each for each in self.editions if each.catalogue.division not in further]
        for division, new in further.items():
            every = sorted((*self.of(division), *new), key=lambda each: each.catalogue.valid_from)
            try:
                found += _ended(tuple(every))
            except BadSource:
                found += self.of(division)
        return CatalogueRegistry(self.shared, found)

    def catalogue(self, digest: bytes) -> Catalogue | None:
        """The version with that digest, or None when this node does not know it (CATALOGUE_UNKNOWN)."""
        return self._catalogues.get(digest)

    def crosswalk(self, digest: bytes) -> Crosswalk | None:
        """The crosswalk with that digest, or None."""
        return self._crosswalks.get(digest)


def discover(extra_roots: Iterable[Path] = (), shared: SharedData | None = None) -> CatalogueRegistry:
    """Everything in the built-in root and the extra ones.

    Raises BadSource for a folder that is no jurisdiction's, a version that cannot be loaded, and overlapping validity.
    """
    shared = shared or load_shared()
    editions = [load_version(folder, shared) for folder in version_folders((BUILT_IN, *extra_roots))]
    loaded = CatalogueRegistry(shared, editions)
    return CatalogueRegistry(shared, [one for division in loaded.divisions for one in _ended(loaded.of(division))])


def jurisdiction_folders(roots: Iterable[Path]) -> tuple[Path, ...]:
    """The folders of jurisdictions in those roots, by name; a root may itself be one. Raises BadSource."""
    found: list[Path] = []
    for root in roots:
        if not root.is_dir():
            raise BadSource(root.name, "there is no such folder of catalogues; correct the setting")
        if _JURISDICTION.fullmatch(root.name):
            found.append(root)
            continue
        for folder in sorted(root.iterdir()):
            if not folder.is_dir() or folder.name.startswith((".", "_")) or folder == BUILT_IN / "shared":
                continue
            if not _JURISDICTION.fullmatch(folder.name):
                raise BadSource(
                    folder.name, "name the folder <division>_<name>, such as 140000_shanxi, or move it away"
                )
            found.append(folder)
    return tuple(found)


def version_folders(roots: Iterable[Path]) -> tuple[Path, ...]:
    """The folders of all versions in those roots. Raises BadSource for a jurisdiction without one."""
    versions: list[Path] = []
    for folder in jurisdiction_folders(roots):
        inside = [
            f
            for f in sorted(folder.iterdir())
            if f.is_dir() and not f.name.startswith((".", "_")) and f.name != PROCEDURES
        ]
        if not inside:
            raise BadSource(folder.name, "there is no version; put jurisdiction.toml and its tables in a folder inside")
        versions.extend(inside)
    return tuple(versions)


def version_files(division: str, extra_roots: Iterable[Path] = ()) -> dict[str, tuple[bytes, bytes, bytes]]:
    """Catalogue, crosswalk and scheme of each version of a jurisdiction, word for word, by the version's name.

    What a jurisdiction publishes for its peers. Raises BadSource as `discover` does.
    """
    shared = load_shared()
    found = {}
    for folder in version_folders((BUILT_IN, *extra_roots)):
        if folder.parent.name.startswith(f"{division}_"):
            catalogue, crosswalk, scheme = ((folder / name).read_bytes() for name in VERSION_FILES)
            found[load_version(folder, shared).catalogue.version] = (catalogue, crosswalk, scheme)
    return found


def edition_of(division: str, files: tuple[bytes, bytes, bytes], shared: SharedData) -> Edition:
    """A version from the files that a jurisdiction published, as `version_files` gives them. Raises BadSource."""
    with workspace() as root:
        folder = root / f"{division}_published" / "version"
        folder.mkdir(parents=True)
        for name, content in zip(VERSION_FILES, files, strict=True):
            (folder / name).write_bytes(content)
        return load_version(folder, shared)


def load_version(folder: Path, shared: SharedData) -> Edition:
    """One version, its division checked against its folder's name. Raises BadSource."""
    edition = load_edition(folder, shared)
    if not folder.parent.name.startswith(f"{edition.catalogue.division}_"):
        raise BadSource(
            f"{folder.parent.name}/{folder.name}/jurisdiction.toml",
            "the division is not the one of the folder's name; correct one of them",
            column="division",
        )
    return edition


def _ended(editions: tuple[Edition, ...]) -> tuple[Edition, ...]:
    """Versions of one jurisdiction, oldest first; one without an end holds until the next begins.

    So a later version can be added in a folder of its own, beside the data that come with huxin. Raises BadSource for
    two that begin on the same day or bear the same name, and for an end that reaches into the next version.
    """
    ended = []
    for earlier, later in pairwise(editions):
        end, start = earlier.catalogue.valid_until, later.catalogue.valid_from
        place = f"{earlier.catalogue.division}, version {earlier.catalogue.version}"
        if earlier.catalogue.version == later.catalogue.version:
            raise BadSource(place, "two versions have the same name; name them apart", column="version")
        if start == earlier.catalogue.valid_from:
            raise BadSource(place, f"version {later.catalogue.version} begins on the same day", column="valid_from")
        if end is not None and end > start:
            raise BadSource(
                place,
                f"it is still valid when version {later.catalogue.version} begins; write valid_until = {start} in the "
                "earlier one, at the top and in [scheme] if that ends too, or leave it out",
                column="valid_until",
            )
        ended.append(replace(earlier, catalogue=replace(earlier.catalogue, valid_until=end or start)))
    return (*ended, *editions[-1:])
