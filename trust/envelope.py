"""DSSE v1 envelopes: bytes to sign, seal, check, JSON form.

Source: https://github.com/secure-systems-lab/dsse, protocol.md and envelope.md, v1.0.
What is signed is the payload's bytes with their type; a payload is never re-serialised to verify it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from trust.algorithms import PublicKey, Suite, check_signature
from trust.errors import MalformedInput, NotCanonical, TooLarge
from trust.keys import Signer

MAX_SIGNATURES = 8
"""One per suite and then some: each costs a verifier an asymmetric operation."""

MAX_SIGNATURE_BYTES = 8 * 1024
"""Room for ML-DSA-87 (4,627 bytes)."""

MAX_PAYLOAD_TYPE_CHARS = 128

MAX_JSON_BYTES = 2 * 1024 * 1024

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: who made it (64 lowercase hex characters) and its bytes."""

    key_id: str
    sig: bytes

    def __post_init__(self) -> None:
        if len(self.key_id) != 64 or not _HEX.issuperset(self.key_id):
            raise MalformedInput("a key id is 64 lowercase hex characters: sign with the full id")
        if not 0 < len(self.sig) <= MAX_SIGNATURE_BYTES:
            raise MalformedInput(f"a signature holds 1 to {MAX_SIGNATURE_BYTES} bytes: sign again")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed payload. Signatures stand in rising order of key id, one per key: one envelope, one form.

    Raises MalformedInput or NotCanonical when built otherwise. Nothing in it has been verified.
    """

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if not self.payload_type.isascii() or not 0 < len(self.payload_type) <= MAX_PAYLOAD_TYPE_CHARS:
            raise MalformedInput(f"a payload type is 1 to {MAX_PAYLOAD_TYPE_CHARS} ASCII characters")
        if not self.signatures:
            raise MalformedInput("the envelope carries no signature: it proves nothing")
        if len(self.signatures) > MAX_SIGNATURES:
            raise TooLarge(f"an envelope carries at most {MAX_SIGNATURES} signatures: sign once per suite")
        ids = [signature.key_id for signature in self.signatures]
        if any(earlier >= later for earlier, later in pairwise(ids)):
            raise NotCanonical("signatures stand in rising order of key id, one per key: seal the payload again")


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding: `DSSEv1 SP len(type) SP type SP len(payload) SP payload`, lengths in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(payload_type: str, payload: bytes, signers: Sequence[Signer]) -> Envelope:
    """Sign a payload with each signer. Raises MalformedInput without signers, NotCanonical with one key twice."""
    message = pae(payload_type, payload)
    ordered = sorted(signers, key=lambda signer: signer.key_id)
    return Envelope(payload_type, payload, tuple(Signature(s.key_id, s.sign(message)) for s in ordered))


def check_signatures(envelope: Envelope, keys: Mapping[str, PublicKey]) -> frozenset[Suite]:
    """Check every signature under the known keys (by key id) and return the suites that signed.

    Raises SignatureInvalid when any of them does not verify or names an unknown key: one bad signature spoils the
    envelope, for otherwise its bytes could be altered without anyone noticing.
    """
    message = pae(envelope.payload_type, envelope.payload)
    return frozenset(check_signature(keys, s.key_id, s.sig, message) for s in envelope.signatures)


def to_json(envelope: Envelope) -> str:
    """Standard DSSE JSON, which any DSSE tool verifies: base64 of RFC 4648 section 4, with padding."""
    return json.dumps(
        {
            "payload": base64.b64encode(envelope.payload).decode(),
            "payloadType": envelope.payload_type,
            "signatures": [{"keyid": s.key_id, "sig": base64.b64encode(s.sig).decode()} for s in envelope.signatures],
        },
        separators=(",", ":"),
    )


def from_json(text: str) -> Envelope:
    """Read standard DSSE JSON. Stricter than DSSE: no other members, no URL-safe or unpadded base64.

    Raises TooLarge, MalformedInput or NotCanonical.
    """
    if len(text) > MAX_JSON_BYTES:
        raise TooLarge(f"an envelope in JSON holds at most {MAX_JSON_BYTES} characters")
    try:
        document = json.loads(text, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        raise MalformedInput("not JSON: give the envelope as it was exported") from None
    payload, payload_type, signatures = _strictly(document, "payload", "payloadType", "signatures")
    if not isinstance(payload_type, str) or not isinstance(signatures, list):
        raise MalformedInput("payloadType is a string and signatures a list: give the envelope as it was exported")
    pairs = [_strictly(entry, "keyid", "sig") for entry in signatures]
    if not all(isinstance(key_id, str) for key_id, _ in pairs):
        raise MalformedInput("keyid is a string: give the envelope as it was exported")
    ordered = sorted(pairs, key=lambda pair: str(pair[0]))
    return Envelope(payload_type, _octets(payload), tuple(Signature(key_id, _octets(sig)) for key_id, sig in ordered))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotCanonical("a JSON member is given twice: give the envelope as it was exported")
    return members


def _strictly(document: object, *names: str) -> tuple[Any, ...]:
    if not isinstance(document, dict) or set(document) != set(names):
        raise MalformedInput(f"the JSON members must be exactly {', '.join(names)}")
    return tuple(document[name] for name in names)


def _octets(text: object) -> bytes:
    if not isinstance(text, str):
        raise MalformedInput("binary members are base64 strings: give the envelope as it was exported")
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedInput("a member is not standard base64 with padding") from None
    if base64.b64encode(octets).decode() != text:
        raise NotCanonical("a member is not in canonical base64: give the envelope as it was exported")
    return octets
