"""Chapters 1 and 3: four jurisdictions are founded; their sources deliver."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from rich.table import Table

from node.model.calendar import months_before
from ops.demo.commands import StoryBroken, together
from ops.demo.stage import Stage
from ops.demo.synthetic import (
    Delivered,
    Subject,
    Volume,
    deliveries,
    fillers,
    subject,
    write_deliveries,
    write_register,
)

SIZES = {"shanxi": (2000, 3000), "guizhou": (400, 600), "lanzhou": (400, 600)}
"""Subjects and records; Liaoning's domains are not published, so nothing can be filed there."""

LATE_UNIT = "省生态环境厅"


def found(stage: Stage) -> None:
    """Chapter 1."""
    stage.chapter(
        1,
        "Four jurisdictions, four nodes 四地各建节点",
        "Each makes its own keys, CA, log and database. There is no central server.",
    )
    stage.echo("shanxi init 140000 --listen 127.0.0.1:PORT ...", "so do the others")
    together([partial(_founded, stage, home) for home in stage.jurisdictions])
    stage.show(_table(stage))


def _founded(stage: Stage, home: str) -> None:
    one = stage.jurisdictions[home]
    listen, operations = f"127.0.0.1:{one.rpc_port}", f"127.0.0.1:{one.operations_port}"
    stage.huxin(home, "init", one.division, "--listen", listen, "--operations", operations)


def _table(stage: Stage) -> Table:
    table = Table(padding=(0, 1))
    for head in ("jurisdiction 地区", "its catalogue, as published 公开的目录"):
        table.add_column(head)
    for home, one in stage.jurisdictions.items():
        catalogue = stage.catalogue(home)
        rows = (
            f"{len(catalogue.rows)} domains 领域"
            if catalogue.rows
            else (f"{catalogue.stated_domains} domains stated, list unpublished")
        )
        table.add_row(f"{one.name} {one.division}", rows)
    return table


def deliver(stage: Stage) -> None:
    """Chapter 3."""
    stage.chapter(
        3,
        "Source units deliver 数源单位报送",
        "A report covers no more than what every unit delivered, for every row of the catalogue, up to a day.",
    )
    stage.echo("shanxi ingest registrations shanxi-register.csv", "who is registered here")
    stage.echo("shanxi ingest records shanxi-deliveries/*.csv", "one file of each unit")
    done = dict(zip(SIZES, together([partial(_delivered, stage, home) for home in SIZES]), strict=True))
    subjects = sum(count for count, _ in SIZES.values())
    everything = list(done.values())
    shanxi = done["shanxi"]
    stage.say(
        f"{subjects:,} subjects, {sum(one.rows for one in everything):,} rows in "
        f"{sum(one.deliveries for one in everything)} deliveries, all synthetic (合成): {shanxi.deliveries} units of "
        f"Shanxi, one of them late ({LATE_UNIT}, by 40 days)."
    )
    stage.say(
        f"{sum(one.kept_out for one in everything)} of the rows must not be shown by law (sealed 封存, secret 涉密, "
        "revoked 撤销, lawfully not penalised 不予处罚, not yet effective): they are left out without a trace."
    )


def _delivered(stage: Stage, home: str) -> Volume:
    """Writes a jurisdiction's files and takes them in. Raises StoryBroken when another number was filed."""
    one, catalogue = stage.jurisdictions[home], stage.catalogue(home)
    companies, records = SIZES[home]
    subjects = [subject(one.division, number, one.name_zh[:2]) for number in range(1, companies + 1)]
    stage.subjects |= {f"{home} {number}": each for number, each in enumerate(subjects[:2], 1)}
    rows = [*fillers(catalogue, subjects[2:], records, stage.today)]
    if home == "shanxi":
        rows += characters(subjects[0], subjects[1], stage)
    made = deliveries(catalogue, rows, stage.today - timedelta(days=1), LATE_UNIT)
    write_register(stage.folder / f"{home}-register.csv", one.division, subjects)
    volume = write_deliveries(stage.folder / f"{home}-deliveries", catalogue, made)
    stage.huxin(home, "ingest", "registrations", f"{home}-register.csv")
    files = sorted(path.relative_to(stage.folder) for path in (stage.folder / f"{home}-deliveries").glob("*.csv"))
    answer = stage.huxin(home, "ingest", "records", *files, "--json").json
    filed = sum(each["filed"] for each in (answer if isinstance(answer, list) else [answer]))
    if filed != volume.filed:
        raise StoryBroken(f"{home} filed {filed} records of {volume.filed} that the law lets a report show")
    return volume


def characters(first: Subject, second: Subject, stage: Stage) -> list[Delivered]:
    """Records of the story: the first company has one that is sealed, the second a repaired and an open one."""

    def penalty(who: Subject, row: str, unit: str, months: int, content: str) -> Delivered:
        day = months_before(stage.today, months)
        number = f"合成决字〔{day.year}〕故事{row}号"
        return Delivered(who.code, row, "administrative_penalty_ordinary", unit, number, day, content, unit)

    sealed = penalty(first, "6", "省市场监管局", 10, "合成数据 synthetic：已封存")
    repaired = penalty(second, "13", "省税务局", 14, "合成数据 synthetic：罚款20000元")
    opened = penalty(second, "10", "省住建厅", 5, "合成数据 synthetic：罚款50000元")
    return [
        replace(sealed, sealed="yes"),
        replace(repaired, repair_state="repaired", repaired_on=months_before(stage.today, 4)),
        opened,
    ]
