"""The table of attacks in `trust/README.md` is whole: every test that it names exists, and every attack is in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from node.model.messages import MessageReason
from node.model.peers import PeerTrouble
from node.model.reasons import STEP_REASONS
from node.registry.refresh import REFRESH_REASONS
from node.rpc.reasons import REASONS
from tests.integration.registry_lies import LIES, SENDING
from tests.integration.test_lying_peer import THROUGH_THE_DOOR
from tests.integration.test_wasteful_peer import TOLD

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "trust" / "README.md").read_text(encoding="utf-8")
MODULES = {
    "D": "tests/integration/test_attacks_on_distribution.py",
    "S": "tests/integration/test_attacks_on_statements.py",
    "R": "tests/integration/test_root_rotations.py",
    "M": "tests/integration/test_messages.py",
    "L": "tests/integration/test_lying_peer.py",
    "W": "tests/integration/test_wasteful_peer.py",
    "V": "tests/integration/test_split_views.py",
    "O": "tests/integration/test_restored_database.py",
    "T": "tests/integration/test_witnessed_time.py",
    "X": "tests/integration/test_successor_log.py",
}
LINE = re.compile(
    r"^\| (?P<attack>[^|]+) \| [^|]+ \| (?P<reason>[^|]+) \| `(?P<module>[DSRMLWVOTX])::(?P<test>.+)` \|$", re.MULTILINE
)


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """Every test of these modules, as pytest finds them: `D::test_name[case]`."""
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *MODULES.values()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = {path: letter for letter, path in MODULES.items()}
    lines = [line.partition("::") for line in found.stdout.splitlines() if "::" in line]
    return {f"{names[path]}::{test}" for path, _, test in lines}


def test_every_test_of_the_table_exists_and_every_attack_is_in_it(collected: set[str]) -> None:
    named = [f"{line['module']}::{line['test']}" for line in LINE.finditer(TEXT)]
    assert len(named) == len(set(named))
    without_cases = {name.partition("[")[0] for name in collected}
    assert sorted(name for name in named if name not in collected | without_cases) == []
    covered = {name for name in collected if name in named or name.partition("[")[0] in named}
    assert sorted(collected - covered) == []


def test_every_line_of_the_tables_was_read() -> None:
    tables = TEXT[TEXT.index("### On distribution") :]
    rows = re.findall(r"^\| (?!attack |---).*$", tables, re.MULTILINE)
    rows = [row for row in rows if not row.startswith("|---")]
    assert len(rows) == len(LINE.findall(TEXT)) > 40


def test_every_reason_of_the_table_exists() -> None:
    known = STEP_REASONS | REFRESH_REASONS | REASONS | set(MessageReason) | {each.value for each in PeerTrouble}
    reasons = {word for line in LINE.finditer(TEXT) for word in re.findall(r"`([A-Z_]+)`", line["reason"])}
    assert reasons - known == set()
    assert reasons >= REFRESH_REASONS - {"REGISTRY_FAILED_HERE"}  # no attack


def test_the_table_says_why_each_lie_is_refused() -> None:
    said = {line["test"]: line["reason"] for line in LINE.finditer(TEXT)}
    for name, (_, reason) in LIES.items():
        assert said[f"test_a_lie_is_refused_and_ends_in_refer[{name}]"] == f"`{reason}`"
    for name, (_, _, reason) in SENDING.items():
        assert said[f"test_endless_and_slow_data_end_within_bounds[{name}]"] == f"`{reason}`"
    for name, (_, _, reason, _) in THROUGH_THE_DOOR.items():
        assert said[f"test_a_node_that_follows_a_liar[{name}]"] == f"`{reason}`"
    for name, (_, reason, _) in TOLD.items():
        assert said[f"test_what_operators_are_told_of_it[{name}]"] == f"`{reason}`"
