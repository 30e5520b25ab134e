"""A ledger in an SQLite file: one writer at a time, who holds the lock while judging."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, cast

from service.ledger.batch import Batch
from service.ledger.faults import sqlite_fault
from service.ledger.storage import PARTS, Part, Storage

MOVE_HEAD = (
    "UPDATE ledger_head SET size = ?, recorded_at = ?, sha256_frontier = ?, sm3_frontier = ?"
    " WHERE ledger = ? AND size = ?"
)
WITHHOLD = (
    "UPDATE committed_value SET salt = NULL, value = NULL, withheld_by = ?"
    " WHERE ledger = ? AND digest = ? AND withheld_by IS NULL"
)
SWEEP_SECONDS = 1
"""How long a sweep waits for those who still read what the log holds."""

VERSION = "SELECT coalesce(max(version), 0) FROM record WHERE ledger = ? AND stream = ?"


class SQLiteStorage(Storage[sqlite3.Connection]):
    """Speaks to SQLite. Its lock costs nothing, so it is taken first and nothing is ever lost."""

    optimistic = False

    def fault(self, error: Exception, *, committing: bool) -> Exception:
        return sqlite_fault(cast("sqlite3.Error", error), committing=committing)

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        with self.pooled(sqlite3.Error) as connection:
            yield cast("sqlite3.Connection", connection)

    @contextmanager
    def locked(self, connection: sqlite3.Connection) -> Iterator[None]:
        connection.execute("BEGIN IMMEDIATE")
        yield  # an error leaves here with its connection, which is thrown away
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise sqlite_fault(error, committing=True) from error

    def sweep(self, connection: sqlite3.Connection) -> None:
        """Empty the write-ahead log, which tells earlier pages; unless somebody reads them yet."""
        with suppress(sqlite3.Error), _waiting(connection, SWEEP_SECONDS):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def rows(self, connection: sqlite3.Connection, statement: str, *values: object) -> list[Any]:
        return connection.execute(statement, values).fetchall()

    def flaw(self) -> str:
        with self.connected() as connection:
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        return "" if found == "ok" else str(found).splitlines()[-1]

    def versions(self, connection: sqlite3.Connection, streams: Collection[str]) -> dict[str, int]:
        ask, ledger = connection.execute, self.ledger
        return {stream: ask(VERSION, (ledger, stream)).fetchone()[0] for stream in streams}

    def write(self, connection: sqlite3.Connection, batch: Batch) -> bool:
        ledger, head = self.ledger, batch.head
        moved = connection.execute(
            MOVE_HEAD,
            (
                head.size,
                batch.at.decode(),
                bytes(head.sha256),
                bytes(head.sm3),
                ledger,
                batch.found.head.size,
            ),
        )
        if moved.rowcount != 1:
            return False
        for part in PARTS:
            rows = part.rows(batch)
            connection.executemany(insert(part), [(ledger, *row) for row in rows])
        for digest, position in batch.withheld.items():
            connection.execute(WITHHOLD, (position, ledger, digest))
        return True


@contextmanager
def _waiting(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """For a while, wait no longer than this for others."""
    (before,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before}")


@cache
def insert(part: Part) -> str:
    """The statement that inserts a row of a part."""
    columns = ("ledger", *part.columns)
    marks = ", ".join("?" * len(columns))
    into = f"{part.table} ({', '.join(columns)})"
    return f"INSERT INTO {into} VALUES ({marks}){part.on_conflict}"  # noqa: S608 — names are ours
