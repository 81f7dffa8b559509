"""Checkpoints: published keys and a real cosigned note, own notes there and back, and no bit that can be changed."""

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from trust.algorithms import PublicKey, Suite, load_public_key
from trust.errors import BadKey, CheckpointInvalid
from trust.keys import PrivateKey, generate
from trust.log.checkpoint import (
    MAX_CHECKPOINT_BYTES,
    SignedHead,
    cosign,
    key_hint,
    open_checkpoint,
    origin_of,
    own_cosigner,
    sign_head,
)

SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
ORIGIN = origin_of("140000")
OWN = own_cosigner(ORIGIN)
PEER = own_cosigner(origin_of("520000"))
ROOT = sha256(b"root").digest()
NOON = datetime(2026, 11, 22, 4, 0, 0, tzinfo=UTC)


def key_from(seed: int) -> PrivateKey:
    """A key that is the same in every run: its notes are parameters of tests."""
    return PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32), Suite.ED25519)


HEAD_KEY, OWN_KEY, PEER_KEY = key_from(1), key_from(2), key_from(3)
COSIGNERS = {OWN: OWN_KEY.public, PEER: PEER_KEY.public}

HEAD = sign_head(ORIGIN, 5120, ROOT, HEAD_KEY)
COSIGNED = cosign(cosign(HEAD, OWN, OWN_KEY, NOON), PEER, PEER_KEY, NOON + timedelta(seconds=7))

