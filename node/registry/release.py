"""What the coordinator signs: snapshot and timestamp over what k of n and the jurisdictions have signed.

It can delay and leave out; it cannot speak for anybody. Each release is verified as every node will verify it
(`node.registry.refresh`) before it is committed, so a coordinator cannot publish what its own node would refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from securesystemslib.signer import Signer
from tuf.api.metadata import MetaFile, Root, Snapshot, Targets, Timestamp

from node.errors import BadSource
from node.registry.documents import Document, RootDocument, TargetsDocument, read_document
from node.registry.metadata import (
    FIRST_SEEN_FIELD,
    SIGNED_AT_FIELD,
    described,
    newest,
    read_metadata,
    served_name,
    signed_bytes,
)
from node.registry.publishing import Publication, delegated
from trust.algorithms import key_id_of
from trust.issuers import open_jurisdiction_bundle
from trust.registry import FactKind, path_of

_KINDS = (RootDocument.kind, TargetsDocument.kind)


@dataclass(frozen=True, slots=True)
class Online:
    """The coordinator's signers, and for how long what they sign holds."""

    snapshot: Signer
    timestamp: Signer
    snapshot_life: timedelta
    timestamp_life: timedelta


@dataclass(frozen=True, slots=True)
class Changes:
    """What a release takes in: newer roots in order, newer top-level targets, publications of jurisdictions."""

    roots: Sequence[bytes] = ()
    targets: bytes | None = None
    publications: Sequence[Publication] = ()

    def __bool__(self) -> bool:
        return bool(self.roots or self.targets or self.publications)


@dataclass(frozen=True, slots=True)
class Used:
    """Numbers that the coordinator has used already, whatever the files say from which it goes on; 0 is none."""

    snapshot: int = 0
    timestamp: int = 0


_NONE_USED = Used()


def next_release(
    held: Mapping[str, bytes], changes: Changes, online: Online, now: datetime, used: Used = _NONE_USED
) -> dict[str, bytes]:
    """All files that a registry offers after these changes, superseded ones among them. Nothing of it is verified.

    Without changes the timestamp alone is signed anew, and the snapshot when half of its life has passed or another
    one has used its number. Raises BadSource for a document that cannot be read, and for targets missing where there
    were none.
    """
    now = now.replace(microsecond=0)
    files = dict(held)
    for root in changes.roots:
        files[f"{read_metadata(root, Root).version}.root.json"] = root
    if changes.targets is not None:
        files[f"{read_metadata(changes.targets, Targets).version}.targets.json"] = changes.targets
    for publication in changes.publications:
        files |= _published(publication)
    snapshot = newest(files, "snapshot", Snapshot)
    due = snapshot is None or snapshot.expires - now < online.snapshot_life / 2 or snapshot.version <= used.snapshot
    if changes or due:
        snapshot = _next_snapshot(files, snapshot, changes.publications, now, now + online.snapshot_life)
        snapshot.version = max(snapshot.version, used.snapshot + 1)
        files[f"{snapshot.version}.snapshot.json"] = signed_bytes(snapshot, online.snapshot)
    earlier = read_metadata(files["timestamp.json"], Timestamp) if "timestamp.json" in files else None
    timestamp = Timestamp(
        version=1 + max(used.timestamp, 0 if earlier is None else earlier.version),
        expires=now + online.timestamp_life,
        snapshot_meta=described(files[f"{snapshot.version}.snapshot.json"], snapshot.version),
        unrecognized_fields={SIGNED_AT_FIELD: _text(now)},
    )
    files["timestamp.json"] = signed_bytes(timestamp, online.timestamp)
    return files


