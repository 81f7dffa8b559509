"""Refreshes over changes of the root: who must sign, old ones again, twenty at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from node.registry.refresh import (
    refresh,
)
from node.registry.release import Changes
from tests.registry.forging import (
    A,
    B,
    require_recovers,
    require_refused,
    resigned,
)
from tests.support.registry import (
    DAY,
    Federation,
    Offered,
    root_document,
    signed,
    targets_document,
)


@pytest.mark.parametrize(
    ("signers", "reason"),
    [
        (("root 140000",), "REGISTRY_SIGNATURES"),
        ((), "REGISTRY_SIGNATURES"),
        (("new 140000", "new 520000"), "REGISTRY_SIGNATURES"),
        (("root 140000", "root 520000"), "REGISTRY_SIGNATURES"),
        (("root 140000", "new 140000", "new 520000"), "REGISTRY_SIGNATURES"),
        (("root 140000", "root 520000", "new 140000", "new 520000"), ""),
    ],
    ids=["one", "none", "new keys only", "old keys only", "one old key", "both"],
)
def test_a_root_needs_the_old_and_the_new_holders(
    federation: Federation, signers: tuple[str, ...], reason: str
) -> None:
    held = federation.held
    document = root_document(version=2, d140000="new 140000", d520000="new 520000", d620100="new 620100")
    files = {**held, "2.root.json": signed(document, *signers)}
    if reason:
        require_refused(held, Offered(files), reason, federation.now)
        require_recovers(federation, held)
    else:
        targets = signed(targets_document(A, B, version=2), "new 140000", "new 520000")
        found = federation.release(Changes(roots=(files["2.root.json"],), targets=targets))
        assert refresh(held, Offered(found.files), federation.now).root_version == 2


def test_an_old_root_under_a_new_number(federation: Federation) -> None:
    held = federation.held
    require_refused(held, Offered({**held, "2.root.json": federation.root}), "REGISTRY_ROLLBACK", federation.now)
    require_recovers(federation, held)


@pytest.mark.parametrize("held_version", [1, 7, 20])
def test_twenty_rotations_at_once(federation: Federation, held_version: int) -> None:
    """A node that slept through all of them follows root by root; all holders are others by then."""
    asleep: Mapping[str, bytes] = federation.anchor
    holders = ["root 140000", "root 520000", "root 620100"]
    for version in range(2, 22):
        fresh = [f"{division} {version}" for division in ("140000", "520000", "620100")]
        document = root_document(version, federation.now, 2, **{f"d{name[:6]}": name for name in fresh})
        root = signed(document, *holders[:2], *fresh[1:])
        targets = signed(targets_document(A, B, version=version, now=federation.now), *fresh[:2])
        federation.release(Changes(roots=(root,), targets=targets), federation.now + DAY)
        holders = fresh
        if version == held_version:
            asleep = federation.held
    found = refresh(asleep, Offered(federation.held), federation.now)
    assert found.root_version == 21
    assert {f"{version}.root.json" for version in range(held_version, 22)} <= set(found.files)


def test_a_root_of_another_form(federation: Federation) -> None:
    """python-tuf takes it; whoever signed it cannot have read all that it says."""
    held = federation.held
    data = signed(root_document(version=2), "root 140000", "root 520000")

    def loose(found: Any) -> None:
        found.unrecognized_fields["x-more"] = "than was shown"

    forged = resigned(data, loose, "root 140000", "root 520000")
    require_refused(held, Offered({**held, "2.root.json": forged}), "REGISTRY_MALFORMED", federation.now)
