"""`huxin` as a user runs it, in this process: the real commands on a real home."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from node.cli.main import cli


def huxin(*arguments: str | Path, home: Path | None = None, environ: dict[str, str | None] | None = None) -> Result:
    """The result of `huxin [--home HOME] ...`: exit_code, stdout, stderr. Wide, so that no word is wrapped."""
    before = ["--home", str(home)] if home else []
    variables: dict[str, str | None] = {"COLUMNS": "400", "HUXIN_HOME": None, "HUXIN_NODE": None, **(environ or {})}
    return CliRunner().invoke(cli, [*before, *map(str, arguments)], prog_name="huxin", env=variables)
