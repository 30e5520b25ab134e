"""The schema: made once, however many begin at once, and known to the code as it is."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from service.ledger.engine import make_engine
from service.ledger.migrations import current_revision, is_migrated, migrate, newest_revision
from service.ledger.tables import metadata
from tests.conftest import opened
from tests.postgres import TempPostgres

PROCESSES = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The URL of a database in which there is nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.sqlite"
    else:
        server: TempPostgres = request.getfixturevalue("postgres")
        server.run("CREATE DATABASE never_migrated")
        yield server.uri("never_migrated")
        server.run("DROP DATABASE never_migrated")


def begin(url: str, start: Any) -> None:
    """What every process of a service does first."""
    engine = make_engine(url)
    start.wait()
    migrate(engine)
    assert is_migrated(engine)
    engine.dispose()


def test_an_empty_database_says_that_it_is_not_migrated(empty: str) -> None:
    with opened(empty) as engine:
        assert current_revision(engine) is None
        assert not is_migrated(engine)
        migrate(engine)
        assert current_revision(engine) == newest_revision()
        assert is_migrated(engine)


def test_a_database_of_several_revisions_is_not_migrated(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('9999')")
    assert current_revision(engine) == f"{newest_revision()}, 9999"
    assert not is_migrated(engine)


def test_processes_that_start_together_migrate_once(empty: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(PROCESSES)
    processes = [spawn.Process(target=begin, args=(empty, start)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES


def test_threads_that_start_together_migrate_once(empty: str) -> None:
    start, done = Barrier(PROCESSES), []

    def run() -> None:
        begin(empty, start)
        done.append(True)

    threads = [Thread(target=run) for _ in range(PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == PROCESSES


def test_the_code_knows_the_tables_as_they_are(engine: Engine) -> None:
    def ours(_thing: Any, name: str | None, kind: str, *_: Any) -> bool:
        return kind != "table" or name in metadata.tables

    with engine.connect() as connection:
        options = {"include_object": ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
