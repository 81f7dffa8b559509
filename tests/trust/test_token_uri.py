"""PKCS #11 URIs: one key of one token, and never a PIN."""

from __future__ import annotations

from pathlib import Path

import pytest

from trust.errors import MalformedInput
from trust.token_uri import TokenUri, read_token_uri

PLAIN = "pkcs11:token=huxin;object=signing?module-path=/usr/lib/softhsm/libsofthsm2.so"


def test_it_names_module_token_and_object() -> None:
    found = read_token_uri(PLAIN)
    assert found == TokenUri(Path("/usr/lib/softhsm/libsofthsm2.so"), "huxin", "", "signing", None)
    assert str(found) == PLAIN
    assert str(found.naming("log")) == PLAIN.replace("signing", "log")


@pytest.mark.parametrize("source", ["file:/etc/pin", "file:///etc/pin", "/etc/pin"])
def test_the_pin_is_named_by_its_file(source: str) -> None:
    assert read_token_uri(f"{PLAIN}&pin-source={source}").pin_source == Path("/etc/pin")


def test_what_is_written_is_read_again() -> None:
    uri = TokenUri(Path("/opt/a b/module.so"), "省 1;2", "00ff", "sign&ing?", Path("/etc/p&n"))
    assert read_token_uri(str(uri)) == uri


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file:/x", "begins with pkcs11:"),
        (PLAIN.replace("token=huxin;", ""), "token=LABEL"),
        ("pkcs11:token=huxin;object=signing", "module-path"),
        (PLAIN.replace("/usr", "usr"), "absolute path"),
        (f"{PLAIN}&pin-source=file:pin", "absolute path"),
        (f"{PLAIN}&pin-value=1234", "never stands in a URI"),
        (PLAIN.replace("object", "pin-value"), "never stands in a URI"),
        (PLAIN.replace("object", "slot-id"), "token, serial, object"),
        (PLAIN.replace(";object", ";token=x;object"), "each once"),
        (PLAIN.replace("=signing", "="), "empty"),
        (PLAIN.replace("=signing", "=%zz"), "percent-encoded"),
        (PLAIN.replace("=signing", "=%ff"), "not text"),
        (PLAIN.replace("=signing", "=签"), "printable ASCII"),
        (PLAIN + "x" * 2048, "at most"),
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str, said: str) -> None:
    with pytest.raises(MalformedInput, match=said) as caught:
        read_token_uri(text)
    assert "1234" not in caught.value.message
