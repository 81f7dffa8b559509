"""Our notes in the hands of others, and the notes of others in ours.

Outside readers are one written from the C2SP texts with OpenSSL (`tests/support/notes.py`), and the one that npm uses
to check its packages (`tests/support/sigstore.py`). Each is first held against published vectors: a reader that takes
everything would prove nothing.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.support.notes import COSIGNATURE, ED25519, BadNote, NoteKey, open_note, read_key, write_key
from tests.support.sigstore import Sigstore, sigstore
from tests.trust.log.test_checkpoint import REAL_KEY, REAL_NOTE, REAL_ORIGIN, REAL_WITNESSES
from trust.algorithms import Suite, load_public_key
from trust.errors import CheckpointInvalid, SignatureInvalid
from trust.keys import PrivateKey
from trust.log.checkpoint import cosign, key_hint, open_checkpoint, origin_of, own_cosigner, sign_head
from trust.log.proofs import ProofPlan, inclusion_plan
from trust.log.tree import leaf_hash, root_of

__all__ = ["sigstore"]

PUBLISHED = json.loads((Path(__file__).parents[2] / "vectors" / "notes.json").read_text(encoding="utf-8"))
TEXT, SIGNATURES = PUBLISHED["text"], PUBLISHED["signatures"]
PETER, ENOCH = map(read_key, PUBLISHED["keys"])
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")

ORIGIN = origin_of("140000")
OWN, PEER = own_cosigner(ORIGIN), own_cosigner(origin_of("520000"))
NOON = datetime(2026, 11, 22, 4, 0, 0, tzinfo=UTC)
LEAVES = [f"entry {number}".encode() for number in range(11)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def key_from(seed: bytes) -> PrivateKey:
    return PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(seed), Suite.ED25519)


HEAD_KEY, OWN_KEY, PEER_KEY = (key_from(bytes([number]) * 32) for number in (1, 2, 3))
HEAD = sign_head(ORIGIN, len(LEAVES), root_of(HASHES), HEAD_KEY)
COSIGNED = cosign(cosign(HEAD, OWN, OWN_KEY, NOON), PEER, PEER_KEY, NOON + timedelta(seconds=7))
OUTSIDE_KEYS = [
    read_key(write_key(ORIGIN, ED25519, HEAD_KEY.spki[12:])),
    read_key(write_key(OWN, COSIGNATURE, OWN_KEY.spki[12:])),
    read_key(write_key(PEER, COSIGNATURE, PEER_KEY.spki[12:])),
]
COSIGNERS = {OWN: OWN_KEY.public, PEER: PEER_KEY.public}


# The outside reader against what others published


def test_the_outside_reader_opens_the_published_notes() -> None:
    both = f"{TEXT}\n{SIGNATURES['PeterNeumann']}{SIGNATURES['EnochRoot']}".encode()
    assert open_note(both, [PETER, ENOCH]).signed == {"PeterNeumann": None, "EnochRoot": None}
    opened = open_note(both, [PETER])
    assert (opened.text, opened.signed) == (TEXT, {"PeterNeumann": None})
    with pytest.raises(BadNote):
        open_note(both, [])


@pytest.mark.parametrize("note", PUBLISHED["malformed"])
def test_the_outside_reader_refuses_the_published_malformed_notes(note: str) -> None:
    with pytest.raises(BadNote):
        open_note(note.encode(), [PETER])
    with pytest.raises(BadNote):
        open_note(b"\xff" + note.encode(), [PETER])


def test_the_outside_reader_refuses_the_published_wrong_signature_and_keys() -> None:
    with pytest.raises(BadNote):
        open_note(f"{TEXT}\n{PUBLISHED['invalid_signature']}".encode(), [PETER])
    for text in PUBLISHED["bad_keys"]:
        with pytest.raises(BadNote):
            read_key(text)


def test_the_outside_reader_refuses_every_mangled_key() -> None:
    text = PUBLISHED["keys"][0]
    pieces = {text[start:stop] for start in range(len(text)) for stop in range(start + 1, len(text) + 1)} - {text}
    bumped = {text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :] for at in range(len(text))}
    for mangled in pieces | bumped:
        with pytest.raises(BadNote):
            read_key(mangled)


def test_the_outside_reader_opens_a_real_cosigned_checkpoint() -> None:
    opened = open_note(REAL_NOTE.encode(), [read_key(text) for text in (REAL_KEY, *REAL_WITNESSES)])
    assert opened.checkpoint[:2] == (REAL_ORIGIN, 1_432_088_532)
    assert opened.signed == {
        REAL_ORIGIN: None,
        "remora.n621.de": 0x6A122120,
        "witness1.smartit.nu/witness1": 0x6A122120,
    }


# Our notes in the hands of the outside reader


def test_our_cosigned_head_is_what_the_outside_reader_says() -> None:
    opened = open_note(COSIGNED.encode(), OUTSIDE_KEYS)
    ours = open_checkpoint(COSIGNED, HEAD_KEY.public, ORIGIN, COSIGNERS)
    assert opened.checkpoint == (ours.origin, ours.size, ours.root) == (ORIGIN, len(LEAVES), root_of(HASHES))
    times = {name: int(at.timestamp()) for name, at in ours.cosigners.items()}
    assert opened.signed == {ORIGIN: None} | times
    assert times == {OWN: int(NOON.timestamp()), PEER: int(NOON.timestamp()) + 7}


@pytest.mark.parametrize("key", OUTSIDE_KEYS, ids=lambda key: key.name)
def test_each_line_of_ours_stands_for_itself(key: NoteKey) -> None:
    assert list(open_note(COSIGNED.encode(), [key]).signed) == [key.name]
    stranger = NoteKey(key.name, key.hint, key.kind, key_from(bytes(32)).spki[12:])
    with pytest.raises(BadNote):
        open_note(COSIGNED.encode(), [stranger])


@pytest.mark.parametrize("key", OUTSIDE_KEYS, ids=lambda key: key.name)
@pytest.mark.parametrize("change", ["size", "root", "origin", "signature"])
def test_what_was_changed_both_refuse(key: NoteKey, change: str) -> None:
    lines = COSIGNED.split("\n")
    at = 4 + OUTSIDE_KEYS.index(key)
    if change == "signature":
        blob = b64decode(lines[at].rpartition(" ")[2])
        lines[at] = lines[at].rpartition(" ")[0] + " " + b64encode(blob[:-1] + bytes([blob[-1] ^ 1])).decode()
    else:
        place, value = {"size": (1, "12"), "root": (2, b64encode(bytes(32)).decode()), "origin": (0, "huxin/140001")}[
            change
        ]
        lines[place] = value
    changed = "\n".join(lines)
    with pytest.raises(BadNote):
        open_note(changed.encode(), [key])
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(changed, HEAD_KEY.public, ORIGIN, COSIGNERS)


# What others published in our hands


def test_our_key_signs_as_the_published_one_did() -> None:
    seed = b64decode(PUBLISHED["private_key"].split("+", 4)[4])[1:]
    ours = key_from(seed)
    blob = key_hint("PeterNeumann", ours.spki, b"\x01") + ours.sign(TEXT.encode())
    assert f"\u2014 PeterNeumann {b64encode(blob).decode()}\n" == SIGNATURES["PeterNeumann"]


@pytest.mark.parametrize("key", [PETER, ENOCH], ids=lambda key: key.name)
def test_our_keys_verify_the_published_signatures(key: NoteKey) -> None:
    public = load_public_key(SPKI_PREFIX + key.key, "ed25519")
    signature = b64decode(SIGNATURES[key.name].split(" ")[2])[4:]
    assert key_hint(key.name, public.spki, b"\x01") == key.hint
    public.verify(signature, TEXT.encode())
    with pytest.raises(SignatureInvalid):
        public.verify(signature, TEXT.encode() + b"\n")


def malformed_checkpoints() -> list[str]:
    """The published malformed notes, with our checkpoint in place of their text and signature."""
    body, line = HEAD.split("\n\n")
    theirs = SIGNATURES["PeterNeumann"]
    bad_name = theirs.rstrip("\n").replace("PeterNeumann", "Bad Name")
    return [
        note.replace(TEXT, f"{body}\n")
        .replace(theirs, line)
        .replace(theirs[:-1], line[:-1])
        .replace(bad_name, f"{line[:2]}Bad Name{line[line.rindex(' ') : -1]}")
        for note in PUBLISHED["malformed"]
    ]


@pytest.mark.parametrize("note", malformed_checkpoints())
def test_we_refuse_a_checkpoint_malformed_as_published(note: str) -> None:
    assert note != HEAD
    assert note.lstrip("\x01").startswith(ORIGIN)
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(note, HEAD_KEY.public, ORIGIN, {})


def test_we_refuse_a_note_that_is_no_checkpoint_however_well_signed() -> None:
    public = load_public_key(SPKI_PREFIX + PETER.key, "ed25519")
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(f"{TEXT}\n{SIGNATURES['PeterNeumann']}", public, "PeterNeumann", {})


# npm's reader


@pytest.mark.parametrize("note", [HEAD, COSIGNED], ids=["head", "cosigned"])
def test_npms_reader_takes_our_head(sigstore: Sigstore, note: str) -> None:
    told = sigstore.checkpoint(note, ORIGIN, HEAD_KEY.spki)
    assert told == (ORIGIN, len(LEAVES), root_of(HASHES))


@pytest.mark.parametrize(
    "note",
    [
        HEAD.replace("\n11\n", "\n12\n"),
        HEAD.replace("140000", "140001"),
        HEAD.replace("\n\n", "\n"),
        HEAD.split("\n\n")[0] + "\n\n",
    ],
)
def test_npms_reader_refuses_what_was_changed(sigstore: Sigstore, note: str) -> None:
    assert sigstore.checkpoint(note, ORIGIN, HEAD_KEY.spki) is None


def test_npms_reader_follows_our_proofs_and_no_others(sigstore: Sigstore) -> None:
    cases = []
    for index, leaf in enumerate(LEAVES):
        subtrees = {s: root_of(HASHES[s.index << s.level : (s.index + 1) << s.level]) for s in _plan(index).subtrees}
        path = list(_plan(index).fold(subtrees))
        cases += [(leaf, index, path, True), (leaf, (index + 1) % len(LEAVES), path, False)]
        cases += [(leaf + b"x", index, path, False), (leaf, index, path[:-1], False)]
        cases += [(leaf, index, [sha256(path[0]).digest(), *path[1:]], False)]
    size, root = len(LEAVES), root_of(HASHES)
    told = sigstore.inclusions([(leaf, index, path) for leaf, index, path, _ in cases], size, root)
    assert told == [expected for *_, expected in cases]


def _plan(index: int) -> ProofPlan:
    return inclusion_plan(index, len(LEAVES))
