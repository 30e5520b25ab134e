"""记录器: one ledger, as the eventsourcing library wants its recorder, and as ours needs it."""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from threading import Event
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa
from eventsourcing.persistence import ApplicationRecorder, StoredEvent, Subscription

from service.clock import Clock, utc_now
from service.ledger.appender import Appender
from service.ledger.batch import Insertion
from service.ledger.engine import writing
from service.ledger.entry import SLUG, require
from service.ledger.errors import LedgerExists
from service.ledger.group import Group
from service.ledger.postgresql import PostgreSQLStorage
from service.ledger.rows import (
    CommittedValue,
    Head,
    ObservedKey,
    RequestRow,
    Revisions,
    SourceName,
    Stored,
    stored,
)
from service.ledger.sqlite import SQLiteStorage
from service.ledger.storage import Storage
from service.ledger.tables import ledger_head

LOOK_SECONDS = 0.02
"""How often a subscription looks whether the head has moved."""

PAGE = 500

_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def create_ledger(engine: sa.Engine, slug: str) -> None:
    """Open an empty ledger; its name is in every entry and never changes."""
    require(SLUG.fullmatch(slug), f"no ledger's name: {slug!r}")
    empty = {"ledger": slug, "size": 0, "sha256_frontier": b"", "sm3_frontier": b""}
    try:
        with writing(engine) as connection:
            connection.execute(sa.insert(ledger_head).values(empty))
    except sa.exc.IntegrityError as error:
        raise LedgerExists(slug) from error


def every_ledger(engine: sa.Engine) -> list[str]:
    """The names of all ledgers in a database; a head under what is none is for verify to tell."""
    with engine.connect() as connection:
        found = connection.execute(sa.select(ledger_head.c.ledger).order_by(ledger_head.c.ledger))
        return [each for each in found.scalars() if isinstance(each, str) and SLUG.fullmatch(each)]


def storage(engine: sa.Engine, ledger: str) -> Storage[Any]:
    """How a ledger is spoken to in this kind of database."""
    if engine.dialect.name == "postgresql":
        return PostgreSQLStorage(engine, ledger)
    return SQLiteStorage(engine, ledger)


