"""Requirements held against reports, with the preparation and the answers that repeat remembered.

Reports without records differ only in whom they are about, and `assess` does not read that: so thousands of reports
share one assessment. All of it is pure functions of frozen values; forgetting costs time only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypeVar

from node.model.calendar import day_in_china
from node.model.catalogue import Catalogue, Crosswalk, Edition, Taxonomy
from node.model.policy import RecognitionPolicy
from node.model.requirement import Requirement
from node.recognition.cells import Plan, translate
from node.recognition.coverage import IssuerView
from node.recognition.findings import Assessment, assess
from node.recognition.presented import Presented

K = TypeVar("K")
V = TypeVar("V")

_PLANS_KEPT = 256
_ASSESSMENTS_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Catalogue versions known to this node, by digest, and its own edition at an instant (None: it has none)."""

    taxonomy: Taxonomy
    catalogue: Callable[[bytes], Catalogue | None]
    crosswalk: Callable[[bytes], Crosswalk | None]
    own_edition: Callable[[datetime], Edition | None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A requirement made ready, its digest, and the digest of the own crosswalk that translated it (b"" for leaves)."""

    plan: Plan
    requirement_digest: bytes
    own_crosswalk_digest: bytes


class Assessor:
    """Prepares requirements and assesses reports against them."""

    def __init__(self, catalogues: Catalogues) -> None:
        self._catalogues = catalogues
        self._prepared: dict[tuple[Requirement, bytes], Prepared] = {}
        self._views: dict[tuple[bytes, bytes], IssuerView | None] = {}
        self._assessments: dict[tuple[object, ...], Assessment] = {}

    def prepare(self, requirement: Requirement, at: datetime) -> Prepared:
        """The requirement read with the own catalogue in force at an instant. Raises InvalidInput."""
        own = self._catalogues.own_edition(at)
        key = (requirement, b"" if own is None else own.crosswalk.digest)
        prepared = self._prepared.get(key)
        if prepared is None:
            plan = translate(
                requirement,
                self._catalogues.taxonomy,
                None if own is None else own.catalogue,
                None if own is None else own.crosswalk,
            )
            translated = own is not None and any(item.local_code for item in requirement.items)
            prepared = Prepared(plan, sha256(repr(requirement).encode()).digest(), key[1] if translated else b"")
            _bounded(self._prepared, _PLANS_KEPT)[key] = prepared
        return prepared

    def issuer_view(self, presented: Presented) -> IssuerView | None:
        """The catalogue and crosswalk versions that a report names, or None when they are not known here."""
        key = (presented.catalogue_digest, presented.crosswalk_digest)
        if key not in self._views:
            catalogue, crosswalk = self._catalogues.catalogue(key[0]), self._catalogues.crosswalk(key[1])
            known = catalogue is not None and crosswalk is not None and catalogue.division == crosswalk.division
            # A digest that no version has is not kept: anybody could invent such digests.
            if not known or catalogue is None or crosswalk is None:
                return None
            self._views[key] = IssuerView.of(catalogue, crosswalk)
        return self._views[key]

    def assess(
        self, prepared: Prepared, view: IssuerView | None, policy: RecognitionPolicy | None, presented: Presented
    ) -> Assessment:
        """`recognition.assess`, remembered by everything that it reads."""
        report = presented.report
        if any(section.records for section in report.sections):
            return assess(prepared.plan, view, policy, presented)
        key = (
            id(prepared.plan),
            id(view),
            policy,
            presented.issuer,
            presented.territory,
            presented.period,
            day_in_china(presented.issued_at),
            day_in_china(presented.data_cutoff),
            presented.catalogue_digest,
            presented.crosswalk_digest,
            None if report.summary is None else report.summary.selection,
            report.sections,
        )
        assessment = self._assessments.get(key)
        if assessment is None:
            assessment = assess(prepared.plan, view, policy, presented)
            _bounded(self._assessments, _ASSESSMENTS_KEPT)[key] = assessment
        return assessment


def _bounded(memory: dict[K, V], limit: int) -> dict[K, V]:
    if len(memory) >= limit:
        memory.clear()
    return memory
