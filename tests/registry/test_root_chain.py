"""What these ceremonies make is followed by a client of python-tuf, from the first root on, and nothing less is."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import BadVersionNumberError, DownloadHTTPError, UnsignedMetadataError
from tuf.api.metadata import Metadata, MetaFile, Snapshot, Timestamp
from tuf.ngclient import FetcherInterface, Updater

from node.registry.ceremony import RootChanges, found_root, next_root, next_targets
from node.registry.documents import RootDocument, TargetsDocument, read_root
from node.registry.keys import SUITES, RegistrySigner
from node.registry.signatures import require_complete
from tests.registry.holders import DIVISIONS, delegated, new_keys, public, signed
from trust.algorithms import Suite
from trust.errors import SignatureInvalid
from trust.keys import PrivateKey, generate

EXPIRES = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365)
"""python-tuf's client reads the clock itself."""


@dataclass
class Registry(FetcherInterface):
    """A repository in memory, as a coordinator would serve it."""

    snapshot: PrivateKey = field(default_factory=lambda: generate(Suite.ED25519))
    timestamp: PrivateKey = field(default_factory=lambda: generate(Suite.ECDSA_P256_SHA256))
    files: dict[str, bytes] = field(default_factory=dict)
    published: int = 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.rpartition("/")[2]
        if name not in self.files:
            raise DownloadHTTPError("not here", 404)
        return iter((self.files[name],))

    def publish(self, roots: Sequence[RootDocument], targets: TargetsDocument) -> None:
        for document in (*roots, targets):
            self.files[document.file_name] = document.to_bytes()
        self.published += 1
        snapshot = Metadata(Snapshot(self.published, expires=EXPIRES, meta={"targets.json": MetaFile(targets.version)}))
        snapshot.sign(RegistrySigner(self.snapshot))
        timestamp = Metadata(Timestamp(self.published, expires=EXPIRES, snapshot_meta=MetaFile(self.published)))
        timestamp.sign(RegistrySigner(self.timestamp))
        self.files |= {
            f"{self.published}.snapshot.json": snapshot.to_bytes(),
            "timestamp.json": timestamp.to_bytes(),
        }

    def client(self, folder: Path, first: RootDocument) -> Updater:
        folder.mkdir(exist_ok=True)
        return Updater(str(folder), "https://registry/", fetcher=self, bootstrap=first.to_bytes())


@dataclass
class Chain:
    """Roots of which each was signed by enough of the old holders and of the new."""

    registry: Registry
    holders: dict[str, PrivateKey]
    roots: list[RootDocument]

    @classmethod
    def founded(cls) -> Chain:
        registry, holders = Registry(), new_keys()
        online = registry.snapshot.public, registry.timestamp.public
        root = found_root(public(holders), 2, "140000", online, EXPIRES)
        return cls(registry, holders, [signed(root, list(holders.values())[:2])])

    def replace(self, division: str) -> tuple[RootDocument, PrivateKey, PrivateKey]:
        """The next root with a new key for one holder, not signed; the old key and the new one."""
        old, new = self.holders[division], generate(random.Random(division).choice(list(SUITES.values())))  # noqa: S311
        return next_root(self.roots[-1], RootChanges(replace={division: new.public}), EXPIRES), old, new

    def rotate(self, division: str) -> None:
        root, _, new = self.replace(division)
        others = [key for code, key in self.holders.items() if code != division]
        root = signed(root, [*others, new], self.roots[-1])
        require_complete(root, self.roots[-1])
        self.holders[division] = new
        self.roots.append(root)

    def publish(self) -> None:
        targets = signed(delegated(self.roots[-1], new_keys()), self.holders.values(), self.roots[-1])
        self.registry.publish(self.roots, targets)


def version_of(client: Updater) -> int:
    return int(client._trusted_set.root.version)


@pytest.fixture
def chain() -> Chain:
    return Chain.founded()


