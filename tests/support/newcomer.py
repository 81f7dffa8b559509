"""Somebody who types what a document says, into one shell, in one folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.support.nodes import free_port


class Newcomer:
    """Types blocks of the README into one shell, in one folder, one after the other."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HUXIN_")}
        environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
        # Nodes ask each other more often than by default: nothing else is waited for so long.
        environment |= {"HUXIN_REGISTRY__REFRESH_SECONDS": "0.5"}
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        ports = {port: free_port() for port in (7443, 7444, 7445, 9464, 9465, 9466)}
        self._operations = [ports[9464], ports[9465]]
        # Only where the nodes listen differs from what the README says: tests run beside each other.
        self._words = {f"127.0.0.1:{port}": f"127.0.0.1:{free}" for port, free in ports.items()}
        self._words["init 140000"] = (
            f"init 140000 --listen 127.0.0.1:{ports[7443]} --operations 127.0.0.1:{ports[9464]}"
        )

    def puts(self, value: str, word: str) -> None:
        """From now on types this value where the README has the word in capitals."""
        self._words[word] = value

    def types(self, block: str) -> tuple[int, str]:
        """Exit code of the last command of a block, and all that the block printed."""
        for word, value in self._words.items():
            block = block.replace(word, value)
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{{\n{block}\n}} < /dev/null\ncode=$?\necho; echo the-end $code\n")
        self._shell.stdin.flush()
        printed = ""
        for line in self._shell.stdout:
            if line.startswith("the-end "):
                return int(line.split()[1]), printed
            printed += line
        raise AssertionError(f"the shell ended: {printed}")

    def waits_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.1)  # what is awaited happens in other processes

    def ready(self) -> bool:
        """Whether both nodes say that they are ready."""
        try:
            for port in self._operations:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
        except OSError:
            return False
        return True

    def leaves(self) -> None:
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.communicate()
