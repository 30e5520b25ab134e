"""What a database driver's error means for who wanted to record something.

The one question is whether anything can have been recorded. While a transaction is open the answer
is no; once the database has been told to commit, only an error that it reported itself is a no.
"""

from __future__ import annotations

import sqlite3

import psycopg
from eventsourcing import persistence

from service.ledger.errors import OutcomeUnknown, StorageUnavailable

UNAVAILABLE = "the database cannot be used: {}"
UNKNOWN = "lost while committing, repeat it under the same request key: {}"

REFUSED_COMMIT = {"SQLITE_BUSY", "SQLITE_FULL", "SQLITE_IOERR_WRITE"}
"""Errors of an SQLite COMMIT after which its last page cannot have reached the file."""

FAULTY_CALL = {
    "SQLITE_CONSTRAINT",
    "SQLITE_ERROR",
    "SQLITE_MISMATCH",
    "SQLITE_RANGE",
    "SQLITE_TOOBIG",
}

LOST = ("08", "57P")
"""SQLSTATEs after which nobody can say what became of the statement."""

NOT_NOW = ("25", "40", "53", "55", "57", "58")
"""SQLSTATEs of a statement that was undone, and may succeed another time."""


class ConnectionLost(StorageUnavailable):
    """Nothing was recorded, for the connection was found broken: a new one may do."""


def sqlite_fault(error: sqlite3.Error, *, committing: bool) -> Exception:
    """What an error of SQLite means."""
    code = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    if any(code.startswith(fault) for fault in FAULTY_CALL):
        return named_fault(error)
    if committing and code not in REFUSED_COMMIT:
        return OutcomeUnknown(UNKNOWN.format(error))
    return StorageUnavailable(UNAVAILABLE.format(error))


def postgresql_fault(error: psycopg.Error, *, committing: bool) -> Exception:
    """What an error of PostgreSQL, or of the way to it, means."""
    state = error.sqlstate or ""
    lost = state.startswith(LOST) or (not state and isinstance(error, psycopg.OperationalError))
    if lost and committing:
        return OutcomeUnknown(UNKNOWN.format(error))
    if lost or isinstance(error, psycopg.InterfaceError):
        return ConnectionLost(UNAVAILABLE.format(error))
    if state.startswith(NOT_NOW):
        return StorageUnavailable(UNAVAILABLE.format(error))
    return named_fault(error)


def named_fault(error: Exception) -> Exception:
    """The eventsourcing library's error of the same name, from the names all drivers share."""
    for cls in type(error).__mro__:
        known = getattr(persistence, cls.__name__, None)
        if isinstance(known, type) and issubclass(known, persistence.PersistenceError):
            return known(str(error))
    return persistence.PersistenceError(str(error))
