"""Root and top-level targets of the trust registry as values, read in one form only.

They are TUF metadata (specification 1.0, python-tuf reads and writes them), held to a profile: the same k of n keys of
jurisdictions sign root and targets; snapshot and timestamp have one online key each; targets names no files and
delegates to each jurisdiction its own paths and no others (`docs/protocol.md`, Trusted state). It also says which logs
were succeeded by which (`trust.log.succession`): that is for k of n to sign off.

Reading takes out what a document of this profile can say, writes it again, and compares the two field by field: what
is unknown, missing, or said otherwise is refused by name. So two documents that read alike are alike, and whatever a
summary shows is all there is.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar

from securesystemslib.signer import Signature
from tuf.api.metadata import (
    SPECIFICATION_VERSION,
    DelegatedRole,
    Delegations,
    Metadata,
    Role,
    Root,
    Targets,
)
from tuf.api.serialization import DeserializationError, SerializationError
from tuf.api.serialization.json import CanonicalJSONSerializer, JSONSerializer

from node.registry.keys import HOLDER_FIELD, public_key, tuf_key
from node.registry.strict_json import read_json, require_same
from trust.algorithms import PublicKey
from trust.errors import BadKey, MalformedInput, TooLarge
from trust.log.succession import Succession, in_log_order, succession_of
from trust.vocabulary import require_division

COORDINATOR_FIELD = "x-huxin-coordinator"
"""Field of root: the division code of the coordinator, so that k of n can move it. It serves snapshot and timestamp."""

SUCCESSIONS_FIELD = "x-huxin-successions"
"""Field of targets, absent while there are none: by the origin of each closed log what goes on in its place."""

MAX_ROOT_BYTES = 512_000
"""As python-tuf's client limits it (`UpdaterConfig.root_max_length`)."""
MAX_TARGETS_BYTES = 5_000_000
"""As python-tuf's client limits it (`UpdaterConfig.targets_max_length`)."""
MAX_VERSION = 2**31 - 1

_HEX = re.compile("(?:[0-9a-f]{2})+")
_KEY_ID = re.compile("[0-9a-f]{64}")
_SPECIFICATION = re.compile(r"1\.[0-9]{1,3}(\.[0-9]{1,3})?")


def delegated_paths(division: str) -> list[str]:
    """The paths of a jurisdiction's own name. Both are needed: a `*` does not cross `/` in TUF."""
    return [f"{division}/*", f"{division}/*/*"]


@dataclass(frozen=True, kw_only=True)
class SignedDocument:
    """What root and targets have in common. `expires`: UTC, whole seconds, exclusive. `signatures`: hex by key id.

    Whether the signatures verify, and suffice, `node.registry.signatures` says.
    """

    kind: ClassVar[str]
    version: int
    expires: datetime
    specification: str = ".".join(SPECIFICATION_VERSION)
    signatures: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.version) is not int or not 1 <= self.version <= MAX_VERSION:
            raise MalformedInput("the version is a whole number from 1: ask for the original document")
        if not _SPECIFICATION.fullmatch(self.specification):
            raise MalformedInput("spec_version is a version of TUF 1: upgrade huxin on this machine")
        if self.expires.tzinfo is not UTC or self.expires.microsecond:
            raise MalformedInput("the day of expiry is in UTC and whole seconds: ask for the original document")

    @property
    @abstractmethod
    def signed(self) -> Root | Targets:
        """The signed part as python-tuf holds it, made anew."""

    @property
    def payload(self) -> bytes:
        """The bytes that are signed: canonical JSON of the signed part."""
        return CanonicalJSONSerializer().serialize(self.signed)

    @property
    def digest(self) -> str:
        """What officials compare: hex SHA-256 of `payload`, the same whoever has signed already."""
        return sha256(self.payload).hexdigest()

    @property
    def file_name(self) -> str:
        """The name under which the repository keeps it."""
        return f"{self.version}.{self.kind}.json"

    def to_bytes(self) -> bytes:
        """The file: JSON, the same bytes for the same content and signatures."""
        signatures = {key_id: Signature(key_id, self.signatures[key_id]) for key_id in sorted(self.signatures)}
        return JSONSerializer().serialize(Metadata(self.signed, signatures)) + b"\n"


