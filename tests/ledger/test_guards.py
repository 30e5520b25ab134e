"""What the database refuses by itself, to whoever holds a connection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from service.ledger.engine import make_engine, writing
from service.ledger.guards import APPEND_ONLY, RIGHTS, grant_service_role
from service.ledger.recorder import Recorder, create_ledger
from service.ledger.rows import CommittedValue
from service.ledger.tables import (
    checkpoint,
    committed_value,
    cosignature,
    ledger_head,
    metadata,
    record,
)
from tests.ledger.cast import PROJECT, event, events, request, row

VALUE = CommittedValue(b"digest", b"salt", "张三")
ROLE = "wenxiao_service"


@pytest.fixture
def recorder(recorder: Recorder, engine: Engine) -> Recorder:
    """A ledger with something in every table."""
    recorder.append(
        events(PROJECT, 256), requests=[request("k")], observed=[row("1")], values=[VALUE]
    )
    sealed = {"ledger": recorder.ledger, "size": 256, "origin": ""}
    with writing(engine) as connection:
        connection.execute(sa.insert(checkpoint).values(sealed | {"note": "", "sealed_at": ""}))
        connection.execute(sa.insert(cosignature).values(sealed | {"witness": "", "line": ""}))
    return recorder


def attempt(engine: Engine, statement: str | sa.Executable) -> None:
    with writing(engine) as connection:
        if isinstance(statement, str):
            connection.exec_driver_sql(statement)
        else:
            connection.execute(statement)


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: [tuple(found) for found in connection.execute(sa.select(table))]
            for table in metadata.sorted_tables
        }


def refused(engine: Engine, statement: str | sa.Executable, because: str) -> None:
    before = contents(engine)
    with pytest.raises(DBAPIError, match=because):
        attempt(engine, statement)
    assert contents(engine) == before


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "UPDATE {} SET ledger = ledger", "UPDATE {} SET ledger = 'a'"]
)
def test_history_is_neither_changed_nor_deleted(engine: Engine, table: str, statement: str) -> None:
    refused(engine, statement.format(table), f"{table} .*refused")


@pytest.mark.parametrize("table", [*APPEND_ONLY, "ledger_head", "committed_value", "witnessed"])
def test_history_is_not_truncated(postgres_engine: Engine, table: str) -> None:
    refused(postgres_engine, f"TRUNCATE {table}", "TRUNCATE refused")


@pytest.mark.parametrize("conflict", ["REPLACE", "UPDATE OR REPLACE"])
def test_history_is_not_replaced(sqlite_engine: Engine, conflict: str) -> None:
    create_ledger(sqlite_engine, "shizong")
    Recorder(sqlite_engine, "shizong").append(events(PROJECT, 2))
    statement = {
        "REPLACE": "REPLACE INTO record SELECT ledger, 1, stream, 9, topic, entry, sha256, sm3"
        " FROM record WHERE position = 2",
        "UPDATE OR REPLACE": "UPDATE OR REPLACE record SET position = 1 WHERE position = 2",
    }[conflict]
    refused(sqlite_engine, statement, "refused")


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize(
    "change",
    [
        {"size": 3},
        {"size": 2},
        {"sm3_frontier": b""},
        {"size": 4, "recorded_at": "2026-11-21T11:59:59.999999Z"},
        {"size": 4, "recorded_at": None},
        {"size": 4, "ledger": "changning"},
    ],
    ids=repr,
)
def test_a_head_only_grows(engine: Engine, change: dict[str, object]) -> None:
    refused(engine, sa.update(ledger_head).values(change), "ledger_head")


@pytest.mark.usefixtures("recorder")
def test_a_head_is_not_deleted(engine: Engine) -> None:
    refused(engine, "DELETE FROM ledger_head", "ledger_head")


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize(
    "change", [{"value": "李四"}, {"value": None}, {"withheld_by": 1}], ids=repr
)
def test_a_committed_value_is_not_changed(engine: Engine, change: dict[str, object]) -> None:
    refused(engine, sa.update(committed_value).values(change), "committed_value")
    refused(engine, "DELETE FROM committed_value", "committed_value")


def test_a_withheld_value_does_not_come_back(engine: Engine, recorder: Recorder) -> None:
    recorder.append([event()], withheld={VALUE.digest: 0})
    for again in ({"value": "张三"}, {"withheld_by": None}, {"withheld_by": 4}):
        refused(engine, sa.update(committed_value).values(again), "committed_value")


@pytest.mark.usefixtures("recorder")
def test_no_record_takes_anothers_place(engine: Engine) -> None:
    for position, version in ((1, 9), (9, 1)):
        copied = "ledger, {}, stream, {}, topic, entry, sha256, sm3 FROM record WHERE position = 1"
        statement = f"INSERT INTO record SELECT {copied.format(position, version)}"
        refused(engine, statement, "(?i)unique")


@pytest.fixture
def service(postgres_engine: Engine) -> Iterator[Engine]:
    """The database as the running service sees it, which owns nothing there."""
    attempt(postgres_engine, f"DROP ROLE IF EXISTS {ROLE}")
    attempt(postgres_engine, f"CREATE ROLE {ROLE} LOGIN")
    grant_service_role(postgres_engine, ROLE)
    engine = make_engine(postgres_engine.url.set(username=ROLE))
    yield engine
    engine.dispose()
    attempt(postgres_engine, f"DROP OWNED BY {ROLE}")
    attempt(postgres_engine, f"DROP ROLE {ROLE}")


def test_the_services_role_can_do_all_its_work(service: Engine) -> None:
    create_ledger(service, "shizong")
    recorder = Recorder(service, "shizong")
    recorder.append(events(PROJECT, 2), requests=[request("k")], observed=[row("1")])
    recorder.append([event()], values=[VALUE])
    recorder.append([event()], withheld={VALUE.digest: 0})
    assert recorder.find_value(VALUE.digest) is None
    assert recorder.head().size == len(recorder.select_events(PROJECT)) == 4


@pytest.mark.parametrize("table", RIGHTS)
def test_the_services_role_has_no_right_beyond_its_work(service: Engine, table: str) -> None:
    beyond = {"UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"} - set(
        RIGHTS[table].split(", ")
    )
    with service.connect() as connection:
        held = {
            right
            for right in beyond
            if connection.scalar(sa.select(sa.func.has_table_privilege(table, right)))
        }
    assert not held


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET topic = topic",
        "DELETE FROM record",
        "DELETE FROM request",
        "UPDATE observed SET position = 1",
        "DELETE FROM ledger_head",
        "DELETE FROM witnessed",
        "TRUNCATE record",
        "ALTER TABLE record DISABLE TRIGGER ALL",
        "DROP TRIGGER record_is_append_only ON record",
        "DROP TABLE record",
        "UPDATE alembic_version SET version_num = '0000'",
    ],
)
def test_the_services_role_is_denied_before_any_trigger(service: Engine, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        attempt(service, statement)


def test_every_table_of_the_ledger_has_its_rights_said() -> None:
    assert {table.name for table in metadata.sorted_tables} | {"alembic_version"} == set(RIGHTS)
    assert set(APPEND_ONLY) < {table.name for table in metadata.sorted_tables}
    assert record.name in APPEND_ONLY
