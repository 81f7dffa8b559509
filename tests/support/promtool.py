"""Prometheus' own checker, as Debian packages it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def promtool(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs promtool in a folder. Skips, saying what is missing, where it is not installed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed; on Debian: apt-get install prometheus")
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
