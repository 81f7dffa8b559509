"""One refresh of the trust registry: the TUF client workflow (specification 1.0, section 5) over any source of files.

What we hold goes into a folder of its own, python-tuf works there, and only when everything verified comes out what we
hold next: a refresh that fails has changed nothing. No file is believed for whom it came from, so a dishonest mirror
can delay and never alter. Blocking: call it on a worker thread.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import unquote

from tuf.api import exceptions as tuf
from tuf.api.metadata import Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from node.errors import BadSource, HuxinError
from node.registry.documents import COORDINATOR_FIELD
from node.registry.metadata import read_metadata, served_name, version_in
from trust.errors import TrustError
from trust.registry import MAX_TARGET_BYTES, MAX_TARGETS, Publication, Release

SIGNED_AT_FIELD = "x-huxin-signed-at"
"""In the timestamp: when the coordinator signed it. TUF states an end only; the age of what we trust needs a begin."""

FIRST_SEEN_FIELD = "x-huxin-first-seen"
"""In the snapshot: when one first held a signing key, by division and key id."""

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

_BASE = "registry:/"


REFRESH_REASONS = frozenset(
    {
        "REGISTRY_EXPIRED",
        "REGISTRY_ROLLBACK",
        "REGISTRY_SIGNATURES",
        "REGISTRY_MISMATCH",
        "REGISTRY_TOO_LARGE",
        "REGISTRY_UNREACHABLE",
        "REGISTRY_MALFORMED",
    }
)
"""Why a refresh can fail."""


class RefreshFailed(HuxinError):
    """What a source offered is not what the registry may become. Nothing was changed."""


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
    REGISTRY_TOO_LARGE, REGISTRY_UNREACHABLE, REGISTRY_MALFORMED.
    """
    with tempfile.TemporaryDirectory(prefix="huxin-registry-") as folder:
        try:
            return _Workspace(Path(folder), held, source, now).run()
        except tuf.RepositoryError as error:
            raise _failed(error) from error
        except (BadSource, TrustError) as error:
            raise RefreshFailed("REGISTRY_MALFORMED", f"The registry was not refreshed: {error.message}") from error
        except tuf.DownloadError as error:
            raise _broken_off(error) from error


