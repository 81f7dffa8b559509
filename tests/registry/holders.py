"""Synthetic holders of root keys, and roots and targets signed by some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from node.registry.ceremony import delegate, found_root, found_targets
from node.registry.documents import RootDocument, TargetsDocument
from node.registry.signatures import sign
from trust.algorithms import PublicKey, Suite
from trust.keys import PrivateKey, generate

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
EXPIRES = NOW + timedelta(days=365)
DIVISIONS = ("140000", "520000", "620100")

D = TypeVar("D", bound=RootDocument | TargetsDocument)


def new_keys(names: Iterable[str] = DIVISIONS, suite: Suite = Suite.ED25519) -> dict[str, PrivateKey]:
    return {name: generate(suite) for name in names}


def public(keys: Mapping[str, PrivateKey]) -> dict[str, PublicKey]:
    return {name: key.public for name, key in keys.items()}


def founded(holders: Mapping[str, PrivateKey], threshold: int = 2, expires: datetime = EXPIRES) -> RootDocument:
    """The first root of these holders, not signed."""
    online = generate(Suite.ED25519).public, generate(Suite.ED25519).public
    return found_root(public(holders), threshold, "140000", online, expires, allow_single=True)


def delegated(root: RootDocument, registry: Mapping[str, PrivateKey]) -> TargetsDocument:
    """The first targets, one key for each jurisdiction, not signed."""
    targets = found_targets(root.expires)
    for division, key in registry.items():
        targets = delegate(targets, root, division, (key.public,))
    return targets


def signed(document: D, keys: Iterable[PrivateKey], root: RootDocument | None = None) -> D:
    for key in keys:
        document = sign(document, key, root)
    return document
