"""The schema: made once, however many begin at once, and known to the code as it is."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from service.ledger.engine import make_engine
from service.ledger.guards import grant_service_role
from service.ledger.migrations import current_revision, is_migrated, migrate, newest_revision
from service.ledger.tables import checkpoint, cosignature, metadata
from tests.conftest import opened
from tests.postgres import TempPostgres

PROCESSES = 4
SERVICE = "wenxiao_before"


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


@pytest.fixture
def at_0006(empty: str) -> Iterator[Engine]:
    """A database of the release before checkpoints knew their log, with some in it."""
    with opened(empty) as engine:
        migrate(engine, "0006")
        notes = {1: "here/office\n1\n…", 2: "none", 3: "", 4: "行" * 9_000, 5: "\n5\n"}
        with engine.begin() as connection:
            for size, note in notes.items():
                values = {"size": size, "note": note}
                connection.execute(
                    sa.text("INSERT INTO checkpoint VALUES ('office', :size, :note, 'then')"),
                    values,
                )
            for size in (1, 4, 6):
                connection.execute(
                    sa.text("INSERT INTO cosignature VALUES ('office', :size, 'w', 'line')"),
                    {"size": size},
                )
        yield engine


def test_what_was_signed_is_carried_over_with_its_log(at_0006: Engine) -> None:
    migrate(at_0006)
    with at_0006.connect() as connection:
        c = checkpoint.c
        asked = sa.select(c.size, c.origin, c.sealed_at).order_by(c.size)
        origins = ["here/office", "none", "", "行" * 140, ""]
        assert [*map(tuple, connection.execute(asked))] == [
            (size, origin, "then") for size, origin in enumerate(origins, 1)
        ]
        longest = sa.select(sa.func.max(sa.func.length(c.note)))
        assert connection.scalar(longest) == 9_000
        said = sa.select(cosignature.c.size, cosignature.c.origin, cosignature.c.line)
        assert {*map(tuple, connection.execute(said))} == {
            (1, "here/office", "line"),
            (4, "行" * 140, "line"),
            (6, "", "line"),
        }


@pytest.mark.parametrize("change", ["UPDATE {} SET size = 7", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["checkpoint", "cosignature"])
def test_and_is_as_well_guarded_as_before(at_0006: Engine, table: str, change: str) -> None:
    migrate(at_0006)
    with pytest.raises(sa.exc.DBAPIError, match="refused"), at_0006.begin() as connection:
        connection.exec_driver_sql(change.format(table))
    row = {"ledger": "office", "size": 1, "origin": "here/office.2"}
    more = {"checkpoint": {"note": "", "sealed_at": ""}, "cosignature": {"witness": "", "line": ""}}
    with at_0006.begin() as connection:
        connection.execute(sa.insert(metadata.tables[table]).values(row | more[table]))


def test_what_a_role_may_do_stays(postgres: TempPostgres) -> None:
    postgres.run("CREATE DATABASE of_a_role")
    postgres.run(f"CREATE ROLE {SERVICE}")
    with opened(postgres.uri("of_a_role")) as engine:
        migrate(engine, "0006")
        grant_service_role(engine, SERVICE)
        migrate(engine)
        with engine.connect() as connection:
            for table in ("checkpoint", "cosignature"):
                held = {
                    right
                    for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
                    if connection.scalar(
                        sa.select(sa.func.has_table_privilege(SERVICE, table, right))
                    )
                }
                assert held == {"SELECT", "INSERT"}
    postgres.run("DROP DATABASE of_a_role")
    postgres.run(f"DROP ROLE {SERVICE}")
