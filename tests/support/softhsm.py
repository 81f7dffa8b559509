"""A real PKCS #11 token for tests, made by SoftHSM: a folder that can be taken away and brought back."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest

from trust.token_uri import TokenUri

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
PIN = "2580-synthetic"


@dataclass(frozen=True)
class SoftToken:
    """The token `huxin` of a SoftHSM whose files lie in `folder`, and the file with its PIN."""

    module: Path
    folder: Path
    pin_file: Path

    def uri(self, label: str = "") -> TokenUri:
        return TokenUri(self.module, "huxin", "", label, self.pin_file)

    def write_pin(self, pin: str) -> None:
        self.pin_file.write_text(f"{pin}\n")

    def end_logins(self) -> None:
        """As the end of a process does: what logged in before must log in again."""
        pkcs11.lib(str(self.module)).reinitialize()

    def unplug(self) -> None:
        self.folder.rename(self.folder.with_suffix(".unplugged"))
        self.folder.mkdir()

    def plug_in(self) -> None:
        self.folder.rmdir()
        self.folder.with_suffix(".unplugged").rename(self.folder)


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    """Empty, with its PIN file beside it. The module reads its configuration when it is initialised."""
    module = next((Path(path) for path in MODULES if Path(path).exists()), None)
    tool = shutil.which("softhsm2-util")
    if module is None or tool is None:
        pytest.skip("softhsm2 is missing (Debian: apt install softhsm2): keys in tokens are not tested")
    home = tmp_path / "softhsm"
    made = SoftToken(module, home / "tokens", home / "pin")
    made.folder.mkdir(parents=True)
    made.pin_file.touch(0o600)
    made.write_pin(PIN)
    configuration = home / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {made.folder}\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(configuration))
    command = [tool, "--init-token", "--free", "--label", "huxin", "--pin", PIN, "--so-pin", "1234"]
    subprocess.run(command, check=True, capture_output=True)
    yield made
    pkcs11.lib(str(module)).finalize()
