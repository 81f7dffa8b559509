"""The law of the house, held against the tree: imports, folders, sizes, generated code, schema.

Every rule is also broken here on purpose, in a copy: a law that nothing can break would not be one.
"""

from __future__ import annotations

import ast
import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
TOP_LEVEL = {"proto", "node", "trust", "ops", "tests", "docs", ".ci"}
SEE_MESSAGES = {"trust.statements", "trust.bundle"}
SEE_TOKENS = {"trust.tokens"}

LONG_MODULES: dict[str, str] = {
    "node/cli/connection.py": "every question that the command line asks a node",
    "tests/federation/test_follower.py": "every way in which a peer ends, wastes or breaks a stream",
    "node/app/running.py": "the composition root: what a running node consists of stands in one place",
    "node/storage/schema.py": "every table there is, in one place that the migrations are held against",
    "node/config/sections.py": "every setting there is, with its meaning and its limits",
    "trust/statements.py": "the one module that reads and writes signed payloads: what each means stands in one place",
    "tests/trust/test_certificates.py": "one fault per case, each a whole certificate of its own",
    "tests/trust/test_registry.py": "every rule of the registry, and the properties that hold them together",
    "tests/rpc/world.py": "services of a whole node, for every method",
    "tests/cli/test_offline.py": "every command that needs no node",
    "tests/trust/test_verify.py": "a case for each outcome of each step",
    "tests/rpc/test_services.py": "every method, with what it refuses",
    "tests/cli/test_connection.py": "every way in which a node does not answer",
}
"""Modules of more than 400 lines, and why they stay whole."""

LONG_FUNCTIONS: dict[str, str] = {
    "node/app/running.py:_start": "the composition root reads downward, in the order in which things need each other",
    "node/storage/migrations/versions/v0001_first_tables.py:_facts": "one table after the other",
}
"""Functions of more than 60 lines, and why they stay whole."""


def ours() -> Iterator[Path]:
    """Every file that belongs to the repository: what `.gitignore` does not name."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line] + [".git"]

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored):
                continue
            if path.is_dir():
                yield from walk(path)
            else:
                yield path

    return walk(ROOT)


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")))


def run(*command: str, cwd: Path) -> tuple[int, str]:
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "PYTHONPATH": f"{cwd}:{cwd / 'proto'}", "COLUMNS": "300"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


# Imports


@pytest.fixture(scope="module")
def copy_of_the_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree that the contracts speak of, free to be spoilt."""
    copy = tmp_path_factory.mktemp("house")
    for folder in ("node", "trust", "proto", "ops/proto"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def test_the_import_law_holds() -> None:
    code, told = run(str(BIN / "lint-imports"), "--no-cache", cwd=ROOT)
    assert code == 0, told
    assert "0 broken" in told


PLANTED = [
    ("node/recognition/gaps.py", "import sqlalchemy", "Recognition is pure"),
    ("node/recognition/cells.py", "import asyncio", "Recognition is pure"),
    ("node/rpc/paging.py", "import sqlalchemy", "Only storage speaks SQL"),
    ("node/issuance/period.py", "import node.storage.schema", "Use cases state what they need"),
    ("node/verification/reading.py", "import node.metrics", "Use cases state what they need"),
    ("node/intake/ingest.py", "import node.issuance.period", "Use cases are strangers to each other"),
    ("node/adapters/textfiles.py", "import trust.keys", "Tools are strangers to each other"),
    ("node/storage/bulk.py", "import node.adapters.textfiles", "The house"),
    ("node/model/log.py", "import node.wire.fields", "The house"),
    ("node/rpc/caller.py", "import node.storage.schema", "Doors open no storage"),
    ("node/cli/peers.py", "import node.storage.schema", "Doors are opened by the composition root alone"),
    ("node/app/trusting.py", "import tuf", "Only the registry speaks TUF"),
    ("node/verification/verify.py", "import huxin.v1.verdict_pb2", "Generated messages are seen"),
    ("trust/steps.py", "import huxin.v1.bundle_pb2", "Generated messages are seen"),
    ("trust/log/tree.py", "import node.errors", "The trust kernel knows nothing of the node"),
    ("trust/memo.py", "import structlog", "The trust kernel knows nothing of the node"),
    ("trust/keys.py", "import pkcs11", "Only trust.tokens speaks to tokens"),
    ("node/app/held_key.py", "import pkcs11", "Only trust.tokens speaks to tokens"),
]


@pytest.fixture(scope="module")
def told_of_the_spoilt_house(copy_of_the_house: Path) -> str:
    """What the linter says once everything above stands in the copy, and a room that nobody placed."""
    for name, statement, _ in PLANTED:
        with (copy_of_the_house / name).open("a", encoding="utf-8") as module:
            module.write(f"\n{statement}\n")
    (copy_of_the_house / "node" / "helpers.py").write_text('"""A room that no layer names."""\n')
    code, told = run(str(BIN / "lint-imports"), "--no-cache", cwd=copy_of_the_house)
    assert code == 1, told
    return told


@pytest.mark.parametrize(("name", "statement", "contract"), PLANTED, ids=lambda value: value.split("/")[-1])
def test_a_planted_import_is_caught(told_of_the_spoilt_house: str, name: str, statement: str, contract: str) -> None:
    module = name.removesuffix(".py").replace("/", ".")
    imported = statement.removeprefix("import ")
    broken = told_of_the_spoilt_house.split("Broken contracts")[1]
    parts = re.split(r"^(.+)\n-+\n", broken, flags=re.MULTILINE)
    found = [text for heading, text in zip(parts[1::2], parts[2::2], strict=True) if heading.startswith(contract)]
    assert len(found) == 1, broken
    assert re.search(rf"{re.escape(module)} -> {re.escape(imported)}\b", found[0]), found[0]


def test_a_room_that_nobody_placed_is_caught(told_of_the_spoilt_house: str) -> None:
    assert "helpers" in told_of_the_spoilt_house.split("Broken contracts")[1]


def test_the_kernel_needs_the_standard_library_and_cryptography_alone() -> None:
    for path in python_files("trust"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        allowed = {"trust", "cryptography"} | ({"huxin", "google"} if module in SEE_MESSAGES else set())
        allowed |= {"pkcs11"} if module in SEE_TOKENS else set()
        imported = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert imported <= allowed | set(sys.stdlib_module_names), module


def test_no_room_and_no_module_is_left_out_of_the_law() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    by_name = {contract["name"]: set(contract.get("source_modules", ())) for contract in contracts}
    rooms = {f"node.{path.stem}" for path in (ROOT / "node").iterdir() if not path.name.startswith(("_", "py."))}
    sql = next(modules for name, modules in by_name.items() if name.startswith("Only storage"))
    assert rooms - sql == {"node.storage"}
    tuf = next(modules for name, modules in by_name.items() if name.startswith("Only the registry"))
    assert rooms - tuf == {"node.registry"}
    messages = next(modules for name, modules in by_name.items() if name.startswith("Generated messages"))
    assert rooms - messages == {"node.cli", "node.rpc", "node.wire", "node.storage", "node.federation"} - messages
    kernel = {
        f"trust.{path.stem}" for path in (ROOT / "trust").iterdir() if not path.name.startswith(("_", "py.", "README"))
    }
    assert kernel - messages == SEE_MESSAGES
    tokens = next(modules for name, modules in by_name.items() if name.startswith("Only trust.tokens"))
    assert (kernel | {"node"}) - tokens == SEE_TOKENS


# Folders, names, sizes, words


def test_the_house_has_its_folders_and_no_others() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in ours() if len(path.relative_to(ROOT).parts) > 1}
    assert folders == TOP_LEVEL


def test_nothing_is_called_a_drawer() -> None:
    drawers = {"util", "utils", "helper", "helpers", "common", "misc"}
    parts = {part.removesuffix(".py") for path in ours() for part in path.relative_to(ROOT).parts}
    assert not parts & drawers


def test_modules_are_short_or_say_why_not() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files("node", "trust", "ops", "tests")
    }
    assert {name: length for name, length in lengths.items() if length > 600} == {}
    assert {name for name, length in lengths.items() if length > 400} <= set(LONG_MODULES)
    assert not [name for name in LONG_MODULES if name not in lengths]


