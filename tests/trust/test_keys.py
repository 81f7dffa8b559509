from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.trust import key
from trust.algorithms import Suite
from trust.errors import BadKey
from trust.keys import MAX_KEY_FILE_BYTES, load, save


@pytest.mark.parametrize("suite", list(Suite))
@pytest.mark.parametrize("passphrase", [None, b"synthetic passphrase"])
def test_a_saved_key_is_private_and_comes_back(tmp_path: Path, suite: Suite, passphrase: bytes | None) -> None:
    signer, path = key(f"signer {suite}", suite), tmp_path / "key.pem"
    before = os.umask(0)  # the widest umask must not widen the file
    try:
        save(signer, path, passphrase)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"ENCRYPTED" in path.read_bytes()) == (passphrase is not None)
    again = load(path, passphrase)
    assert (again.suite, again.spki, again.key_id) == (signer.suite, signer.spki, signer.key_id)
    signer.public.verify(again.sign(b"message"), b"message")


def test_a_key_is_never_overwritten_nor_written_through_a_link(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    save(key("signing"), path)
    kept = path.read_bytes()
    with pytest.raises(BadKey):
        save(key("other"), path)
    link = tmp_path / "link.pem"
    link.symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(BadKey):
        save(key("other"), link)
    assert path.read_bytes() == kept
    assert not (tmp_path / "elsewhere.pem").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_file_that_others_can_open_is_refused_saying_how_to_fix_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    save(key("signing"), path)
    path.chmod(mode)
    with pytest.raises(BadKey, match="chmod 600") as caught:
        load(path)
    assert caught.value.reason == "KEY_FILE_EXPOSED"


def test_passphrases_are_needed_right_or_not_at_all(tmp_path: Path) -> None:
    closed, open_ = tmp_path / "closed.pem", tmp_path / "open.pem"
    save(key("signing"), closed, b"right")
    save(key("signing"), open_)
    for path, passphrase in ((closed, None), (closed, b"wrong"), (open_, b"any")):
        with pytest.raises(BadKey):
            load(path, passphrase)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_what_is_no_key_of_a_known_suite_is_refused(tmp_path: Path) -> None:
    rsa_pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    half = key("signing").pem()[:40]
    for path in (
        write(tmp_path / "rsa.pem", rsa_pem),
        write(tmp_path / "half.pem", half),
        write(tmp_path / "large.pem", b" " * (MAX_KEY_FILE_BYTES + 1) + key("signing").pem()),
        tmp_path,
        tmp_path / "missing.pem",
        fifo,
    ):
        with pytest.raises(BadKey) as caught:
            load(path)
        assert str(tmp_path) not in caught.value.message


def test_a_key_shows_its_id_but_not_itself() -> None:
    shown = repr(key("signing"))
    assert key("signing").key_id in shown
    assert "PRIVATE" not in shown
