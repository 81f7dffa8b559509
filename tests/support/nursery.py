"""Real node processes that start in some 60 ms, to be killed and born again many times.

`python -m tests.support.nursery` imports the node once, which takes ten times as long as starting it, and then forks
one serving process for each home that it is told. The fork happens before there is any thread, event loop, gRPC core
or open database, and the child runs what `huxin serve` runs: `node.app.running.serve`, or a command of `huxin`.

In: one JSON line per process, `{"settings": path of huxin.toml, "environment": {...}, "log": path}`, or
`{"command": [arguments of huxin], "environment": {...}, "log": path}`, or `{"bury": pid}` for one that was killed or is
to be waited for. Out: `{"born": pid}`, or `{"buried": pid}` once the process is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

_ROOT = Path(__file__).parents[2]


class Nursery:
    """The parent's side: starts node processes and tells when one is gone."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def open(cls) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.nursery",
            stdin=PIPE,
            stdout=PIPE,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'proto'}"},
        )
        return cls(process)

    async def bear(self, settings: Path, environment: dict[str, str], log: Path) -> int:
        """Starts a node that writes its log to a file. Returns its process id at once, before it serves."""
        born = await self._ask({"settings": str(settings), "environment": environment, "log": str(log)})
        return int(born["born"])

    async def command(self, arguments: Sequence[str], environment: dict[str, str], log: Path) -> int:
        """Starts a command of `huxin`. Returns its process id at once."""
        born = await self._ask({"command": list(arguments), "environment": environment, "log": str(log)})
        return int(born["born"])

    async def kill(self, pid: int) -> None:
        """SIGKILL, and waits until the process is gone. Fails when it had ended by itself."""
        status = await self.end(pid)
        assert status == -signal.SIGKILL, f"it had ended before it was killed: {status}"

    async def end(self, pid: int) -> int:
        """SIGKILL, unless it has ended by itself: how it ended, as an exit status."""
        os.kill(pid, signal.SIGKILL)
        return await self.wait(pid)

    async def wait(self, pid: int) -> int:
        """Waits until a process has ended: its exit status."""
        buried = await self._ask({"bury": pid})
        return int(buried["status"])

    async def close(self) -> None:
        """Ends this process and kills what it still has running."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return answer


def main() -> None:
    """The child's side."""
    import uvloop  # noqa: PLC0415 - in the nursery process only

    import node.cli.registry  # noqa: F401, PLC0415 - so that no command has to
    from node.app.running import serve  # noqa: PLC0415
    from node.cli.main import cli  # noqa: PLC0415
    from node.config.settings import Settings  # noqa: PLC0415

    living: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "bury" in request:
            _, status = os.waitpid(request["bury"], 0)
            living.discard(request["bury"])
            print(json.dumps({"buried": request["bury"], "status": os.waitstatus_to_exitcode(status)}), flush=True)  # noqa: T201
            continue
        pid = os.fork()
        if pid == 0:
            _redirect(request["log"])
            os.environ.update(request["environment"])
            try:
                if "command" in request:
                    cli(request["command"], prog_name="huxin")
                else:
                    uvloop.run(serve(Settings.load(Path(request["settings"]), request["environment"])))
            except SystemExit as ended:
                sys.stdout.flush()
                os._exit(ended.code if isinstance(ended.code, int) else 1)
            except BaseException:  # noqa: BLE001 - a child never goes on with its parent's work
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        living.add(pid)
        print(json.dumps({"born": pid}), flush=True)  # noqa: T201
    for pid in living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _redirect(log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


if __name__ == "__main__":
    main()
