"""One refresh of the trust registry: the TUF client workflow (specification 1.0, section 5) over any source of files.

What we hold goes into a folder of its own, python-tuf works there, and only when everything verified comes out what we
hold next: a refresh that fails has changed nothing. No file is believed for whom it came from, so a dishonest mirror
can delay and never alter. Blocking: call it on a worker thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import unquote

from tuf.api import exceptions as tuf
from tuf.api.metadata import DelegatedRole, Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from node.errors import BadSource, HuxinError
from node.registry.documents import MAX_VERSION, TargetsDocument, read_root, read_targets
from node.registry.metadata import (
    FIRST_SEEN_FIELD,
    SIGNED_AT_FIELD,
    first_seen_of,
    instant_of,
    read_metadata,
    served_name,
    version_in,
)
from node.workspace import workspace
from trust.errors import TrustError
from trust.registry import MAX_TARGET_BYTES, MAX_TARGETS, Publication, Release

LIMITS = UpdaterConfig(
    max_root_rotations=256,
    max_delegations=8,  # per look-up; a path is delegated to one jurisdiction
    root_max_length=512_000,
    timestamp_max_length=16_384,
    snapshot_max_length=2_000_000,
    targets_max_length=2_000_000,
)
"""Most bytes of each kind of metadata, refused while they arrive."""

MAX_PUBLICATION_BYTES = 8 << 20
"""All files of one jurisdiction together."""

MAX_UNSIGNED_VERSION = 1_000_000
"""Of a publication that its jurisdiction's keys have not signed: there is always a version above it to publish next."""

MAX_AHEAD = timedelta(hours=1)
"""How far the coordinator's clock may be ahead of ours: as much as any node may allow (`freshness.clock_skew_seconds`).
A timestamp from farther in the future would hide how old trust is, and keep honest ones out."""

_BASE = "registry:/"
_PATH = re.compile(r"[0-9A-Za-z._/-]{1,128}")
_SHA256 = re.compile("[0-9a-f]{64}")

REFRESH_REASONS = frozenset(
    {
        "REGISTRY_CLOCK",
        "REGISTRY_EXPIRED",
        "REGISTRY_ROLLBACK",
        "REGISTRY_SIGNATURES",
        "REGISTRY_MISMATCH",
        "REGISTRY_TOO_LARGE",
        "REGISTRY_UNREACHABLE",
        "REGISTRY_MALFORMED",
        "REGISTRY_FAILED_HERE",
    }
)
"""Why a refresh can fail."""


class RefreshFailed(HuxinError):
    """What a source offered is not what the registry may become. Nothing was changed.

    `trouble`: what is wrong, where the message advises to try another peer; else "".
    """

    def __init__(self, reason: str, message: str, trouble: str = "") -> None:
        super().__init__(reason, message)
        self.trouble = trouble

    @staticmethod
    def elsewhere(reason: str, trouble: str) -> RefreshFailed:
        """Of a source in whose place another may do."""
        return RefreshFailed(reason, f"The registry was not refreshed: {trouble}. Try another peer.", trouble)

    def advising(self, advice: str, outcome: str = "The registry was not refreshed") -> RefreshFailed:
        """The same with other advice."""
        return RefreshFailed(self.reason, f"{outcome}: {self.trouble}. {advice}") if self.trouble else self


class NotServed(Exception):
    """The source does not have the file: of a root, that there is no newer one."""


class SourceFailed(Exception):
    """The source broke off, is too slow, or cannot be reached. The message is a sentence."""


