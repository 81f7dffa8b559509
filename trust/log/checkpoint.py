"""Signed tree heads as C2SP notes: `tlog-checkpoint` with `tlog-cosignature` lines (c2sp.org, v1.0.0 of both).

    huxin/140000
    5120
    <root hash, base64>

    — huxin/140000 <base64 of key hint, Ed25519 signature>
    — huxin/140000/node <base64 of key hint, u64 seconds, Ed25519 signature>

Every C2SP reader can read these notes, but not every C2SP note is accepted here. C2SP lets a verifier skip lines it
does not know; here a line that is not known and valid refuses the note, so that no bit of it can be changed:

- no extension lines; the head's own signature first, then cosigners in ascending order of their names, one line each;
- base64 in its one form, sizes without leading zeros, LF alone, at most `MAX_CHECKPOINT_BYTES`;
- the four-byte key hints must fit, but say nothing: whole keys from the trusted state do;
- one key counts once: a cosignature does not name its cosigner, so that its line could be copied under another name.

Cosignatures carry the time, head signatures do not: the node's own cosignature is its proof of freshness.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from types import MappingProxyType

from trust.algorithms import PublicKey
from trust.errors import BadKey, CheckpointInvalid, SignatureInvalid
from trust.keys import Signer
from trust.log.tree import HASH_BYTES

MAX_CHECKPOINT_BYTES = 16_384
"""Refused above this size before parsing: room for 64 cosignatures, twice what all province-level nodes would add."""

_HEAD_TYPE = b"\x01"  # Ed25519, C2SP signed-note
_COSIGNATURE_TYPE = b"\x04"  # timestamped Ed25519, C2SP tlog-cosignature

_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: what precedes the 32 bytes of an Ed25519 key
_HINT_BYTES, _TIME_BYTES, _SIGNATURE_BYTES = 4, 8, 64

# Key names: printable ASCII without space and plus (C2SP signed-note wants no Unicode spaces and no plus).
_NAME = r"[!-*,-~]{1,128}"
_BODY = re.compile(rf"(?P<origin>{_NAME})\n(?P<size>0|[1-9][0-9]{{0,17}})\n(?P<root>[A-Za-z0-9+/]{{43}}=)\n")
_SUCCESSOR = re.compile(r"(?<=^huxin/[0-9]{6})/[0-9]+$")
_LINE = re.compile(rf"— (?P<name>{_NAME}) (?P<blob>[A-Za-z0-9+/]{{1,128}}={{0,2}})")


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head whose every line was verified. `root` is 32 bytes, times are UTC in whole seconds.

    `cosigned_at` is the time of the issuer's own cosignature, None while there is none; `cosigners` are all, by name.
    """

    origin: str
    size: int
    root: bytes
    cosigned_at: datetime | None
    cosigners: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class _Note:
    """A note as parsed, nothing verified: `lines` are (name, hint, what follows the hint) in the note's order."""

    body: str
    origin: str
    size: int
    root: bytes
    lines: tuple[tuple[str, bytes, bytes], ...]


def origin_of(division: str) -> str:
    """Origin of a jurisdiction's log, such as `huxin/140000`. Its head key goes by the same name."""
    return f"huxin/{division}"


def own_cosigner(origin: str) -> str:
    """Name under which the node that keeps a log cosigns it, and as a witness all others, such as `huxin/140000/node`.

    The same for each log that it keeps after another (`huxin/140000/2`, `trust.log.succession`).
    """
    return f"{_SUCCESSOR.sub('', origin)}/node"


def key_hint(name: str, spki: bytes, kind: bytes) -> bytes:
    """SHA-256(name || 0x0A || type byte || 32-byte Ed25519 key)[:4]. Raises BadKey for a key of another suite."""
    if len(spki) != len(_SPKI_PREFIX) + 32 or not spki.startswith(_SPKI_PREFIX):
        raise BadKey("Checkpoints are signed and cosigned with Ed25519 keys. Make a log key of that suite.")
    return sha256(name.encode() + b"\n" + kind + spki[len(_SPKI_PREFIX) :]).digest()[:_HINT_BYTES]


def sign_head(origin: str, size: int, root: bytes, head_key: Signer) -> str:
    """The note of a tree head, signed by the log. Raises CheckpointInvalid for values that no checkpoint can hold.

    Whoever signs must never sign a head that does not continue all heads signed before.
    """
    body = f"{origin}\n{size}\n{b64encode(root).decode()}\n"
    if not _BODY.fullmatch(body):
        raise CheckpointInvalid("A head has an origin without spaces, a size from 0 below 10^18 and a 32-byte root.")
    hint = key_hint(origin, head_key.spki, _HEAD_TYPE)
    return f"{body}\n{_line(origin, hint + head_key.sign(body.encode()))}"


def cosign(text: str, name: str, cosigner_key: Signer, at: datetime) -> str:
    """The note with this cosigner's line added, or its older line replaced. `at` is aware, cut to whole seconds.

    The note is read, not verified: a cosigner cosigns what it proved consistent with all it saw before, and nothing
    smaller. Raises CheckpointInvalid when the text is no checkpoint or `name` is its origin or unfit as a name.
    """
    note = _parse(text)
    if name == note.origin or not re.fullmatch(_NAME, name):
        raise CheckpointInvalid("A cosigner has a name of its own, without spaces. Use one such as huxin/140000/node.")
    if at.utcoffset() is None or at.timestamp() < 0:
        raise CheckpointInvalid(
            "A cosignature states an instant after 1970 with its offset from UTC. Give such a time."
        )
    seconds = int(at.timestamp())
    signature = cosigner_key.sign(_cosigned_message(note.body, seconds))
    hint = key_hint(name, cosigner_key.spki, _COSIGNATURE_TYPE)
    (head_name, *head), *cosigned = note.lines
    lines = {other: hinted + rest for other, hinted, rest in cosigned}
    lines[name] = hint + seconds.to_bytes(_TIME_BYTES, "big") + signature
    ordered = [(head_name, b"".join(head)), *sorted(lines.items())]
    return f"{note.body}\n" + "".join(_line(signer, blob) for signer, blob in ordered)


