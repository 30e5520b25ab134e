"""Statements sent to PostgreSQL straight, and how it carries them out."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine

from service.ledger.engine import direct, writing
from service.ledger.postgresql import OBSERVED, REQUESTS, VERSIONS, Lookup
from service.ledger.statements import Connection, Statement
from tests.ledger.cast import LEDGER

EVERYTHING = Statement("SELECT ?::text, ?::bytea, ?::int8")
ARRAYS = Statement("SELECT * FROM unnest(?::text[], ?::bytea[], ?::int8[])")

MANY = """
    INSERT INTO record SELECT 'shizong', i, 'project/' || mod(i, 9), i, 't', '', '', ''
    FROM generate_series(1, 20000) AS i;
    INSERT INTO request SELECT 'shizong', 'token', 'key ' || i, '', '', '', '[1]', 'recorded'
    FROM generate_series(1, 20000) AS i;
    INSERT INTO observed SELECT 'shizong', 'treasury', 'payment', 'row ' || i, '1', i
    FROM generate_series(1, 20000) AS i"""


@pytest.fixture
def connection(postgres_engine: Engine) -> Iterator[Connection]:
    pooled = direct(postgres_engine).raw_connection()
    yield pooled.driver_connection  # type: ignore[misc]
    pooled.close()


@pytest.mark.parametrize("text", ["", "?", "项目 𠮷 é", "a'b\"c\\d{}", "x" * 100_000])
@pytest.mark.parametrize("number", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_values_come_back_as_they_went(connection: Connection, text: str, number: int) -> None:
    sent = (text, text.encode() + bytes(range(256)), number)
    assert EVERYTHING.run(connection, *sent) == [sent]
    assert ARRAYS.run(connection, *([value, None, value] for value in sent)) == [
        sent,
        (None, None, None),
        sent,
    ]


def test_nothing_is_a_value_too(connection: Connection) -> None:
    assert EVERYTHING.run(connection, None, None, None) == [(None, None, None)]
    assert ARRAYS.run(connection, [], [], []) == []


def test_an_error_is_the_drivers_own(connection: Connection) -> None:
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
            Statement("SELECT 1 / ?::int8").run(connection, 0)
        with pytest.raises(psycopg.errors.UndefinedTable, match="nowhere"):
            Statement("SELECT 1 FROM nowhere").run(connection)
    with pytest.raises(ValueError, match="argument"):
        EVERYTHING.run(connection, "too few")


@pytest.mark.parametrize(
    ("lookup", "key"),
    [
        (VERSIONS, ("project/1",)),
        (REQUESTS, ("token", "key 1")),
        (OBSERVED, ("treasury", "payment", "row 1")),
    ],
    ids=["versions", "requests", "observed"],
)
def test_what_was_planned_on_empty_tables_still_goes_by_the_index(
    postgres_engine: Engine, connection: Connection, lookup: Lookup, key: tuple[str, ...]
) -> None:
    with writing(postgres_engine) as writer:
        writer.exec_driver_sql("ANALYZE")
    for _ in range(10):  # the server keeps a plan after five
        lookup.run(connection, LEDGER, [key])
        lookup.run(connection, LEDGER, [key, key])
    with writing(postgres_engine) as writer:
        writer.exec_driver_sql(MANY)
    for statement, marks in ((lookup._one, key), (lookup._many, [f"{{{text}}}" for text in key])):
        values = ", ".join(f"'{mark}'" for mark in (*marks, LEDGER))
        explained = f"EXPLAIN EXECUTE {statement._name.decode()} ({values})"
        plan = [line for (line,) in connection.execute(explained.encode())]
        assert not [line for line in plan if "Seq Scan" in line], plan
        assert [line for line in plan if "Index Cond" in line and "ledger" in line], plan
