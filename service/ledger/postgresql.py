"""A ledger on a PostgreSQL server: a batch is one statement, in one round trip, and is its own
transaction, so that the head is never locked while anybody waits for a network.
"""

from __future__ import annotations

import select
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus

from service.ledger.batch import Batch
from service.ledger.faults import ConnectionLost, postgresql_fault
from service.ledger.rows import ObservedKey, RequestRow
from service.ledger.statements import Connection, Statement
from service.ledger.storage import PARTS, Part, Storage, observed_row, request_row

LOCK_HEAD = "SELECT size FROM ledger_head WHERE ledger = %s FOR UPDATE"

MOVE_HEAD = """
    WITH moved AS (
        UPDATE ledger_head SET size = ?::int8, recorded_at = ?::text,
                               sha256_frontier = ?::bytea, sm3_frontier = ?::bytea
        WHERE ledger = ?::text AND size = ?::int8 RETURNING ledger, size
    )"""

INSERT_ONE = """, {table}_row AS (
        INSERT INTO {table} (ledger, {columns})
        SELECT moved.ledger, {values} FROM moved{on_conflict}
    )"""

INSERT_MANY = """, {table}_rows AS (
        INSERT INTO {table} (ledger, {columns})
        SELECT moved.ledger, its.* FROM moved, unnest({values}) AS its{on_conflict}
    )"""

WITHHOLD = """, withheld AS (
        UPDATE committed_value SET salt = NULL, value = NULL, withheld_by = its.position
        FROM moved, unnest(?::bytea[], ?::int8[]) AS its (digest, position)
        WHERE committed_value.ledger = moved.ledger AND committed_value.digest = its.digest
              AND committed_value.withheld_by IS NULL
    )"""


class Lookup:
    """Finds what belongs to one key or to many, always through the index.

    Left alone, the planner joins many keys with a table by reading all of it: so the query for each
    key is fenced off by an OFFSET. For a single key it has a plan that costs a fifth.
    """

    def __init__(self, query: str, *key: str) -> None:
        self._one = Statement(query.format(**dict.fromkeys(key, "?::text")))
        asked = f"unnest({', '.join(['?::text[]'] * len(key))}) AS asked ({', '.join(key)})"
        each = query.format(**{column: f"asked.{column}" for column in key})
        self._many = Statement(f"SELECT * FROM {asked}, LATERAL ({each} OFFSET 0) AS found")  # noqa: S608 — our own names

    def run(
        self, connection: Connection, ledger: str, keys: Collection[tuple[str, ...]]
    ) -> list[tuple[Any, ...]]:
        """For each key that is found: the key, and what the query selects."""
        if len(keys) == 1:
            (key,) = keys
            return [(*key, *row) for row in self._one.run(connection, *key, ledger)]
        return self._many.run(connection, *zip(*keys, strict=True), ledger) if keys else []


VERSIONS = Lookup(
    "SELECT coalesce(max(version), 0) FROM record WHERE stream = {stream} AND ledger = ?::text",
    "stream",
)
REQUESTS = Lookup(
    "SELECT salt, digest, body, outcome, positions FROM request"
    " WHERE principal = {principal} AND key = {key} AND ledger = ?::text",
    "principal",
    "key",
)
OBSERVED = Lookup(
    "SELECT revision, position FROM observed WHERE system = {system}"
    " AND source_table = {source_table} AND row_id = {row_id} AND ledger = ?::text",
    "system",
    "source_table",
    "row_id",
)


class PostgreSQLStorage(Storage[Connection]):
    """Speaks to PostgreSQL, without locking the head unless it was lost again and again."""

    optimistic = True

    def fault(self, error: Exception, *, committing: bool) -> Exception:
        return postgresql_fault(cast("psycopg.Error", error), committing=committing)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with self.pooled(psycopg.Error) as driver:
            connection = cast("Connection", driver)
            if has_spoken(connection):
                raise ConnectionLost("the server has ended the connection meanwhile")
            yield connection

    @contextmanager
    def locked(self, connection: Connection) -> Iterator[None]:
        connection.execute("BEGIN")
        connection.execute(LOCK_HEAD, (self.ledger,))
        yield  # an error leaves here with its connection, which is thrown away
        with committing():
            connection.execute("COMMIT")

    def rows(self, connection: Connection, statement: str, *values: object) -> list[Any]:
        return connection.execute(marked(statement), values, binary=True).fetchall()

    def versions(self, connection: Connection, streams: Collection[str]) -> dict[str, int]:
        asked = [(stream,) for stream in streams]
        return dict(cast("Any", VERSIONS.run(connection, self.ledger, asked)))

    def requests(
        self, connection: Connection, keys: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], RequestRow]:
        found = map(request_row, REQUESTS.run(connection, self.ledger, keys))
        return {(row.principal, row.key): row for row in found}

    def observed(
        self, connection: Connection, keys: Collection[ObservedKey]
    ) -> dict[ObservedKey, tuple[ObservedKey, int]]:
        asked = {key.row for key in keys}
        found = map(observed_row, OBSERVED.run(connection, self.ledger, asked))
        return {key: (key, position) for key, position in found}

    def write(self, connection: Connection, batch: Batch) -> bool:
        filled = [(part, rows) for part in PARTS if (rows := part.rows(batch))]
        values = [*self._move(batch)]
        for _, rows in filled:
            values += rows[0] if len(rows) == 1 else zip(*rows, strict=True)
        if batch.withheld:
            values += [*batch.withheld], [*batch.withheld.values()]
        inserts = ((part, len(rows) > 1) for part, rows in filled)
        statement = write_statement(*inserts, withholds=bool(batch.withheld))
        statement.prepare(connection)
        alone = connection.info.transaction_status == TransactionStatus.IDLE
        with committing(yes=alone):
            return bool(statement.run(connection, *values))

    def _move(self, batch: Batch) -> Iterator[object]:
        head = batch.head
        yield from (head.size, batch.at.decode())
        yield from (bytes(head.sha256), bytes(head.sm3))
        yield from (self.ledger, batch.found.head.size)


def has_spoken(connection: Connection) -> bool:
    """Has the server said something unasked? To a connection at rest that is its farewell.

    Seen before a batch is sent, it proves that nothing was recorded.
    """
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


@contextmanager
def committing(*, yes: bool = True) -> Iterator[None]:
    """Here an error may come too late to say that nothing was recorded."""
    try:
        yield
    except psycopg.Error as error:
        raise postgresql_fault(error, committing=yes) from error


@lru_cache(200)
def marked(statement: str) -> bytes:
    """A statement with the driver's marks for values."""
    return statement.replace("?", "%s").encode()


@cache
def write_statement(*inserts: tuple[Part, bool], withholds: bool) -> Statement:
    """The statement that moves the head and, if it moved, does all else that a batch does."""
    inserted = (insert(part, many=many) for part, many in inserts)
    parts = (MOVE_HEAD, *inserted, WITHHOLD * withholds, " SELECT size FROM moved")
    return Statement("".join(parts))


def insert(part: Part, *, many: bool) -> str:
    """The insertion of one row, whose plan is cheaper by half, or of many."""
    return (INSERT_MANY if many else INSERT_ONE).format(
        table=part.table,
        columns=", ".join(part.columns),
        values=", ".join(f"?::{kind}{'[]' * many}" for kind in part.columns.values()),
        on_conflict=part.on_conflict,
    )