def test_functions_are_short_or_say_why_not() -> None:
    long = {
        f"{path.relative_to(ROOT).as_posix()}:{node.name}"
        for path in python_files("node", "trust", "ops")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    }
    assert long <= set(LONG_FUNCTIONS)


UNWANTED = {
    "unfinished work": re.compile("|".join(("TO" + "DO", "FIX" + "ME")) + r"\b"),
    "host of a package registry": re.compile(
        "|".join(("pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.org", "crates" + r"\.io"))
    ),
}


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file_holds(what: str) -> None:
    found = []
    for path in ours():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if UNWANTED[what].search(text):
            found.append(path.relative_to(ROOT).as_posix())
    assert found == []


def test_every_lock_has_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==\S+.*(?:\n .*)*", (ROOT / name).read_text(), re.MULTILINE)
        assert pins
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


# Schema and generated code


def test_generated_code_is_what_the_schema_makes() -> None:
    code, told = run(sys.executable, "ops/proto/generate.py", "--check", cwd=ROOT)
    assert code == 0, told


def test_generated_code_that_is_out_of_date_is_caught(copy_of_the_house: Path) -> None:
    schema = copy_of_the_house / "proto" / "huxin" / "v1" / "period.proto"
    schema.write_text(schema.read_text().replace("string end = 2;", "string end = 2;\n  // More.\n  string more = 3;"))
    code, told = run(sys.executable, "ops/proto/generate.py", "--check", cwd=copy_of_the_house)
    assert code == 1
    assert "period_pb2.py" in told
    assert "make proto" in told


def test_the_schema_keeps_what_was_agreed() -> None:
    code, told = run(str(BIN / "buf"), "breaking", "--against", "baseline.binpb", cwd=ROOT / "proto")
    assert code == 0, told


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("uint32 section_count = 15;", "uint64 section_count = 15;"),
        ("string territory = 3;", "string region = 3;"),
        ("Period period = 11;", ""),
    ],
)
def test_a_break_of_the_schema_is_caught(tmp_path: Path, before: str, after: str) -> None:
    shutil.copytree(ROOT / "proto", tmp_path / "proto", ignore=shutil.ignore_patterns("__pycache__", "*_pb2*"))
    schema = tmp_path / "proto" / "huxin" / "v1" / "statement.proto"
    text = schema.read_text()
    assert before in text
    schema.write_text(text.replace(before, after))
    code, told = run(str(BIN / "buf"), "breaking", "--against", "baseline.binpb", cwd=tmp_path / "proto")
    assert code != 0
    assert "statement.proto" in told
