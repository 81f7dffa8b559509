"""`huxin log` on the logs of real nodes while they serve: Shanxi on SQLite, Guizhou with its replica on PostgreSQL.

What is printed goes to outside readers: proofs to one that follows RFC 9162's definitions, heads to one with OpenSSL.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import Result
from huxin.v1 import admin_service_pb2
from sqlalchemy import select

from node.app.storing import open_database
from node.cli.tables import in_groups
from node.storage.schema import log_entries, log_heads
from tests.cli.running import huxin
from tests.integration.provinces import Provinces, provinces
from tests.support import nodes
from tests.support.nodes import TestJurisdiction
from tests.support.notes import COSIGNATURE, ED25519, open_note, read_key, write_key
from tests.support.postgres import PostgresServer
from trust.keys import load

pytestmark = pytest.mark.asyncio(loop_scope="module")

OF_SHANXI = "huxin/140000"


@dataclass
class Pair:
    """The running pair, the numbers of Shanxi's reports, and Guizhou's database."""

    provinces: Provinces
    numbers: list[str]
    url: str

    async def log(self, one: TestJurisdiction, *words: str) -> Result:
        """`huxin log ...` as an operator of that node runs it, beside the serving node."""
        environ: dict[str, str | None] = {"HUXIN_DATABASE__URL": self.url if one is self.provinces.guizhou else None}
        return await asyncio.to_thread(huxin, "log", *words, home=one.layout.home, environ=environ)

    async def json(self, one: TestJurisdiction, *words: str, code: int = 0) -> Any:
        result = await self.log(one, *words, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


@pytest.fixture(scope="module")
def guizhou_url(postgres: PostgresServer, migrated_template: str) -> Iterator[str]:
    """`database.url` of a migrated PostgreSQL database."""
    name = postgres.create(migrated_template)
    yield postgres.url(name).replace("://", "+asyncpg://", 1)
    postgres.drop(name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory, guizhou_url: str) -> AsyncIterator[Pair]:
    """Shanxi has issued five reports, set a flag on the second and lifted it, and revoked the third: eight entries."""
    own = {"520000": {"HUXIN_DATABASE__URL": guizhou_url}}
    async with provinces(tmp_path_factory.mktemp("log"), own=own) as running:
        numbers = [await nodes.create_report(running.shanxi) for _ in range(5)]
        await flag(running, numbers[1], "UNDER_OBJECTION", on=True)
        await flag(running, numbers[1], "UNDER_OBJECTION", on=False)
        await flag(running, numbers[2], "REVOKED", on=True)
        await nodes.caught_up(running.guizhou, running.shanxi, 8)
        yield Pair(running, numbers, guizhou_url)


async def flag(running: Provinces, number: str, name: str, *, on: bool) -> None:
    await running.shanxi.admin().ChangeStatus(
        admin_service_pb2.ChangeStatusRequest(
            request_id=str(uuid.uuid4()),
            report_number=number,
            flag=f"STATUS_FLAG_{name}",
            set=on,
            reason_code="synthetic_reason",
        )
    )


def outside_keys(one: TestJurisdiction) -> list[Any]:
    """The keys of a node's log as an outside reader is told them."""
    log = load(one.layout.key("log")).public.spki[12:]
    witness = load(one.layout.key("cosigner")).public.spki[12:]
    origin = f"huxin/{one.division}"
    return [read_key(write_key(origin, ED25519, log)), read_key(write_key(f"{origin}/node", COSIGNATURE, witness))]


