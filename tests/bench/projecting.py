"""投影: the read model ``accountability``, beside the library's runner that fills the same table.

The library's views are objects in memory or tables; only a table outlives its process as ours does,
so its view here is one, with the columns and indexes of ours, and its tracking in the same commit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import sqlalchemy as sa
from eventsourcing.projection import ProjectionRunner

from projections.accountability import ACCOUNTABILITY
from projections.places import progress
from service.ledger.application import Ledger
from service.ledger.engine import writing
from service.projector import Projector
from tests.bench import library
from tests.bench.ground import SLUG, Ground, opened
from tests.bench.matter import recorded
from tests.bench.measuring import Line, Side, alternately, compared, watched

RECORDS = 10_000
ITS_EVENTS = 1_500


def on_postgresql(ground: Ground) -> Iterator[Line]:
    """Both from nothing to the end of what is recorded, each with its own machinery."""
    number, its_number = ground.effort.of(RECORDS), ground.effort.of(ITS_EVENTS)
    url = ground.postgresql()
    database = str(sa.make_url(url).database)
    with opened(url) as engine, library.projects(ground.server, database, its_number):
        ledger = Ledger(engine, SLUG)
        recorded(ledger, number)
        its_settings = library.settings_of(ground.server, database)
        rates = alternately(
            ground.effort.rounds,
            {"ours": from_nothing(ledger, number), "its": its_runner(its_settings, its_number)},
        )
    peer = f"its:{library.PEER}, table view"
    yield compared("accountability, from nothing", rates, "ours", peer, 8)


def from_nothing(ledger: Ledger, number: int) -> Side:
    """Ours: read, project, write in bulk."""

    def side() -> float:
        with writing(ledger.engine) as connection:
            for table in (ACCOUNTABILITY.table, progress):
                connection.execute(sa.text(f"TRUNCATE {table.name}"))
        with watched() as watch:
            reached = Projector(ledger.engine, ledger, [ACCOUNTABILITY]).catch_up()
        assert reached == number
        return watch.rate(number)

    return side


def its_runner(settings: dict[str, str], number: int) -> Side:
    """The library's: one event after the other, each in a transaction with its tracking."""

    def side() -> float:
        with watched() as watch:
            runner = ProjectionRunner(
                application_class=library.Projects,
                projection_class=library.Traces,
                view_class=library.TraceTable,
                env=settings,
            )
            while runner.view.reached < number and not runner.is_interrupted.is_set():
                time.sleep(0.001)
        with runner:
            runner.view.forget()
        return watch.rate(number)

    return side
