"""Who has signed a root or targets document, and who must still.

A root is signed by enough of the holders it names *and* by enough of those whom the version before it named, so that a
node that knows any earlier root can follow (TUF specification 5.3.4). Targets is signed by the holders of the root in
force. Every signature that a document carries must be one of a holder who has a say, and must verify.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from node.registry.documents import RootDocument, SignedDocument, TargetsDocument
from trust.algorithms import PublicKey
from trust.errors import MalformedInput, NotCanonical, SignatureInvalid
from trust.keys import Signer

D = TypeVar("D", bound=RootDocument | TargetsDocument)


@dataclass(frozen=True, slots=True)
class Quorum:
    """Holders of one root, of whom `threshold` must sign. `signed` and `unsigned`: their division codes.

    `root`: file name of that root.
    """

    root: str
    threshold: int
    signed: tuple[str, ...]
    unsigned: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many signatures are still to come, 0 when there are enough."""
        return max(0, self.threshold - len(self.signed))


@dataclass(frozen=True, slots=True)
class SigningState:
    """How far the signing of a document has come: one quorum, two for a root that follows another."""

    quorums: tuple[Quorum, ...]

    @property
    def complete(self) -> bool:
        """Whether every quorum has enough signatures."""
        return not any(quorum.missing for quorum in self.quorums)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Division codes of those whose signature would still help, in order."""
        return tuple(sorted({code for quorum in self.quorums if quorum.missing for code in quorum.unsigned}))


def missing(document: RootDocument | TargetsDocument, root: RootDocument | None) -> SigningState:
    """How far the signing has come; every signature present is verified.

    `root`: for a root, the version before it (None for version 1); for targets, the root in force. Raises
    MalformedInput when it is another, SignatureInvalid for a signature that does not belong or does not verify.
    """
    deciding = _deciding(document, root)
    keys = {key.key_id: key for each in deciding for key in each.holders.values()}
    payload = document.payload
    for key_id, signature in document.signatures.items():
        _verify(keys.get(key_id), signature, payload, _names(deciding))
    return SigningState(tuple(_quorum(each, document) for each in deciding))


def require_complete(document: RootDocument | TargetsDocument, root: RootDocument | None) -> None:
    """Raises SignatureInvalid unless enough holders have signed; arguments and other errors as for `missing`."""
    for quorum in missing(document, root).quorums:
        _require_enough(document, quorum)


def require_own_quorum(root: RootDocument) -> None:
    """Raises SignatureInvalid unless enough of the holders whom a root names itself have signed it.

    That is all that can be judged without the root before it: who trusts this root must have it from a safe place.
    """
    for key in root.holders.values():
        if key.key_id in root.signatures:
            _verify(key, root.signatures[key.key_id], root.payload, root.file_name)
    _require_enough(root, _quorum(root, root))


def sign(document: D, signer: Signer, root: RootDocument | None) -> D:
    """The document with the signer's signature; the same document when that is there already. `root` as for `missing`.

    Raises SignatureInvalid for a signer who has no say in this document.
    """
    missing(document, root)
    if signer.key_id in document.signatures:
        return document
    holder_of(document, signer.key_id, root)
    signature = signer.sign(document.payload).hex()
    signed = replace(document, signatures={**document.signatures, signer.key_id: signature})
    missing(signed, root)  # a faulty signer is found here, not at another office
    return signed


def holder_of(document: RootDocument | TargetsDocument, key_id: str, root: RootDocument | None) -> str:
    """Division code of the holder of a key that may sign the document. Raises SignatureInvalid when it may not."""
    for each in _deciding(document, root):
        for division, key in each.holders.items():
            if key.key_id == key_id:
                return division
    raise SignatureInvalid(
        f"this key has no say in {document.file_name}: it is none of the holders' keys in "
        f"{_names(_deciding(document, root))}; give the key of a holder",
        "NOT_A_HOLDER",
    )


def merge(documents: Sequence[D], root: RootDocument | None) -> D:
    """One document with the signatures of all, collected at several offices. `root` as for `missing`.

    Raises NotCanonical when they do not say the same.
    """
    first, *others = documents
    signatures: dict[str, str] = {}
    for document in (first, *others):
        if document.payload != first.payload:
            raise NotCanonical(
                "the files do not say the same, so their signatures do not belong together: compare the digests with "
                "the officials who signed, and sign one of them again",
                "NOT_THE_SAME",
            )
        missing(document, root)
        # Of two signatures by one key, which some suites make, either does.
        signatures = {**document.signatures, **signatures}
    return replace(first, signatures=signatures)


def _deciding(document: SignedDocument, root: RootDocument | None) -> tuple[RootDocument, ...]:
    """The roots whose holders decide on a document."""
    if isinstance(document, RootDocument):
        if document.version == 1:
            return (document,)
        if root is None or root.version != document.version - 1:
            raise MalformedInput(
                f"{document.file_name} must also be signed by holders named in {document.version - 1}.root.json: put "
                "that file beside it"
            )
        return root, document
    if root is None:
        raise MalformedInput(f"the holders who sign {document.file_name} stand in the root: put N.root.json beside it")
    return (root,)


def _quorum(root: RootDocument, document: SignedDocument) -> Quorum:
    signed = tuple(sorted(code for code, key in root.holders.items() if key.key_id in document.signatures))
    return Quorum(root.file_name, root.threshold, signed, tuple(sorted(set(root.holders) - set(signed))))


def _require_enough(document: SignedDocument, quorum: Quorum) -> None:
    if quorum.missing:
        raise SignatureInvalid(
            f"{document.file_name} has {len(quorum.signed)} of the {quorum.threshold} signatures that {quorum.root} "
            "asks for: have it signed by more of its holders, or delete it to begin again",
            "TOO_FEW_SIGNATURES",
        )


def _names(roots: Sequence[RootDocument]) -> str:
    return " or ".join(root.file_name for root in roots)


def _verify(key: PublicKey | None, signature: str, payload: bytes, names: str) -> None:
    if key is None:
        raise SignatureInvalid(
            f"it carries a signature by a key that is no holder's in {names}: go on with the last file that was in "
            "order, or put the root beside it that was in force when it was signed",
            "NOT_A_HOLDER",
        )
    try:
        key.verify(bytes.fromhex(signature), payload)
    except SignatureInvalid:
        raise SignatureInvalid(
            "it carries a signature that does not fit its content: it was changed after it was signed; go on with the "
            "last file that was in order, and tell the other holders"
        ) from None
