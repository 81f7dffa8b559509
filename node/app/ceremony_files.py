"""The files of a ceremony: a folder of root and targets documents that is carried from office to office.

`N.root.json` and `N.targets.json` stand beside each other, all versions of them. Nothing here needs a home, a network
or a database, so that it runs on a machine that has never been connected. Every file is replaced whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from node.errors import BadSource, InvalidInput
from node.registry.directory import write_durably
from node.registry.documents import (
    MAX_ROOT_BYTES,
    MAX_TARGETS_BYTES,
    Document,
    RootDocument,
    TargetsDocument,
    read_document,
    read_root,
    read_targets,
)
from node.registry.keys import public_pem, read_public_pem
from node.registry.signatures import require_complete, require_own_quorum
from trust import keys
from trust.algorithms import PublicKey, Suite
from trust.errors import TrustError
from trust.log.succession import MAX_SUCCESSION_BYTES, Succession, read_succession

R = TypeVar("R")
D = TypeVar("D", bound=RootDocument | TargetsDocument)

_NAME = re.compile(r"([1-9][0-9]{0,9})\.(root|targets)\.json")


def public_path(key: Path) -> Path:
    """Where the public half of a key file lies: `root.pub` beside `root.key`."""
    return key.with_suffix(".pub") if key.suffix == ".key" else key.with_name(f"{key.name}.pub")


def new_key(path: Path, suite: Suite, passphrase: bytes | None) -> PublicKey:
    """Makes a key file and its public half beside it. Raises BadKey or InvalidInput when one of them is there."""
    public = public_path(path)
    if public.exists():
        raise InvalidInput("--output", f"{public} exists; choose another name, or move the old key and it away.")
    key = keys.generate(suite)
    keys.save(key, path, passphrase)
    write_durably(public, public_pem(key.public).decode())
    return key.public


def read_public_key(path: Path) -> PublicKey:
    """The key in a .pub file. Raises BadSource naming the file."""
    return _reading(path, keys.MAX_KEY_FILE_BYTES, read_public_pem)


def read_succession_file(path: Path) -> Succession:
    """A succession of a log as its node wrote it. Raises BadSource naming the file."""
    return _reading(path, MAX_SUCCESSION_BYTES, read_succession)


def read(path: Path) -> Document:
    """A root or targets document under any name. Raises BadSource naming the file."""
    return _reading(path, MAX_TARGETS_BYTES, read_document)


@dataclass(frozen=True, slots=True)
class CeremonyFolder:
    """A folder with every version of root and targets. Raises BadSource for a file that does not fit its name."""

    path: Path

    def versions(self, kind: str) -> list[int]:
        """Versions of a kind that are there, in order."""
        found = (_NAME.fullmatch(path.name) for path in self.path.iterdir()) if self.path.is_dir() else ()
        return sorted(int(name[1]) for name in found if name is not None and name[2] == kind)

    def newest_root(self) -> RootDocument:
        """The root of the highest version, which is in force or about to be. Raises BadSource when there is none."""
        return self.root(self._newest(RootDocument.kind))

    def newest_targets(self) -> TargetsDocument:
        """The targets of the highest version. Raises BadSource when there is none."""
        return self.targets(self._newest(TargetsDocument.kind))

    def root(self, version: int) -> RootDocument:
        """The root of that version."""
        path = self.path / f"{version}.{RootDocument.kind}.json"
        return _of_its_name(path, _reading(path, MAX_ROOT_BYTES, read_root))

    def targets(self, version: int) -> TargetsDocument:
        """The targets of that version."""
        path = self.path / f"{version}.{TargetsDocument.kind}.json"
        return _of_its_name(path, _reading(path, MAX_TARGETS_BYTES, read_targets))

    def deciding_root(self, document: Document) -> RootDocument | None:
        """The root whose holders decide on a document together with those it names; None for the first root.

        Raises BadSource when it is not there, or is not signed by enough of its holders itself.
        """
        if isinstance(document, TargetsDocument):
            return self.newest_root()
        return None if document.version == 1 else self.root_in_order(document.version - 1)

    def root_in_order(self, version: int) -> RootDocument:
        """A root that enough holders signed, and enough of each root before it that is here. Raises BadSource."""
        root = self.root(version)
        try:
            if version > 1 and version - 1 not in self.versions(RootDocument.kind):
                require_own_quorum(root)
            else:
                require_complete(root, None if version == 1 else self.root_in_order(version - 1))
        except TrustError as error:
            raise BadSource(root.file_name, error.message) from error
        return root

    def before(self, document: Document) -> Document | None:
        """The version before a document, None for version 1.

        Raises BadSource when it is not there, or not signed by enough holders: whoever carries the folder could have
        changed it, so that a document seems to change nothing.
        """
        if document.version == 1:
            return None
        if isinstance(document, RootDocument):
            return self.root_in_order(document.version - 1)
        return self._signed_targets(document.version - 1)

    def _signed_targets(self, version: int) -> TargetsDocument:
        """Targets that enough holders of one of the roots here have signed: of whichever was in force then."""
        targets = self.targets(version)
        for root in map(self.root, reversed(self.versions(RootDocument.kind))):
            try:
                require_complete(targets, root)
            except TrustError:
                continue
            return targets
        raise BadSource(
            targets.file_name,
            "it does not carry enough signatures of the holders in any root of this folder: take it from your own copy "
            "of the last ceremony, with the root of that time",
        )

    def _newest(self, kind: str) -> int:
        versions = self.versions(kind)
        if not versions:
            raise BadSource(
                f"N.{kind}.json", f"the folder {self.path} holds none; copy the documents of the last ceremony there"
            )
        return versions[-1]


def write_new(path: Path, document: Document) -> None:
    """Writes a document that was not there. Raises BadSource when it was."""
    if path.exists():
        raise BadSource(path.name, f"it is in {path.parent} already; a document is never written over")
    write_over(path, document)


def write_over(path: Path, document: Document) -> None:
    """Replaces a document whole: after a crash the old or the new one is there."""
    write_durably(path, document.to_bytes().decode())


def _reading(path: Path, limit: int, reader: Callable[[bytes], R]) -> R:
    """Reads a file of at most `limit` bytes; one byte more reaches the reader, which then says that it is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise BadSource(path.name, f"it is not in {path.parent}; copy it there from the last ceremony") from None
    except OSError:
        raise BadSource(path.name, "it cannot be read; check that it is a file and its rights") from None
    try:
        return reader(data)
    except TrustError as error:
        raise BadSource(path.name, error.message) from error


def _of_its_name(path: Path, document: D) -> D:
    if path.name != document.file_name:
        raise BadSource(path.name, f"it holds {document.file_name}; give it that name, or ask for the original")
    return document
