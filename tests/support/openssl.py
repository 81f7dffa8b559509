"""The OpenSSL command line: an implementation of SM2 beside ours, as other systems use it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SIGNER_ID = ["-pkeyopt", "distid:1234567812345678"]
"""What OpenSSL 3 has to be told: by itself it takes the empty signer id."""


def openssl(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run it. Skips the test where it is not installed."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("the openssl command line is not installed: nothing to compare with")
    return subprocess.run([program, *arguments], input=stdin, capture_output=True, check=False, timeout=60)


def sm2_key_file(path: Path) -> Path:
    """A new SM2 key as PKCS #8 PEM. Skips the test where this OpenSSL was built without SM2."""
    made = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", path)
    if made.returncode:
        pytest.skip("this openssl was built without SM2: nothing to compare with")
    path.chmod(0o600)
    return path
