"""Two files that are one: whatever moment a renewal is cut off at, a pair is there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from node.app import workload_pair
from node.app.authority import issue, own_authority
from node.app.workload_pair import PairFiles
from node.errors import NotReady
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.identities import Role, WorkloadIdentity

ROOT = Path(__file__).parents[2]


def renewed(one: TestJurisdiction) -> bytes:
    """Renews the node's pair and returns its certificate."""
    authority = own_authority(one.settings).issuing(THE_DAY)
    issue(authority, WorkloadIdentity(one.division, Role.NODE), node(one), THE_DAY, 30, os.urandom)
    return node(one).certificate.read_bytes()


def node(one: TestJurisdiction) -> PairFiles:
    return one.layout.pair("node")


def require_whole(files: PairFiles) -> None:
    pair = files.read()
    assert serialization.load_pem_private_key(pair.key, None).public_key() == pair.leaf.public_key()


def test_a_renewed_pair_replaces_the_old_one(guizhou: TestJurisdiction) -> None:
    before, stamp = node(guizhou).read(), node(guizhou).stamp()
    fresh = renewed(guizhou)
    after = node(guizhou).read()
    assert after.certificate == fresh != before.certificate
    assert after.key == node(guizhou).key.read_bytes() != before.key
    assert not node(guizhou).next_key.exists()
    assert node(guizhou).stamp() != stamp
    assert node(guizhou).key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut_off_at", ["write_durably", "_sync_folder"])
def test_a_renewal_that_was_cut_off_leaves_a_pair_and_the_next_one_succeeds(
    guizhou: TestJurisdiction, monkeypatch: pytest.MonkeyPatch, cut_off_at: str
) -> None:
    files, before = node(guizhou), node(guizhou).read()

    def stop(*_: object) -> None:
        raise OSError("synthetic crash")

    with monkeypatch.context() as patched:
        patched.setattr(workload_pair, cut_off_at, stop)
        with pytest.raises(OSError, match="synthetic"):
            renewed(guizhou)
    require_whole(files)
    assert (files.read() == before) is (cut_off_at == "write_durably")
    renewed(guizhou)
    require_whole(files)
    assert not files.next_key.exists()


def test_between_certificate_and_key_the_new_pair_counts(guizhou: TestJurisdiction) -> None:
    """The state that a crash after the second of three steps leaves."""
    files = node(guizhou)
    old_key = files.key.read_bytes()
    renewed(guizhou)
    files.key.rename(files.next_key)
    files.key.write_bytes(old_key)
    require_whole(files)
    assert files.read().key == files.next_key.read_bytes()


KILLED = """
import os, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {root!r} + "/proto"]
from tests.app.test_workload_pair import renewed
from tests.support.nodes import TestJurisdiction
from node.app.founding import Layout
from node.config import Settings
layout = Layout(Path({home!r}))
one = TestJurisdiction("520000", layout, Settings.load(layout.settings, {{}}))
while True:
    renewed(one)
    print("renewed", flush=True)
"""


def test_killed_at_any_moment(guizhou: TestJurisdiction) -> None:
    chance = random.Random(20261122)  # noqa: S311 - when to kill
    for _ in range(8):
        code = KILLED.format(root=str(ROOT), home=str(guizhou.layout.home))
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"renewed\n"
            time.sleep(chance.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
        require_whole(node(guizhou))


def test_files_that_do_not_belong_together_are_told(guizhou: TestJurisdiction) -> None:
    files, gateway = node(guizhou), guizhou.layout.pair("gateway")
    files.certificate.write_bytes(gateway.certificate.read_bytes())
    with pytest.raises(NotReady, match="belongs to another key"):
        files.read()
    files.certificate.write_text("damaged")
    with pytest.raises(NotReady, match="damaged"):
        files.read()
    renewed(guizhou)  # helps
    require_whole(files)
    files.certificate.unlink()
    with pytest.raises(NotReady, match="cannot be read"):
        files.read()


def test_no_key_is_shown(guizhou: TestJurisdiction) -> None:
    assert "PRIVATE" not in repr(node(guizhou).read())
