"""The reader of checkpoints and inclusion proofs that npm brings along to check its packages, run by Node.js.

Another implementation, in another language, of other people. It knows heads and inclusion, no cosignatures and no
consistency. Where npm is not installed its tests are skipped; the reader with OpenSSL is always there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

_SCRIPT = """
const path = require('path'), crypto = require('crypto');
const {folder, cases} = JSON.parse(require('fs').readFileSync(0));
const {verifyCheckpoint} = require(path.join(folder, 'dist/tlog/checkpoint.js'));
const {verifyMerkleInclusion} = require(path.join(folder, 'dist/tlog/merkle.js'));
const {VerificationError} = require(path.join(folder, 'dist/error.js'));
const bytes = (text) => Buffer.from(text, 'base64');
const checks = {
  checkpoint: ({note, name, hint, spki}) => {
    const publicKey = crypto.createPublicKey({key: bytes(spki), format: 'der', type: 'spki'});
    const log = {logID: bytes(hint), baseURL: name, publicKey};
    const told = verifyCheckpoint({inclusionProof: {checkpoint: {envelope: note}}}, [log]);
    return [told.origin, told.logSize.toString(), told.logHash.toString('base64')];
  },
  inclusion: ({leaf, index, path, size, root}) => {
    const entry = {canonicalizedBody: bytes(leaf), inclusionProof: {logIndex: index, hashes: path.map(bytes)}};
    verifyMerkleInclusion(entry, {logSize: size, logHash: bytes(root)});
    return true;
  },
};
const told = cases.map((one) => {
  try { return checks[one.what](one); } catch (error) {
    if (error instanceof VerificationError) return null;
    throw error;
  }
});
process.stdout.write(JSON.stringify(told));
"""


class Sigstore:
    """Asks the reader in `folder`."""

    def __init__(self, node: str, folder: Path) -> None:
        self._node = node
        self._folder = folder

    def checkpoint(self, note: str, name: str, spki: bytes) -> tuple[str, int, bytes] | None:
        """Origin, size and root of a note that the key signed under that name; None where the reader refuses it."""
        hint = sha256(name.encode() + b"\n\x01" + spki[12:]).digest()
        case = {"what": "checkpoint", "note": note, "name": name, "hint": _text(hint), "spki": _text(spki)}
        (told,) = self._ask([case])
        return None if told is None else (told[0], int(told[1]), b64decode(told[2]))

    def inclusions(self, proofs: Sequence[tuple[bytes, int, Sequence[bytes]]], size: int, root: bytes) -> list[bool]:
        """Whether the reader takes each (entry, index, path) as proven in the tree of `size` entries under `root`."""
        tree = {"what": "inclusion", "size": str(size), "root": _text(root)}
        cases = [
            {**tree, "leaf": _text(leaf), "index": str(index), "path": list(map(_text, path))}
            for leaf, index, path in proofs
        ]
        return [told is True for told in self._ask(cases)]

    def _ask(self, cases: list[dict[str, Any]]) -> list[Any]:
        asked = json.dumps({"folder": str(self._folder), "cases": cases}).encode()
        done = subprocess.run([self._node, "-e", _SCRIPT], input=asked, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        told: list[Any] = json.loads(done.stdout)
        return told


def _text(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.fixture(scope="session")
def sigstore() -> Sigstore:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("npm is not installed: its reader of checkpoints is not there to compare with")
    folder = Path(npm).resolve().parents[1] / "node_modules" / "@sigstore" / "verify"
    if not (folder / "dist" / "tlog" / "checkpoint.js").is_file():
        pytest.skip("this npm brings no reader of checkpoints along: nothing to compare with")
    return Sigstore(node, folder)