def open_checkpoint(text: str, head_key: PublicKey, origin: str, cosigners: Mapping[str, PublicKey]) -> SignedHead:
    """Verify a note, every line of it, as a head of the log `origin` under the given keys.

    Raises CheckpointInvalid for any line that is unknown, missing, repeated, out of order or does not verify, and
    BadKey when a given key is not Ed25519. A cosigner that is given need not have cosigned: count `cosigners`.
    """
    note = _parse(text)
    if note.origin != origin:
        raise CheckpointInvalid("The tree head belongs to another log. Fetch the head of the log that was asked for.")
    (_, hint, signature), *cosigned = note.lines
    _verify(head_key, hint, key_hint(origin, head_key.spki, _HEAD_TYPE), signature, note.body.encode())
    if len({cosigners[name].key_id for name, _, _ in cosigned if name in cosigners}) != len(cosigned):
        raise CheckpointInvalid(
            "The tree head has a cosignature of nobody known here, or two under one key. Refresh the trusted state."
        )
    times = {}
    for name, hint, stamped in cosigned:
        key = cosigners[name]
        seconds = int.from_bytes(stamped[:_TIME_BYTES], "big")
        message = _cosigned_message(note.body, seconds)
        _verify(key, hint, key_hint(name, key.spki, _COSIGNATURE_TYPE), stamped[_TIME_BYTES:], message)
        times[name] = _instant(seconds)
    return SignedHead(origin, note.size, note.root, times.get(own_cosigner(origin)), MappingProxyType(times))


def size_of(text: str) -> int:
    """The size that a note names. Nothing is verified. Raises CheckpointInvalid."""
    return _parse(text).size


def peek_checkpoint(text: str) -> tuple[str, int, bytes]:
    """Origin, size and root (32 bytes) that a note names. Nothing is verified. Raises CheckpointInvalid."""
    note = _parse(text)
    return note.origin, note.size, note.root


def with_lines_of(text: str, names: Container[str]) -> str:
    """The note with the log's own signature and the lines of these cosigners alone, as C2SP lets any reader do.

    For evidence: who shows two heads cannot spoil them by a line of somebody unknown. Raises CheckpointInvalid.
    """
    note = _parse(text)
    kept = [line for place, line in enumerate(note.lines) if place == 0 or line[0] in names]
    return f"{note.body}\n" + "".join(_line(name, hint + rest) for name, hint, rest in kept)


def _parse(text: str) -> _Note:
    """Read a note in the one accepted form. Nothing is verified. Raises CheckpointInvalid."""
    # Characters first, so that nothing is encoded for a giant; the em dash of each line takes three bytes.
    if len(text) > MAX_CHECKPOINT_BYTES or len(text.encode(errors="replace")) > MAX_CHECKPOINT_BYTES:
        raise CheckpointInvalid("The tree head is larger than any this log can have. Fetch it again.", "TOO_LARGE")
    body, blank, signatures = text.partition("\n\n")
    found = _BODY.fullmatch(body + "\n")
    if found is None or not blank or not signatures.endswith("\n"):
        raise _malformed()
    root = _decode(found["root"])
    lines = tuple(_signature(line) for line in signatures[:-1].split("\n"))
    (head_name, _, head_signature), *cosigned = lines
    names = [name for name, _, _ in cosigned]
    if head_name != found["origin"] or len(head_signature) != _SIGNATURE_BYTES or len(root) != HASH_BYTES:
        raise _malformed()
    if any(len(stamped) != _TIME_BYTES + _SIGNATURE_BYTES for _, _, stamped in cosigned):
        raise _malformed()
    if head_name in names or any(before >= after for before, after in pairwise(names)):
        raise _malformed()
    return _Note(body + "\n", found["origin"], int(found["size"]), root, lines)


def _signature(line: str) -> tuple[str, bytes, bytes]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise _malformed()
    blob = _decode(found["blob"])
    return found["name"], blob[:_HINT_BYTES], blob[_HINT_BYTES:]


def _decode(text: str) -> bytes:
    """Base64 in its one form: RFC 4648 section 3.5 leaves the unused last bits to the decoder, so compare."""
    try:
        decoded = b64decode(text, validate=True)
    except ValueError:
        raise _malformed() from None
    if b64encode(decoded).decode() != text:
        raise _malformed()
    return decoded


def _verify(key: PublicKey, hint: bytes, expected_hint: bytes, signature: bytes, message: bytes) -> None:
    try:
        key.verify(signature, message)
    except SignatureInvalid:
        raise CheckpointInvalid("A signature of the tree head does not verify. Fetch the head again.") from None
    if hint != expected_hint:
        raise CheckpointInvalid("A key hint of the tree head does not fit its key. Fetch the head again.")


def _cosigned_message(body: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{body}".encode()


def _instant(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise CheckpointInvalid("A cosignature of the tree head carries an impossible time.") from None


def _line(name: str, blob: bytes) -> str:
    return f"— {name} {b64encode(blob).decode()}\n"


def _malformed() -> CheckpointInvalid:
    return CheckpointInvalid(
        "The tree head is not a checkpoint in its one accepted form (C2SP tlog-checkpoint). Fetch it again."
    )
