"""Why a release was not taken over, as its coordinator has to know it: there is no other peer to try.

Whether a release holds, `node.registry.refresh` alone says; here is only looked at what it was made of, to tell which
signatures are missing and whose they may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from node.registry.documents import RootDocument, TargetsDocument, read_root, read_targets
from node.registry.metadata import version_in
from node.registry.refresh import RefreshFailed
from node.registry.release import Changes, Online
from node.registry.signatures import Quorum, missing
from trust.errors import TrustError

_ADVICE: Mapping[str, str] = {
    "REGISTRY_EXPIRED": "Root, delegations or a publication have ended: `huxin trust status` shows which. The holders "
    "sign the next root and delegations (`huxin trust root rotate`), jurisdictions publish again.",
    "REGISTRY_ROLLBACK": "Give the newest documents; `huxin trust status` shows the versions in force.",
    "REGISTRY_UNREACHABLE": "A document or publication lacks a file: take it anew from whoever wrote it.",
}
_OTHERWISE = "Look at each file with `huxin trust root show`, and take it anew from whoever wrote it."
_MORE = (
    "Each looks at it with `huxin trust root show` and signs with `huxin trust root sign`; what was signed at several "
    "offices comes together by `huxin trust root merge`. Then accept it again."
)


def unreleased(error: RefreshFailed, changes: Changes, held: Mapping[str, bytes], online: Online) -> RefreshFailed:
    """The error for whoever releases: which of the documents that were given, or are in force, lack which signatures.

    `held`: the files of the registry before the changes.
    """
    if error.reason != "REGISTRY_SIGNATURES":
        return error.advising(_ADVICE.get(error.reason, _OTHERWISE), "Nothing was released")
    try:
        lacking = " ".join(_lacking(changes, held, online))
    except TrustError:  # a document of another form: what it lacks cannot be told
        lacking = ""
    if not lacking:
        return error.advising(_OTHERWISE, "Nothing was released")
    return RefreshFailed(error.reason, f"Nothing was released: {lacking}")


def _lacking(changes: Changes, held: Mapping[str, bytes], online: Online) -> Iterator[str]:
    roots = {each.version: each for each in _roots(changes, held)}
    given = sorted(read_root(data).version for data in changes.roots)
    for version in given:
        yield from _told(roots[version], roots.get(version - 1))
    newest = roots[max(roots)]
    targets = changes.targets or next((data for name, data in held.items() if name.endswith(".targets.json")), None)
    if targets is not None:
        document = read_targets(targets)
        yield from _told(document, newest)
        if changes.targets is None and given and not _complete(document, newest):
            yield (
                f"{newest.file_name} names other holders than signed {document.file_name}: give the next delegations, "
                "which were made with it, in the same command."
            )
    if {newest.snapshot.key_id, newest.timestamp.key_id} != {
        online.snapshot.public_key.keyid,
        online.timestamp.public_key.keyid,
    }:
        yield (
            f"The online keys here are not those that {newest.file_name} names for {newest.coordinator}: put these in "
            "their places (registry.snapshot_key, registry.timestamp_key)."
        )


def _roots(changes: Changes, held: Mapping[str, bytes]) -> Iterator[RootDocument]:
    """What is in force and was before, then what was given."""
    for name in sorted((name for name in held if name.endswith(".root.json")), key=version_in):
        yield read_root(held[name])
    for data in changes.roots:
        yield read_root(data)


def _told(document: RootDocument | TargetsDocument, root: RootDocument | None) -> Iterator[str]:
    """What a document lacks, in sentences; nothing where it lacks nothing."""
    try:
        state = missing(document, root)
    except TrustError as error:
        yield f"{document.file_name}: {error.message}."
        return
    for quorum in state.quorums:
        if quorum.missing:
            yield f"{_short(document, quorum)} {_MORE}"


def _short(document: RootDocument | TargetsDocument, quorum: Quorum) -> str:
    signed = ", ".join(quorum.signed) or "nobody"
    return (
        f"{document.file_name} has {len(quorum.signed)} of the {quorum.threshold} signatures that {quorum.root} asks "
        f"for ({signed}); {quorum.missing} more of {', '.join(quorum.unsigned)} must sign."
    )


def _complete(document: TargetsDocument, root: RootDocument) -> bool:
    try:
        return missing(document, root).complete
    except TrustError:
        return False
