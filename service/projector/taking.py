"""Taking records in: the next batch for whatever places are furthest behind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import psycopg
import sqlalchemy as sa
from eventsourcing.persistence import PersistenceError

from aggregates.base import Record
from projections.base import ReadModel, Records
from projections.changes import Changes
from projections.places import Place, Quarantined, in_quarantine, reason_of
from service.ledger.engine import writing
from service.logs import logger
from service.projector.bulk import Overtaken, write

BATCH = 500

UNAVAILABLE = (
    PersistenceError,
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    sa.exc.InternalError,
    sa.exc.ProgrammingError,
    sa.exc.TimeoutError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
    psycopg.ProgrammingError,
)
"""The database is at fault, not a record: blame nobody and try again later."""

Places = Mapping[ReadModel[Any], Place]


class Taking:
    """Takes records into read models, in batches, while all goes well.

    A batch that cannot be taken in for a reason that lies in the records is gone through again
    record by record and model by model, until the one is found that goes into quarantine.
    """

    def __init__(self, engine: sa.Engine, source: Records, batch: int = BATCH) -> None:
        self.engine, self.source, self.batch = engine, source, batch
        self._careful_until = 0

    def take(self, places: Places, upto: int) -> None:
        """Move those that are furthest behind one batch on, at most up to a position.

        Raises ``Overtaken`` where somebody else did, and as the database does.
        """
        after = min(place.position for place in places.values())
        behind = {model: place for model, place in places.items() if place.position == after}
        ahead = (place.position for place in places.values() if place.position > after)
        end = min(upto, after + self.batch, *ahead)
        if after < self._careful_until:
            behind, end = dict([*behind.items()][:1]), after + 1
        if after < end:
            self._take(behind, after, end)

    def _take(self, places: Places, after: int, end: int) -> None:
        records: list[Record[Any]] = []
        try:
            records = self.source.records(after, end - after)
            self._write(places, end, self._changes(places, records))
        except (Overtaken, *UNAVAILABLE):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a record holds, the rest goes on
            if end - after > 1 or len(places) > 1:
                self._careful_until = end
            else:
                self._quarantine(places, end, records, error)

    def _changes(
        self, places: Places, records: list[Record[Any]]
    ) -> Mapping[ReadModel[Any], Changes]:
        """What a batch changes in each model; several may want to read a history again."""
        history = lru_cache(maxsize=4)(self.source.history)
        with self.engine.connect() as connection:
            return {
                model: model.changes(connection, place, records, history)
                for model, place in places.items()
            }

    def _write(self, places: Places, end: int, changes: Mapping[ReadModel[Any], Changes]) -> None:
        with writing(self.engine) as connection:
            for model, place in places.items():
                write(connection, model, place, end, changes[model])

    def _quarantine(
        self, places: Places, position: int, records: list[Record[Any]], error: Exception
    ) -> None:
        """Go past a record that one model cannot take in, or that nobody can read."""
        unread = Quarantined(position, "", "", reason_of(error))
        found = in_quarantine(records[0], error) if records else unread
        ((model, _),) = places.items()
        logger().error("quarantined", model=model.NAME, position=position, error=error)
        self._write(places, position, {model: Changes(quarantined={position: found})})
