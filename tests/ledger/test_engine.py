"""Engines keep the promise about the disk, or do not run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from service.ledger.engine import UnsafeDatabase, durability, make_engine, writing
from tests.conftest import opened
from tests.postgres import TempPostgres

MANY = 6


def pragma(engine: Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_sqlite_acknowledges_only_what_is_on_the_disk(sqlite_engine: Engine) -> None:
    assert pragma(sqlite_engine, "journal_mode") == "wal"
    assert pragma(sqlite_engine, "synchronous") == 2
    assert pragma(sqlite_engine, "secure_delete") == 1
    assert pragma(sqlite_engine, "recursive_triggers") == 1
    assert pragma(sqlite_engine, "busy_timeout") == 10_000
    assert pragma(sqlite_engine, "wal_autocheckpoint") == 8_000


def test_those_who_begin_a_file_together_wait_for_each_other(tmp_path: Path) -> None:
    """SQLite turned one away in one of fifteen times."""
    together = Barrier(MANY)

    def begin(url: str) -> None:
        with opened(url) as engine:
            together.wait()
            engine.connect().close()

    with ThreadPoolExecutor(MANY) as pool:
        for number in range(50):
            url = f"sqlite:///{tmp_path / str(number)}"
            for begun in [pool.submit(begin, url) for _ in range(MANY)]:
                begun.result()


def test_a_database_in_memory_is_none() -> None:
    with (
        opened("sqlite://") as engine,
        pytest.raises(UnsafeDatabase, match="journal_mode = memory"),
    ):
        engine.connect()


def test_no_other_kind_of_database_is_taken() -> None:
    with pytest.raises(UnsafeDatabase, match="no ledger on mysql"):
        make_engine("mysql+pymysql://localhost/wenxiao")


def test_writers_take_the_lock_before_they_look(engine: Engine) -> None:
    with engine.execution_options(writing=True).begin() as connection:
        assert connection.in_transaction()
    with writing(engine) as connection:
        connection.execute(sa.text("CREATE TABLE t (x int)"))
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM t")).scalar() == 0


def test_postgresql_is_reached_by_its_plain_url_too(postgres: TempPostgres) -> None:
    with opened(postgres.uri(driver="postgresql")) as engine, engine.connect() as connection:
        assert engine.driver == "psycopg"
        assert connection.scalar(sa.text("SHOW transaction_isolation")) == "read committed"
        assert connection.scalar(sa.text("SHOW lock_timeout")) == "10s"


def test_settings_of_a_server_that_would_lose_records_are_found(
    postgres_engine: Engine, sqlite_engine: Engine
) -> None:
    """The tests' own server is such a one."""
    assert durability(postgres_engine) == {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
    }
    assert durability(sqlite_engine) == {}
