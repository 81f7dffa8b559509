"""A second hand that reads C2SP notes: the rules of `c2sp.org/signed-note`, and signatures checked by OpenSSL.

Written from the texts and apart from `trust.log.checkpoint`, of which it imports nothing: what both accept was not
made to fit one of them. It is as lenient as C2SP lets readers be: lines of unknown keys are passed over.
"""

from __future__ import annotations

import hashlib
import tempfile
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from tests.support.openssl import openssl

ED25519, COSIGNATURE = 1, 4
_MOST_SIGNATURES = 100
_PUBLIC_KEY = bytes.fromhex("302a300506032b6570032100")
"""RFC 8410: a SubjectPublicKeyInfo up to the 32 bytes of the key."""


class BadNote(Exception):
    """Not a note, not a key, or a signature of a known key that does not verify."""


@dataclass(frozen=True)
class NoteKey:
    """A verifier key: `name+hint+base64(kind, key)`."""

    name: str
    hint: bytes
    kind: int
    key: bytes


@dataclass(frozen=True)
class OpenedNote:
    """The text that was signed, and when by whom: seconds for cosignatures, None for signatures without a time."""

    text: str
    signed: dict[str, int | None]

    @property
    def checkpoint(self) -> tuple[str, int, bytes]:
        """Origin, size and root, as `c2sp.org/tlog-checkpoint` lays them out."""
        origin, size, root, *_ = self.text.split("\n")
        if not origin or not size.isdigit() or str(int(size)) != size:
            raise BadNote("no checkpoint")
        return origin, int(size), b64decode(root, validate=True)


def read_key(text: str) -> NoteKey:
    """A verifier key as it is written. Raises BadNote."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not _name(parts[0]) or len(parts[1]) != 8:
        raise BadNote("a key has a name, a hint and its bytes")
    try:
        hint, data = bytes.fromhex(parts[1]), b64decode(parts[2], validate=True)
    except ValueError:
        raise BadNote("a key is hex and base64") from None
    if len(data) != 33 or data[0] not in (ED25519, COSIGNATURE):
        raise BadNote("a key of an unknown kind or length")
    if hashlib.sha256(parts[0].encode() + b"\n" + data).digest()[:4] != hint:
        raise BadNote("a hint that is not that of the key")
    return NoteKey(parts[0], hint, data[0], data[1:])


def write_key(name: str, kind: int, key: bytes) -> str:
    """The verifier key of 32 bytes of an Ed25519 key."""
    data = bytes([kind]) + key
    hint = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    return f"{name}+{hint.hex()}+{b64encode(data).decode()}"


def open_note(data: bytes, keys: list[NoteKey]) -> OpenedNote:
    """Reads a note, and checks the line of every known key. Raises BadNote, also when no known key signed."""
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise BadNote("not UTF-8") from None
    if any(character < " " and character != "\n" for character in note):
        raise BadNote("control characters")
    split = note.rfind("\n\n")
    if split < 0 or not note.endswith("\n"):
        raise BadNote("no signatures")
    text, lines = note[: split + 1], note[split + 2 :].split("\n")[:-1]
    if not 0 < len(lines) <= _MOST_SIGNATURES:
        raise BadNote("no signatures, or too many")
    signed: dict[str, int | None] = {}
    for line in lines:
        name, hint, signature = _line(line)
        for key in keys:
            if (key.name, key.hint) == (name, hint) and name not in signed:
                signed[name] = _check(key, text, signature)
    if not signed:
        raise BadNote("signed by nobody who is known")
    return OpenedNote(text, signed)


def _name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(character.isspace() for character in text)


def _line(line: str) -> tuple[str, bytes, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, blob = rest.partition(" ")
    if dash != "\u2014" or not _name(name):
        raise BadNote("no signature line")
    try:
        data = b64decode(blob, validate=True)
    except ValueError:
        raise BadNote("no base64") from None
    if len(data) < 5:
        raise BadNote("no signature")
    return name, data[:4], data[4:]


def _check(key: NoteKey, text: str, signature: bytes) -> int | None:
    if key.kind == ED25519:
        _verify(key.key, text.encode(), signature)
        return None
    seconds = int.from_bytes(signature[:8], "big")
    _verify(key.key, f"cosignature/v1\ntime {seconds}\n{text}".encode(), signature[8:])
    return seconds


def _verify(key: bytes, message: bytes, signature: bytes) -> None:
    """Ed25519 by the command line of OpenSSL."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"key": _PUBLIC_KEY + key, "message": message, "signature": signature}
        paths = {name: Path(folder, name) for name in files}
        for name, content in files.items():
            paths[name].write_bytes(content)
        command = ("pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", paths["key"])
        done = openssl(*command, "-in", paths["message"], "-sigfile", paths["signature"])
    if done.returncode:
        raise BadNote("a signature does not verify")
