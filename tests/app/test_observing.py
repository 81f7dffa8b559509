"""What the settings imply for readiness. How a running node uses it: `tests/integration/test_readiness.py`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from node.app.observing import Limits
from tests.support import nodes


@pytest.mark.parametrize(
    ("cosign", "oldest_head"),
    [("60", timedelta(minutes=3)), ("1", timedelta(seconds=30)), ("3600", timedelta(hours=3))],
)
def test_an_own_head_may_miss_some_cosignatures(tmp_path: Path, cosign: str, oldest_head: timedelta) -> None:
    one = nodes.found(tmp_path, "520000", extra={"HUXIN_FEDERATION__COSIGN_SECONDS": cosign})
    assert Limits.of(one.settings).oldest_head == oldest_head


@pytest.mark.parametrize(("longest", "recent"), [("300", timedelta(minutes=15)), ("3600", timedelta(hours=2))])
def test_what_was_heard_of_a_clock_counts_until_the_peer_is_asked_again(
    tmp_path: Path, longest: str, recent: timedelta
) -> None:
    one = nodes.found(tmp_path, "520000", extra={"HUXIN_FEDERATION__BACKOFF_MAX_SECONDS": longest})
    assert Limits.of(one.settings).recent == recent
