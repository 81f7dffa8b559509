"""The binding: what is made is freed, errors stay here, threads do not meet, and hostile bytes only fail."""

from __future__ import annotations

import ctypes
import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trust.libcrypto import LIBCRYPTO, EvpKey, Libcrypto, LibcryptoError

ID = b"1234567812345678"
PASSPHRASE = b"synthetic passphrase"


@pytest.fixture(scope="module")
def library() -> Libcrypto:
    return Libcrypto()


@pytest.fixture(scope="module")
def pair(library: Libcrypto) -> EvpKey:
    return library.generate_sm2()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def failing_uses(library: Libcrypto, pair: EvpKey) -> None:
    """One of each operation that fails, past the point where something was allocated."""
    spki, pem = library.spki(pair), library.pkcs8(pair, PASSPHRASE)
    signature = library.sm2_sign(pair, ID, b"message")
    for use in (
        lambda: library.sm2_public(spki[:-1] + bytes([spki[-1] ^ 1])),
        lambda: library.sm2_public(spki[:40]),
        lambda: library.sm2_private(pem, b"wrong"),
        lambda: library.sm2_private(pem, None),
        lambda: library.sm2_private(pem[:150], PASSPHRASE),
        lambda: library.sm2_verify(pair, ID, signature, b"another message"),
        lambda: library.sm2_verify(pair, ID, b"", b"message"),
    ):
        with pytest.raises(LibcryptoError):
            use()


def test_nothing_that_is_made_stays_allocated(library: Libcrypto, pair: EvpKey) -> None:
    def all_uses() -> None:
        made = library.generate_sm2()
        library.sm2_public(library.spki(made))
        library.sm2_private(library.pkcs8(made, None), None)
        library.sm2_verify(made, ID, library.sm2_sign(made, ID, b"message"), b"message")
        failing_uses(library, pair)

    def rounds(count: int) -> int:
        for _ in range(count):
            all_uses()
        gc.collect()
        return resident_bytes()

    settled = rounds(100)
    grown = rounds(400) - settled
    assert grown < 400 * 512, "one leaked file of each round would take more"


def test_failures_leave_nothing_in_the_error_queue(library: Libcrypto, pair: EvpKey) -> None:
    """Python's ssl uses the same queue and would take what it finds there for its own."""
    failing_uses(library, pair)
    assert ctypes.CDLL(LIBCRYPTO).ERR_peek_error() == 0


def test_one_key_serves_many_threads(library: Libcrypto, pair: EvpKey) -> None:
    def work(number: int) -> int:
        message = b"%d" % number
        for _ in range(20):
            signature = library.sm2_sign(pair, ID, message)
            library.sm2_verify(pair, ID, signature, message)
            failing_uses(library, pair)
        return number

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(8))) == list(range(8))


@pytest.mark.parametrize("name", ["no-such-library.so.3", "libc.so.6", __file__, "", "nul\x00"])
def test_what_is_no_libcrypto_is_refused(name: str) -> None:
    with pytest.raises(LibcryptoError):
        Libcrypto(name)
