"""What people read of a log with two histories and of its successor: `huxin log`, `peers`, `evidence`. Real nodes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from click.testing import Result

from node.cli.failures import ExitCode
from node.cli.session import in_china
from tests.cli.running import huxin
from tests.integration.recovering import NEXT, Federation, federation, follows, recovered, rows, split
from tests.integration.test_split_views import GUIZHOU, ORIGIN, SECONDS, SHANXI
from tests.support import nodes
from tests.support.federation import SIGNERS
from tests.support.nodes import TestJurisdiction

NUMBERS = "SELECT report_number FROM log_entries WHERE origin = '{}' AND report_number IS NOT NULL ORDER BY idx"


async def of(one: TestJurisdiction, *words: str | Path, columns: str = "400") -> Result:
    """`huxin ...` in that home, beside its node or without it."""
    environ: dict[str, str | None] = {"COLUMNS": columns}
    if one.node is not None:
        environ["HUXIN_NODE"] = f"127.0.0.1:{one.node.rpc_port}"
    return await asyncio.to_thread(huxin, *words, home=one.layout.home, environ=environ)


async def said(one: TestJurisdiction, *words: str | Path, columns: str = "400") -> str:
    result = await of(one, *words, columns=columns)
    assert result.exit_code == ExitCode.OK, result.output
    return result.stdout


async def read(one: TestJurisdiction, *words: str | Path) -> Any:
    return json.loads(await said(one, *words, "--json"))


async def test_people_are_told_of_all_logs(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_:
        shanxi, guizhou = all_.shanxi, all_.guizhou
        await split(all_, tmp_path)
        common, other = (str(number) for (number,) in rows(shanxi, NUMBERS.format(ORIGIN)))
        await _halted_peer_is_told_whole(guizhou)
        told = await said(guizhou, "evidence")
        assert "Export the evidence" in told
        assert "succeeded by" not in told
        assert "successor" not in (await read(guizhou, "evidence"))[0]

        await all_.signed_off(await all_.closed(1), *SIGNERS)
        await all_.told_shanxi()
        await _closed_before_it_is_founded(shanxi, common, other)
        await all_.founded()
        await nodes.until(follows(guizhou, 2), SECONDS)
        await nodes.eventually(recovered(guizhou), SECONDS)
        await _every_log_is_known(all_, common, other)

        given_up = await read(guizhou, "log", "show", "--origin", SHANXI, "--discarded")
        assert given_up["origin"] == ORIGIN
        assert [(each["index"], each["kind"], each["stands_in"]) for each in given_up["discarded"]] == [
            (1, "attestation", None)
        ]
        told = await said(guizhou, "log", "show", "--origin", SHANXI, "--discarded")
        assert given_up["discarded"][0]["report_number"] in told
        assert "Logged again" in told
        assert "Nothing was cut off" in await said(guizhou, "log", "show", "--discarded"), "of the own log"
        decided = f"decided {_minute(all_)}"
        told = await said(guizhou, "evidence")
        assert f"{ORIGIN} 已由 {NEXT} 接续" in told
        assert f"succeeded by {NEXT}, {decided}" in told
        assert "Export the evidence" not in told, "nothing is left to be asked"
        (found,) = {json.dumps(each["successor"]) for each in await read(guizhou, "evidence")}
        assert json.loads(found)["origin"] == NEXT
        assert json.loads(found)["closed_size"] == "1"


async def test_the_history_that_was_given_up_proves_nothing(tmp_path: Path) -> None:
    """Guizhou's home knows of the succession, and its node has not run since: what it holds is the other history."""
    async with federation(tmp_path) as all_:
        guizhou = all_.guizhou
        await split(all_, tmp_path)
        await guizhou.stop()
        await all_.signed_off(await all_.closed(2), *SIGNERS)
        (head,) = [head for head in (await read(guizhou, "log", "show"))["heads"] if head["origin"] == ORIGIN]
        assert (head["size"], head["closed_size"], head["leads_to_end"]) == (2, 2, False)
        told = await said(guizhou, "log", "show")
        assert f"{ORIGIN} is closed: what is stored here is not the history that counts" in told
        assert "is followed once its jurisdiction founds it" in told
        for words in (("0",), ("--old-size", "1")):
            refused = await of(guizhou, "log", "prove", *words, "--origin", SHANXI)
            assert (refused.exit_code, refused.stdout) == (ExitCode.REFUSED, "")
            assert "not the history that was signed off" in refused.stderr


