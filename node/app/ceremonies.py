"""The ceremonies of the trust registry on a folder of files: found, rotate, delegate, sign, merge, examine.

Nothing here is in force by being written: a document counts once enough holders signed it and the coordinator
published it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from node.app.ceremony_files import (
    CeremonyFolder,
    read,
    read_public_key,
    read_succession_file,
    write_new,
    write_over,
)
from node.errors import BadSource, InvalidInput
from node.registry import ceremony
from node.registry.ceremony import RootChanges
from node.registry.changes import Description, describe
from node.registry.documents import Document, RootDocument, TargetsDocument
from node.registry.signatures import SigningState, holder_of, merge, missing, sign
from trust.errors import TrustError
from trust.keys import Signer


@dataclass(frozen=True, slots=True)
class Examined:
    """A document of a ceremony as an official needs to see it. `previous_digest` is empty for version 1."""

    path: Path
    document: Document
    description: Description
    state: SigningState
    previous_digest: str
    coordinator: str


@dataclass(frozen=True, slots=True)
class FoundingChoices:
    """What the holders agreed on. Paths of public key files; `holders` by division code."""

    holders: Mapping[str, Path]
    threshold: int
    coordinator: str
    snapshot: Path
    timestamp: Path
    days: int
    allow_single: bool


@dataclass(frozen=True, slots=True)
class RotationChoices:
    """What the next root changes. Paths of public key files, by division code; None leaves things as they are."""

    add: Mapping[str, Path]
    replace: Mapping[str, Path]
    remove: tuple[str, ...]
    threshold: int | None
    coordinator: str | None
    snapshot: Path | None
    timestamp: Path | None
    days: int
    allow_single: bool


def found(folder: Path, choices: FoundingChoices, now: datetime) -> list[Examined]:
    """Writes 1.root.json and 1.targets.json, not signed yet. Raises BadSource when the folder has a registry."""
    here = CeremonyFolder(folder)
    if here.versions(RootDocument.kind) or here.versions(TargetsDocument.kind):
        raise BadSource(
            str(folder), "it holds a registry already; go on with `huxin trust root rotate`, or choose an empty folder"
        )
    expires = ceremony.expiry(now, choices.days)
    root = ceremony.found_root(
        {division: read_public_key(path) for division, path in choices.holders.items()},
        choices.threshold,
        choices.coordinator,
        (read_public_key(choices.snapshot), read_public_key(choices.timestamp)),
        expires,
        allow_single=choices.allow_single,
    )
    return _write(here, [root, ceremony.found_targets(expires)], now)


def rotate(folder: Path, choices: RotationChoices, now: datetime) -> list[Examined]:
    """Writes the next root, and the next targets for it to be signed by the new holders. Raises BadSource."""
    here = CeremonyFolder(folder)
    current = here.root_in_order(here.newest_root().version)
    changes = RootChanges(
        add={division: read_public_key(path) for division, path in choices.add.items()},
        replace={division: read_public_key(path) for division, path in choices.replace.items()},
        remove=choices.remove,
        threshold=choices.threshold,
        coordinator=choices.coordinator,
        snapshot=read_public_key(choices.snapshot) if choices.snapshot else None,
        timestamp=read_public_key(choices.timestamp) if choices.timestamp else None,
    )
    expires = ceremony.expiry(now, choices.days)
    root = ceremony.next_root(current, changes, expires, allow_single=choices.allow_single)
    # Signatures on the targets in force may be by holders who leave: who is to stay in force signs it again. It is
    # written first: cut off before the root is there, the same command goes on from the unsigned targets.
    targets = replace(_to_amend(here, current), expires=expires)
    ceremony.require_apart(root, targets)
    here.before(targets)  # what cannot be shown is not written
    return _write(here, [targets, root], now)[::-1]


def delegate(folder: Path, division: str, keys: Sequence[Path], threshold: int, days: int, now: datetime) -> Examined:
    """Writes the targets that let a jurisdiction publish under its code: the next, or the one nobody signed yet."""
    public = tuple(map(read_public_key, keys))
    return _amend(
        folder,
        lambda targets, root: ceremony.delegate(targets, root, division, public, threshold),
        days,
        now,
    )


def undelegate(folder: Path, division: str, days: int, now: datetime) -> Examined:
    """Writes the targets by which a jurisdiction publishes no more: the next, or the one nobody signed yet."""
    return _amend(folder, lambda targets, _: ceremony.undelegate(targets, division), days, now)


def succeed(folder: Path, file: Path, days: int, now: datetime) -> Examined:
    """Writes the targets by which a log is succeeded: the next, or the one nobody signed yet. Raises BadSource.

    `file`: the succession that the log's own node wrote (`node.app.succeeding`).
    """
    succession = read_succession_file(file)
    return _amend(folder, lambda targets, _: ceremony.succeed(targets, succession), days, now)


def sign_file(path: Path, signer: Signer, digest: str | None, now: datetime) -> tuple[Examined, str]:
    """Adds a signature to a document in place: what it is then, and the division code of the holder.

    `digest`: what the official compared; raises InvalidInput when the document is another. Raises BadSource.
    """
    here, document = CeremonyFolder(path.parent), read(path)
    if digest is not None and digest != document.digest:
        raise InvalidInput(
            "--digest",
            f"{path.name} is not the document whose digest you give; do not sign it. Compare with the other holders "
            "which file is the right one.",
        )
    examine(path, now)  # what cannot be shown is not signed
    root = here.deciding_root(document)
    try:
        holder = holder_of(document, signer.key_id, root)
        signed: Document = sign(document, signer, root)
    except TrustError as error:
        raise BadSource(path.name, error.message) from error
    if signed != document:
        write_over(path, signed)
    return examine(path, now), holder


def merge_files(paths: Sequence[Path], output: Path, now: datetime) -> Examined:
    """Writes one document with the signatures of all. `output` may be one of them. Raises BadSource."""
    documents = [read(path) for path in paths]
    root = CeremonyFolder(output.parent).deciding_root(documents[0])
    try:
        merged = merge(documents, root)
    except TrustError as error:
        raise BadSource(", ".join(str(path) for path in paths), error.message) from error
    if output.exists() and read(output).payload != merged.payload:
        raise BadSource(output.name, "another document stands there; name another output")
    write_over(output, merged)
    return examine(output, now)


def examine(path: Path, now: datetime) -> Examined:
    """A document with what it says, changes and still needs. Its folder holds what it follows. Raises BadSource."""
    here, document = CeremonyFolder(path.parent), read(path)
    previous: Document | None = here.before(document)
    try:
        state = missing(document, here.deciding_root(document))
    except TrustError as error:
        raise BadSource(path.name, error.message) from error
    coordinator = document.coordinator if isinstance(document, RootDocument) else here.newest_root().coordinator
    return Examined(
        path, document, describe(document, previous, now), state, previous.digest if previous else "", coordinator
    )


def _amend(
    folder: Path,
    change: Callable[[TargetsDocument, RootDocument], TargetsDocument],
    days: int,
    now: datetime,
) -> Examined:
    here = CeremonyFolder(folder)
    root = here.newest_root()
    targets = replace(change(_to_amend(here, root), root), expires=ceremony.expiry(now, days))
    here.before(targets)  # what cannot be shown is not written
    return _write(here, [targets], now)[0]


def _to_amend(here: CeremonyFolder, root: RootDocument) -> TargetsDocument:
    """The targets to change: the newest while nobody has signed it, else the one after it. Raises BadSource."""
    newest = here.newest_targets()
    if not newest.signatures:
        return newest
    try:
        state = missing(newest, root)
    except TrustError as error:
        raise BadSource(newest.file_name, error.message) from error
    if not state.complete:
        raise BadSource(
            newest.file_name,
            "it is being signed, so what it says must stay; have it signed by the others first, or delete it to begin "
            "again",
        )
    return ceremony.next_targets(newest, newest.expires)


def _write(here: CeremonyFolder, documents: Sequence[Document], now: datetime) -> list[Examined]:
    for document in documents:
        path = here.path / document.file_name
        if isinstance(document, TargetsDocument) and path.exists():
            write_over(path, document)  # `_to_amend` gave it: nobody has signed it
        else:
            write_new(path, document)
    return [examine(here.path / document.file_name, now) for document in documents]
