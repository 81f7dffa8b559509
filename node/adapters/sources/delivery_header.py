"""The header of a delivery: a TOML file beside the data, `<name>.csv` -> `<name>.delivery.toml`.

unit = "省市场监管局"
local_codes = ["6", "14"]
as_of = 2026-11-20    # the data are complete up to the start of this day in China
complete = true       # false: these are some records, and nothing is promised about others
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from node.adapters.textfiles import read_settings
from node.errors import BadSource
from node.model.delivery import DeliveryHeader


def header_beside(data: Path) -> Path:
    """Where the header of a data file lies."""
    return data.with_suffix(".delivery.toml")


def read_delivery_header(path: Path, *, today: date) -> DeliveryHeader:
    """The header in that file. `today` is the day in China.

    Raises BadSource for a missing or unknown key, a value of another kind and a day in the future.
    """
    if not path.exists():
        raise BadSource(
            path.name,
            "there is no such file; say in it what the delivery is (docs/csv-source.md), or with --unit, --row and "
            "--as-of",
        )
    settings = read_settings(path, path.name)
    header = DeliveryHeader(
        unit=settings.text("unit"),
        local_codes=settings.texts("local_codes"),
        as_of=settings.day("as_of"),
        complete=settings.flag("complete"),
    )
    settings.finish()
    if header.as_of > today:
        raise settings.bad("as_of", "the day lies in the future; nobody can have delivered it yet")
    return header
