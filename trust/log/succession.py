"""Recovery from a log with two histories: a successor log, signed off by k of n (`docs/protocol.md`, Log).

A *succession* closes a log at its last honest head and names the log that goes on in its place. It has one form, JSON
with sorted names, in which the registry's holders sign it and which is the first entry of the successor:

    {"cosigner_key": "<base64>", "decided_at": "2026-11-22T02:00:00Z", "head": "<signed note>",
     "log_key": "<base64>", "origin": "huxin/140000/2", "predecessor": "huxin/140000"}

Who decides that a head is the last honest one, and how many must, is the registry's business: here are only the rules
that hold for whatever was decided. The keys may be those of the log before, where nobody stole them.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from trust.algorithms import PublicKey, Suite, load_public_key
from trust.errors import BadKey, CheckpointInvalid, MalformedInput, NotCanonical, TooLarge
from trust.log.checkpoint import SignedHead, open_checkpoint, own_cosigner, peek_checkpoint
from trust.log.tree import EMPTY_ROOT

MAX_SUCCESSION_BYTES: Final = 4_096
"""Refused above this size before parsing: a note with one cosignature and two keys take a quarter of it."""

MAX_LOGS: Final = 64
"""Logs that a jurisdiction can have one after the other: each is followed and asked for ever."""

_ORIGIN = re.compile(r"(?P<first>huxin/(?P<division>[0-9]{6}))(?:/(?P<number>[1-9][0-9]?))?")
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_FIELDS = ("cosigner_key", "decided_at", "head", "log_key", "origin", "predecessor")


@dataclass(frozen=True, slots=True)
class Succession:
    """`predecessor` is closed at the head that the note `head` signs; `origin` goes on with these two keys (DER SPKI).

    `decided_at`: UTC, whole seconds. Raises MalformedInput, CheckpointInvalid or BadKey for what no succession can say.
    Whether the log before signed the note, `open_last_head` says.
    """

    predecessor: str
    head: str
    origin: str
    log_key: bytes
    cosigner_key: bytes
    decided_at: datetime

    def __post_init__(self) -> None:
        if self.origin != next_origin(self.predecessor):
            raise MalformedInput("a log is succeeded by the one with the next number: ask who wrote the succession")
        if self.decided_at.tzinfo is not UTC or self.decided_at.microsecond:
            raise MalformedInput("the moment of a succession is in UTC and whole seconds: ask who wrote it")
        named, size, root = peek_checkpoint(self.head)
        if named != self.predecessor:
            raise MalformedInput("the last head is that of another log: ask who wrote the succession")
        if size == 0 and root != EMPTY_ROOT:
            raise CheckpointInvalid("The head of an empty log has another root than the empty tree.")
        if self.new_head_key.key_id == self.new_cosigner.key_id:
            raise BadKey("a log's key and its node's cosigner key are two keys: make another one")

    @property
    def division(self) -> str:
        """Whose log it is."""
        return division_of(self.predecessor)

    @property
    def size(self) -> int:
        """How many entries of the log before count."""
        return peek_checkpoint(self.head)[1]

    @property
    def root(self) -> bytes:
        """Root of the tree of these entries, 32 bytes."""
        return peek_checkpoint(self.head)[2]

    @property
    def new_head_key(self) -> PublicKey:
        """The key that signs the successor's heads."""
        return load_public_key(self.log_key, Suite.ED25519)

    @property
    def new_cosigner(self) -> PublicKey:
        """The key with which the node cosigns from then on."""
        return load_public_key(self.cosigner_key, Suite.ED25519)

    @property
    def fields(self) -> dict[str, str]:
        """What is said, as JSON says it."""
        return {
            "cosigner_key": b64encode(self.cosigner_key).decode(),
            "decided_at": f"{self.decided_at:{_MOMENT}}",
            "head": self.head,
            "log_key": b64encode(self.log_key).decode(),
            "origin": self.origin,
            "predecessor": self.predecessor,
        }

    @property
    def entry(self) -> bytes:
        """The one form: the first entry of the successor log."""
        return json.dumps(self.fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

    @property
    def digest(self) -> bytes:
        """SHA-256 of `entry`."""
        return sha256(self.entry).digest()


def read_succession(data: bytes) -> Succession:
    """A succession in its one form. Raises MalformedInput, NotCanonical, CheckpointInvalid or BadKey."""
    if len(data) > MAX_SUCCESSION_BYTES:
        raise TooLarge(f"a succession has at most {MAX_SUCCESSION_BYTES} bytes: ask for the original file")
    try:
        found = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedInput("the file holds no succession of a log: ask for the original file") from None
    succession = succession_of(found)
    if succession.entry != data:
        raise NotCanonical("the succession is not in its one form: ask for the original file")
    return succession


def succession_of(found: object) -> Succession:
    """A succession from the fields that JSON names. Raises as `read_succession`, but for the form as bytes."""
    if not isinstance(found, dict) or sorted(found) != list(_FIELDS):
        raise MalformedInput("a succession has six fields and no others: upgrade, or ask who wrote it")
    if not all(isinstance(value, str) and len(value) <= MAX_SUCCESSION_BYTES for value in found.values()):
        raise MalformedInput("a field of the succession is no text, or too long: ask who wrote it")
    try:
        succession = Succession(
            predecessor=found["predecessor"],
            head=found["head"],
            origin=found["origin"],
            log_key=b64decode(found["log_key"], validate=True),
            cosigner_key=b64decode(found["cosigner_key"], validate=True),
            decided_at=datetime.strptime(found["decided_at"], _MOMENT).replace(tzinfo=UTC),
        )
    except ValueError:
        raise MalformedInput("a key or the moment of the succession cannot be read: ask who wrote it") from None
    if succession.fields != found:
        raise NotCanonical("a field of the succession is not in its one form: ask for the original file")
    return succession


def open_last_head(succession: Succession, head_key: PublicKey, cosigner: PublicKey) -> SignedHead:
    """The last honest head, signed by the log that is closed and cosigned by its node, and by nobody else.

    Raises CheckpointInvalid: then it is no head of that log, whoever signed the succession off.
    """
    own = own_cosigner(succession.predecessor)
    head = open_checkpoint(succession.head, head_key, succession.predecessor, {own: cosigner})
    if head.cosigned_at is None:
        raise CheckpointInvalid("The last head of a closed log is cosigned by the log's own node. Ask it for that.")
    return head


def division_of(origin: str) -> str:
    """Whose log an origin names. Raises MalformedInput for an origin that is not of our form."""
    return _match(origin)["division"]


def next_origin(origin: str) -> str:
    """Origin of the log that succeeds this one: `huxin/140000`, `huxin/140000/2`, ... Raises MalformedInput."""
    found = _match(origin)
    number = 1 if found["number"] is None else int(found["number"])
    if number >= MAX_LOGS:
        raise MalformedInput(f"a jurisdiction has at most {MAX_LOGS} logs: the federation must talk about this one")
    return f"{found['first']}/{number + 1}"


def in_log_order(successions: Iterable[Succession]) -> tuple[Succession, ...]:
    """Each jurisdiction's successions from its first log on. Raises MalformedInput where one is missing or twice."""
    held = sorted(successions, key=lambda each: (each.division, _number(each.origin)))
    expected: dict[str, str] = {}
    for each in held:
        if each.predecessor != expected.get(each.division, f"huxin/{each.division}"):
            raise MalformedInput("a log is succeeded once, and only the newest one: ask who wrote the successions")
        expected[each.division] = each.origin
    return tuple(held)


def _number(origin: str) -> int:
    return int(_match(origin)["number"] or 1)


def _match(origin: str) -> re.Match[str]:
    found = _ORIGIN.fullmatch(origin)
    if found is None or found["number"] == "1":
        raise MalformedInput("a log's origin is huxin/ and a division code, from the second log on with its number")
    return found