def new_documents(documents: Sequence[Document], held: Mapping[str, bytes]) -> tuple[Document, ...]:
    """Those of the documents that a release would put in force: neither held already nor from before our anchor.

    Raises BadSource for a root that does not follow the one in force, and for what contradicts, or is older than, what
    is: a release would go on without it and nobody would know.
    """
    here = {name: read_document(data) for name, data in held.items() if name.endswith((".root.json", ".targets.json"))}
    newest = {kind: max((each.version for each in here.values() if each.kind == kind), default=0) for kind in _KINDS}
    found: list[Document] = []
    for each in sorted(documents, key=lambda document: (document.kind, document.version)):
        known = here.get(each.file_name)
        if known is not None:
            if known.payload != each.payload:
                raise BadSource(
                    each.file_name,
                    "another document of this version is in force: compare the digests (`huxin trust root show`) with "
                    "the holders, and give the next one",
                )
        elif each.version > newest[each.kind]:
            if isinstance(each, RootDocument) and newest[each.kind] and each.version > newest[each.kind] + 1:
                raise BadSource(
                    each.file_name,
                    f"it follows {each.version - 1}.root.json, and that is not in force here: give that file as well",
                )
            newest[each.kind] = each.version
            found.append(each)
        elif each.kind == TargetsDocument.kind:
            raise BadSource(
                each.file_name, f"delegations of version {newest[each.kind]} are in force already: give newer ones"
            )
    return tuple(found)


def _next_snapshot(
    files: Mapping[str, bytes],
    earlier: Snapshot | None,
    publications: Sequence[Publication],
    now: datetime,
    expires: datetime,
) -> Snapshot:
    targets = newest(files, "targets", Targets)
    if targets is None:
        raise BadSource(
            "targets", "the registry has no delegations yet; accept the signed N.targets.json with the root"
        )
    meta = {} if earlier is None else dict(earlier.meta)
    meta["targets.json"] = described(files[f"{targets.version}.targets.json"], targets.version)
    first_seen = {} if earlier is None else {**earlier.unrecognized_fields.get(FIRST_SEEN_FIELD, {})}
    for publication in publications:
        _require_next(publication, meta.get(f"{publication.division}.json"))
        meta[f"{publication.division}.json"] = described(publication.metadata, publication.version)
        bundle = publication.files.get(path_of(publication.division, FactKind.BUNDLE))
        if bundle is not None:
            known = first_seen.get(publication.division, {})
            keys = [key_id_of(key.spki) for key in open_jurisdiction_bundle(bundle).signing_keys]
            first_seen[publication.division] = {**{key_id: _text(now) for key_id in keys}, **known}
    for division in sorted(delegated(files)):
        listed = meta.get(f"{division}.json")
        if listed is not None and f"{listed.version}.{division}.json" not in files:
            raise BadSource(
                "targets",
                f"{division} was a member before, and its files are gone; accept its new publication (`huxin trust "
                "publish -o FILE` in its home) together with the delegations",
            )
    return Snapshot(
        version=1 if earlier is None else earlier.version + 1,
        expires=expires,
        meta=meta,
        unrecognized_fields={FIRST_SEEN_FIELD: first_seen},
    )


def _require_next(publication: Publication, earlier: MetaFile | None) -> None:
    """One version after the other: no two files under one name, and whoever stole a key cannot use up the numbers."""
    expected = 1 if earlier is None else earlier.version + 1
    if publication.version != expected:
        raise BadSource(
            "publication",
            f"it is version {publication.version} of {publication.division}, the next one is {expected}; refresh the "
            "registry, then publish again",
        )


def _published(publication: Publication) -> dict[str, bytes]:
    """The files of a publication under the names by which they are served."""
    found = {f"{publication.version}.{publication.division}.json": publication.metadata}
    listed = read_metadata(publication.metadata, Targets).targets
    for path in listed:
        if not path.startswith(f"{publication.division}/"):
            raise BadSource(
                "publication", "it lists a file under another name than its jurisdiction's own; leave that out"
            )
    for path, content in publication.files.items():
        if path not in listed:
            raise BadSource("publication", "it brings a file that its metadata does not list; publish again")
        found[served_name(path, listed[path])] = content
    return found


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
