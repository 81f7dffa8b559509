"""TUF metadata files of the registry by their names: `3.root.json`, `timestamp.json`, `7.140000.json`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Signed, TargetFile

from node.errors import BadSource

SIGNED_AT_FIELD = "x-huxin-signed-at"
"""In the timestamp: when the coordinator signed it. TUF states an end only; the age of what we trust needs a begin."""

FIRST_SEEN_FIELD = "x-huxin-first-seen"
"""In the snapshot: when one first held a signing key, by division and key id."""


def read_metadata(data: bytes, kind: type[Any]) -> Any:
    """The signed part of a metadata file of that kind (`Root`, `Targets`, ...); nothing of it is verified.

    Raises BadSource.
    """
    try:
        metadata: Metadata[Any] = Metadata.from_bytes(data)
    except Exception as error:  # python-tuf wraps what most of its parsers raise, and not what all do
        raise BadSource(kind.type, "it cannot be read as registry metadata; ask for the original") from error
    if not isinstance(metadata.signed, kind):
        raise BadSource(kind.type, f"it is {metadata.signed.type} metadata; give the right file")
    return metadata.signed


def newest(files: Mapping[str, bytes], role: str, kind: type[Any]) -> Any:
    """The newest version of a role's metadata among files that were verified, None when there is none."""
    names = [name for name in files if name.endswith(f".{role}.json")]
    return read_metadata(files[max(names, key=version_in)], kind) if names else None


def version_in(name: str) -> int:
    """The version that a metadata file's name begins with."""
    return int(name.partition(".")[0])


def signed_bytes(signed: Signed, signer: Signer) -> bytes:
    """A metadata file with one signature."""
    metadata: Metadata[Any] = Metadata(signed)
    metadata.sign(signer)
    return metadata.to_bytes()


def described(data: bytes, version: int) -> MetaFile:
    """A metadata file as the one above it lists it: with its hash, so that files of two releases cannot be mixed."""
    return MetaFile(version, len(data), {"sha256": sha256(data).hexdigest()})


def target_of(path: str, data: bytes) -> TargetFile:
    """A published file as its jurisdiction's metadata lists it."""
    return TargetFile(len(data), {"sha256": sha256(data).hexdigest()}, path)


def served_name(path: str, info: TargetFile) -> str:
    """The name under which a published file is served: its hash stands before its last part (consistent snapshots)."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{next(iter(info.hashes.values()))}.{name}"


def instant_of(text: object) -> datetime:
    """An instant as our fields of the metadata write it, UTC, whole seconds. Raises RepositoryError."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise RepositoryError(f"no instant in {SIGNED_AT_FIELD} or {FIRST_SEEN_FIELD}") from None


def first_seen_of(found: object) -> Mapping[str, Mapping[str, datetime]]:
    """By division and key id, from the snapshot's field. Raises RepositoryError."""
    if not isinstance(found, dict) or not all(isinstance(keys, dict) for keys in found.values()):
        raise RepositoryError(f"{FIRST_SEEN_FIELD} is no table of tables")
    return MappingProxyType(
        {
            str(division): MappingProxyType({str(key): instant_of(at) for key, at in keys.items()})
            for division, keys in found.items()
        }
    )
