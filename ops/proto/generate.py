"""Generates `proto/huxin/v1/*_pb2*` from the schema, or with --check says whether the checked-in ones are current."""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).resolve().parents[2] / "proto"
SCHEMA = PROTO / "huxin" / "v1"


def generate(target: Path) -> None:
    """Writes every generated module below `target`. gRPC stubs come for service files only."""
    files = sorted(f"huxin/v1/{path.name}" for path in SCHEMA.glob("*.proto"))
    services = [file for file in files if file.endswith("_service.proto")]
    include = f"--proto_path={PROTO}"
    builtin = f"--proto_path={Path(protoc.__file__).parent / '_proto'}"
    messages = protoc.main(["protoc", include, builtin, f"--python_out={target}", f"--pyi_out={target}", *files])
    stubs = protoc.main(["protoc", include, builtin, f"--grpc_python_out={target}", *services])
    if messages or stubs:
        sys.exit("protoc refused the schema; its words stand above.")


def stale(fresh: Path) -> list[str]:
    """Names of generated modules that are missing, left over, or differ from `fresh`."""
    made = {path.name for path in (fresh / "huxin" / "v1").iterdir()}
    kept = {path.name for path in SCHEMA.glob("*_pb2*")}
    _, different, unreadable = filecmp.cmpfiles(SCHEMA, fresh / "huxin" / "v1", sorted(made & kept), shallow=False)
    return sorted((made ^ kept) | set(different) | set(unreadable))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a module is out of date")
    if not parser.parse_args().check:
        generate(PROTO)
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        names = stale(Path(folder))
    if names:
        sys.exit(f"Out of date, run `make proto`: {', '.join(names)}")


if __name__ == "__main__":
    main()
