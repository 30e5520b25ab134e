"""When the database fails: what is said, what was recorded, and that the ledger goes on."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator
from multiprocessing.connection import Connection as Pipe

import psycopg
import pytest
import sqlalchemy as sa
from eventsourcing.persistence import IntegrityError, ProgrammingError
from sqlalchemy import Engine

from service.ledger import appender
from service.ledger import engine as engines
from service.ledger.engine import writing
from service.ledger.errors import OutcomeUnknown, RequestRepeated, StorageUnavailable
from service.ledger.faults import postgresql_fault, sqlite_fault
from service.ledger.migrations import migrate
from service.ledger.recorder import Recorder, create_ledger
from service.ledger.tables import ledger_head
from tests.conftest import opened
from tests.ledger.cast import AGENCY, LEDGER, PROJECT, event, events, request, row
from tests.ledger.line import Line, line_to
from tests.postgres import TempPostgres

ON_COMMIT = """
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER fails_on_commit AFTER INSERT ON record
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()"""
CRASH = "PERFORM pg_terminate_backend(pg_backend_pid());"
DISK_FULL = "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';"
NO_MORE = "DROP TRIGGER fails_on_commit ON record; DROP FUNCTION fail()"


def run(engine: Engine, statement: str) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql(statement)


def hang_up(engine: Engine) -> None:
    """End every other connection to the database, as a server that restarts."""
    ended = (
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with opened(engine.url.render_as_string()) as other, other.connect() as connection:
        assert connection.execute(sa.text(ended)).all()


@pytest.fixture(params=[3, 0], ids=["swapping", "locking"])
def losses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often the head may be lost to others before it is locked."""
    monkeypatch.setattr(appender, "MOST_LOSSES", request.param)
    return int(request.param)


@pytest.fixture
def office(postgres_engine: Engine) -> Recorder:
    """A ledger on PostgreSQL with a first record."""
    create_ledger(postgres_engine, LEDGER)
    recorder = Recorder(postgres_engine, LEDGER)
    recorder.append(events(PROJECT, 1))
    return recorder


@pytest.mark.usefixtures("losses")
def test_a_backend_that_dies_while_committing_leaves_the_outcome_unknown(
    postgres_engine: Engine, office: Recorder
) -> None:
    run(postgres_engine, ON_COMMIT.format(CRASH))
    with pytest.raises(OutcomeUnknown, match="repeat it under the same request key"):
        office.append([event()], requests=[request("k")])
    run(postgres_engine, NO_MORE)
    assert office.append([event()], requests=[request("k")])[0].id == 2


@pytest.mark.usefixtures("losses")
def test_a_full_disk_is_an_answer_nothing_was_recorded(
    postgres_engine: Engine, office: Recorder
) -> None:
    run(postgres_engine, ON_COMMIT.format(DISK_FULL))
    with pytest.raises(StorageUnavailable, match="could not extend file"):
        office.append([event()], requests=[request("k")])
    run(postgres_engine, NO_MORE)
    assert office.append([event()], requests=[request("k")])[0].id == 2


@pytest.fixture
def line(postgres: TempPostgres) -> Iterator[Line]:
    with line_to(postgres.folder / ".s.PGSQL.5432") as line:
        yield line


@pytest.fixture
def far_away(postgres_engine: Engine, office: Recorder, line: Line) -> Iterator[Recorder]:
    """The same ledger at the other end of a line."""
    url = sa.URL.create(
        "postgresql+psycopg", "postgres", None, "127.0.0.1", line.port, postgres_engine.url.database
    )
    with opened(url.render_as_string()) as engine:
        recorder = Recorder(engine, office.ledger)
        recorder.append([event(PROJECT, 2)])
        yield recorder


def test_an_answer_lost_after_the_commit_is_found_under_the_requests_key(
    far_away: Recorder, line: Line, losses: int
) -> None:
    line.cut_after = b"wenxiao/1" if losses else b"COMMIT"
    with pytest.raises(OutcomeUnknown):
        far_away.append([event(PROJECT, 3)], requests=[request("k")])
    line.cut_after = None
    with pytest.raises(RequestRepeated) as repeated:
        far_away.append([event(PROJECT, 3)], requests=[request("k")])
    assert repeated.value.row.positions == (3,)
    assert far_away.append([event(PROJECT, 4)])[0].id == 4


@pytest.mark.usefixtures("losses")
def test_a_line_cut_before_the_commit_is_an_answer_too(far_away: Recorder, line: Line) -> None:
    line.cut_after = b"looked for first"
    with pytest.raises(StorageUnavailable):
        far_away.append([event(PROJECT, 3)], requests=[request("looked for first")])
    line.cut_after = None
    again = far_away.append([event(PROJECT, 3)], requests=[request("looked for first")])
    assert again[0].id == 3


def test_a_server_that_has_restarted_is_not_noticed(
    postgres_engine: Engine, office: Recorder
) -> None:
    hang_up(postgres_engine)
    assert office.append([event()])[0].id == 2
    hang_up(postgres_engine)
    assert office.head().size == 2


def test_a_server_that_is_gone_is_told_and_one_that_is_back_is_used() -> None:
    with TempPostgres() as server, opened(server.uri()) as engine:
        migrate(engine)
        create_ledger(engine, LEDGER)
        recorder = Recorder(engine, LEDGER)
        recorder.append([event()])
        server.stop()
        for attempt in (lambda: recorder.append([event()]), recorder.head):
            with pytest.raises(StorageUnavailable):
                attempt()
        server.start()
        assert recorder.append([event()])[0].id == 2


