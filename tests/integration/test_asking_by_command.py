"""`huxin request`, `huxin outbox` and `huxin inbox` as clerks and operators use them, on running nodes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from node.cli.failures import ExitCode
from tests.integration import exchanging, sharing
from tests.integration.exchanging import INBOX, OUTBOX
from tests.integration.lying_post import Post
from tests.integration.provinces import provinces
from tests.support.nodes import SUBJECTS, TestJurisdiction, synthetic_code

ROOT = Path(__file__).parents[2]
SUBJECT = SUBJECTS["140000"]


class Told(NamedTuple):
    """What a command ended with."""

    exit_code: int
    stdout: str
    stderr: str


async def told(one: TestJurisdiction, *arguments: str | Path) -> Told:
    """What a command says, as a process of its own: in this one the nodes write their logs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "node", "--home", one.layout.home, *arguments),
        cwd=ROOT,
        env={**os.environ, "HUXIN_NODE": str(one.settings.rpc.listen), "COLUMNS": "400"},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Told(process.returncode, out.decode(), err.decode())


async def test_a_window_asks_looks_and_fetches(tmp_path: Path) -> None:
    evidence = tmp_path / "consent.pdf"
    evidence.write_bytes(b"a scan, synthetic")
    async with provinces(tmp_path / "homes") as running:
        guizhou, shanxi = running.guizhou, running.shanxi
        made = await told(
            guizhou,
            *("request", "create", "--to", "140000", "--subject", SUBJECT, "--scenario", "tender"),
            *("--row", "6", "--evidence", evidence, "--json"),
        )
        assert made.exit_code == ExitCode.OK, made.stderr
        ask_id = json.loads(made.stdout)["id"]
        await exchanging.stands(guizhou, ask_id, "answered")
        shown = await told(guizhou, "request", "show", ask_id)
        assert "已答复" in shown.stdout
        assert f"request fetch {ask_id}" in shown.stdout
        listed = await told(guizhou, "request", "list")
        assert ask_id in listed.stdout
        target = tmp_path / "report.huxin"
        fetched = await told(guizhou, "request", "fetch", ask_id, "-o", target, "--json")
        assert fetched.exit_code == ExitCode.OK, fetched.stderr
        written = json.loads(fetched.stdout)
        assert (written["id"], written["file"]) == (ask_id, str(target))
        assert written["size"] == target.stat().st_size
        assert target.read_bytes() == await exchanging.fetched(guizhou, ask_id)
        inside = await told(shanxi, "inbox", "show", ask_id)
        assert sha256(b"a scan, synthetic").hexdigest() in inside.stdout
        for one, box in ((guizhou, "outbox"), (guizhou, "inbox"), (shanxi, "inbox"), (shanxi, "outbox")):
            for form in ((), ("--json",)):
                table = await told(one, box, "list", *form)
                assert table.exit_code == ExitCode.OK, table.stderr
                assert SUBJECT not in table.stdout
                assert "report_" in table.stdout


async def test_the_platform_lists_who_is_elsewhere_and_who_was_told(tmp_path: Path) -> None:
    own = {"140000": {"HUXIN_SHARING__BASIC_INFORMATION_WITH": "520000"}}
    theirs = [SUBJECTS["520000"], *(synthetic_code("520000", number) for number in (1, 2))]
    async with provinces(tmp_path, own=own) as running:
        shanxi, guizhou = running.shanxi, running.guizhou
        for one, command in ((guizhou, "elsewhere"), (shanxi, "shared")):
            none = await told(one, "subjects", command)
            assert (none.exit_code, none.stdout.isascii()) == (ExitCode.OK, False), none.stderr
        await sharing.register_at(shanxi, theirs[0], "520100")
        await sharing.file(shanxi, *theirs)
        await sharing.known(guizhou, *theirs)
        listed = await told(guizhou, "subjects", "elsewhere", "--holder", "140000")
        assert all(text in listed.stdout for text in (*theirs, sharing.NAME, "140000", "2026-11-22")), listed.stderr
        of_one = await told(guizhou, "subjects", "elsewhere", "--subject", theirs[0].lower(), "--json")
        (found,) = json.loads(of_one.stdout)
        assert (found["subject"]["id"], found["holder"], found["since"]) == (theirs[0], "140000", "2026-11-22")
        some = await told(guizhou, "subjects", "elsewhere", "--limit", "2", "--json")
        assert [each["subject"]["id"] for each in json.loads(some.stdout)] == sorted(theirs)[:2]
        assert "--limit" in some.stderr
        await exchanging.comes(shanxi, OUTBOX, 3, "delivered")
        shared = await told(shanxi, "subjects", "shared", "--receiver", "520000")
        assert shared.stdout.count("已送达") == 3, shared.stderr
        assert [each["state"] for each in json.loads((await told(shanxi, "subjects", "shared", "--json")).stdout)] == [
            "delivered"
        ] * 3
        wrong = await told(guizhou, "subjects", "elsewhere", "--subject", "91")
        assert (wrong.exit_code, "--subject" in wrong.stderr) == (ExitCode.USAGE, True)


async def test_what_waits_and_what_is_parked_is_told_with_what_to_do(tmp_path: Path) -> None:
    evidence = tmp_path / "consent.pdf"
    evidence.write_bytes(b"a scan, synthetic")
    async with provinces(tmp_path / "homes") as running:
        guizhou, shanxi = running.guizhou, running.shanxi
        post = Post(guizhou, shanxi)
        bad = post.header()
        await post.bring(post.sealed(bad, b"\xff"))
        await exchanging.comes(shanxi, INBOX, 1, "parked")
        parked = await told(shanxi, "inbox", "show", bad.id.hex())
        assert "已搁置" in parked.stdout
        assert "NOT_READABLE" in parked.stdout
        retried = await told(shanxi, "inbox", "retry", bad.id.hex())
        assert retried.exit_code == ExitCode.OK, retried.stderr
        await exchanging.comes(shanxi, INBOX, 1, "parked")
        await shanxi.stop()
        ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        await exchanging.comes(guizhou, OUTBOX, 1, "queued", "UNREACHABLE")
        waiting = await told(guizhou, "outbox", "list", "--state", "queued", "--peer", "140000")
        assert ask_id in waiting.stdout
        assert "UNREACHABLE" in waiting.stdout
        assert "待发送" in (await told(guizhou, "outbox", "retry", ask_id)).stdout
        none = await told(guizhou, "outbox", "show", "0" * 32)
        assert (none.exit_code, "take the id from the list" in none.stderr) == (ExitCode.REFUSED, True)
        refused = await told(
            guizhou, *("request", "create", "--to", "140000", "--subject", "11010519491231002X", "--id-type"),
            *("resident-id", "--scenario", "tender", "--evidence", evidence),
        )  # fmt: skip
        assert (refused.exit_code, "R056" in refused.stderr) == (ExitCode.REFUSED, True)
        evidence.write_bytes(b"")
        empty = await told(
            guizhou, *("request", "create", "--to", "140000", "--subject", SUBJECT, "--scenario", "tender"),
            *("--evidence", evidence),
        )  # fmt: skip
        assert (empty.exit_code != ExitCode.OK, "consent.pdf" in empty.stderr) == (True, True)
