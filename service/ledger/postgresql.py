"""A ledger on a PostgreSQL server: a batch is one statement, in one round trip, and is its own
transaction, so that the head is never locked while anybody waits for a network.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus

from service.ledger.batch import Batch
from service.ledger.entry import timestamp
from service.ledger.faults import postgresql_fault
from service.ledger.rows import ObservedKey, RequestRow
from service.ledger.storage import COMPANIONS, Companion, Storage, observed_row, request_row

Connection = psycopg.Connection[tuple[Any, ...]]

LOCK_HEAD = "SELECT size FROM ledger_head WHERE ledger = %s FOR UPDATE"

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
    ), records AS (
        INSERT INTO record (ledger, position, stream, version, topic, entry, sha256, sm3)
        SELECT moved.ledger, r.* FROM moved, unnest(
            %b::int8[], %b::text[], %b::int8[], %b::text[], %b::bytea[], %b::bytea[], %b::bytea[]
        ) AS r
    )"""

INSERT_COMPANION = """, {table}_rows AS (
        INSERT INTO {table} (ledger, {columns})
        SELECT moved.ledger, r.* FROM moved, unnest({arrays}) AS r{on_conflict}
    )"""

WITHHOLD = """, withheld AS (
        UPDATE committed_value SET salt = NULL, value = NULL, withheld_by = order_.position
        FROM moved, unnest(%b::bytea[], %b::int8[]) AS order_ (digest, position)
        WHERE committed_value.ledger = moved.ledger AND committed_value.digest = order_.digest
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
        asked = connection.execute(VERSIONS, (self.ledger, list(streams)), binary=True)
        return dict(asked.fetchall())

    def requests(
        self, connection: Connection, keys: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], RequestRow]:
        asked = (*map(list, zip(*keys, strict=True)), self.ledger)
        found = map(request_row, connection.execute(REQUESTS, asked, binary=True))
        return {(row.principal, row.key): row for row in found}

    def observed(
        self, connection: Connection, keys: Collection[ObservedKey]
    ) -> dict[ObservedKey, tuple[ObservedKey, int]]:
        columns = [(k.system, k.source_table, k.row_id, k.revision) for k in keys]
        asked = (*map(list, zip(*columns, strict=True)), self.ledger)
        found = map(observed_row, connection.execute(OBSERVED, asked, binary=True))
        return {key: (key, position) for key, position in found}

    def write(self, connection: Connection, batch: Batch) -> bool:
        filled = {c: rows for c in COMPANIONS if (rows := list(c.rows(batch)))}
        values = [*self._move(batch), *map(list, zip(*batch.rows, strict=True)), *batch.leaves]
        for rows in filled.values():
            values += map(list, zip(*rows, strict=True))
        values += (list(batch.withheld), list(batch.withheld.values()))
        alone = connection.info.transaction_status == TransactionStatus.IDLE
        with committing(yes=alone):
            moved = connection.execute(write_statement(*filled), values, binary=True).fetchone()
        return moved is not None

    def _move(self, batch: Batch) -> Iterator[object]:
        head = batch.head
        yield from (head.size, timestamp(batch.recorded_at).decode())
        yield from (bytes(head.sha256), bytes(head.sm3))
        yield from (self.ledger, batch.found.head.size)


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
def write_statement(*companions: Companion) -> bytes:
    """The statement that moves the head and, if it moved, inserts everything."""
    inserts = (
        INSERT_COMPANION.format(
            table=companion.table,
            columns=", ".join(companion.columns),
            arrays=", ".join(f"%b::{kind}[]" for kind in companion.columns.values()),
            on_conflict=companion.on_conflict,
        )
        for companion in companions
    )
    return f"{MOVE_HEAD}{''.join(inserts)}{WITHHOLD} SELECT 1 FROM moved".encode()
