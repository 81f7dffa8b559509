"""PKCS #11 URIs (RFC 7512), as far as they name one key of one token.

    pkcs11:token=huxin;object=signing?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/huxin/pin

The PIN is never part of it: `pin-value` is refused, for a URI stands in settings, in logs and in shell histories.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

from trust.errors import MalformedInput

SCHEME = "pkcs11:"
MAX_URI_CHARS = 2_048

_PATH = ("token", "serial", "object")
_QUERY = ("module-path", "pin-source")


@dataclass(frozen=True, slots=True)
class TokenUri:
    """One key: the module that reaches the token, the token by label (and serial, when given), the object's label.

    `object` is empty for a token as such. `pin_source` names a file whose first line is the PIN; None: a setting does.
    """

    module: Path
    token: str
    serial: str
    object: str
    pin_source: Path | None

    def naming(self, label: str) -> TokenUri:
        """The object of that label in the same token."""
        return replace(self, object=label)

    def __str__(self) -> str:
        path = {"token": self.token, "serial": self.serial, "object": self.object}
        query = {"module-path": str(self.module)}
        if self.pin_source is not None:
            query["pin-source"] = f"file:{self.pin_source}"
        named = ";".join(f"{name}={quote(value, safe='')}" for name, value in path.items() if value)
        return f"{SCHEME}{named}?" + "&".join(f"{name}={quote(value, safe='/:')}" for name, value in query.items())


def read_token_uri(text: str) -> TokenUri:
    """Read a URI. Raises MalformedInput saying which attribute is wrong; its text is not repeated."""
    if len(text) > MAX_URI_CHARS or not text.isascii() or not text.isprintable():
        raise MalformedInput(f"a PKCS #11 URI has at most {MAX_URI_CHARS} printable ASCII characters (RFC 7512)")
    if not text.startswith(SCHEME):
        raise MalformedInput(f"a PKCS #11 URI begins with {SCHEME} (RFC 7512)")
    path, _, query = text.removeprefix(SCHEME).partition("?")
    named = _attributes(path, ";", _PATH)
    asked = _attributes(query, "&", _QUERY)
    if "token" not in named:
        raise MalformedInput("a PKCS #11 URI names its token: write token=LABEL")
    if "module-path" not in asked:
        raise MalformedInput("a PKCS #11 URI names its module: write ?module-path=/path/of/the/module.so")
    pin = asked.get("pin-source")
    return TokenUri(
        _absolute("module-path", asked["module-path"]),
        named["token"],
        named.get("serial", ""),
        named.get("object", ""),
        None if pin is None else _absolute("pin-source", pin.removeprefix("file:")),
    )


def _attributes(text: str, separator: str, known: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if name == "pin-value":
            raise MalformedInput("a PIN never stands in a URI: write it into a file and name that by pin-source=file:")
        if name not in known or not equals or name in found:
            raise MalformedInput(f"a PKCS #11 URI has here {', '.join(known)}, each once and with a value")
        if re.search(r"%(?![0-9A-Fa-f]{2})", value):
            raise MalformedInput(f"{name} in the PKCS #11 URI is not percent-encoded as RFC 3986 says")
        found[name] = unquote(value)
        if not found[name] or not found[name].isprintable() or "\N{REPLACEMENT CHARACTER}" in found[name]:
            raise MalformedInput(f"{name} in the PKCS #11 URI is empty or not text")
    return found


def _absolute(name: str, text: str) -> Path:
    path = Path(text.removeprefix("//"))
    if not path.is_absolute():
        raise MalformedInput(f"{name} in the PKCS #11 URI is an absolute path")
    return path