@dataclass(frozen=True, kw_only=True)
class RootDocument(SignedDocument):
    """Who may change the registry: `threshold` of `holders` (division code: offline key), and the coordinator.

    Raises TrustError for what no root of this profile can say.
    """

    kind: ClassVar[str] = "root"
    holders: Mapping[str, PublicKey]
    threshold: int
    coordinator: str
    snapshot: PublicKey
    timestamp: PublicKey

    def __post_init__(self) -> None:
        super().__post_init__()
        require_division("coordinator", self.coordinator)
        for division in self.holders:
            require_division("holder", division)
        if type(self.threshold) is not int or not 1 <= self.threshold <= len(self.holders):
            raise MalformedInput("the threshold lies between 1 and the number of holders: choose another")
        _require_distinct([*self.holders.values(), self.snapshot, self.timestamp])

    @property
    def signed(self) -> Root:
        keys = {key.key_id: tuf_key(key, division) for division, key in self.holders.items()}
        online = {key.key_id: tuf_key(key) for key in (self.snapshot, self.timestamp)}
        offline = sorted(keys)
        roles = {
            "root": Role(offline, self.threshold),
            "targets": Role(list(offline), self.threshold),
            "snapshot": Role([self.snapshot.key_id], 1),
            "timestamp": Role([self.timestamp.key_id], 1),
        }
        return Root(
            self.version,
            self.specification,
            self.expires,
            keys | online,
            roles,
            consistent_snapshot=True,
            unrecognized_fields={COORDINATOR_FIELD: self.coordinator},
        )


@dataclass(frozen=True)
class Delegation:
    """A jurisdiction's registry keys, by key id, and how many of them must sign what it publishes."""

    keys: Mapping[str, PublicKey]
    threshold: int

    def __post_init__(self) -> None:
        if type(self.threshold) is not int or not 1 <= self.threshold <= len(self.keys):
            raise MalformedInput("the threshold of a delegation lies between 1 and the number of its keys: correct it")


