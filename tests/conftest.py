"""What holds for every test."""

from __future__ import annotations

import sys

import structlog

# The nodes of a test log while `huxin` runs in the same process, and CliRunner puts a stream of its own in sys.stdout's
# place: a line logged then would stand in the middle of what the command printed. The process's stderr is nobody's.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))
