"""How a ledger is read and written, as far as the two databases agree.

A batch is written by moving the head, from the size that it was judged at to its own: one statement
of compare-and-swap. If the head has moved on meanwhile, nothing is written.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from service.ledger.batch import Batch
from service.ledger.engine import direct, renew
from service.ledger.entry import LARGEST_NUMBER
from service.ledger.errors import HistoryMissing, NotAsKept, StorageUnavailable, UnknownLedger
from service.ledger.faults import ConnectionLost
from service.ledger.findings import UNREADABLE, RecordUnreadable
from service.ledger.hashes import SHA256, SM3
from service.ledger.rows import CommittedValue, Head, ObservedKey, RequestRow, Stored, stored
from service.ledger.trees import Frontier

C = TypeVar("C")
T = TypeVar("T")

HEAD = "SELECT size, recorded_at, sha256_frontier, sm3_frontier FROM ledger_head WHERE ledger = ?"
SIZE = "SELECT size FROM ledger_head WHERE ledger = ?"
ENTRY = "SELECT entry FROM record WHERE ledger = ? AND position = ?"
RECORDS = "SELECT position, stream, version, topic, entry FROM record WHERE ledger = ?"
REQUEST = (
    "SELECT principal, key, salt, digest, body, outcome, positions FROM request"
    " WHERE ledger = ? AND principal = ? AND key = ?"
)
OBSERVED = (
    "SELECT system, source_table, row_id, revision, position FROM observed"
    " WHERE ledger = ? AND system = ? AND source_table = ? AND row_id = ?"
)
VALUE = "SELECT digest, salt, value FROM committed_value WHERE ledger = ? AND digest = ?"
CLOCK_CONFIRMED = (  # the topic spelled out, as the index that finds it has it
    "SELECT entry FROM record WHERE ledger = ? AND topic = 'ledger.clock_corrected'"
    " ORDER BY position DESC LIMIT 1"
)

POSITIONS = msgspec.json.Decoder(tuple[Annotated[int, msgspec.Meta(ge=1, le=LARGEST_NUMBER)], ...])
"""Of a request's records, as its row has them."""


@dataclass(frozen=True, eq=False)
class Part:
    """A table that a batch fills: its columns beside the ledger, and the batch's rows for it."""

    table: str
    columns: Mapping[str, str]
    """With their types in PostgreSQL."""
    rows: Callable[[Batch], list[tuple[Any, ...]]]
    on_conflict: str = ""


PARTS = (
    Part(
        "record",
        {
            "position": "int8",
            "stream": "text",
            "version": "int8",
            "topic": "text",
            "entry": "bytea",
            "sha256": "bytea",
            "sm3": "bytea",
        },
        lambda batch: [
            (*row, sha256, sm3) for row, sha256, sm3 in zip(batch.rows, *batch.leaves, strict=True)
        ],
    ),
    Part(
        "subtree",
        {"level": "int8", "number": "int8", "sha256": "bytea", "sm3": "bytea"},
        lambda batch: batch.subtrees,
    ),
    Part(
        "request",
        {
            "principal": "text",
            "key": "text",
            "salt": "bytea",
            "digest": "bytea",
            "body": "bytea",
            "outcome": "text",
            "positions": "text",
        },
        lambda batch: [
            (r.principal, r.key, r.salt, r.digest, r.body, r.outcome, json.dumps(r.positions))
            for r in batch.requests
        ],
    ),
    Part(
        "observed",
        {
            "system": "text",
            "source_table": "text",
            "row_id": "text",
            "revision": "text",
            "position": "int8",
        },
        lambda batch: [(*key.names, position) for key, position in batch.observed],
    ),
    Part(
        "committed_value",
        {"digest": "bytea", "salt": "bytea", "value": "text", "withheld_by": "int8"},
        lambda batch: list(batch.values.values()),
        on_conflict=" ON CONFLICT DO NOTHING",
    ),
)


