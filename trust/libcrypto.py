"""The system's libcrypto (OpenSSL 3) by ctypes, for what `cryptography` has not: keys and signatures of SM2.

Everything runs in a library context of its own: no configuration file of the host, nothing shared with Python's ssl.
ctypes releases the GIL during each call. Whatever fails raises LibcryptoError and leaves nothing allocated and no entry
in the thread's error queue, which Python's ssl would find.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_void_p

LIBCRYPTO = "libcrypto.so.3"
"""Name by which the system's loader finds OpenSSL 3."""

_SM2, _SM3 = b"SM2", b"SM3"
_SIGNATURE_ROOM = 256
"""Bytes, above any DER signature of a 256-bit curve (72)."""
_KEYPAIR = 0x87
"""EVP_PKEY_KEYPAIR of openssl/evp.h: parameters, public and private key."""

_POINTER_TO_POINTER = POINTER(c_void_p)
_FUNCTIONS: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "CRYPTO_free": (None, (c_void_p, c_char_p, c_int)),
    "ERR_clear_error": (None, ()),
    "OSSL_LIB_CTX_new": (c_void_p, ()),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_is_a": (c_int, (c_void_p, c_char_p)),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_new_from_pkey": (c_void_p, (c_void_p, c_void_p, c_char_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_set1_id": (c_int, (c_void_p, c_char_p, c_size_t)),
    "EVP_PKEY_keygen_init": (c_int, (c_void_p,)),
    "EVP_PKEY_generate": (c_int, (c_void_p, _POINTER_TO_POINTER)),
    "EVP_PKEY_public_check": (c_int, (c_void_p,)),
    "EVP_PKEY_check": (c_int, (c_void_p,)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_free": (None, (c_void_p,)),
    "EVP_DigestSignInit_ex": (
        c_int,
        (c_void_p, _POINTER_TO_POINTER, c_char_p, c_void_p, c_char_p, c_void_p, c_void_p),
    ),
    "EVP_DigestSign": (c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EVP_DigestVerifyInit_ex": (
        c_int,
        (c_void_p, _POINTER_TO_POINTER, c_char_p, c_void_p, c_char_p, c_void_p, c_void_p),
    ),
    "EVP_DigestVerify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "d2i_PUBKEY_ex": (c_void_p, (c_void_p, POINTER(c_char_p), c_long, c_void_p, c_char_p)),
    "i2d_PUBKEY": (c_int, (c_void_p, _POINTER_TO_POINTER)),
    "OSSL_DECODER_CTX_new_for_pkey": (
        c_void_p,
        (_POINTER_TO_POINTER, c_char_p, c_char_p, c_char_p, c_int, c_void_p, c_char_p),
    ),
    "OSSL_DECODER_CTX_set_passphrase": (c_int, (c_void_p, c_char_p, c_size_t)),
    "OSSL_DECODER_from_data": (c_int, (c_void_p, POINTER(c_char_p), POINTER(c_size_t))),
    "OSSL_DECODER_CTX_free": (None, (c_void_p,)),
    "OSSL_ENCODER_CTX_new_for_pkey": (c_void_p, (c_void_p, c_int, c_char_p, c_char_p, c_char_p)),
    "OSSL_ENCODER_CTX_set_cipher": (c_int, (c_void_p, c_char_p, c_char_p)),
    "OSSL_ENCODER_CTX_set_passphrase": (c_int, (c_void_p, c_char_p, c_size_t)),
    "OSSL_ENCODER_to_data": (c_int, (c_void_p, _POINTER_TO_POINTER, POINTER(c_size_t))),
    "OSSL_ENCODER_CTX_free": (None, (c_void_p,)),
}


class LibcryptoError(Exception):
    """The library is not there, lacks something, or refused. Says nothing more: its own texts are not for people."""


class NotVerified(LibcryptoError):
    """A signature that the library looked at and did not find to be one."""


class Libcrypto:
    """One loaded library. Safe for threads. Raises LibcryptoError when it is absent, older than 3.0 or lacks a part.

    `name` is one that the system's loader finds, or a path.
    """

    def __init__(self, name: str = LIBCRYPTO) -> None:
        self.name = name
        try:
            library = ctypes.CDLL(name)
            self._functions: dict[str, Callable[..., int | None]] = {}
            for function, (result, arguments) in _FUNCTIONS.items():
                bound = getattr(library, function)
                bound.restype, bound.argtypes = result, arguments
                self._functions[function] = bound
        except (OSError, AttributeError, ValueError):
            raise LibcryptoError from None
        self._context = self.call("OSSL_LIB_CTX_new")  # for the life of the process, as the library itself

    def call(self, function: str, *arguments: object) -> int:
        """Call what answers with a pointer, or with 1 for success. Raises LibcryptoError for anything else."""
        answer = self._functions[function](*arguments)
        if answer is None or answer <= 0:
            self._functions["ERR_clear_error"]()
            raise LibcryptoError
        return answer

    def release(self, function: str, pointer: int | None) -> None:
        """Call what frees. A null pointer is left alone."""
        if pointer:
            self._functions[function](pointer)

    def generate_sm2(self) -> EvpKey:
        """A new key pair from the library's randomness, which the operating system seeds."""
        with self._made("EVP_PKEY_CTX", "EVP_PKEY_CTX_new_from_name", self._context, _SM2, None) as context:
            self.call("EVP_PKEY_keygen_init", context)
            made = c_void_p()
            self.call("EVP_PKEY_generate", context, byref(made))
        return EvpKey(self, made.value)

    def sm2_public(self, spki: bytes) -> EvpKey:
        """A public key from DER SubjectPublicKeyInfo; its point is on the curve and not at infinity."""
        cursor = c_char_p(spki)
        key = EvpKey(self, self.call("d2i_PUBKEY_ex", None, byref(cursor), len(spki), self._context, None))
        self._require_sm2(key, "EVP_PKEY_public_check")
        return key

    def sm2_private(self, pem: bytes, passphrase: bytes | None) -> EvpKey:
        """A key pair from PKCS #8 PEM, whose two halves belong together."""
        made = c_void_p()
        with self._made(
            "OSSL_DECODER_CTX",
            "OSSL_DECODER_CTX_new_for_pkey",
            byref(made), b"PEM", None, None, _KEYPAIR, self._context, None,
        ) as context:  # fmt: skip
            if passphrase is not None:
                self.call("OSSL_DECODER_CTX_set_passphrase", context, passphrase, len(passphrase))
            cursor, left = c_char_p(pem), c_size_t(len(pem))
            try:
                self.call("OSSL_DECODER_from_data", context, byref(cursor), byref(left))
            except LibcryptoError:
                self.release("EVP_PKEY_free", made.value)
                raise
        key = EvpKey(self, made.value)
        self._require_sm2(key, "EVP_PKEY_check")
        return key

    def spki(self, key: EvpKey) -> bytes:
        """DER SubjectPublicKeyInfo."""
        made = c_void_p()
        length = self.call("i2d_PUBKEY", key.pointer, byref(made))
        return self._taken(made, length)

    def pkcs8(self, key: EvpKey, passphrase: bytes | None) -> bytes:
        """PKCS #8 PEM; with a passphrase PBES2: PBKDF2 with SHA-256, AES-256-CBC."""
        made, length = c_void_p(), c_size_t()
        with self._made(
            "OSSL_ENCODER_CTX", "OSSL_ENCODER_CTX_new_for_pkey", key.pointer, _KEYPAIR, b"PEM", b"PrivateKeyInfo", None
        ) as context:
            if passphrase is not None:
                self.call("OSSL_ENCODER_CTX_set_cipher", context, b"AES-256-CBC", None)
                self.call("OSSL_ENCODER_CTX_set_passphrase", context, passphrase, len(passphrase))
            self.call("OSSL_ENCODER_to_data", context, byref(made), byref(length))
        return self._taken(made, length.value)

    def sm2_sign(self, key: EvpKey, signer_id: bytes, message: bytes) -> bytes:
        """DER signature over SM3(Z(signer id, public key) ‖ message)."""
        signature, length = ctypes.create_string_buffer(_SIGNATURE_ROOM), c_size_t(_SIGNATURE_ROOM)
        with self._digesting("EVP_DigestSignInit_ex", key, signer_id) as context:
            self.call("EVP_DigestSign", context, signature, byref(length), message, len(message))
        return signature.raw[: length.value]

    def sm2_verify(self, key: EvpKey, signer_id: bytes, signature: bytes, message: bytes) -> None:
        """Raises NotVerified unless the signature is that of the message, key and signer id."""
        with self._digesting("EVP_DigestVerifyInit_ex", key, signer_id) as context:
            try:
                self.call("EVP_DigestVerify", context, signature, len(signature), message, len(message))
            except LibcryptoError:
                raise NotVerified from None

    def _require_sm2(self, key: EvpKey, check: str) -> None:
        self.call("EVP_PKEY_is_a", key.pointer, _SM2)
        with self._made("EVP_PKEY_CTX", "EVP_PKEY_CTX_new_from_pkey", self._context, key.pointer, None) as context:
            self.call(check, context)

    @contextmanager
    def _digesting(self, init: str, key: EvpKey, signer_id: bytes) -> Iterator[int]:
        with self._made("EVP_MD_CTX", "EVP_MD_CTX_new") as context:
            inner = c_void_p()  # belongs to the digest context
            self.call(init, context, byref(inner), _SM3, self._context, None, key.pointer, None)
            self.call("EVP_PKEY_CTX_set1_id", inner, signer_id, len(signer_id))
            yield context

    @contextmanager
    def _made(self, kind: str, function: str, *arguments: object) -> Iterator[int]:
        """An object of that kind, freed whatever happens."""
        pointer = self.call(function, *arguments)
        try:
            yield pointer
        finally:
            self.release(f"{kind}_free", pointer)

    def _taken(self, made: c_void_p, length: int) -> bytes:
        """The bytes that the library allocated, which it then frees."""
        try:
            return ctypes.string_at(made, length)
        finally:
            self._functions["CRYPTO_free"](made, b"", 0)


class EvpKey:
    """A key that the library holds; freed with this object. Safe for threads: operations have contexts of their own."""

    __slots__ = ("_library", "pointer")

    def __init__(self, library: Libcrypto, pointer: int | None) -> None:
        self._library = library
        self.pointer = pointer

    def __del__(self) -> None:
        pointer, self.pointer = self.pointer, None
        self._library.release("EVP_PKEY_free", pointer)
