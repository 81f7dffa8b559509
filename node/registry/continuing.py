"""How the coordinator goes on when a peer has kept what it has lost, as after its database came back from a backup.

Peers refuse whatever it releases below what they have verified. So it takes over what they hold, verified as by any
node, and releases that anew as the next in line. Its own signature proves nothing new here: only it could have made
what is taken over, and nobody can add to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from tuf.api.metadata import Snapshot, Timestamp

from node.errors import BadSource
from node.registry.documents import read_root
from node.registry.metadata import SIGNED_AT_FIELD, newest, read_metadata, version_in
from node.registry.refresh import LIMITS, NotServed, RefreshFailed, Source, SourceFailed, refresh
from node.registry.release import Changes, Online, Used, next_release

_NO_CHANGES = Changes()


def releases(held: Mapping[str, bytes], online: Online) -> bool:
    """Whether the newest root that we hold names these online keys: who has them is the coordinator."""
    root = read_root(held[max((name for name in held if name.endswith(".root.json")), key=version_in)])
    named = (root.snapshot.key_id, root.timestamp.key_id)
    return named == (online.snapshot.public_key.keyid, online.timestamp.public_key.keyid)


def continued(held: Mapping[str, bytes], source: Source, online: Online, now: datetime) -> dict[str, bytes] | None:
    """The coordinator's next release on top of what a source offers; None when that is nothing newer than ours.

    Nothing of the result is verified on top of `held` yet. Raises RefreshFailed, as `refresh` does.
    """
    offered, ours = _offered_timestamp(source), _held_timestamp(held)
    if (
        ours is not None
        and offered.version <= ours.version
        and offered.snapshot_meta.version <= ours.snapshot_meta.version
    ):
        return None
    # As of when it was signed: what has expired meanwhile is what we are about to sign anew. Root, delegations and
    # publications are judged as of now when the release is verified.
    signed_at = min(now, _signed_at(offered, now))
    # Without our own timestamp and snapshot: those that were signed since the loss may bear any number.
    kept = {name: data for name, data in held.items() if not name.endswith(("timestamp.json", ".snapshot.json"))}
    files = dict(refresh(kept, source, signed_at).files)
    if not releases(files, online):
        return files  # another one has become the coordinator
    used = Used() if ours is None else Used(_forked(held, files, ours.snapshot_meta.version), ours.version)
    return next_release(files, _NO_CHANGES, online, now, used)


def _forked(held: Mapping[str, bytes], files: Mapping[str, bytes], version: int) -> int:
    """The number of our snapshot, 0 when what we go on from follows on it, or is it."""
    name = f"{version}.snapshot.json"
    later = newest(files, "snapshot", Snapshot).version > version
    return 0 if later or files.get(name) == held[name] else version


def _held_timestamp(held: Mapping[str, bytes]) -> Timestamp | None:
    data = held.get("timestamp.json")
    found: Timestamp | None = None if data is None else read_metadata(data, Timestamp)
    return found


def _offered_timestamp(source: Source) -> Timestamp:
    """What a source says that it has, not verified: it decides no more than whether to look closer."""
    data = b""
    try:
        for part in source.fetch("timestamp.json"):
            data += part
            if len(data) > LIMITS.timestamp_max_length:
                raise RefreshFailed("REGISTRY_TOO_LARGE", "The registry was not refreshed: its timestamp is too large.")
        found: Timestamp = read_metadata(data, Timestamp)
    except (NotServed, SourceFailed) as error:
        raise RefreshFailed(
            "REGISTRY_UNREACHABLE", "The registry was not refreshed: the source broke off or has no timestamp."
        ) from error
    except BadSource as error:
        raise RefreshFailed("REGISTRY_MALFORMED", f"The registry was not refreshed: {error.message}") from error
    return found


def _signed_at(timestamp: Timestamp, now: datetime) -> datetime:
    """When it says that it was signed; now when it does not say, so that it is refused as for anybody."""
    try:
        return datetime.strptime(str(timestamp.unrecognized_fields.get(SIGNED_AT_FIELD)), "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=UTC
        )
    except ValueError:
        return now