class Source(Protocol):
    """Where files come from: a peer, an archive, the coordinator's next release."""

    def fetch(self, name: str) -> Iterator[bytes]:
        """Parts of the file of that name. Raises NotServed or SourceFailed. Whoever iterates stops at its limit."""
        ...


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A verified state of the registry.

    `files` are all files of it by the name under which a mirror serves them; `ends` says when each role's metadata
    ends; `coordinator` is the division code of the jurisdiction that signs snapshots.
    """

    files: Mapping[str, bytes]
    release: Release
    ends: Mapping[str, datetime]
    root_version: int
    coordinator: str


def refresh(held: Mapping[str, bytes], source: Source, now: datetime) -> Refreshed:
    """The registry as the source offers it, verified on top of what we hold (at least one root).

    Raises RefreshFailed: REGISTRY_ROLLBACK, REGISTRY_EXPIRED, REGISTRY_SIGNATURES, REGISTRY_MISMATCH,
    REGISTRY_CLOCK, REGISTRY_TOO_LARGE, REGISTRY_UNREACHABLE, REGISTRY_MALFORMED.
    """
    with workspace() as folder:
        try:
            return _Workspace(folder, held, source, now).run()
        except (tuf.RepositoryError, tuf.DownloadError) as error:
            raise _failed(error) from error
        except (BadSource, TrustError) as error:
            raise RefreshFailed("REGISTRY_MALFORMED", f"The registry was not refreshed: {error.message}") from error


class _Workspace:
    """A folder in which python-tuf works."""

    def __init__(self, folder: Path, held: Mapping[str, bytes], source: Source, now: datetime) -> None:
        self._folder = folder
        self._held = held
        self._now = now
        self._fetcher = _Fetcher(source)
        (folder / "root_history").mkdir()
        for name, content in held.items():
            place = _place(name)
            if place is not None:
                (folder / place).write_bytes(content)
        self._updater = Updater(
            str(folder),
            _BASE,
            target_base_url=_BASE,
            fetcher=self._fetcher,
            config=LIMITS,
            # The newest root that was verified here: the chain is as long as what was slept through, no longer.
            bootstrap=held[max((name for name in held if name.endswith(".root.json")), key=version_in)],
        )
        # The time is the caller's: python-tuf reads the clock itself and takes no other (7.0). A test holds this line.
        self._updater._trusted_set.reference_time = now  # noqa: SLF001

    def run(self) -> Refreshed:
        """Root, timestamp, snapshot, targets, and each jurisdiction's delegated metadata with its files."""
        self._updater.refresh()
        files = {path.name: path.read_bytes() for path in (self._folder / "root_history").iterdir()}
        # python-tuf takes more forms of root and targets than the profile has: what nobody could have read before
        # signing counts for nobody.
        root = read_root(files[max(files, key=version_in)])
        targets = read_targets(self._bytes("targets.json"))
        timestamp, snapshot = self._read(Timestamp), self._read(Snapshot)
        if max(timestamp.version, snapshot.version) > MAX_VERSION:
            raise tuf.RepositoryError("a version beyond all use")
        # python-tuf goes on with the snapshot that it has when a timestamp describes another one of the same version.
        timestamp.snapshot_meta.verify_length_and_hashes(self._bytes("snapshot.json"))
        self._require_no_older(targets, snapshot)
        files |= {
            "timestamp.json": self._bytes("timestamp.json"),
            f"{snapshot.version}.snapshot.json": self._bytes("snapshot.json"),
            f"{targets.version}.targets.json": self._bytes("targets.json"),
        }
        ends = {
            "root": root.expires,
            "timestamp": _utc(timestamp.expires),
            "snapshot": _utc(snapshot.expires),
            "targets": targets.expires,
        }
        first_end = min(ends.values())
        publications: dict[str, Publication] = {}
        for division in sorted(targets.delegations):
            described = snapshot.meta.get(f"{division}.json")
            if described is None:
                continue  # it has published nothing yet
            publication, own = self._publication(division, described, first_end)
            publications[division], ends[division] = publication, publication.expires_at
            files |= own
        release = Release(
            snapshot_version=snapshot.version,
            signed_at=self._signed_at(timestamp),
            expires_at=first_end,
            first_seen=first_seen_of(snapshot.unrecognized_fields.get(FIRST_SEEN_FIELD, {})),
            publications=MappingProxyType(publications),
            successions=targets.successions,
        )
        return Refreshed(MappingProxyType(files), release, MappingProxyType(ends), root.version, root.coordinator)

    def _require_no_older(self, targets: TargetsDocument, snapshot: Snapshot) -> None:
        """Nothing goes back below what we hold, also when the snapshot key has changed.

        Then python-tuf forgets the snapshot before (specification 5.3.11), and with it the versions that it listed.
        What is signed by others than the coordinator keeps its version, for it cannot have driven that up in their
        name; what their present keys have not signed does not, or the coordinator before could have shut us out.
        """
        for name in self._held:
            version, _, role = name.partition(".")
            if not version.isdigit() or "/" in name:
                continue
            division = role.removesuffix(".json")
            described = snapshot.meta.get(role)
            if role == "targets.json" and int(version) > targets.version:
                raise tuf.BadVersionNumberError("older delegations than we hold")
            if role == "targets.json" and targets.reopens(read_targets(self._held[name])):
                raise tuf.BadVersionNumberError("delegations that open a closed log again")
            if division not in targets.delegations:
                continue
            if described is None or (described.version < int(version) and self._is_signed(division, name)):
                raise tuf.BadVersionNumberError(f"an older publication of {division} than we hold, or none")

    def _is_signed(self, division: str, name: str) -> bool:
        """Whether the publication that we hold is signed by the registry keys that its jurisdiction has now."""
        try:
            self._verified(division, self._held[name])
        except _Unfit:
            return False
        return True

    def _signed_at(self, timestamp: Timestamp) -> datetime:
        signed_at = instant_of(timestamp.unrecognized_fields.get(SIGNED_AT_FIELD))
        if signed_at > self._now + MAX_AHEAD:
            # Taken over, it would make stale trust look fresh, and every honest timestamp after it look old.
            raise RefreshFailed(
                "REGISTRY_CLOCK",
                "The registry was not refreshed: it says that it was signed in the future. Check the clock of this "
                "machine, then ask the coordinator to check its own.",
            )
        return signed_at

    def _publication(
        self, division: str, described: MetaFile, first_end: datetime
    ) -> tuple[Publication, dict[str, bytes]]:
        """What a jurisdiction publishes, and the files of it as a mirror serves them.

        Only the role of its own name is asked, for paths below its own code: whatever else a delegation might allow,
        nobody publishes under another's name. What the snapshot lists by its hash came as the coordinator released it:
        what is wrong with it then is that jurisdiction's doing, and harms it alone.
        """
        if not described.hashes or not 0 < described.version <= MAX_VERSION:
            raise tuf.RepositoryError("the snapshot lists a publication without its hash or version")
        name = f"{described.version}.{division}.json"
        data = self._listed(name, described, described.length or LIMITS.targets_max_length)
        expires, files = first_end, {name: data}
        try:
            listed, role = self._read_publication(division, data, described.version)
            expires = _utc(listed.expires)
            wanted = _wanted(listed, role, self._now)
        except _Unfit as error:
            return Publication(expires, None, f"{error}: its administrator must publish again"), files
        content: dict[str, bytes] = {}
        for path, info in listed.targets.items():
            if path not in wanted:
                content[path] = b""  # no path of its own: `trust.registry` says so
                continue
            served = served_name(path, info)
            content[path] = files[served] = self._listed(served, info, info.length)
        return Publication(expires, MappingProxyType(content)), files

    def _read_publication(self, division: str, data: bytes, version: int) -> tuple[Targets, DelegatedRole]:
        """A jurisdiction's metadata and the delegation under which it verifies. Raises _Unfit."""
        try:
            metadata, role = self._verified(division, data)
        except _Unfit:
            if version > MAX_UNSIGNED_VERSION:
                raise tuf.RepositoryError("a version that only the coordinator vouches for, beyond all use") from None
            raise
        if not isinstance(metadata.signed, Targets) or metadata.signed.version != version:
            raise _Unfit("its publication is not what the coordinator lists")
        return metadata.signed, role

    def _verified(self, division: str, data: bytes) -> tuple[Metadata[Any], DelegatedRole]:
        """Metadata that is signed as the delegation to a jurisdiction demands, and that. Raises _Unfit."""
        delegating: Targets = self._read(Targets)
        roles = delegating.delegations.roles if delegating.delegations else None
        role = (roles or {})[division]
        try:
            metadata: Metadata[Any] = Metadata.from_bytes(data)
            delegating.verify_delegate(division, metadata.signed_bytes, metadata.signatures)
        except tuf.UnsignedMetadataError as error:
            raise _Unfit("its publication is not signed by the registry keys that it has now") from error
        except Exception as error:  # python-tuf wraps most of what its parsers raise; none of it may harm others
            raise _Unfit("its publication cannot be read") from error
        return metadata, role

    def _listed(self, name: str, info: MetaFile | TargetFile, limit: int) -> bytes:
        """A file that verified metadata lists: ours while that is the one, else fetched and verified."""
        held = self._held.get(name)
        if held is not None:
            with suppress(tuf.LengthOrHashMismatchError):
                info.verify_length_and_hashes(held)
                return held
        data = self._fetcher.download_bytes(f"{_BASE}{name}", limit)
        info.verify_length_and_hashes(data)
        return data

    def _read(self, kind: type[Any]) -> Any:
        return read_metadata(self._bytes(f"{kind.type}.json"), kind)

    def _bytes(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


class _Unfit(Exception):
    """What a jurisdiction has published cannot be taken over. The message is the beginning of a sentence."""


def _wanted(listed: Targets, role: DelegatedRole, now: datetime) -> frozenset[str]:
    """The listed paths that are fetched. Raises _Unfit when it has expired, or is more than may be published."""
    if listed.is_expired(now):
        raise _Unfit("its publication has expired")
    if len(listed.targets) > MAX_TARGETS:
        raise _Unfit(f"it lists more than {MAX_TARGETS} files")
    wanted = {
        path: info
        for path, info in listed.targets.items()
        # A database and a wire have to carry the name under which a file is served.
        if role.is_delegated_path(path) and _PATH.fullmatch(path)
    }
    if any(list(info.hashes) != ["sha256"] or not _SHA256.fullmatch(info.hashes["sha256"]) for info in wanted.values()):
        raise _Unfit("it lists a file by something else than its SHA-256")
    lengths = [info.length for info in wanted.values()]
    if max(lengths, default=0) > MAX_TARGET_BYTES or sum(lengths) > MAX_PUBLICATION_BYTES:
        raise _Unfit(f"it publishes more than {MAX_TARGET_BYTES} bytes in a file or {MAX_PUBLICATION_BYTES} in all")
    return frozenset(wanted)


class _Fetcher(FetcherInterface):
    """A source as python-tuf asks for it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = unquote(url.removeprefix(_BASE))
        try:
            yield from self._source.fetch(name)
        except NotServed as error:
            raise tuf.DownloadHTTPError("not served", 404) from error
        except SourceFailed as error:
            raise tuf.DownloadError(str(error)) from error


def _place(name: str) -> str | None:
    """Where a file that we hold lies in python-tuf's folder; None for published files."""
    version, _, rest = name.partition(".")
    if name.endswith(".root.json"):
        return f"root_history/{name}"
    if "/" in name or not name.endswith(".json"):
        return None
    return rest if version.isdigit() else name


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _failed(error: tuf.RepositoryError | tuf.DownloadError) -> RefreshFailed:
    """What went wrong, in words; the library's text names files, which may stay in the log."""
    kinds: tuple[tuple[type[Exception], str, str], ...] = (
        (tuf.ExpiredMetadataError, "REGISTRY_EXPIRED", "what it offers has expired: frozen, or its coordinator away"),
        (tuf.BadVersionNumberError, "REGISTRY_ROLLBACK", "it offers older metadata than we have verified before"),
        (tuf.UnsignedMetadataError, "REGISTRY_SIGNATURES", "metadata is not signed by those who must sign it"),
        (tuf.LengthOrHashMismatchError, "REGISTRY_MISMATCH", "files of different releases were mixed, or altered"),
        (tuf.DownloadLengthMismatchError, "REGISTRY_TOO_LARGE", "a file had more bytes than it may have"),
        (tuf.DownloadError, "REGISTRY_UNREACHABLE", "the source broke off or lacks a file"),
    )
    for kind, reason, sentence in kinds:
        if isinstance(error, kind):
            return RefreshFailed.elsewhere(reason, sentence)
    return RefreshFailed.elsewhere("REGISTRY_MALFORMED", "what it offers cannot be read as a registry")
