"""What one jurisdiction publishes or is delegated harms that one alone."""

from __future__ import annotations

import pytest
from tuf.api.metadata import DelegatedRole, Delegations, Snapshot, TargetFile, Targets

from node.registry.keys import tuf_key
from node.registry.metadata import described, served_name, target_of
from node.registry.refresh import (
    MAX_PUBLICATION_BYTES,
    refresh,
)
from node.registry.release import Changes
from tests.registry.forging import (
    A,
    B,
    Files,
    T,
    newest,
    publishing,
    rebuilt,
    require_recovers,
    require_refused,
    resigned,
    unchanged,
)
from tests.support.registry import (
    Federation,
    Offered,
    bundle_of,
    sealed,
    signed,
    targets_document,
)
from tests.support.trust import key
from trust.registry import MAX_TARGET_BYTES, MAX_TARGETS


def other_delegation(federation: Federation, paths: dict[str, list[str]]) -> Files:
    """A release whose targets delegate these paths, signed by the holders."""
    names = [f"registry {division}" for division in paths]
    roles = {
        division: DelegatedRole(division, [key(name).key_id], 1, terminating=True, paths=found)
        for (division, found), name in zip(paths.items(), names, strict=True)
    }
    keys = {key(name).key_id: tuf_key(key(name).public) for name in names}

    def delegating(found: Targets) -> None:
        found.version = 2
        found.delegations = Delegations(keys, roles)

    data = resigned(federation.held[newest(federation.held, "targets")], delegating, "root 140000", "root 520000")

    def listing(found: Snapshot) -> None:
        found.meta["targets.json"] = described(data, 2)

    return {**rebuilt(federation.held, listing), "2.targets.json": data}


def own(division: str) -> list[str]:
    return [f"{division}/*", f"{division}/*/*"]


@pytest.mark.parametrize(
    "paths",
    [
        {A: [*own(A), *own(B)], B: own(B)},
        {A: own(B), B: own(A)},
        {A: ["*/*"], B: own(B)},
        {"shanxi": own(A), B: own(B)},
    ],
    ids=["more than its own", "exchanged", "everything", "under another name"],
)
def test_holders_cannot_delegate_one_name_to_another(federation: Federation, paths: dict[str, list[str]]) -> None:
    held = federation.held
    require_refused(held, Offered(other_delegation(federation, paths)), "REGISTRY_MALFORMED", federation.now)
    require_recovers(federation, held)


def test_a_jurisdiction_that_lists_the_name_of_another(federation: Federation) -> None:
    """A's metadata lists B's bundle: nothing of that is fetched, and B is as it was."""
    forged = sealed(bundle_of(B, 9, federation.now))

    def listing(found: Targets) -> None:
        found.targets[f"{B}/bundle"] = target_of(f"{B}/bundle", forged)

    name = served_name(f"{B}/bundle", target_of(f"{B}/bundle", forged))
    source = Offered(publishing(federation.held, A, listing, extra={name: forged}))
    found = refresh(federation.held, source, federation.now)
    content = found.release.publications[A].content
    assert content is not None
    assert content[f"{B}/bundle"] == b""
    assert name not in source.asked
    assert name not in found.files
    assert found.release.publications[B] == federation.verified.release.publications[B]


def test_another_jurisdictions_key_signs_nothing_here(federation: Federation) -> None:
    found = refresh(
        federation.held, Offered(publishing(federation.held, A, unchanged, f"registry {B}")), federation.now
    )
    assert found.release.publications[A].content is None
    assert found.release.publications[B].content


def test_a_replaced_registry_key_silences_its_jurisdiction_alone(federation: Federation) -> None:
    """Holders must be able to take a stolen key away without asking whoever holds it: the release goes on."""
    targets = targets_document(A, B, version=2)
    stolen = targets.delegations[A]
    fresh = type(stolen)({key("fresh").key_id: key("fresh").public}, 1)
    renewed = type(targets)(version=2, expires=targets.expires, delegations={**targets.delegations, A: fresh})
    found = federation.release(Changes(targets=signed(renewed, "root 140000", "root 520000")))
    assert found.release.publications[A].content is None
    assert found.release.publications[B].content
    assert found.ends[A] == found.release.expires_at
    publication = federation.publication(A, signer="fresh")
    federation.release(Changes(publications=(publication,)))
    assert federation.verified.release.publications[A].content


def lists_something_else(found: Targets) -> None:
    path = f"{A}/catalogue/x"
    found.targets[path] = TargetFile(1, {"sha512": "0" * 128}, path)


def lists_no_hash_at_all(found: Targets) -> None:
    path = f"{A}/catalogue/x"
    found.targets[path] = TargetFile(1, {"sha256": "../../../../etc/passwd"}, path)


def lists_too_many(found: Targets) -> None:
    for number in range(MAX_TARGETS):
        path = f"{A}/catalogue/{number}"
        found.targets[path] = TargetFile(1, {"sha256": f"{number:064x}"}, path)


def lists_a_large_file(found: Targets) -> None:
    path = f"{A}/catalogue/x"
    found.targets[path] = TargetFile(MAX_TARGET_BYTES + 1, {"sha256": "0" * 64}, path)


def lists_much_in_all(found: Targets) -> None:
    for number in range(MAX_PUBLICATION_BYTES // MAX_TARGET_BYTES):
        path = f"{A}/catalogue/{number}"
        found.targets[path] = TargetFile(MAX_TARGET_BYTES, {"sha256": f"{number:064x}"}, path)


@pytest.mark.parametrize(
    "change",
    [lists_something_else, lists_no_hash_at_all, lists_too_many, lists_a_large_file, lists_much_in_all],
)
def test_a_publication_beyond_its_limits_harms_its_own_alone(federation: Federation, change: T) -> None:
    source = Offered(publishing(federation.held, A, change))
    found = refresh(federation.held, source, federation.now)
    assert found.release.publications[A].content is None
    assert found.release.publications[A].problem.endswith("its administrator must publish again")
    assert found.release.publications[B].content
    assert not [name for name in source.asked if "catalogue" in name], "refused before anything is fetched"


@pytest.mark.parametrize(
    "path",
    [
        f"{A}/catalogue/" + "x" * 5_000,
        f"{A}/catalogue/a b",
        f"{A}/catalogue/\x00",
        f"{A}/catalogue/\x1b[31m",
        f"{A}/catalogue/互信",
        f"{A}/../{B}/bundle",
        f"{A}/catalogue/a/b/c",
    ],
)
def test_a_path_that_no_wire_or_database_could_carry(federation: Federation, path: str) -> None:
    """It is not fetched, and left out alone: SQLite would have kept what PostgreSQL refuses, and frozen half of us."""

    def listing(found: Targets) -> None:
        found.targets[path] = TargetFile(1, {"sha256": "0" * 64}, path)

    found = refresh(federation.held, Offered(publishing(federation.held, A, listing)), federation.now)
    content = found.release.publications[A].content
    assert content is not None
    assert content[path] == b""
    assert max(map(len, found.files)) <= 255


def test_a_file_that_another_version_understands_is_carried_on(federation: Federation) -> None:
    data, path = b"of a later version", f"{A}/weather/today"
    listed = target_of(path, data)

    def listing(found: Targets) -> None:
        found.targets[path] = listed

    files = publishing(federation.held, A, listing, extra={served_name(path, listed): data})
    found = refresh(federation.held, Offered(files), federation.now)
    assert found.files[served_name(path, listed)] == data
