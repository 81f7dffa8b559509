"""Who recognises whom, from our own certificates and from what others published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from node.adapters.catalogues.registry import discover
from node.app import trusting
from node.app.relations import RelationState, relation_state, relations
from node.registry.directory import HeldCertificate, TrustedState
from tests.recognition.cases import edition
from tests.recognition.test_terms import CERTIFICATE
from tests.support import nodes
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.vocabulary import TrustCertificate

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
REGISTRY = discover()


@pytest.fixture
def guizhou(tmp_path: Path) -> TestJurisdiction:
    found = nodes.found(tmp_path, "520000")
    nodes.introduce([found, nodes.found(tmp_path, "140000")])
    return found


def held(certificate: TrustCertificate) -> HeldCertificate:
    return HeldCertificate(certificate, b"\0" * 32)


def published(*certificates: TrustCertificate) -> Mapping[str, Mapping[str, tuple[HeldCertificate, ...]]]:
    found: dict[str, dict[str, tuple[HeldCertificate, ...]]] = {}
    for each in certificates:
        by_issuer = found.setdefault(each.recogniser, {})
        by_issuer[each.issuer] = (*by_issuer.get(each.issuer, ()), held(each))
    return found


def states(state: TrustedState, now: datetime) -> dict[tuple[str, str], RelationState]:
    found = relations(state, REGISTRY, now)
    return {(each.certificate.recogniser, each.certificate.issuer): each.state for each in found}


def test_ours_and_theirs_stand_side_by_side(guizhou: TestJurisdiction) -> None:
    nodes.recognise(guizhou, "140000")
    state = trusting.trusted_state(guizhou.settings)
    assert states(state, THE_DAY) == {("520000", "140000"): RelationState.IN_FORCE}
    theirs = replace(CERTIFICATE, recogniser="140000", issuer="520000")
    withdrawal = replace(theirs, recogniser="620100", withdrawn=True, issued_at=THE_DAY + DAY)
    # what somebody else says that we said counts for nothing
    forged = replace(CERTIFICATE, recogniser="520000", issuer="620100")
    state = replace(state, published=published(theirs, replace(theirs, recogniser="620100"), withdrawal, forged))
    assert states(state, THE_DAY + DAY) == {
        ("140000", "520000"): RelationState.IN_FORCE,
        ("520000", "140000"): RelationState.IN_FORCE,
        ("620100", "520000"): RelationState.WITHDRAWN,
    }
    assert states(state, THE_DAY)["620100", "520000"] is RelationState.IN_FORCE


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (CERTIFICATE.issued_at - SECOND, RelationState.NOT_YET),
        (CERTIFICATE.issued_at, RelationState.NOT_YET),
        (CERTIFICATE.valid_from + DAY, RelationState.IN_FORCE),
        (CERTIFICATE.valid_until - SECOND, RelationState.IN_FORCE),
        (CERTIFICATE.valid_until, RelationState.ENDED),
    ],
)
def test_the_state_of_a_certificate_in_time(at: datetime, state: RelationState) -> None:
    certificate = replace(CERTIFICATE, valid_from=CERTIFICATE.valid_from + DAY)
    assert relation_state(certificate, at) is state
    withdrawn = relation_state(replace(certificate, withdrawn=True), at)
    assert withdrawn is (RelationState.NOT_YET if at < certificate.issued_at else RelationState.WITHDRAWN)


def test_a_review_of_another_version_or_crosswalk_is_outdated(guizhou: TestJurisdiction) -> None:
    theirs = edition("140000")
    reviewed = replace(
        CERTIFICATE,
        reviewed_catalogues=(theirs.catalogue.digest,),
        reviewed_crosswalks=(theirs.crosswalk.digest,),
    )
    elsewhere = edition("520000").catalogue.digest

    def told(certificate: TrustCertificate) -> str:
        state = replace(trusting.trusted_state(guizhou.settings), certificates={"140000": (held(certificate),)})
        (found,) = relations(state, REGISTRY, THE_DAY)
        return found.outdated

    assert told(reviewed) == ""
    assert told(replace(reviewed, reviewed_catalogues=(elsewhere, theirs.catalogue.digest))) == ""
    assert told(replace(reviewed, reviewed_catalogues=(elsewhere,))) == (
        "catalogue 2025-237 is in force, 2025-533 was reviewed"
    )
    assert "one not known here was reviewed" in told(replace(reviewed, reviewed_catalogues=(b"\1" * 32,)))
    assert "none was reviewed" in told(replace(reviewed, reviewed_catalogues=()))
    assert "crosswalk of 2025-237" in told(replace(reviewed, reviewed_crosswalks=(b"\1" * 32,)))
    # what does not count any more needs no review
    assert told(replace(reviewed, reviewed_catalogues=(), withdrawn=True)) == ""
