"""A coordinator whose database came back from a backup: it goes on from what a peer has kept, and only from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from tuf.api.metadata import Snapshot, Timestamp

from node.registry.continuing import continued, releases
from node.registry.keys import RegistrySigner
from node.registry.metadata import SIGNED_AT_FIELD, newest, read_metadata, signed_bytes
from node.registry.refresh import Refreshed, RefreshFailed, SourceFailed, refresh
from node.registry.release import Changes, Online, next_release
from tests.support.registry import (
    DAY,
    HOUR,
    NO_CHANGES,
    SNAPSHOT_LIFE,
    TIMESTAMP_LIFE,
    Federation,
    Offered,
    bundle_of,
    online,
    public,
    root_document,
    sealed,
    signed,
)
from tests.support.trust import key

A, B = "140000", "520000"
Files = Mapping[str, bytes]


@dataclass
class Loss:
    """What the coordinator has after the loss, what a peer has, and the moment."""

    ours: Files
    theirs: Files
    now: datetime


@pytest.fixture
def loss() -> Loss:
    """A publication and some timestamps were released after the copy was made."""
    federation = Federation(A, B)
    ours = federation.held
    federation.publish(B, sealed(bundle_of(B, version=2)))
    for _ in range(5):
        federation.release(now=federation.now + HOUR)
    return Loss(ours, federation.held, federation.now + HOUR)


def numbers(files: Files) -> tuple[int, int]:
    """Of snapshot and timestamp."""
    return newest(files, "snapshot", Snapshot).version, read_metadata(files["timestamp.json"], Timestamp).version


def gone_on(ours: Files, theirs: Files, now: datetime) -> Refreshed:
    """The release that continues, as the coordinator's node verifies it; every peer does so, too."""
    files = continued(ours, Offered(theirs), online(), now)
    assert files is not None
    found = refresh(ours, Offered(files), now)
    assert refresh(theirs, Offered(files), now).files == found.files
    assert found.release.signed_at == now.replace(microsecond=0)
    return found


def released(ours: Files, now: datetime, changes: Changes = NO_CHANGES) -> Files:
    """What the coordinator has after it released on top of its old copy."""
    return refresh(ours, Offered(next_release(ours, changes, online(), now)), now).files


def test_the_old_copy_is_refused_and_what_continues_is_not(loss: Loss) -> None:
    with pytest.raises(RefreshFailed) as raised:
        refresh(loss.theirs, Offered(released(loss.ours, loss.now)), loss.now)
    assert raised.value.reason == "REGISTRY_ROLLBACK"
    found = gone_on(loss.ours, loss.theirs, loss.now)
    snapshot, timestamp = numbers(loss.theirs)
    assert numbers(found.files) == (snapshot, timestamp + 1)
    assert found.release.publications == refresh(loss.theirs, Offered(loss.theirs), loss.now).release.publications


def test_what_was_released_since_the_loss_is_no_obstacle(loss: Loss) -> None:
    ours = released(loss.ours, loss.now)  # dated later than all that the peer has
    assert numbers(gone_on(ours, loss.theirs, loss.now).files)[1] == numbers(loss.theirs)[1] + 1


def test_neither_is_a_timestamp_of_a_higher_number_on_the_old_snapshot(loss: Loss) -> None:
    ours = loss.ours
    for _ in range(8):
        ours = released(ours, loss.now)
    snapshot, timestamp = numbers(ours)
    assert timestamp > numbers(loss.theirs)[1]
    found = gone_on(ours, loss.theirs, loss.now)
    assert numbers(found.files) == (numbers(loss.theirs)[0], timestamp + 1)
    assert snapshot < numbers(found.files)[0]


@pytest.mark.parametrize("more", [1, 2], ids=["of the same number", "of a higher number"])
def test_a_snapshot_that_was_signed_since_is_passed_over(loss: Loss, more: int) -> None:
    ours, late = loss.ours, SNAPSHOT_LIFE / 2 + DAY
    for _ in range(more):  # half of its life has passed: renewed
        ours = released(ours, loss.now + late, _renewing(ours))
    found = gone_on(ours, loss.theirs, loss.now + late)
    assert numbers(found.files)[0] > max(numbers(ours)[0], numbers(loss.theirs)[0])