# A checkpoint of a public staging CT log of May 2026 with two of its witnesses' cosignatures, as published.
REAL_ORIGIN = "arche2025h1.staging.ct.transparency.dev"
REAL_NOTE = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev \
ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— remora.n621.de \
2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness1.smartit.nu/witness1 \
pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
"""
REAL_KEY = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
REAL_WITNESSES = [
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
]


def verifier_key(text: str) -> tuple[str, str, bytes, PublicKey]:
    """Name, hint, type byte and key of a C2SP verifier key."""
    name, hint, material = text.split("+", 2)
    decoded = b64decode(material)
    return name, hint, decoded[:1], load_public_key(SPKI_PREFIX + decoded[1:], "ed25519")


def opened(text: str) -> SignedHead:
    return open_checkpoint(text, HEAD_KEY.public, ORIGIN, COSIGNERS)


def refused(text: str) -> None:
    with pytest.raises(CheckpointInvalid):
        opened(text)


@pytest.mark.parametrize(
    "text",
    [
        # The key of the example in Go's golang.org/x/mod/sumdb/note, and the key of Go's checksum database.
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        REAL_KEY,
        *REAL_WITNESSES,
    ],
)
def test_key_hints_are_those_of_published_verifier_keys(text: str) -> None:
    name, hint, kind, key = verifier_key(text)
    assert key_hint(name, key.spki, kind).hex() == hint


def test_a_real_cosigned_note_opens() -> None:
    witnesses = {name: key for name, _, _, key in map(verifier_key, REAL_WITNESSES)}
    head = open_checkpoint(REAL_NOTE, verifier_key(REAL_KEY)[3], REAL_ORIGIN, witnesses)
    assert (head.origin, head.size) == (REAL_ORIGIN, 1_432_088_532)
    assert head.root == b64decode("U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=")
    assert head.cosigned_at is None
    assert head.cosigners == dict.fromkeys(witnesses, datetime.fromtimestamp(0x6A122120, UTC))


def test_a_head_is_written_as_c2sp_says() -> None:
    body = f"huxin/140000\n5120\n{b64encode(ROOT).decode()}\n"
    raw = HEAD_KEY.spki[12:]
    hint = sha256(b"huxin/140000\n\x01" + raw).digest()[:4]
    line = b64encode(hint + HEAD_KEY.sign(body.encode())).decode()
    assert f"{body}\n— huxin/140000 {line}\n" == HEAD


def test_a_cosignature_is_written_as_c2sp_says() -> None:
    body = HEAD.partition("\n\n")[0] + "\n"
    hint = sha256(b"huxin/140000/node\n\x04" + OWN_KEY.spki[12:]).digest()[:4]
    seconds = int(NOON.timestamp())
    signature = OWN_KEY.sign(f"cosignature/v1\ntime {seconds}\n{body}".encode())
    line = b64encode(hint + seconds.to_bytes(8, "big") + signature).decode()
    assert cosign(HEAD, OWN, OWN_KEY, NOON) == f"{HEAD}— huxin/140000/node {line}\n"


def test_a_head_opens_with_and_without_cosignatures() -> None:
    bare, full = opened(HEAD), opened(COSIGNED)
    assert (bare.origin, bare.size, bare.root, bare.cosigned_at, dict(bare.cosigners)) == (ORIGIN, 5120, ROOT, None, {})
    assert (full.origin, full.size, full.root, full.cosigned_at) == (ORIGIN, 5120, ROOT, NOON)
    assert full.cosigners == {OWN: NOON, PEER: NOON + timedelta(seconds=7)}


def test_only_the_issuers_own_cosignature_proves_freshness() -> None:
    head = opened(cosign(HEAD, PEER, PEER_KEY, NOON))
    assert head.cosigned_at is None
    assert head.cosigners == {PEER: NOON}


def test_cosigning_again_replaces_the_older_line() -> None:
    later = cosign(COSIGNED, OWN, OWN_KEY, NOON + timedelta(minutes=1))
    assert opened(later).cosigned_at == NOON + timedelta(minutes=1)
    assert later.count("\n") == COSIGNED.count("\n")
    assert cosign(later, OWN, OWN_KEY, NOON) == COSIGNED


def test_the_order_of_cosigning_does_not_show() -> None:
    other_way = cosign(cosign(HEAD, PEER, PEER_KEY, NOON + timedelta(seconds=7)), OWN, OWN_KEY, NOON)
    assert other_way == COSIGNED


def test_times_are_cut_to_seconds_and_turned_to_utc() -> None:
    local = datetime(2026, 11, 22, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert opened(cosign(HEAD, OWN, OWN_KEY, local)).cosigned_at == NOON


def test_an_empty_tree_can_be_signed() -> None:
    assert opened(sign_head(ORIGIN, 0, sha256(b"").digest(), HEAD_KEY)).size == 0


def test_no_bit_of_a_note_can_be_flipped() -> None:
    data = COSIGNED.encode()
    for at in range(len(data) * 8):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        try:
            text = changed.decode()
        except UnicodeDecodeError:
            continue  # no string at all: refused by whoever reads the field
        refused(text)


LINES = COSIGNED.split("\n")  # three of the head, an empty one, three signatures, and what follows the last LF


def note(*lines: str) -> str:
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        note(*LINES[:3], ""),
        note(*LINES[:4], ""),
        note(*LINES[:4]),
        COSIGNED[:-1],
        COSIGNED + "\n",
        COSIGNED + " \n",
        "\n" + COSIGNED,
        COSIGNED.replace("\n", "\r\n"),
        COSIGNED.replace("\n", "\u2028"),
        note(*LINES[:3], *LINES[4:]),
        note(*LINES[:4], "", *LINES[4:]),
        note(*LINES[:3], "extension line", *LINES[3:]),
        note(*LINES[:5], "", *LINES[5:]),
        note(*LINES[:4], *LINES[5:]),
        note(*LINES[:4], LINES[5], LINES[4], *LINES[6:]),
        note(*LINES[:5], LINES[6], LINES[5], ""),
        note(*LINES[:5], LINES[5], *LINES[5:]),
        note(*LINES[:5], LINES[4], *LINES[5:]),
        COSIGNED.replace("— ", "- "),
        COSIGNED.replace("— ", "– "),
        COSIGNED.replace("— ", "—  "),
        COSIGNED.replace("— ", "—\u00a0"),
        COSIGNED.replace("5120", "05120"),
        COSIGNED.replace("5120", "+5120"),
        COSIGNED.replace("5120", "-5120"),
        COSIGNED.replace("5120", "5_120"),
        COSIGNED.replace("5120", "５１２０"),
        COSIGNED.replace("5120", "5120 "),
        COSIGNED.replace("5120", "0x1400"),
        COSIGNED.replace("5120", ""),
        COSIGNED.replace("5120", "9" * 19),
        COSIGNED.replace(LINES[2], LINES[2][:-1]),
        COSIGNED.replace(LINES[2], LINES[2] + "="),
        COSIGNED.replace(LINES[2], b64encode(ROOT[:31]).decode()),
        COSIGNED.replace(LINES[2], b64encode(ROOT + b"\x00").decode()),
        COSIGNED.replace(LINES[2], ROOT.hex()),
        COSIGNED.replace("huxin/140000/node", "huxin/140000/other"),
        COSIGNED.replace("huxin/140000", "huxin/140000 "),
        COSIGNED + "\ud800",
    ],
)
def test_every_other_form_of_a_note_is_refused(text: str) -> None:
    assert text != COSIGNED
    refused(text)


def test_unused_last_bits_of_base64_are_refused() -> None:
    # 32 bytes leave two unused bits in the last of 43 characters: three more spellings of the same root.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet.index(LINES[2][-2])
    for other in (last ^ 1, last ^ 2, last ^ 3):
        spelling = f"{LINES[2][:-2]}{alphabet[other]}="
        assert b64decode(spelling) == ROOT
        refused(COSIGNED.replace(LINES[2], spelling))


def test_the_line_of_an_unknown_cosigner_refuses_the_whole_note() -> None:
    stranger = key_from(4)
    refused(cosign(COSIGNED, "huxin/620100/node", stranger, NOON))
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(COSIGNED, HEAD_KEY.public, ORIGIN, {OWN: OWN_KEY.public})


def test_one_key_under_two_names_counts_for_nothing() -> None:
    twice = cosign(cosign(HEAD, OWN, OWN_KEY, NOON), PEER, OWN_KEY, NOON)
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(twice, HEAD_KEY.public, ORIGIN, {OWN: OWN_KEY.public, PEER: OWN_KEY.public})


def test_a_head_of_another_log_or_key_is_refused() -> None:
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(COSIGNED, HEAD_KEY.public, origin_of("520000"), COSIGNERS)
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(COSIGNED, OWN_KEY.public, ORIGIN, COSIGNERS)
    refused(sign_head(ORIGIN, 5120, ROOT, OWN_KEY))
    refused(cosign(HEAD, OWN, PEER_KEY, NOON))


def test_a_valid_signature_under_a_wrong_hint_is_refused() -> None:
    blob = b64decode(LINES[4].rpartition(" ")[2])
    forged = f"— {ORIGIN} {b64encode(bytes(4) + blob[4:]).decode()}"
    refused(COSIGNED.replace(LINES[4], forged))


def test_a_matching_hint_proves_nothing() -> None:
    stranger = key_from(4)
    body = HEAD.partition("\n\n")[0] + "\n"
    blob = key_hint(ORIGIN, HEAD_KEY.spki, b"\x01") + stranger.sign(body.encode())
    refused(f"{body}\n— {ORIGIN} {b64encode(blob).decode()}\n")


def test_a_head_signature_is_no_cosignature_and_the_other_way_round() -> None:
    body = HEAD.partition("\n\n")[0] + "\n"
    seconds = (1).to_bytes(8, "big")
    blob = key_hint(OWN, OWN_KEY.spki, b"\x04") + seconds + OWN_KEY.sign(body.encode())
    refused(f"{HEAD}— {OWN} {b64encode(blob).decode()}\n")
    cosignature = HEAD_KEY.sign(f"cosignature/v1\ntime 1\n{body}".encode())
    blob = key_hint(ORIGIN, HEAD_KEY.spki, b"\x01") + cosignature
    refused(f"{body}\n— {ORIGIN} {b64encode(blob).decode()}\n")


@pytest.mark.parametrize("seconds", [253_402_300_800, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_an_impossible_time_is_refused_even_when_it_is_signed(seconds: int) -> None:
    body = HEAD.partition("\n\n")[0] + "\n"
    signature = OWN_KEY.sign(f"cosignature/v1\ntime {seconds}\n{body}".encode())
    blob = key_hint(OWN, OWN_KEY.spki, b"\x04") + seconds.to_bytes(8, "big") + signature
    refused(f"{HEAD}— {OWN} {b64encode(blob).decode()}\n")


def test_a_giant_is_refused_before_it_is_read() -> None:
    with pytest.raises(CheckpointInvalid) as raised:
        opened(COSIGNED + "— x y\n" * MAX_CHECKPOINT_BYTES)
    assert raised.value.reason == "TOO_LARGE"
    with pytest.raises(CheckpointInvalid) as raised:
        opened("—" * (MAX_CHECKPOINT_BYTES // 2))
    assert raised.value.reason == "TOO_LARGE"


def test_a_quorum_of_all_province_level_jurisdictions_fits() -> None:
    keys = {own_cosigner(origin_of(f"{number}0000")): key_from(number) for number in range(11, 45)}
    text = HEAD
    for name, key in keys.items():
        text = cosign(text, name, key, NOON)
    head = open_checkpoint(text, HEAD_KEY.public, ORIGIN, {name: key.public for name, key in keys.items()})
    assert len(head.cosigners) == 34


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        *((origin, 1, ROOT) for origin in ("", "a b", "a+b", "a\nb", "省")),
        *((ORIGIN, size, ROOT) for size in (-1, 10**18)),
        *((ORIGIN, 1, root) for root in (b"", ROOT[:31], ROOT + b"\x00")),
    ],
)
def test_no_head_is_signed_that_no_checkpoint_can_hold(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(CheckpointInvalid):
        sign_head(origin, size, root, HEAD_KEY)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", ORIGIN, "x" * 129])
def test_no_cosigner_gets_an_unfit_name(name: str) -> None:
    with pytest.raises(CheckpointInvalid):
        cosign(HEAD, name, OWN_KEY, NOON)


@pytest.mark.parametrize("at", [datetime(2026, 11, 22), datetime(1969, 12, 31, tzinfo=UTC)])  # noqa: DTZ001 - refused
def test_a_cosignature_states_an_instant(at: datetime) -> None:
    with pytest.raises(CheckpointInvalid):
        cosign(HEAD, OWN, OWN_KEY, at)


def test_what_is_no_checkpoint_is_not_cosigned() -> None:
    with pytest.raises(CheckpointInvalid):
        cosign(HEAD.replace("5120", "05120"), OWN, OWN_KEY, NOON)


def test_a_key_of_another_suite_is_told_apart() -> None:
    other = generate(Suite.ECDSA_P256_SHA256)
    with pytest.raises(BadKey):
        sign_head(ORIGIN, 1, ROOT, other)
    with pytest.raises(BadKey):
        cosign(HEAD, OWN, other, NOON)
    with pytest.raises(BadKey):
        open_checkpoint(HEAD, other.public, ORIGIN, {})