def test_who_waits_too_long_for_another_writer_is_told(
    engine: Engine, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.1)
    with opened(engine.url.render_as_string()) as impatient:
        recorder = Recorder(impatient, ledger)
        recorder.append([event()])
        with writing(engine) as connection:
            connection.execute(sa.select(ledger_head).with_for_update())
            with pytest.raises(StorageUnavailable, match="lock"):
                recorder.append([event()])
        assert recorder.append([event()])[0].id == 2


def test_an_sqlite_file_that_may_not_grow_records_nothing_until_it_may(
    sqlite_engine: Engine,
) -> None:
    create_ledger(sqlite_engine, LEDGER)
    recorder = Recorder(sqlite_engine, LEDGER)
    recorder.append([event()])
    with sqlite_engine.connect() as connection:  # the one connection that the pool has
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(StorageUnavailable, match="full"):
        recorder.append([event(body=b"x" * 60_000)], requests=[request("k")])
    assert recorder.append([event(body=b"x" * 60_000)], requests=[request("k")])[0].id == 2


def test_a_head_that_its_records_contradict_is_not_written_over(
    engine: Engine, recorder: Recorder
) -> None:
    recorder.append([event(AGENCY)])
    with writing(engine) as connection:
        copied = "ledger, 2, 'project/1', 1, topic, entry, sha256, sm3 FROM record"
        connection.exec_driver_sql(f"INSERT INTO record SELECT {copied}")
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        recorder.append([event()])
    assert recorder.head().size == 1


@pytest.mark.usefixtures("losses")
def test_a_database_that_was_never_migrated_says_so(postgres: TempPostgres) -> None:
    with opened(postgres.uri()) as engine, pytest.raises(ProgrammingError, match="ledger_head"):
        Recorder(engine, LEDGER).append([event()])


def record_in_child(recorder: Recorder, answer: Pipe) -> None:
    stored = recorder.append([event(AGENCY)], requests=[request("k")], observed=[row("1")])
    answer.send([each.id for each in stored])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_records_beside_its_parent(recorder: Recorder) -> None:
    recorder.append(events(PROJECT, 1))
    recorder._group._enter(None)  # type: ignore[arg-type]  # some thread leads while we fork
    fork = multiprocessing.get_context("fork")
    heard, said = fork.Pipe(duplex=False)
    child = fork.Process(target=record_in_child, args=(recorder, said))
    child.start()
    assert heard.recv() == [2]
    child.join()
    recorder.reset()
    assert recorder.append([event(PROJECT, 2)], reads={AGENCY: 1})[0].id == 3


def lite(code: str, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    error = kind(code)
    error.sqlite_errorname = code
    return error


@pytest.mark.parametrize(
    ("code", "before", "while_committing"),
    [
        ("SQLITE_BUSY", StorageUnavailable, StorageUnavailable),
        ("SQLITE_FULL", StorageUnavailable, StorageUnavailable),
        ("SQLITE_IOERR_WRITE", StorageUnavailable, StorageUnavailable),
        ("SQLITE_IOERR_FSYNC", StorageUnavailable, OutcomeUnknown),
        ("SQLITE_IOERR_SHMSIZE", StorageUnavailable, OutcomeUnknown),
        ("SQLITE_CANTOPEN", StorageUnavailable, OutcomeUnknown),
        ("SQLITE_CONSTRAINT_UNIQUE", IntegrityError, IntegrityError),
        ("SQLITE_ERROR", sa.exc.OperationalError, sa.exc.OperationalError),
    ],
)
def test_what_an_error_of_sqlite_means(
    code: str, before: type[Exception], while_committing: type[Exception]
) -> None:
    kind = sqlite3.IntegrityError if "CONSTRAINT" in code else sqlite3.OperationalError
    meant = [type(sqlite_fault(lite(code, kind), committing=c)) for c in (False, True)]
    assert [each.__name__ for each in meant] == [before.__name__, while_committing.__name__]


@pytest.mark.parametrize(
    ("error", "before", "while_committing"),
    [
        (psycopg.OperationalError("server closed"), "ConnectionLost", "OutcomeUnknown"),
        (psycopg.errors.AdminShutdown(), "ConnectionLost", "OutcomeUnknown"),
        (psycopg.errors.CrashShutdown(), "ConnectionLost", "OutcomeUnknown"),
        (psycopg.errors.ConnectionFailure(), "ConnectionLost", "OutcomeUnknown"),
        (psycopg.InterfaceError("closed"), "ConnectionLost", "ConnectionLost"),
        (psycopg.errors.DiskFull(), "StorageUnavailable", "StorageUnavailable"),
        (psycopg.errors.TooManyConnections(), "StorageUnavailable", "StorageUnavailable"),
        (psycopg.errors.LockNotAvailable(), "StorageUnavailable", "StorageUnavailable"),
        (psycopg.errors.QueryCanceled(), "StorageUnavailable", "StorageUnavailable"),
        (psycopg.errors.ReadOnlySqlTransaction(), "StorageUnavailable", "StorageUnavailable"),
        (psycopg.errors.SerializationFailure(), "StorageUnavailable", "StorageUnavailable"),
        (psycopg.errors.IoError(), "StorageUnavailable", "StorageUnavailable"),
        (psycopg.errors.UniqueViolation(), "IntegrityError", "IntegrityError"),
        (psycopg.errors.UndefinedTable(), "ProgrammingError", "ProgrammingError"),
        (psycopg.DataError("a NUL"), "DataError", "DataError"),
    ],
    ids=lambda told: told if isinstance(told, str) else type(told).__name__,
)
def test_what_an_error_of_postgresql_means(
    error: psycopg.Error, before: str, while_committing: str
) -> None:
    assert type(postgresql_fault(error, committing=False)).__name__ == before
    assert type(postgresql_fault(error, committing=True)).__name__ == while_committing
