"""数据库连接: engines that keep the ledger's promise about the disk, or refuse to run."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 10
"""How long a writer waits for another one before it gives up."""

WAL_PAGES = 8_000
"""After how many pages SQLite moves its write-ahead log into the file: 32 MB, not 4 as by default.

Every batch changes the same pages of the indexes; so they are moved once for many batches.
"""

OLDEST_POSTGRESQL = 14

POSTGRESQL_DRIVER = "postgresql+psycopg"

POSTGRESQL_DEFAULTS = {
    # A server that has vanished is noticed in half a minute, not in two hours.
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}

Guard = Callable[[Any, Any], None]
"""Looks at a ledger's storage and head before it is added to, and raises where it must not be."""

_engines: weakref.WeakSet[sa.Engine] = weakref.WeakSet()
_guards: weakref.WeakKeyDictionary[sa.Engine, Callable[[str], Guard]] = weakref.WeakKeyDictionary()
_direct: weakref.WeakKeyDictionary[sa.Engine, sa.Engine] = weakref.WeakKeyDictionary()


class UnsafeDatabase(RuntimeError):
    """This database would lose what it has acknowledged, or is too old to be relied on."""


def make_engine(url: str | sa.URL, *, pool_size: int = 20) -> sa.Engine:
    """An engine on an SQLite file or a PostgreSQL server."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, pool_size)
    if parsed.get_backend_name() == "postgresql":
        engine = _postgresql(parsed, pool_size)
        own = _direct[engine] = _committing_each(parsed, pool_size)
        sa.event.listen(engine, "engine_disposed", lambda _: own.dispose())
        return engine
    raise UnsafeDatabase(f"no ledger on {parsed.get_backend_name()}: SQLite or PostgreSQL")


def direct(engine: sa.Engine) -> sa.Engine:
    """An engine on the same database, on which every statement commits by itself.

    On PostgreSQL it has its own connections, for psycopg forgets everything that was prepared on a
    connection whenever somebody rolls back there.
    """
    return _direct.get(engine, engine)


def guard_with(engine: sa.Engine, guard: Callable[[str], Guard]) -> None:
    """Have every ledger of this database guarded that is opened from now on."""
    _guards[engine] = guard


def guard_of(engine: sa.Engine, ledger: str) -> Guard:
    """What guards a ledger; nothing, where nobody wanted it guarded."""
    guard = _guards.get(engine)
    return guard(ledger) if guard else lambda _storage, _head: None


def _sqlite(url: sa.URL, pool_size: int) -> sa.Engine:
    engine = sa.create_engine(
        url, pool_size=pool_size, poolclass=sa.QueuePool, connect_args={"check_same_thread": False}
    )
    sa.event.listen(engine, "connect", _make_durable)
    sa.event.listen(engine, "begin", _begin)
    return _known(engine)


def _make_durable(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    """Ask for what survives a power cut and keeps nothing of what is withheld, then look."""
    connection.isolation_level = None  # transactions begin where we say so
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
    for pragma, value in wanted.items():
        _set(connection, pragma, value)
        (found,) = connection.execute(f"PRAGMA {pragma}").fetchone()
        if found != value:
            raise UnsafeDatabase(f"SQLite keeps {pragma} = {found} here, where {value} is needed")
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    connection.execute("PRAGMA recursive_triggers = ON")  # REPLACE deletes: let its guard know


def _set(connection: sqlite3.Connection, pragma: str, value: object) -> None:
    """Wait as for any lock: of those who change to WAL together SQLite itself turns some away."""
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA {pragma} = {value}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(0.01)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _postgresql(url: sa.URL, pool_size: int, **more: Any) -> sa.Engine:
    engine = sa.create_engine(
        url.set(drivername=POSTGRESQL_DRIVER).update_query_dict(
            {k: str(v) for k, v in POSTGRESQL_DEFAULTS.items() if k not in url.query}
        ),
        pool_size=pool_size,
        max_overflow=pool_size,
        **more,
    )
    sa.event.listen(engine, "connect", _make_ready)
    return _known(engine)


def _committing_each(url: sa.URL, pool_size: int) -> sa.Engine:
    """Connections that never have anything to roll back."""
    engine = _postgresql(
        url, pool_size, connect_args={"autocommit": True}, pool_reset_on_return=None
    )
    sa.event.listen(engine, "connect", _go_by_indexes)
    return engine


def _go_by_indexes(connection: psycopg.Connection[Any], _entry: ConnectionPoolEntry) -> None:
    """A statement that was planned while its table was empty must not read all of it later."""
    connection.execute("SET enable_seqscan = off")


def _make_ready(connection: psycopg.Connection[Any], _entry: ConnectionPoolEntry) -> None:
    version = connection.info.server_version // 10_000
    if version < OLDEST_POSTGRESQL:
        raise UnsafeDatabase(f"PostgreSQL {version}, where {OLDEST_POSTGRESQL} is needed")
    # Compare-and-swap counts on seeing what was committed while it waited for its row.
    connection.execute(
        f"SET default_transaction_isolation = 'read committed';SET lock_timeout = '{BUSY_SECONDS}s'"
    )
    connection.commit()


def _known(engine: sa.Engine) -> sa.Engine:
    """An engine whose connections can be renewed, and left behind by a fork."""
    _engines.add(engine)
    renewal = _renewals[engine] = _Renewal()
    sa.event.listen(engine, "connect", renewal.opened)
    sa.event.listen(engine, "checkout", renewal.taken)
    return engine


class _Renewal:
    """Since when connections are good; older ones are closed instead of being used again."""

    def __init__(self) -> None:
        self.since = 0.0

    def opened(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info["opened_at"] = monotonic()

    def taken(self, _connection: object, entry: ConnectionPoolEntry, _proxy: object) -> None:
        if entry.info["opened_at"] <= self.since:
            raise sa.exc.DisconnectionError("it was opened before the server was lost")


_renewals: weakref.WeakKeyDictionary[sa.Engine, _Renewal] = weakref.WeakKeyDictionary()


def renew(engine: sa.Engine) -> None:
    """Use no connection again that has been opened before now: the server was lost meanwhile.

    To dispose of the pool would leave those open that other threads hold at this moment.
    """
    _renewals[engine].since = monotonic()


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that will write: SQLite takes its lock at once instead of failing later."""
    with engine.execution_options(writing=True).begin() as connection:
        yield connection


def durability(engine: sa.Engine) -> dict[str, str]:
    """Settings of a PostgreSQL server that may lose acknowledged records; empty where none does."""
    if engine.dialect.name != "postgresql":
        return {}
    with engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT name, setting FROM pg_settings WHERE setting = 'off'"
                " AND name IN ('fsync', 'synchronous_commit', 'full_page_writes')"
            )
        )
        return {row.name: row.setting for row in found}


_inherited: list[sa.Pool] = []


def _leave_connections() -> None:
    """A forked child opens its own connections; its parent's it must not even close."""
    for engine in (*_direct.values(), *_engines):
        _inherited.append(engine.pool)
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_leave_connections)
