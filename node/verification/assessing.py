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

from node.model.catalogue import Catalogue, Crosswalk, Edition, Taxonomy
from node.model.policy import RecognitionPolicy
from node.model.requirement import Requirement
from node.recognition.cells import Plan, translate
from node.recognition.coverage import IssuerView
from node.recognition.findings import Assessment, assess
from node.recognition.presented import Presented
from node.verification.reading import Content

K = TypeVar("K")
V = TypeVar("V")

_PLANS_KEPT = 256
_ASSESSMENTS_KEPT = 4_096
FINDINGS_KEPT = 200_000
"""Of all remembered assessments together, about 100 MB: callers write requirements of any size."""


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

    def __init__(self, catalogues: Catalogues, findings_kept: int = FINDINGS_KEPT) -> None:
        self._catalogues = catalogues
        self._named: dict[tuple[int, int], tuple[Requirement, Edition | None, Prepared]] = {}
        self._views: dict[tuple[bytes, bytes], IssuerView] = {}
        self._assessments: dict[tuple[object, ...], tuple[Assessment, tuple[object, ...]]] = {}
        self._findings_kept = findings_kept
        self._findings = 0

    def prepare(self, requirement: Requirement, at: datetime) -> Prepared:
        """The requirement read with the own catalogue in force at an instant. Raises InvalidInput."""
        own = self._catalogues.own_edition(at)
        # By identity: the requirements of procedures are the same objects for as long as the node runs.
        key = (id(requirement), id(own))
        known = self._named.get(key)
        if known is not None and known[0] is requirement and known[1] is own:
            return known[2]
        plan = translate(
            requirement,
            self._catalogues.taxonomy,
            None if own is None else own.catalogue,
            None if own is None else own.crosswalk,
        )
        translated = own is not None and any(item.local_code for item in requirement.items)
        prepared = Prepared(
            plan,
            sha256(repr(requirement).encode()).digest(),
            own.crosswalk.digest if own is not None and translated else b"",
        )
        _bounded(self._named, _PLANS_KEPT)[key] = (requirement, own, prepared)
        return prepared

    def issuer_view(self, presented: Presented) -> IssuerView | None:
        """The catalogue and crosswalk versions that a report names, or None when they are not known here."""
        key = (presented.catalogue_digest, presented.crosswalk_digest)
        view = self._views.get(key)
        if view is None:
            catalogue, crosswalk = self._catalogues.catalogue(key[0]), self._catalogues.crosswalk(key[1])
            # A pair that is not known is not kept: anybody could invent digests.
            if catalogue is None or crosswalk is None or catalogue.division != crosswalk.division:
                return None
            view = self._views[key] = IssuerView.of(catalogue, crosswalk)
        return view

    def assess(
        self, prepared: Prepared, view: IssuerView | None, policy: RecognitionPolicy | None, content: Content
    ) -> Assessment:
        """`recognition.assess`, remembered by everything that it reads."""
        if content.sameness is None:
            return assess(prepared.plan, view, policy, content.presented)
        key = (id(prepared.plan), id(view), id(policy), content.sameness)
        remembered = self._assessments.get(key)
        if remembered is None:
            assessment = assess(prepared.plan, view, policy, content.presented)
            # What the key names by identity is kept with the answer, so that no other object can take its place.
            kept = (prepared.plan, view, policy, content)
            remembered = (assessment, kept)
            self._remember(key, remembered)
        return remembered[0]

    def _remember(self, key: tuple[object, ...], remembered: tuple[Assessment, tuple[object, ...]]) -> None:
        self._findings += len(remembered[0].findings)
        if len(self._assessments) >= _ASSESSMENTS_KEPT or self._findings > self._findings_kept:
            self._assessments.clear()
            self._findings = len(remembered[0].findings)
        self._assessments[key] = remembered


def _bounded(memory: dict[K, V], limit: int) -> dict[K, V]:
    if len(memory) >= limit:
        memory.clear()
    return memory