class Recorder(ApplicationRecorder):
    """Appends to one ledger and reads it. One per process and ledger serves all its threads."""

    def __init__(self, engine: sa.Engine, ledger: str, clock: Clock = utc_now) -> None:
        self.ledger = ledger
        self._storage = storage(engine, ledger)
        self._appender = Appender(self._storage, clock)
        self._group = Group(self._appender.settle)
        _recorders.add(self)

    def reset(self) -> None:
        """Begin anew, as in a process that has just been forked."""
        self._group.reset()
        self._appender.forget()

    def append(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        reads: Mapping[str, int] | None = None,
        requests: Sequence[RequestRow] = (),
        observed: Sequence[ObservedKey] = (),
        values: Sequence[CommittedValue] = (),
        withheld: Mapping[bytes, int] | None = None,
    ) -> list[Stored]:
        """Record all of this or nothing, together with whatever else waits to be recorded.

        ``reads`` are the versions of streams that the decision rests on; ``requests``,
        ``observed`` and ``values`` are kept beside the records, each once and for ever;
        ``withheld`` are the digests of values that are emptied, each with the index of the record
        that orders it.

        Raises `RecordConflict` where a stream is no longer at the version expected,
        `RequestRepeated` and `ObservedRepeated` where the answer exists already, `ClockBehind`,
        `EntryTooLarge`, `MalformedEntry`, `UnknownLedger`; and `StorageUnavailable` or, where only
        a repetition of the request can tell, `OutcomeUnknown`.
        """
        insertion = Insertion(stored_events, reads, requests, observed, values, withheld)
        return [stored(*row) for row in self._group.submit(insertion)]

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        request: RequestRow | None = None,
        **beside: Any,
    ) -> list[int]:
        """Record as `append` does, for one request at most; the positions."""
        if not stored_events:
            return []
        insertion = Insertion(stored_events, requests=[request] if request else [], **beside)
        return [row.position for row in self._group.submit(insertion)]

    def head(self) -> Head:
        """How far the ledger has come."""
        return self._storage.ask(self._storage.head)

    def max_notification_id(self) -> int | None:
        return self._storage.ask(self._storage.size) or None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[Stored]:
        """The records of one stream, oldest first unless ``desc``."""
        query = Query().having("stream = ?", str(originator_id))
        if gt is not None:
            query.having("version > ?", gt)
        if lte is not None:
            query.having("version <= ?", lte)
        return self._read(query.ordered("version DESC" if desc else "version", limit))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Stored]:
        """The records from one position to another, oldest first."""
        query = Query()
        if start is not None:
            query.having("position >= ?" if inclusive_of_start else "position > ?", start)
        if stop is not None:
            query.having("position <= ?", stop)
        if topics:
            query.having(f"topic IN ({', '.join('?' * len(topics))})", *topics)
        return self._read(query.ordered("position", limit))

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Tail:
        """Every record after a position, and every one that is still to come."""
        return Tail(self, gt, topics)

    def position_at(self, time: datetime) -> int:
        """The last position that was recorded by a time; 0 if none was."""
        return self._storage.ask(partial(self._storage.position_at, time=time))

    def version_of(self, stream: str) -> int:
        """How many records a stream has."""
        return self._storage.ask(partial(self._storage.versions, streams=[stream]))[stream]

    def find_request(self, principal: str, key: str) -> RequestRow | None:
        """What a principal asked for under a key, and was answered."""
        return self.find_requests(principal, [key]).get(key)

    def find_requests(self, principal: str, keys: Collection[str]) -> dict[str, RequestRow]:
        """What a principal asked for under these keys, as far as it did, by key."""
        asked = [(principal, key) for key in keys]
        found = self._storage.ask(partial(self._storage.requests, keys=asked))
        return {key: row for (_, key), row in found.items()}

    def find_observed(self, keys: Collection[ObservedKey]) -> dict[SourceName, Revisions]:
        """Every revision of these keys' rows as it was recorded, by row."""
        rows: dict[SourceName, Revisions] = {key.row: [] for key in keys}
        found = self._storage.ask(partial(self._storage.observed, keys=keys)) if keys else {}
        for key, position in sorted(found.values(), key=lambda revision: revision[1]):
            rows[key.row].append((key, position))
        return rows

    def find_value(self, digest: bytes) -> CommittedValue | None:
        """The personal value behind a digest, unless it is withheld."""
        return self._storage.ask(partial(self._storage.value, digest=digest))

    def _read(self, query: Query) -> list[Stored]:
        return self._storage.ask(
            partial(self._storage.records, rest=query.text, values=query.values)
        )


class Query:
    """The conditions of a search, and the values in them."""

    def __init__(self) -> None:
        self.text = ""
        self.values: list[object] = []

    def having(self, condition: str, *values: object) -> Self:
        self.text += f" AND {condition}"
        self.values += values
        return self

    def ordered(self, by: str, limit: int | None) -> Self:
        self.text += f" ORDER BY {by}"
        if limit is not None:
            self.text += " LIMIT ?"
            self.values.append(limit)
        return self


class Tail(Subscription[Recorder]):
    """Follows a ledger by looking at its head; nothing can be missed, for nothing is announced."""

    def __init__(self, recorder: Recorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._read_to = gt or 0
        self._records: deque[Stored] = deque()
        self._stopped = Event()

    def stop(self) -> None:
        super().stop()
        self._stopped.set()

    def __next__(self) -> Stored:
        while not self._stopped.is_set():
            if self._records:
                return self._records.popleft()
            if not self._read_on():
                self._stopped.wait(LOOK_SECONDS)
        raise StopIteration

    def _read_on(self) -> bool:
        """Read the next page, up to the head as it is before we read."""
        head = self._recorder.max_notification_id() or 0
        if head <= self._read_to:
            return False
        page = self._recorder.select_notifications(
            self._read_to, PAGE, head, self._topics, inclusive_of_start=False
        )
        self._records.extend(page)
        self._read_to = page[-1].id if len(page) == PAGE else head
        return True


def _begin_anew() -> None:
    """A forked child has nobody waiting, and knows only what it reads itself."""
    for recorder in _recorders:
        recorder.reset()


os.register_at_fork(after_in_child=_begin_anew)
