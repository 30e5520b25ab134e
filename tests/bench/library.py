"""The peer: the eventsourcing library with its own recorders, mapper, log and runner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, DomainEvent
from eventsourcing.persistence import ApplicationRecorder, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresFactory, PostgresTrackingRecorder
from eventsourcing.projection import Projection
from eventsourcing.sqlite import SQLiteFactory
from eventsourcing.utils import Environment
from psycopg.sql import SQL, Identifier, Placeholder

from aggregates.base import Record
from tests.bench.matter import portions, records
from tests.postgres import TempPostgres

PEER = "eventsourcing"


class Factory(Protocol):
    def application_recorder(self) -> ApplicationRecorder: ...
    def close(self) -> None: ...


def settings_of(server: TempPostgres, database: str) -> dict[str, str]:
    """What the library must be told to find a database; all else is its default."""
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": database,
        "POSTGRES_HOST": str(server.folder),
        "POSTGRES_USER": "postgres",
        "POSTGRES_PASSWORD": "none is asked for",
    }


@contextmanager
def on_postgresql(server: TempPostgres, database: str) -> Iterator[ApplicationRecorder]:
    """Its own recorder on PostgreSQL."""
    with _closing(PostgresFactory(Environment("peer", settings_of(server, database)))) as recorder:
        yield recorder


@contextmanager
def on_sqlite(file: Path) -> Iterator[ApplicationRecorder]:
    """Its own recorder on an SQLite file; it is as durable as ours: WAL, synchronous=FULL."""
    with _closing(SQLiteFactory(Environment("peer", {"SQLITE_DBNAME": str(file)}))) as recorder:
        yield recorder


@contextmanager
def _closing(factory: Factory) -> Iterator[ApplicationRecorder]:
    try:
        yield factory.application_recorder()
    finally:
        factory.close()


@dataclass(frozen=True)
class ProjectReserved(DomainEvent):
    """The same fact and envelope in the library's way: plain JSON values, as little to decode."""

    via: str
    actor: dict[str, str]
    occurred_on: str
    act: str
    document: dict[str, str]
    rule_set: int
    name: str
    unit: str
    project_class: str
    first_year: int
    last_year: int
    is_new: bool
    is_major: bool
    demanded: int


class Projects(Application[UUID]):
    """An application of the library; it reads as many notifications at a time as ours records."""

    log_section_size = 1_000


@contextmanager
def projects(server: TempPostgres, database: str, number: int) -> Iterator[Projects]:
    """So many events in an application on PostgreSQL."""
    application = Projects(env=settings_of(server, database))
    try:
        for portion in portions(_events(number), 100):
            stored = [application.mapper.to_stored_event(event) for event in portion]
            application.recorder.insert_events(stored)
        yield application
    finally:
        application.close()


def _events(number: int) -> Iterator[ProjectReserved]:
    versions: dict[UUID, int] = {}
    for record in records(number):
        whose = uuid5(NAMESPACE_URL, record.stream)
        versions[whose] = versions.get(whose, 0) + 1
        yield _event(record, whose, versions[whose])


def _event(record: Record[Any], whose: UUID, version: int) -> ProjectReserved:
    envelope, actor, paper = record.envelope, record.envelope.actor, record.envelope.document
    assert paper is not None
    return ProjectReserved(
        originator_id=whose,
        originator_version=version,
        timestamp=Aggregate.Event.create_timestamp(),
        via=envelope.via,
        actor={"person": actor.person, "role": str(actor.role)},
        occurred_on=envelope.occurred_on.isoformat(),
        act=envelope.act,
        document={"number": paper.number, "dated": str(paper.dated), "digest": paper.digest},
        rule_set=envelope.rule_set,
        **vars(record.fact),
    )


class TraceTable(PostgresTrackingRecorder):
    """Its view: a table with the columns and indexes of ours, tracked in the same commit."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.reached = 0
        like = "CREATE TABLE IF NOT EXISTS traces (LIKE accountability INCLUDING ALL)"
        self.sql_create_statements.append(SQL(like).format())

    def add(self, row: dict[str, Any], tracking: Tracking) -> None:
        columns = SQL(", ").join(map(Identifier, row))
        values = SQL(", ").join(map(Placeholder, row))
        insert = SQL("INSERT INTO traces ({}) VALUES ({})").format(columns, values)
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(insert, row, prepare=True)
        self.reached = tracking.notification_id

    def forget(self) -> None:
        """Begin anew."""
        tracked = Identifier(self.tracking_table_name)
        delete = SQL("DELETE FROM {} WHERE application_name <> '__migration__'").format(tracked)
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(delete)
            cursor.execute("TRUNCATE traces")


class Traces(Projection[TraceTable]):
    """Its projection: one row per event, with what ours has in a row."""

    name = "traces"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.add(trace(cast("ProjectReserved", domain_event), tracking), tracking)


def trace(event: ProjectReserved, tracking: Tracking) -> dict[str, Any]:
    """The columns of ``accountability`` for an event, as cheaply as they can be had."""
    nothing: Iterable[str] = ("post", "organisation", "on_behalf_of", "rules")
    no: Iterable[str] = ("is_asserted", "is_observed", "is_opening", "is_withdrawn")
    return {
        "ledger": "bench",
        "generation": 1,
        "position": tracking.notification_id,
        "since": tracking.notification_id,
        "stream": str(event.originator_id),
        "version": event.originator_version,
        "subject": str(event.originator_id),
        "recorded_at": event.timestamp.isoformat(),
        "occurred_on": event.occurred_on,
        "days_late": 0,
        "topic": "project.reserved",
        "title": "项目入储备",
        "sentence": f"{event.name} 入储备（{event.project_class}），申请资金 {event.demanded}",
        "person": event.actor["person"],
        "role": event.actor["role"],
        "via": event.via,
        "act": event.act,
        "rule_set": event.rule_set,
        "breaches": "[]",
        "document": event.document["number"],
        **dict.fromkeys(nothing, ""),
        **dict.fromkeys(no, False),
    }