class Storage(ABC, Generic[C]):
    """One ledger in one database, spoken to through a driver's connection of type C."""

    optimistic: ClassVar[bool]
    """Is it worth writing without having locked the head first?"""

    def __init__(self, engine: sa.Engine, ledger: str) -> None:
        self.engine, self.ledger = engine, ledger
        self._direct = direct(engine)

    @abstractmethod
    def fault(self, error: Exception, *, committing: bool) -> Exception:
        """What an error of the driver means."""

    @abstractmethod
    def connected(self) -> AbstractContextManager[C]:
        """A connection on which every statement commits by itself."""

    @abstractmethod
    def locked(self, connection: C) -> AbstractContextManager[None]:
        """A transaction, committed at its end, during which nobody else moves the head."""

    @abstractmethod
    def write(self, connection: C, batch: Batch) -> bool:
        """Move the head and insert what the batch holds, if the head is where it was judged at."""

    def sweep(self, connection: C) -> None:
        """Values have been withheld: leave nothing of them on the disk that can be taken away."""

    @abstractmethod
    def rows(self, connection: C, statement: str, *values: object) -> list[Any]:
        """Run a query with ``?`` for its values."""

    @abstractmethod
    def versions(self, connection: C, streams: Collection[str]) -> dict[str, int]:
        """The version of each stream; 0 where it has no record."""

    def flaw(self) -> str | None:
        """What the database finds wrong with how it has stored all this; empty for nothing.

        Where a table and its index differ, one does not learn it from asking for rows. None where
        the database does not look.
        """
        return None

    @contextmanager
    def pooled(self, errors: type[Exception]) -> Iterator[Any]:
        """A driver's connection out of the pool, thrown away after any error."""
        try:
            pooled = self._direct.raw_connection()
            try:
                yield pooled.driver_connection
            except BaseException:
                pooled.invalidate()
                raise
            finally:
                pooled.close()
        except errors as error:
            raise self.fault(error, committing=False) from error
        except (
            sa.exc.InvalidRequestError
        ) as error:  # the pool's own, of one lost while it was tried
            raise ConnectionLost(f"nothing was recorded: {error}") from error
        except sa.exc.TimeoutError as error:
            raise StorageUnavailable(f"every connection is in use: {error}") from error

    def ask(self, question: Callable[[C], T]) -> T:
        """The answer of the database; from a new connection, if those in the pool were lost."""
        try:
            with self.connected() as connection:
                return question(connection)
        except ConnectionLost:
            renew(self._direct)
            with self.connected() as connection:
                return question(connection)

    def requests(
        self, connection: C, keys: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], RequestRow]:
        """The answers given under these keys of these principals."""
        return {
            (row[0], row[1]): request_row(row)
            for key in keys
            for row in self.rows(connection, REQUEST, self.ledger, *key)
        }

    def observed(
        self, connection: C, keys: Collection[ObservedKey]
    ) -> dict[ObservedKey, tuple[ObservedKey, int]]:
        """What is recorded of the rows of these keys, in whatever revision, and where."""
        found = (
            observed_row(row)
            for source_row in {key.row for key in keys}
            for row in self.rows(connection, OBSERVED, self.ledger, *source_row)
        )
        return {key: (key, position) for key, position in found}

    def size(self, connection: C) -> int:
        """The ledger's size at this moment. Raises ``HistoryMissing`` where it makes no sense."""
        (size,) = self._one(connection, SIZE)
        if not isinstance(size, int):
            raise self._senseless(f"{size!r:.100} is no size")
        return size

    def head(self, connection: C) -> Head:
        """The ledger's head at this moment. Raises ``HistoryMissing`` where it makes no sense."""
        size, recorded_at, sha256, sm3 = self._one(connection, HEAD)
        try:
            return Head(
                size,
                datetime.fromisoformat(recorded_at) if recorded_at else None,
                Frontier.read(SHA256, size, sha256),
                Frontier.read(SM3, size, sm3),
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise self._senseless(error) from error

    def clock_confirmed_at(self, connection: C) -> datetime | None:
        """When the office last confirmed the clock, by the ledger's own time."""
        for (entry,) in self.rows(connection, CLOCK_CONFIRMED, self.ledger):
            return recorded_at(entry)
        return None

    def value(self, connection: C, digest: bytes) -> CommittedValue | None:
        """The value behind a digest, unless it is withheld."""
        for row in self.rows(connection, VALUE, self.ledger, digest):
            return CommittedValue(*row) if row[-1] is not None else None
        return None

    def position_at(self, connection: C, time: datetime) -> int:
        """The last position that was recorded by a time: times never run backwards.

        Raises ``RecordUnreadable``.
        """

        def at(position: int) -> datetime:
            try:
                ((entry,),) = self.rows(connection, ENTRY, self.ledger, position)
                return recorded_at(entry)
            except UNREADABLE as error:
                raise RecordUnreadable(position, error) from error

        return bisect_right(range(1, self.size(connection) + 1), time, key=at)

    def records(self, connection: C, rest: str, values: Iterable[object]) -> list[Stored]:
        """The records that the rest of a statement asks for."""
        rows = self.rows(connection, f"{RECORDS} {rest}", self.ledger, *values)
        return [readable(row) for row in rows]

    def _senseless(self, why: object) -> HistoryMissing:
        return HistoryMissing(
            f"head of ledger {self.ledger} makes no sense: {why}; see wenxiao verify"
        )

    def _one(self, connection: C, statement: str) -> Any:
        rows = self.rows(connection, statement, self.ledger)
        if not rows:
            raise UnknownLedger(self.ledger)
        return rows[0]


def readable(row: Sequence[Any]) -> Stored:
    """A record as its row tells it. Raises ``RecordUnreadable``."""
    position, stream, version, topic, entry = row
    if not (isinstance(position, int) and isinstance(stream, str) and isinstance(version, int)):
        raise RecordUnreadable(position, f"{stream!r:.100}, {version!r:.100}: no place in a stream")
    try:
        return stored(position, stream, version, topic, entry)
    except UNREADABLE as error:
        raise RecordUnreadable(row[0], error) from error


def request_row(row: Sequence[Any]) -> RequestRow:
    """A request as its row tells it. Raises ``NotAsKept`` where that says no positions."""
    principal, key, salt, digest, body, outcome, positions = row
    try:
        at = POSITIONS.decode(positions)
    except UNREADABLE as error:
        raise NotAsKept(f"request {key!r} of {principal}", repr(error)) from error
    return RequestRow(principal, key, salt, digest, body, outcome, positions=at)


def observed_row(row: Sequence[Any]) -> tuple[ObservedKey, int]:
    """A source row's key, and where it is recorded. Raises ``NotAsKept`` where that is nowhere."""
    *columns, position = row
    if not isinstance(position, int):
        raise NotAsKept(f"source row {columns}", f"{position!r:.100} is no position")
    return ObservedKey(*columns), position


def recorded_at(entry: bytes) -> datetime:
    """When an entry was made, without reading the rest of it."""
    return datetime.fromisoformat(entry.split(b"\n", 4)[3].decode())