def _renewing(ours: Files) -> Changes:
    """The delegations once more: a change that makes a snapshot and changes nothing else."""
    return Changes(targets=ours["1.targets.json"])


def test_what_expired_while_the_coordinator_was_away_is_signed_anew(loss: Loss) -> None:
    now = loss.now + TIMESTAMP_LIFE + SNAPSHOT_LIFE
    with pytest.raises(RefreshFailed) as raised:
        refresh(loss.ours, Offered(loss.theirs), now)
    assert raised.value.reason == "REGISTRY_EXPIRED"
    found = gone_on(loss.ours, loss.theirs, now)
    assert found.ends["timestamp"] == now.replace(microsecond=0) + TIMESTAMP_LIFE
    assert numbers(found.files)[0] == numbers(loss.theirs)[0] + 1


def test_a_peer_with_nothing_newer_is_asked_for_nothing_more(loss: Loss) -> None:
    for theirs in (loss.ours, loss.theirs):
        source = Offered(theirs)
        assert continued(loss.theirs, source, online(), loss.now) is None
        assert source.asked == ["timestamp.json"]


def test_a_coordinator_that_has_the_anchor_alone_gets_everything_back(loss: Loss) -> None:
    anchor = {"1.root.json": loss.theirs["1.root.json"]}
    assert gone_on(anchor, loss.theirs, loss.now).release.publications.keys() == {A, B}


def test_who_is_no_longer_the_coordinator_goes_on_as_a_peer(loss: Loss) -> None:
    root = replace(root_document(version=2, now=loss.now), snapshot=public("next snapshot"))
    following = Online(
        RegistrySigner(key("next snapshot")), RegistrySigner(key("timestamp")), SNAPSHOT_LIFE, TIMESTAMP_LIFE
    )
    change = Changes(roots=[signed(root, "root 140000", "root 520000")])
    theirs = refresh(loss.theirs, Offered(next_release(loss.theirs, change, following, loss.now)), loss.now).files
    assert releases(loss.ours, online())
    files = continued(loss.ours, Offered(theirs), online(), loss.now)
    assert files is not None
    assert not releases(files, online())
    assert refresh(loss.ours, Offered(files), loss.now).files == theirs


def timestamp_of(theirs: Files, change: Callable[[Any], None], signer: str = "timestamp") -> Files:
    found = read_metadata(theirs["timestamp.json"], Timestamp)
    change(found)
    return {**theirs, "timestamp.json": signed_bytes(found, RegistrySigner(key(signer)))}


def test_nobody_adds_to_what_the_coordinator_has_signed(loss: Loss) -> None:
    def higher(found: Timestamp) -> None:
        found.version += 1

    def undated(found: Timestamp) -> None:
        del found.unrecognized_fields[SIGNED_AT_FIELD]

    stolen = {**loss.theirs, "2.520000.json": loss.theirs["2.520000.json"].replace(b'"version"', b'"versiom"')}
    attacks = {
        "REGISTRY_SIGNATURES": timestamp_of(loss.theirs, higher, "another key"),
        "REGISTRY_MALFORMED": timestamp_of(loss.theirs, undated),
        "REGISTRY_MISMATCH": stolen,
        "REGISTRY_UNREACHABLE": {name: data for name, data in loss.theirs.items() if name != "timestamp.json"},
        "REGISTRY_TOO_LARGE": {**loss.theirs, "timestamp.json": b" " * 20_000},
    }
    for reason, files in attacks.items():
        with pytest.raises(RefreshFailed) as raised:
            continued(loss.ours, Offered(files), online(), loss.now)
        assert raised.value.reason == reason
    with pytest.raises(RefreshFailed) as raised:
        continued(loss.ours, Offered({**loss.theirs, "timestamp.json": b"{"}), online(), loss.now)
    assert raised.value.reason == "REGISTRY_MALFORMED"


def test_a_peer_that_breaks_off_is_told(loss: Loss) -> None:
    class Broken:
        def fetch(self, _name: str) -> Any:
            raise SourceFailed("gone")

    with pytest.raises(RefreshFailed) as raised:
        continued(loss.ours, Broken(), online(), loss.now)
    assert raised.value.reason == "REGISTRY_UNREACHABLE"