@dataclass(frozen=True, kw_only=True)
class TargetsDocument(SignedDocument):
    """Who publishes under which name: one delegation per division code.

    Raises TrustError for what no targets of this profile can say: two jurisdictions never share a key, or one could
    publish under the other's name.
    """

    kind: ClassVar[str] = "targets"
    delegations: Mapping[str, Delegation]
    successions: tuple[Succession, ...] = ()
    """Of each jurisdiction in the order of its logs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for division in self.delegations:
            require_division("delegation", division)
        _require_distinct([key for each in self.delegations.values() for key in each.keys.values()])
        if self.successions != in_log_order(self.successions):
            raise MalformedInput("successions of logs stand in another order than this document has: ask who wrote it")

    def reopens(self, earlier: TargetsDocument) -> bool:
        """Whether it drops or changes a succession: whoever could open a log again could bring a false history back."""
        return not frozenset(earlier.successions) <= frozenset(self.successions)

    @property
    def signed(self) -> Targets:
        keys = {key_id: tuf_key(key) for each in self.delegations.values() for key_id, key in each.keys.items()}
        roles = {
            division: DelegatedRole(
                division,
                sorted(each.keys),
                each.threshold,
                terminating=True,
                paths=delegated_paths(division),
            )
            for division, each in sorted(self.delegations.items())
        }
        successions = {each.predecessor: each.fields for each in self.successions}
        return Targets(
            self.version,
            self.specification,
            self.expires,
            {},
            Delegations(keys, roles),
            unrecognized_fields={SUCCESSIONS_FIELD: successions} if successions else {},
        )


Document = RootDocument | TargetsDocument


def read_root(data: bytes) -> RootDocument:
    """A root document in its one form. Raises a TrustError that names the field. Signatures are not verified here."""
    found, metadata = _parse(data, "root", MAX_ROOT_BYTES)
    signed = metadata.signed
    if not isinstance(signed, Root):
        raise MalformedInput("this is no root document: give the file N.root.json")
    try:
        holders = {}
        for key_id in signed.roles["root"].keyids:
            key = signed.keys[key_id]
            division = key.unrecognized_fields[HOLDER_FIELD]
            if division in holders:
                raise MalformedInput("two of the root keys belong to one jurisdiction: each holds one at most")
            holders[division] = public_key(key)
        document = RootDocument(
            version=signed.version,
            expires=signed.expires,
            specification=signed.spec_version,
            signatures=_signatures(metadata),
            holders=holders,
            threshold=signed.roles["root"].threshold,
            coordinator=signed.unrecognized_fields[COORDINATOR_FIELD],
            snapshot=public_key(signed.keys[signed.roles["snapshot"].keyids[0]]),
            timestamp=public_key(signed.keys[signed.roles["timestamp"].keyids[0]]),
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise _incomplete("root") from None
    _require_form(found, document)
    return document


def read_targets(data: bytes) -> TargetsDocument:
    """A top-level targets document in its one form. Raises a TrustError that names the field.

    Signatures are not verified here. A delegation of other paths than the jurisdiction's own is refused.
    """
    found, metadata = _parse(data, "targets", MAX_TARGETS_BYTES)
    signed = metadata.signed
    if not isinstance(signed, Targets):
        raise MalformedInput("this is no targets document: give the file N.targets.json")
    try:
        if signed.delegations is None or signed.delegations.roles is None:
            raise _incomplete("targets")
        delegations = {}
        for division, role in signed.delegations.roles.items():
            require_division("delegation", division)
            if role.paths != delegated_paths(division):
                raise MalformedInput(
                    f"the delegation of {division} names paths that are not its own: a jurisdiction publishes under "
                    "its own name only; do not sign this, and tell the other holders",
                    "WRONG_DELEGATION",
                )
            keys = {key_id: public_key(signed.delegations.keys[key_id]) for key_id in role.keyids}
            delegations[division] = Delegation(keys, role.threshold)
        document = TargetsDocument(
            version=signed.version,
            expires=signed.expires,
            specification=signed.spec_version,
            signatures=_signatures(metadata),
            delegations=delegations,
            successions=_successions(signed.unrecognized_fields.get(SUCCESSIONS_FIELD, {})),
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        raise _incomplete("targets") from None
    _require_form(found, document)
    return document


def read_document(data: bytes) -> Document:
    """A root or a targets document, whichever it says that it is. Raises TrustError."""
    if len(data) > MAX_TARGETS_BYTES:
        raise _too_large(MAX_TARGETS_BYTES)
    signed = read_json(data).get("signed")
    kind = signed.get("_type") if isinstance(signed, dict) else None
    if kind == RootDocument.kind:
        return read_root(data)
    if kind == TargetsDocument.kind:
        return read_targets(data)
    raise MalformedInput("this is neither root nor targets: give a file N.root.json or N.targets.json")


def _parse(data: bytes, kind: str, limit: int) -> tuple[dict[str, Any], Metadata[Any]]:
    if len(data) > limit:
        raise _too_large(limit)
    found = read_json(data)
    try:
        metadata: Metadata[Any] = Metadata.from_bytes(data)
    except DeserializationError:
        raise MalformedInput(
            f"this is no {kind} document of TUF 1.0: ask for the original file N.{kind}.json"
        ) from None
    return found, metadata


def _signatures(metadata: Metadata[Any]) -> dict[str, str]:
    """Signatures by key id, in the one spelling of hex."""
    for key_id, signature in metadata.signatures.items():
        if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
            raise MalformedInput("a signature names no key id of 64 characters: ask for the original document")
        if not isinstance(signature.signature, str) or not _HEX.fullmatch(signature.signature):
            raise MalformedInput("a signature is not written in lowercase hex: ask for the original document")
    return {key_id: signature.signature for key_id, signature in metadata.signatures.items()}


def _successions(found: object) -> tuple[Succession, ...]:
    """From the field of targets. Raises TrustError for one that no succession can say, or that is out of its order."""
    if not isinstance(found, dict):
        raise _incomplete("targets")
    return in_log_order(map(succession_of, found.values()))


def _require_form(found: dict[str, Any], document: Document) -> None:
    """Refuse a document that says anything but what was taken out of it."""
    try:
        written = read_json(document.to_bytes())
    except SerializationError:
        raise _incomplete(document.kind) from None
    if isinstance(found.get("signatures"), list):
        # The order in which officials signed says nothing.
        found["signatures"] = sorted(found["signatures"], key=lambda each: str(each.get("keyid")))
    require_same(found, written)


def _require_distinct(keys: list[PublicKey]) -> None:
    if len({key.key_id for key in keys}) != len(keys):
        raise BadKey("one key stands in two places: each holder, each role and each jurisdiction has a key of its own")


def _incomplete(kind: str) -> MalformedInput:
    return MalformedInput(f"a field of the {kind} document is missing or of another kind: ask for the original file")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the file is larger than {limit} bytes, which no such document is: ask for the original file")
