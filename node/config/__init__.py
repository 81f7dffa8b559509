"""The node's settings: one TOML file in its home, overridden by environment variables. Read by cli and app only.

Secrets are paths of files, never values. Every mistake is named by its dotted key; unknown keys are mistakes.
"""

from __future__ import annotations

from node.config.settings import FILE_NAME, HOME_VARIABLE, PREFIX, Settings
from node.config.values import Address, read_secret

__all__ = ["FILE_NAME", "HOME_VARIABLE", "PREFIX", "Address", "Settings", "read_secret"]