def path_to_root(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an audit path leads to, from the recursive definition of RFC 9162 section 2.1.3.1."""
    if size == 1:
        assert not path
        return leaf
    split = 1 << ((size - 1).bit_length() - 1)
    if index < split:
        left, right = path_to_root(leaf, index, split, path[:-1]), path[-1]
    else:
        left, right = path[-1], path_to_root(leaf, index - split, size - split, path[:-1])
    return sha256(b"\x01" + left + right).digest()


async def test_show_lists_heads_and_entries_and_nobody(pair: Pair) -> None:
    shanxi, guizhou = pair.provinces.shanxi, pair.provinces.guizhou
    shown = await pair.json(shanxi, "show")
    first = shown["heads"][0]
    assert (first["origin"], first["own"], first["size"]) == (OF_SHANXI, True, 8)
    assert {head["origin"] for head in shown["heads"]} == {OF_SHANXI, "huxin/520000"}
    assert all(head["accepted"] for head in shown["heads"])
    kinds = [(entry["index"], entry["kind"], entry["report_number"]) for entry in shown["entries"]]
    assert kinds == [
        *((index, "attestation", number) for index, number in enumerate(pair.numbers)),
        *((index, "status_change", "") for index in (5, 6, 7)),
    ]
    replica = await pair.json(guizhou, "show", "--origin", "140000", "--start", "2", "--limit", "3")
    assert [entry["index"] for entry in replica["entries"]] == [2, 3, 4]
    assert replica["entries"] == shown["entries"][2:5]
    assert all(entry["change"] is None for entry in shown["entries"][:5])
    of_shanxi = await pair.json(guizhou, "show", "--origin", "140000")
    for one in (shown, of_shanxi):  # on SQLite and on PostgreSQL, of the own log and of a replica
        changes = [entry["change"] for entry in one["entries"][5:]]
        assert [(each["report_number"], each["flag"], each["set"]) for each in changes] == [
            (pair.numbers[1], "under_objection", True),
            (pair.numbers[1], "under_objection", False),
            (pair.numbers[2], "revoked", True),
        ]
        assert [each["attestation_digest"] for each in changes] == [
            shown["entries"][index]["digest"] for index in (1, 1, 2)
        ]
    lately = (await pair.log(guizhou, "show", "--origin", "140000", "--start", "6")).stdout
    for words in ("已撤销 revoked", "设置 set since 20", "解除 cleared since 20", pair.numbers[1], pair.numbers[2]):
        assert words in lately, lately
    digest = in_groups(shown["entries"][7]["digest"])
    root = in_groups(shown["heads"][0]["root"])
    assert digest in lately
    assert root in lately
    assert root in (await pair.log(shanxi, "prove", "--old-size", "3")).stdout, "to be compared by eye"
    told = (await pair.log(shanxi, "show", "--start", "1", "--limit", "2")).stdout
    assert pair.numbers[1] in told
    assert pair.numbers[3] not in told
    assert "Entries 1 to 2 of 8." in told
    assert shanxi.subject not in told + json.dumps(shown)


async def test_a_printed_inclusion_proof_leads_to_the_signed_head(pair: Pair) -> None:
    shanxi, guizhou = pair.provinces.shanxi, pair.provinces.guizhou
    for one, words in ((shanxi, []), (guizhou, ["--origin", OF_SHANXI])):
        for index, number in enumerate(pair.numbers):
            proof = await pair.json(one, "prove", number, *words)
            assert proof == {**await pair.json(one, "prove", str(index), *words), "checkpoint": proof["checkpoint"]}
            leaf = sha256(b"\x00" + b64decode(proof["entry"])).digest()
            assert (proof["leaf_index"], proof["tree_size"], proof["leaf_hash"]) == (index, 8, leaf.hex())
            path = [bytes.fromhex(value) for value in proof["inclusion_path"]]
            root = path_to_root(leaf, index, 8, path)
            opened = open_note(proof["checkpoint"].encode(), outside_keys(shanxi))
            assert opened.checkpoint == (OF_SHANXI, 8, root)
            assert list(opened.signed) == [OF_SHANXI, f"{OF_SHANXI}/node"]


async def test_the_note_that_people_are_shown_is_whole(pair: Pair) -> None:
    shanxi = pair.provinces.shanxi
    environ: dict[str, str | None] = {"COLUMNS": "60"}
    told = await asyncio.to_thread(huxin, "log", "prove", "4", home=shanxi.layout.home, environ=environ)
    assert told.exit_code == 0, told.stderr
    note = told.stdout.split("Signed head:\n\n")[1].rstrip("\n") + "\n"
    assert open_note(note.encode(), outside_keys(shanxi)).checkpoint[:2] == (OF_SHANXI, 8)


async def test_a_printed_consistency_proof_joins_two_heads(pair: Pair, tmp_path: Path) -> None:
    shanxi = pair.provinces.shanxi
    leaves = [bytes.fromhex(entry["leaf_hash"]) for entry in (await pair.json(shanxi, "show"))["entries"]]
    proof = await pair.json(shanxi, "prove", "--old-size", "6", "--new-size", "7")
    # RFC 9162 section 2.1.5: PROOF(6, D[7]) = [i, j, k], with i = MTH(D[4:6]), j = D[6], k = MTH(D[0:4]).
    node = [sha256(b"\x01" + leaves[at] + leaves[at + 1]).digest() for at in (0, 2, 4)]
    front = sha256(b"\x01" + node[0] + node[1]).digest()
    assert proof["consistency_path"] == [node[2].hex(), leaves[6].hex(), front.hex()]
    assert proof["root_hash_1"] == sha256(b"\x01" + front + node[2]).hexdigest()
    right = sha256(b"\x01" + node[2] + leaves[6]).digest()
    assert proof["root_hash_2"] == sha256(b"\x01" + front + right).hexdigest()
    assert proof["checkpoint"] is None

    written = tmp_path / "proof.json"
    result = await pair.log(shanxi, "prove", "--old-size", "6", "-o", str(written))
    assert result.exit_code == 0
    newest = json.loads(written.read_text(encoding="utf-8"))
    assert (newest["tree_size_1"], newest["tree_size_2"]) == (6, 8)
    assert open_note(newest["checkpoint"].encode(), outside_keys(shanxi)).checkpoint[2].hex() == newest["root_hash_2"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("prove", "8"), 2, "has 8 entries"),
        (("prove", "14000020261122ABCDEFGHJKMNPQRS7"), 2, "no report of that number"),
        (("prove",), 2, "Name an entry"),
        (("prove", "0", "--old-size", "1"), 2, "Name an entry"),
        (("prove", "--old-size", "7", "--new-size", "6"), 2, "is not the larger"),
        (("prove", "--old-size", "7", "--new-size", "9"), 2, "is not the larger"),
        (("prove", "0", "--origin", "620100"), 2, "No log huxin/620100 is stored here"),
        (("show", "--origin", "huxin/nowhere"), 2, "No log huxin/nowhere is stored here"),
        (("check", "--origin", "620100"), 2, "huxin/140000, huxin/520000"),
    ],
)
async def test_what_cannot_be_asked_is_said(pair: Pair, words: tuple[str, ...], code: int, said: str) -> None:
    result = await pair.log(pair.provinces.shanxi, *words)
    assert result.exit_code == code
    assert said in result.stderr


async def test_check_finds_the_logs_of_serving_nodes_in_order(pair: Pair) -> None:
    for one in (pair.provinces.shanxi, pair.provinces.guizhou):
        checked = await pair.json(one, "check")
        assert checked["differences"] == []
        sizes = {log["origin"]: (log["size"], log["checked"]) for log in checked["logs"]}
        assert sizes[OF_SHANXI] == (8, 8)
        assert set(sizes) == {OF_SHANXI, "huxin/520000"}
        assert (await pair.log(one, "check")).stdout.count("are what they should be") == 2


async def test_check_names_what_was_changed_and_fails(pair: Pair) -> None:
    guizhou = pair.provinces.guizhou
    place = log_entries.c.origin == OF_SHANXI, log_entries.c.idx == 3
    async with open_database(guizhou.settings) as database:
        async with database.read() as connection:
            entry = (await connection.execute(select(log_entries.c.entry).where(*place))).scalar_one()
        await _set(database, log_entries, place, entry=entry[:-1] + bytes([entry[-1] ^ 1]))
        checked = await pair.json(guizhou, "check", "--origin", "140000", code=1)
        assert [(each["part"], each["index"]) for each in checked["differences"]] == [("entry", 3)]
        result = await pair.log(guizhou, "check")
        assert result.exit_code == 1
        assert f"{OF_SHANXI}: 日志条目 entry 3:" in result.stdout
        assert "restore it from a backup" in result.stdout
        # A damaged log proves nothing, and says so instead of giving out a proof that leads nowhere.
        refused = await pair.log(guizhou, "prove", "3", "--origin", "140000")
        assert refused.exit_code == 3
        assert "huxin log check" in refused.stderr
        await _set(database, log_entries, place, entry=entry)
    assert (await pair.json(guizhou, "check"))["count"] == 0


async def test_a_head_whose_signature_was_changed_is_shown_and_named(pair: Pair) -> None:
    """The last test: Shanxi stops, so that no newer head comes from it meanwhile."""
    guizhou = pair.provinces.guizhou
    await pair.provinces.shanxi.stop()
    assert (await pair.json(pair.provinces.shanxi, "check"))["count"] == 0
    place = (log_heads.c.origin == OF_SHANXI,)
    async with open_database(guizhou.settings) as database:
        async with database.read() as connection:
            note = (await connection.execute(select(log_heads.c.checkpoint).where(*place))).scalar_one()
        line = note.split("\n")[4]
        changed = note.replace(line, line[:-20] + ("A" if line[-20] != "A" else "B") + line[-19:])
        await _set(database, log_heads, place, checkpoint=changed)
        told = await pair.log(guizhou, "show")
        assert "NOT ACCEPTED" in told.stdout
        checked = await pair.json(guizhou, "check", code=1)
        assert [each["part"] for each in checked["differences"]] == ["checkpoint"]
        proof = await pair.json(guizhou, "prove", "0", "--origin", "140000")
        assert proof["checkpoint"] is None
        await _set(database, log_heads, place, checkpoint=note)


async def _set(database: Any, table: Any, place: tuple[Any, ...], **values: object) -> None:
    async with database.write() as connection:
        done = await connection.execute(table.update().where(*place).values(**values))
    assert done.rowcount == 1
