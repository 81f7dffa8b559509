"""Kinds of values that settings have beyond numbers, texts and paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from node.errors import BadConfiguration


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen or connect: host name or IP address, and port (0 to 65535; 0 lets the system choose)."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


_HOST_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]/]+)):([0-9]{1,5})")


def _address(value: object) -> object:
    """`host:port`, IPv6 in brackets."""
    if isinstance(value, Address):
        return value
    match = _HOST_PORT.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[3]) > 65535:
        raise ValueError('must be "host:port" with a port up to 65535, such as "127.0.0.1:7443" or "[::1]:7443"')
    return Address(match[1] or match[2], int(match[3]))


def several(value: object) -> object:
    """A list; from the environment, separated by commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


HostPort = Annotated[Address, BeforeValidator(_address)]


class LogForm(StrEnum):
    """How log lines are written."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """Least serious lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _or_none(value: object) -> object:
    """Empty text means none: an environment variable cannot say it otherwise."""
    return None if value == "" else value


OptionalPath = Annotated[Path | None, BeforeValidator(_or_none)]

_URI = "pkcs11:"


def _key_place(value: object) -> object:
    """A path, or a PKCS #11 URI as text. What the URI says is read where tokens are known."""
    if not isinstance(value, str):
        return value
    if not value.startswith(_URI):
        return Path(value)
    if "pin-value" in value:
        raise ValueError("must not hold a PIN: write it into a file and name that by pin-source=file: or keys.pin_file")
    return value


KeyPlace = Annotated[Path | str, BeforeValidator(_key_place)]
"""Where a private key is: a file, or a PKCS #11 URI (RFC 7512)."""


def read_secret(path: Path, key: str) -> str:
    """First line of a secret file, without its line end. `key`: the setting that names it, for the error.

    Raises BadConfiguration when it cannot be read, is empty, or lies open to every user of the machine.
    """
    try:
        open_to_all = path.stat().st_mode & 0o007
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadConfiguration(key, "the file cannot be read as text. Check that it exists and is readable.") from None
    if open_to_all:
        raise BadConfiguration(key, "every user of this machine may open the file. Take that away with chmod 600.")
    if not lines or not lines[0]:
        raise BadConfiguration(key, "the first line of the file is empty. Write the secret there.")
    return lines[0]