def test_a_client_that_slept_through_twenty_roots_follows(chain: Chain, tmp_path: Path) -> None:
    chain.publish()
    sleeper = chain.registry.client(tmp_path / "sleeper", chain.roots[0])
    sleeper.refresh()
    assert version_of(sleeper) == 1
    while len(chain.roots) < 20:
        chain.rotate(DIVISIONS[len(chain.roots) % 3])
    chain.publish()
    assert not set(chain.roots[0].holders.values()) & set(chain.roots[-1].holders.values())
    for folder in ("sleeper", "newcomer"):
        client = chain.registry.client(tmp_path / folder, chain.roots[0])
        client.refresh()
        assert version_of(client) == 20
        assert client._trusted_set.targets.version == 1
        delegations = client._trusted_set.targets.delegations
        assert delegations is not None
        assert set(delegations.roles or ()) == set(DIVISIONS)


@pytest.mark.parametrize("case", ["one of the old", "old holders alone", "new holders alone", "one key twice"])
def test_what_we_refuse_python_tuf_refuses(chain: Chain, tmp_path: Path, case: str) -> None:
    root, old, new = chain.replace("520000")
    keys = {
        "one of the old": [chain.holders["140000"]],
        "old holders alone": [chain.holders["140000"], old],
        "new holders alone": [chain.holders["140000"], new],
        "one key twice": [chain.holders["140000"], chain.holders["140000"]],
    }[case]
    bad = signed(root, keys, chain.roots[0])
    with pytest.raises(SignatureInvalid):
        require_complete(bad, chain.roots[0])
    chain.publish()
    chain.registry.files[bad.file_name] = bad.to_bytes()
    client = chain.registry.client(tmp_path / "client", chain.roots[0])
    with pytest.raises(UnsignedMetadataError):
        client.refresh()
    assert version_of(client) == 1


@pytest.mark.parametrize("suite", SUITES.values())
def test_holders_and_online_keys_may_be_of_any_suite(suite: Suite, tmp_path: Path) -> None:
    registry, holders = Registry(generate(suite), generate(suite)), new_keys(suite=suite)
    root = found_root(public(holders), 2, "140000", (registry.snapshot.public, registry.timestamp.public), EXPIRES)
    root = signed(root, list(holders.values())[1:])
    assert read_root(root.to_bytes()) == root
    chain = Chain(registry, holders, [root])
    chain.rotate("520000")
    chain.publish()
    client = registry.client(tmp_path / "client", root)
    client.refresh()
    assert version_of(client) == 2
    lame = signed(replace(root, version=3, signatures={}), [holders["140000"]], chain.roots[-1])
    registry.files[lame.file_name] = lame.to_bytes()
    with pytest.raises(UnsignedMetadataError):
        registry.client(tmp_path / "client", root).refresh()


def test_an_old_root_in_place_of_the_next_is_refused(chain: Chain, tmp_path: Path) -> None:
    chain.rotate("140000")
    chain.publish()
    chain.registry.files["2.root.json"] = chain.roots[0].to_bytes()
    with pytest.raises(BadVersionNumberError):
        chain.registry.client(tmp_path / "client", chain.roots[0]).refresh()


def test_targets_signed_by_holders_who_left_are_refused_and_signed_anew_they_are_not(
    chain: Chain, tmp_path: Path
) -> None:
    """Why every rotation makes the next targets as well."""
    leaving = [chain.holders["520000"], chain.holders["620100"]]
    targets = signed(delegated(chain.roots[0], new_keys()), leaving, chain.roots[0])
    chain.rotate("520000")
    chain.registry.publish(chain.roots, targets)
    with pytest.raises(UnsignedMetadataError):
        chain.registry.client(tmp_path / "client", chain.roots[0]).refresh()
    again = signed(next_targets(targets, EXPIRES), list(chain.holders.values())[:2], chain.roots[-1])
    chain.registry.publish(chain.roots, again)
    client = chain.registry.client(tmp_path / "client", chain.roots[0])
    client.refresh()
    assert client._trusted_set.targets.version == 2