class _Workspace:
    """A folder in which python-tuf works."""

    def __init__(self, folder: Path, held: Mapping[str, bytes], source: Source, now: datetime) -> None:
        self._folder = folder
        self._held = held
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
            bootstrap=held[_oldest_root(held)],
        )
        # The time is the caller's: python-tuf reads the clock itself and takes no other (7.0). A test holds this line.
        self._updater._trusted_set.reference_time = now  # noqa: SLF001

    def run(self) -> Refreshed:
        """Root, timestamp, snapshot, targets, and each jurisdiction's delegated metadata with its files."""
        self._updater.refresh()
        files = {f"{path.name}": path.read_bytes() for path in (self._folder / "root_history").iterdir()}
        root = self._read(Root, f"root_history/{max(map(version_in, files))}.root.json")
        timestamp, snapshot, targets = self._read(Timestamp), self._read(Snapshot), self._read(Targets)
        files |= {
            "timestamp.json": self._bytes("timestamp.json"),
            f"{snapshot.version}.snapshot.json": self._bytes("snapshot.json"),
            f"{targets.version}.targets.json": self._bytes("targets.json"),
        }
        tops: list[Signed] = [root, timestamp, snapshot, targets]
        ends = {signed.type: _utc(signed.expires) for signed in tops}
        publications: dict[str, Publication] = {}
        for division in sorted(() if targets.delegations is None else targets.delegations.roles or ()):
            described = snapshot.meta.get(f"{division}.json")
            if not re.fullmatch("[0-9]{6}", division) or described is None:
                continue  # no jurisdiction, or one that has published nothing yet
            publication, own = self._publication(division, described.version)
            publications[division], ends[division] = publication, publication.expires_at
            files |= own
        release = Release(
            snapshot_version=snapshot.version,
            signed_at=_instant(timestamp.unrecognized_fields.get(SIGNED_AT_FIELD)),
            expires_at=min(ends[signed.type] for signed in tops),
            first_seen=_first_seen(snapshot.unrecognized_fields.get(FIRST_SEEN_FIELD, {})),
            publications=MappingProxyType(publications),
        )
        coordinator = root.unrecognized_fields.get(COORDINATOR_FIELD, "")
        return Refreshed(MappingProxyType(files), release, MappingProxyType(ends), root.version, str(coordinator))

    def _publication(self, division: str, version: int) -> tuple[Publication, dict[str, bytes]]:
        """What a jurisdiction publishes, and the files of it as a mirror serves them.

        Only the role of its own name is asked, for paths below its own code: whatever else a delegation might allow,
        nobody publishes under another's name.
        """
        name = f"{version}.{division}.json"
        try:
            self._updater.get_targetinfo(f"{division}/bundle")
        except tuf.ExpiredMetadataError:
            # That jurisdiction has not published for long: it harms itself only. Whoever fetches from us judges alike.
            data = self._fetcher.fetched.get(name) or self._held.get(name)
            if data is None:
                raise
            return Publication(_utc(read_metadata(data, Targets).expires), None), {name: data}
        listed = self._read(Targets, f"{division}.json")
        if len(listed.targets) > MAX_TARGETS:
            raise tuf.RepositoryError(f"{division} lists more than {MAX_TARGETS} files")
        files, content = {name: self._bytes(f"{division}.json")}, {}
        total = 0
        for path, info in listed.targets.items():
            if not path.startswith(f"{division}/"):
                content[path] = b""  # not its to publish: `trust.registry` says so
                continue
            total += info.length
            if info.length > MAX_TARGET_BYTES or total > MAX_PUBLICATION_BYTES:
                raise tuf.DownloadLengthMismatchError(f"{division} publishes too much")
            served = served_name(path, info)
            content[path] = files[served] = self._target(path, info, served)
        return Publication(_utc(listed.expires), MappingProxyType(content)), files

    def _target(self, path: str, info: TargetFile, served: str) -> bytes:
        """One published file: the one we hold while it is the one that is listed, else fetched and verified."""
        if served in self._held:
            info.verify_length_and_hashes(self._held[served])
            return self._held[served]
        found = self._updater.get_targetinfo(path)
        if found != info:
            raise tuf.RepositoryError("a path is delegated to somebody else than who lists it")
        target = self._folder / "target"
        self._updater.download_target(info, str(target))
        return target.read_bytes()

    def _read(self, kind: type[Any], name: str = "") -> Any:
        return read_metadata(self._bytes(name or f"{kind.type}.json"), kind)

    def _bytes(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


class _Fetcher(FetcherInterface):
    """A source as python-tuf asks for it. `fetched` are the delegated metadata files that came, verified or not."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.fetched: dict[str, bytes] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = unquote(url.removeprefix(_BASE))
        try:
            parts = []
            for part in self._source.fetch(name):
                parts.append(part)
                yield part
        except NotServed as error:
            raise tuf.DownloadHTTPError("not served", 404) from error
        except SourceFailed as error:
            raise tuf.DownloadError(str(error)) from error
        if name.endswith(".json"):
            self.fetched[name] = b"".join(parts)


def _place(name: str) -> str | None:
    """Where a file that we hold lies in python-tuf's folder; None for published files."""
    version, _, rest = name.partition(".")
    if name.endswith(".root.json"):
        return f"root_history/{name}"
    if "/" in name or not name.endswith(".json"):
        return None
    return rest if version.isdigit() else name


def _oldest_root(held: Mapping[str, bytes]) -> str:
    return min((name for name in held if name.endswith(".root.json")), key=version_in)


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _instant(text: object) -> datetime:
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise tuf.RepositoryError(f"no instant in {SIGNED_AT_FIELD} or {FIRST_SEEN_FIELD}") from None


def _first_seen(found: object) -> Mapping[str, Mapping[str, datetime]]:
    if not isinstance(found, dict) or not all(isinstance(keys, dict) for keys in found.values()):
        raise tuf.RepositoryError(f"{FIRST_SEEN_FIELD} is no table of tables")
    return MappingProxyType(
        {
            str(division): MappingProxyType({str(key): _instant(at) for key, at in keys.items()})
            for division, keys in found.items()
        }
    )


def _failed(error: tuf.RepositoryError) -> RefreshFailed:
    """What went wrong, in words; the library's text names files, which may stay in the log."""
    kinds: tuple[tuple[type[Exception], str, str], ...] = (
        (
            tuf.ExpiredMetadataError,
            "REGISTRY_EXPIRED",
            "what it offers has expired: it is frozen or its coordinator away",
        ),
        (tuf.BadVersionNumberError, "REGISTRY_ROLLBACK", "it offers older metadata than we have verified before"),
        (tuf.UnsignedMetadataError, "REGISTRY_SIGNATURES", "metadata is not signed by those who must sign it"),
        (tuf.LengthOrHashMismatchError, "REGISTRY_MISMATCH", "files of different releases were mixed, or altered"),
    )
    for kind, reason, sentence in kinds:
        if isinstance(error, kind):
            return RefreshFailed(reason, f"The registry was not refreshed: {sentence}. Try another peer.")
    return RefreshFailed(
        "REGISTRY_MALFORMED",
        "The registry was not refreshed: what it offers cannot be read as a registry. Try another peer.",
    )


def _broken_off(error: tuf.DownloadError) -> RefreshFailed:
    if isinstance(error, tuf.DownloadLengthMismatchError):
        return RefreshFailed(
            "REGISTRY_TOO_LARGE",
            "The registry was not refreshed: a file had more bytes than it may have. Try another peer.",
        )
    return RefreshFailed(
        "REGISTRY_UNREACHABLE",
        "The registry was not refreshed: the source broke off or lacks a file. Try another peer.",
    )
