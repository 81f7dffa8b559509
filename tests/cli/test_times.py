"""How the command line writes moments: one form for people, one for machines, and no other anywhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import node.cli
from node.cli.session import in_china, rfc3339

MOMENT = datetime(2026, 11, 22, 16, 30, 5, tzinfo=UTC)
HOME_MADE = re.compile(r"\.isoformat\(|strftime\(|:%[YmdHMS]|\.ctime\(|str\(\w*(_at|_until|_from)\)")
"""Ways to write a moment that nobody could tell the zone of, or each in its own form."""


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-5))])
def test_people_read_china_with_its_offset(zone: timezone) -> None:
    moment = MOMENT.astimezone(zone)
    assert in_china(moment) == "2026-11-23 00:30 (UTC+8)"
    assert in_china(moment, seconds=True) == "2026-11-23 00:30:05 (UTC+8)"


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-5))])
def test_machines_read_rfc_3339_in_utc(zone: timezone) -> None:
    moment = MOMENT.astimezone(zone)
    assert rfc3339(moment) == "2026-11-22T16:30:05Z"
    assert rfc3339(moment.replace(microsecond=250)) == "2026-11-22T16:30:05.000250Z"
    assert datetime.fromisoformat(rfc3339(moment)) == MOMENT
    assert rfc3339(None) is None


def test_no_command_writes_a_moment_in_a_form_of_its_own() -> None:
    found = {}
    for path in sorted(Path(node.cli.__file__).parent.glob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        odd = [f"{number}: {line.strip()}" for number, line in enumerate(lines, 1) if HOME_MADE.search(line)]
        if odd:
            found[path.name] = odd
    assert found == {}, "use in_china for people and rfc3339 for machines (node.cli.session)"
