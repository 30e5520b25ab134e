"""A ledger on a PostgreSQL server: a batch is one statement, in one round trip, and is its own
transaction, so that the head is never locked while anybody waits for a network.
"""

from __future__ import annotations

import select
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus

from service.ledger.arrays import Packed, pack
from service.ledger.batch import Batch
from service.ledger.faults import ConnectionLost, postgresql_fault
from service.ledger.rows import ObservedKey, RequestRow
from service.ledger.storage import PARTS, Part, Storage, observed_row, request_row

Connection = psycopg.Connection[tuple[Any, ...]]

LOCK_HEAD = "SELECT size FROM ledger_head WHERE ledger = %s FOR UPDATE"

VERSION = "SELECT coalesce(max(version), 0) FROM record WHERE ledger = %s AND stream = %s"

VERSIONS = """
    SELECT asked.stream, (SELECT coalesce(max(version), 0) FROM record
                          WHERE record.ledger = %s AND record.stream = asked.stream)
    FROM unnest(%b::text[]) AS asked (stream)"""

REQUESTS = """
    SELECT principal, key, salt, digest, body, outcome, positions
    FROM unnest(%b::text[], %b::text[]) AS asked (principal, key)
    JOIN request USING (principal, key) WHERE ledger = %s"""

OBSERVED = """
    SELECT system, source_table, row_id, revision, digest, position
    FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[])
         AS asked (system, source_table, row_id, revision)
    JOIN observed USING (system, source_table, row_id, revision) WHERE ledger = %s"""

MOVE_HEAD = """
    WITH moved AS (
        UPDATE ledger_head SET size = %s, recorded_at = %s, sha256_frontier = %b, sm3_frontier = %b
        WHERE ledger = %s AND size = %s RETURNING ledger
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
        FROM moved, unnest(%b::bytea[], %b::int8[]) AS its (digest, position)
        WHERE committed_value.ledger = moved.ledger AND committed_value.digest = its.digest
              AND committed_value.withheld_by IS NULL
    )"""


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
            connection.autocommit = True
            yield connection
            connection.autocommit = False

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
        if len(streams) == 1:  # the plan for many costs three times as much
            (stream,) = streams
            found = connection.execute(VERSION, (self.ledger, stream), binary=True).fetchall()
            return {stream: found[0][0]}
        asked = (self.ledger, pack("text", [*streams]))
        return dict(connection.execute(VERSIONS, asked, binary=True).fetchall())

    def requests(
        self, connection: Connection, keys: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], RequestRow]:
        if len(keys) == 1:
            return super().requests(connection, keys)
        asked = (*(pack("text", column) for column in zip(*keys, strict=True)), self.ledger)
        found = map(request_row, connection.execute(REQUESTS, asked, binary=True))
        return {(row.principal, row.key): row for row in found}

    def observed(
        self, connection: Connection, keys: Collection[ObservedKey]
    ) -> dict[ObservedKey, tuple[ObservedKey, int]]:
        if len(keys) == 1:
            return super().observed(connection, keys)
        rows = [(key.system, key.source_table, key.row_id, key.revision) for key in keys]
        asked = (*(pack("text", column) for column in zip(*rows, strict=True)), self.ledger)
        found = map(observed_row, connection.execute(OBSERVED, asked, binary=True))
        return {key: (key, position) for key, position in found}

    def write(self, connection: Connection, batch: Batch) -> bool:
        filled = [(part, rows) for part in PARTS if (rows := part.rows(batch))]
        values = [*self._move(batch)]
        for part, rows in filled:
            values += rows[0] if len(rows) == 1 else packed(part, rows)
        if batch.withheld:
            values += pack("bytea", [*batch.withheld]), pack("int8", [*batch.withheld.values()])
        inserts = ((part, len(rows) > 1) for part, rows in filled)
        statement = write_statement(*inserts, withholds=bool(batch.withheld))
        alone = connection.info.transaction_status == TransactionStatus.IDLE
        with committing(yes=alone):
            return connection.execute(statement, values, binary=True).fetchone() is not None

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


@cache
def marked(statement: str) -> bytes:
    """A statement with the driver's marks for values."""
    return statement.replace("?", "%s").encode()


@cache
def write_statement(*inserts: tuple[Part, bool], withholds: bool) -> bytes:
    """The statement that moves the head and, if it moved, does all else that a batch does."""
    inserted = (insert(part, many=many) for part, many in inserts)
    parts = (MOVE_HEAD, *inserted, WITHHOLD * withholds, " SELECT 1 FROM moved")
    return "".join(parts).encode()


def insert(part: Part, *, many: bool) -> str:
    """The insertion of one row, whose plan is cheaper by half, or of many."""
    kinds = part.columns.values()
    return (INSERT_MANY if many else INSERT_ONE).format(
        table=part.table,
        columns=", ".join(part.columns),
        values=", ".join(f"%b::{kind}[]" if many else f"%s::{kind}" for kind in kinds),
        on_conflict=part.on_conflict,
    )


def packed(part: Part, rows: list[tuple[Any, ...]]) -> Iterator[Packed]:
    """The rows of a part, column by column."""
    return map(pack, part.columns.values(), zip(*rows, strict=True))
