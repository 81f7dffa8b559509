"""What a jurisdiction publishes, when it need not, and when it must."""

from __future__ import annotations

import pytest
from tuf.api.metadata import Targets

from node.errors import BadSource
from node.registry.keys import RegistrySigner
from node.registry.metadata import read_metadata, target_of
from node.registry.publishing import delegated, next_publication, publication_of
from node.registry.refresh import LIMITS
from node.registry.release import Changes
from tests.support.registry import (
    PUBLICATION_LIFE,
    SECOND,
    Federation,
    bundle_of,
    sealed,
    signed,
    targets_document,
)
from tests.support.trust import key
from trust.errors import MalformedInput

A, B = "140000", "520000"
HOLDERS = ("root 140000", "root 520000")


def content_of(federation: Federation) -> dict[str, bytes]:
    content = federation.verified.release.publications[A].content
    assert content is not None
    return dict(content)


def test_what_the_registry_says_already_is_not_published(federation: Federation) -> None:
    signer = RegistrySigner(key(f"registry {A}"))
    said = content_of(federation)
    assert next_publication(federation.held, A, said, signer, federation.now, PUBLICATION_LIFE) is None
    half = read_metadata(federation.held[f"1.{A}.json"], Targets).expires - PUBLICATION_LIFE / 2
    assert next_publication(federation.held, A, said, signer, half - SECOND, PUBLICATION_LIFE) is None
    renewed = next_publication(federation.held, A, said, signer, half, PUBLICATION_LIFE)
    assert renewed is not None
    assert renewed.version == 2
    assert renewed.files == {f"{A}/bundle": said[f"{A}/bundle"]}, "the coordinator reads the keys from it"


def test_only_files_that_are_new_go_along(federation: Federation) -> None:
    federation.publish(A, extra={f"{A}/catalogue/1": b"one"})
    made = federation.publication(A, extra={f"{A}/catalogue/1": b"one", f"{A}/catalogue/2": b"two"})
    assert set(made.files) == {f"{A}/bundle", f"{A}/catalogue/2"}
    listed = read_metadata(made.metadata, Targets)
    assert listed.targets[f"{A}/catalogue/1"] == target_of(f"{A}/catalogue/1", b"one")
    assert (made.version, listed.version) == (3, 3)
    found = federation.release(Changes(publications=(made,)))
    assert found.release.publications[A].content == {
        f"{A}/bundle": sealed(bundle_of(A)),
        f"{A}/catalogue/1": b"one",
        f"{A}/catalogue/2": b"two",
    }


@pytest.mark.parametrize("path", ["nonsense", f"{A}/weather/x", f"{A}/key/x", f"{A}/catalogue/a b"])
def test_paths_that_nobody_could_read_are_not_published(federation: Federation, path: str) -> None:
    signer = RegistrySigner(key(f"registry {A}"))
    with pytest.raises(MalformedInput):
        next_publication(federation.held, A, {path: b""}, signer, federation.now, PUBLICATION_LIFE)


def test_after_its_key_was_replaced_a_jurisdiction_publishes_anew(federation: Federation) -> None:
    """It said all of it before, under the key that counts no more: silence would have let all of it age away."""
    targets = targets_document(A, B, version=2)
    fresh = type(targets.delegations[A])({key("fresh").key_id: key("fresh").public}, 1)
    renewed = type(targets)(version=2, expires=targets.expires, delegations={**targets.delegations, A: fresh})
    said = content_of(federation)
    federation.release(Changes(targets=signed(renewed, *HOLDERS)))
    signer = RegistrySigner(key("fresh"))
    made = next_publication(federation.held, A, said, signer, federation.now, PUBLICATION_LIFE)
    assert made is not None
    federation.release(Changes(publications=(made,)))
    assert federation.verified.release.publications[A].content == said
    assert next_publication(federation.held, A, said, signer, federation.now, PUBLICATION_LIFE) is None


def test_who_was_away_and_is_delegated_to_again_can_publish(federation: Federation) -> None:
    """The registry forgets its files and never its version: beginning with 1 again would be a rollback for ever."""
    federation.publish(B, extra={f"{B}/catalogue/1": b"one"})
    federation.release(Changes(targets=signed(targets_document(A, version=2), *HOLDERS)))
    assert f"2.{B}.json" not in federation.held
    back = signed(targets_document(A, B, version=3), *HOLDERS)
    with pytest.raises(BadSource, match="together with the delegations"):
        federation.release(Changes(targets=back))
    made = federation.publication(B, extra={f"{B}/catalogue/1": b"two"})
    assert made.version == 3
    federation.release(Changes(targets=back, publications=(made,)))
    content = federation.verified.release.publications[B].content
    assert content is not None
    assert content[f"{B}/catalogue/1"] == b"two"


def test_who_is_delegated_to(federation: Federation) -> None:
    assert delegated({}) == frozenset()
    assert delegated(federation.anchor) == frozenset()
    assert delegated(federation.held) == {A, B}


@pytest.mark.parametrize("division", ["", "root", "timestamp", "14000", "1400000", "../140", "１４００００"])
def test_a_publication_names_a_division(federation: Federation, division: str) -> None:
    made = federation.publication(A, sealed(bundle_of(A, 2, federation.now)))
    with pytest.raises(BadSource, match="division"):
        publication_of(division, made.metadata, made.files)


def test_its_metadata_is_measured_before_it_is_read() -> None:
    with pytest.raises(BadSource, match="publish less"):
        publication_of(A, b"{" * (LIMITS.targets_max_length + 1), {})
    with pytest.raises(BadSource, match="cannot be read"):
        publication_of(A, b"{" * LIMITS.targets_max_length, {})


def test_what_is_handed_over_is_what_was_made(federation: Federation) -> None:
    made = federation.publication(A, sealed(bundle_of(A, 2, federation.now)))
    assert publication_of(A, made.metadata, made.files) == made