async def test_the_coordinator_is_told_who_acts_next(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_:
        await all_.world.report(all_.shanxi)
        await all_.shanxi.stop()
        targets = all_.signed(await all_.closed(1), *SIGNERS)
        told = await said(all_.guizhou, "trust", "accept", targets)
        assert f"The operator of {ORIGIN} now runs `huxin log found` and starts the node again" in told
        again = await read(all_.guizhou, "trust", "accept", targets)
        assert (again["documents"], again["closed_logs"]) == ([], [])


def _minute(all_: Federation) -> str:
    return in_china(all_.world.clock.now())


async def _halted_peer_is_told_whole(guizhou: TestJurisdiction) -> None:
    """At 80 columns nothing is cut: what is long stands beneath the table, on a line of its own."""
    (peer,) = [each for each in await read(guizhou, "peers") if each["division"] == SHANXI]
    assert peer["state"] == "halted"
    narrow = (await said(guizhou, "peers", columns="80")).splitlines()
    assert f"{SHANXI} {peer['name_zh']}: {peer['endpoint']}" in narrow
    (error,) = [line for line in narrow if peer["last_reason"] in line]
    assert error == f"  halted: {peer['last_error']} ({peer['last_reason']})"
    (step,) = [line for line in narrow if "下一步" in line]
    assert "huxin evidence --export" in step
    assert "HuxinSplitView" in step
    assert "…" not in "".join(narrow)


async def _closed_before_it_is_founded(shanxi: TestJurisdiction, common: str, other: str) -> None:
    """The registry has closed the log, and `huxin log found` has not run yet."""
    told = await said(shanxi, "log", "show")
    assert f"{ORIGIN} (this node, closed)" in told
    assert f"{ORIGIN} is closed: of its 2 entries those below index 1 count. {NEXT} goes on" in told
    assert f"{NEXT} is not here yet: found it with `huxin log found`." in told
    proof = await read(shanxi, "log", "prove", common)
    assert (proof["origin"], proof["tree_size"], proof["closed_size"]) == (ORIGIN, 1, 1)
    refused = await of(shanxi, "log", "prove", other)
    assert refused.exit_code == ExitCode.USAGE
    assert "beyond them, where nothing counts" in refused.stderr
    assert "huxin log found" in refused.stderr


async def _every_log_is_known(all_: Federation, common: str, other: str) -> None:
    """By its own jurisdiction, whose closed log still holds what was logged again, and by a peer that cut it back."""
    for one, words in ((all_.shanxi, ()), (all_.guizhou, ("--origin", SHANXI))):
        shown = {head["origin"]: head for head in (await read(one, "log", "show", *words))["heads"]}
        end = ("closed_size", "successor", "leads_to_end")
        assert [shown[ORIGIN][name] for name in end] == [1, NEXT, True]
        assert [shown[NEXT][name] for name in end] == [None] * 3
        told = await said(one, "log", "show", *words)
        assert f"{ORIGIN} is closed" in told
        assert "is not here yet" not in told
        for number, origin, size in ((common, ORIGIN, 1), (other, NEXT, 2)):
            proof = await read(one, "log", "prove", number, *words)
            assert (proof["origin"], proof["tree_size"]) == (origin, size)
            assert proof["checkpoint"].startswith(f"{origin}\n{size}\n"), "the note of exactly this tree"
        assert f"{ORIGIN}, closed" in await said(one, "log", "prove", common, *words)
        checked = await read(one, "log", "check", "--origin", SHANXI)
        assert {each["origin"] for each in checked["logs"]} == {ORIGIN, NEXT}
        assert checked["count"] == 0
        assert (await read(one, "log", "prove", "0", "--origin", ORIGIN))["origin"] == ORIGIN
        index = await of(one, "log", "prove", "9", *words)
        assert f"The log {NEXT} has 2 entries" in index.stderr
        assert f"--origin {ORIGIN}" in index.stderr
        beyond = await of(one, "log", "prove", "1", "--origin", ORIGIN)
        assert "has 1 entry that counts" in beyond.stderr
    refused = await of(all_.guizhou, "log", "prove", common)
    assert refused.exit_code == ExitCode.USAGE
    assert f"It is one of {SHANXI}" in refused.stderr
    assert f"--origin {SHANXI}" in refused.stderr
    assert GUIZHOU in refused.stderr
