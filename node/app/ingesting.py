"""`huxin ingest`: files of source units into the record store, beside a running node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from node.adapters.sources.csv_source import read_registrations
from node.adapters.sources.delivery_header import header_beside, read_delivery_header
from node.adapters.sources.formats import record_reader
from node.app.jurisdictions import load_jurisdictions
from node.app.storing import open_database
from node.clock import Clock
from node.config.settings import Settings
from node.errors import BadSource
from node.intake.ingest import IngestRecords, IngestRegistrations, IntakeSummary, Progress
from node.model.calendar import day_in_china
from node.model.delivery import DeliveryHeader
from node.model.records import RECORD_TYPES
from node.storage.record_store import RecordStore
from node.storage.registration_store import RegistrationStore


async def ingest_deliveries(
    settings: Settings,
    clock: Clock,
    paths: Sequence[Path],
    header: DeliveryHeader | None,
    progress: Progress,
    taken: Callable[[Path, IntakeSummary], None],
    file_format: str = "csv",
) -> None:
    """Takes deliveries of records in, one after the other, and tells `taken` of each when it is stored.

    `header` None: it is read from `<name>.delivery.toml` beside each file.

    Raises BadSource for an unusable file, InvalidInput for a header that does not fit the catalogue or a format that
    no adapter reads; what was taken in before stays.
    """
    read_records = record_reader(file_format)
    today = day_in_china(clock.now())
    catalogue = load_jurisdictions(settings).edition_at(clock.now()).catalogue
    types = {**RECORD_TYPES, **catalogue.own_record_types}
    async with open_database(settings) as database:
        intake = IngestRecords(RecordStore(database), catalogue, clock.now)
        for path in paths:
            given = header or read_delivery_header(header_beside(path), today=today)
            rows = read_records(path, today=today, record_types=types)
            taken(path, await intake.ingest(given, digest_of(path), rows, line_reader(path), progress))


async def ingest_registrations(settings: Settings, clock: Clock, path: Path, progress: Progress) -> IntakeSummary:
    """Takes a file of the register in. Raises BadSource."""
    territory = load_jurisdictions(settings).edition_at(clock.now()).catalogue.territory
    async with open_database(settings) as database:
        intake = IngestRegistrations(RegistrationStore(database), territory)
        return await intake.ingest(read_registrations(path, today=day_in_china(clock.now())), progress)


def digest_of(path: Path) -> bytes:
    """SHA-256 of a file, read in pieces. Raises BadSource when it cannot be read."""
    digest = sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError:
        raise BadSource(path.name, "the file cannot be read; check its name and that this user may read it") from None
    return digest.digest()


def line_reader(path: Path) -> Callable[[int], bytes]:
    """Physical lines of a file by number, counted from 1: read only when a row has to be put aside."""
    lines: list[bytes] = []

    def line(number: int) -> bytes:
        if not lines:
            lines.extend(path.read_bytes().splitlines(keepends=True))
        return lines[number - 1] if 0 < number <= len(lines) else b""

    return line
