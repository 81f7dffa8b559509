"""The four node processes: started, asked until they are ready, and always ended."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ops.demo.commands import PROGRAM, Huxin, StoryBroken

READY_SECONDS = 30.0
REFRESH_SECONDS = 2.0
"""How often the nodes of the demo ask each other for a newer trust registry; `registry.refresh_seconds` is 20 else."""

STOP_SECONDS = 10.0
TAIL_LINES = 8


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One of the four, its home in the demo's folder, and where its node listens on this machine."""

    home: str
    division: str
    name_zh: str
    name_en: str
    rpc_port: int
    operations_port: int

    @property
    def name(self) -> str:
        return f"{self.name_zh} {self.name_en}"


class Nodes:
    """Node processes by home. `close` ends them all."""

    def __init__(self, huxin: Huxin) -> None:
        self._huxin = huxin
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, one: Jurisdiction) -> None:
        """Starts `huxin serve`; its log goes to node.log in the home."""
        with self.log(one.home).open("ab") as log:
            self._running[one.home] = subprocess.Popen(
                [PROGRAM, "--home", one.home, "serve"],
                cwd=self._huxin.folder,
                env={**self._huxin.environment(), "HUXIN_REGISTRY__REFRESH_SECONDS": str(REFRESH_SECONDS)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self, one: Jurisdiction) -> None:
        """Asks /readyz until it says yes. Raises StoryBroken when the node ended or takes too long."""
        process = self._running[one.home]
        deadline = time.monotonic() + READY_SECONDS
        while not _ready(one.operations_port):
            if process.poll() is not None:
                raise StoryBroken(f"the node of {one.name} ended with {process.returncode} before it was ready")
            if time.monotonic() > deadline:
                raise StoryBroken(f"the node of {one.name} was not ready after {READY_SECONDS:.0f} seconds")
            time.sleep(0.1)

    def stop(self, homes: Iterable[str]) -> None:
        """Asks processes to end and waits; those that do not are killed."""
        ending = [self._running.pop(home) for home in homes]
        for process in ending:
            process.terminate()
        for process in ending:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def close(self) -> None:
        """Ends all of them."""
        self.stop(list(self._running))

    def log(self, home: str) -> Path:
        """Where a node's log is written."""
        return self._huxin.folder / home / "node.log"

    def tails(self) -> dict[str, str]:
        """The last lines of every node's log, by home."""
        logs = {
            home: self.log(home) for home in sorted(path.parent.name for path in self._huxin.folder.glob("*/node.log"))
        }
        return {
            home: "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])
            for home, path in logs.items()
        }


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nothing listens on, below those that systems hand to outgoing calls."""
    found: list[int] = []
    start = 20_000 + os.getpid() % 1000 * 10
    for port in range(start, start + 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise StoryBroken("no free ports between 20000 and 31000 on 127.0.0.1")


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)  # directly, whatever proxy is configured
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
