"""RegistrationStore on both engines (R022)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.storage.database import Database
from node.storage.registration_store import RegistrationStore
from tests.storage.samples import SUBJECT
from tests.support.databases import Statements

SAMPLE = Registration(SUBJECT, "示例公司（合成）", SubjectKind.ENTERPRISE, "140100", date(2020, 2, 29))


@pytest.fixture
def store(database: Database) -> RegistrationStore:
    return RegistrationStore(database)


async def test_a_registration_comes_back_and_can_be_replaced(store: RegistrationStore) -> None:
    assert await store.get(SUBJECT) is None
    bare = replace(SAMPLE, registered_on=None)
    await store.upsert([SAMPLE, bare])
    assert await store.get(SUBJECT) == bare
    moved = replace(SAMPLE, division="520100", excluded="EXCLUDED_R174")
    await store.upsert([moved])
    assert await store.get(SUBJECT) == moved


async def test_nothing_to_store_is_no_failure(store: RegistrationStore) -> None:
    await store.upsert([])
    assert await store.get_many([]) == {}


async def test_more_than_one_query_holds(store: RegistrationStore) -> None:
    many = [replace(SAMPLE, ref=SubjectRef(IdType.USCC, f"SYNTHETIC{number:09d}")) for number in range(1100)]
    await store.upsert(many)
    refs = [item.ref for item in many]
    assert list((await store.get_many([*refs, SUBJECT])).values()) == many


async def test_concurrent_callers_share_one_query(store: RegistrationStore, count_statements: Statements) -> None:
    await store.upsert([SAMPLE])
    count_statements.clear()
    twin = SubjectRef(IdType.RESIDENT_ID, SUBJECT.id)
    found = await asyncio.gather(*(store.get(ref) for ref in [SUBJECT, twin] * 32))
    assert found == [SAMPLE, None] * 32
    assert len(count_statements) == 1
