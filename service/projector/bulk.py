"""What a batch changes, written in bulk: the progress first, then rows that end and begin.

A batch is written by whoever moves the progress from where the batch began; nobody else moves it
then, so each record counts once, with two projectors and across a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from projections.places import Place, progress, quarantine

if TYPE_CHECKING:
    import psycopg

    from projections.base import ReadModel
    from projections.changes import Changes, Values


BY_INDEX = b"""
    SELECT set_config('enable_' || kind, 'off', true)
    FROM (VALUES ('hashjoin'), ('mergejoin')) AS joins (kind)
"""
"""Find the rows of a batch by their names; of a table that seems small, all would be read."""


class Overtaken(Exception):
    """Somebody else has written this batch, or switched generations; what we did is void."""


def write(
    connection: sa.Connection, model: ReadModel[Any], place: Place, position: int, changes: Changes
) -> Place:
    """Move a place to a position, with all that changes on the way.

    Raises ``Overtaken`` where the place is no longer what it was.
    """
    move(connection, place, replace(place, position=position))
    prefix = (place.ledger, place.generation)
    close(connection, model, [(*prefix, *each) for each in changes.closed])
    insert(connection, model.table, [(*prefix, *each) for each in changes.opened])
    _quarantine(connection, place, changes)
    return replace(place, position=position)


def move(connection: sa.Connection, place: Place, to: Place) -> None:
    """Compare and swap: a generation's position and state. Raises ``Overtaken``."""
    c = progress.c
    moved = connection.execute(
        sa.update(progress)
        .where(
            c.ledger == place.ledger,
            c.model == place.model,
            c.generation == place.generation,
            c.position == place.position,
            c.state == place.state,
        )
        .values(position=to.position, state=to.state)
    )
    if moved.rowcount != 1:
        raise Overtaken(f"{place.model} has been moved from {place.position} by somebody else")


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Values]) -> None:
    """Add whole rows."""
    if not rows:
        return
    names = [column.name for column in table.columns]
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table.name} ({', '.join(names)}) FROM STDIN", rows)
    else:
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
        connection.exec_driver_sql(statement, list(rows))


def _copy(connection: sa.Connection, statement: str, rows: Sequence[Values]) -> None:
    with _psycopg(connection).cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def close(connection: sa.Connection, model: ReadModel[Any], rows: Sequence[Values]) -> None:
    """Give rows, each named with its ``since``, their ``until``."""
    if not rows:
        return
    name = ["ledger", "generation", *model.IDENTITY, "since"]
    if connection.dialect.name == "postgresql":
        _close_at_once(connection, model.table, name, rows)
    else:
        found = " AND ".join(f"{each} = ?" for each in name)
        statement = f"UPDATE {model.table.name} SET until = ? WHERE {found}"  # noqa: S608
        connection.exec_driver_sql(statement, [(until, *named) for *named, until in rows])


def _close_at_once(
    connection: sa.Connection, table: sa.Table, name: Sequence[str], rows: Sequence[Values]
) -> None:
    """In one statement: many small ones would be pipelined, which can hang on a full socket."""
    columns = [*name, "until"]
    arrays = ", ".join(f"%s::{_array(table.c[each])}" for each in columns)
    found = " AND ".join(f"{table.name}.{each} = closed.{each}" for each in name)
    statement = (
        f"UPDATE {table.name} SET until = closed.until"  # noqa: S608
        f" FROM unnest({arrays}) AS closed ({', '.join(columns)}) WHERE {found}"
    )
    values = [list(column) for column in zip(*rows, strict=True)]
    with _psycopg(connection).cursor() as cursor:
        cursor.execute(BY_INDEX)
        cursor.execute(statement.encode(), values)


def _array(column: sa.Column[Any]) -> str:
    return "int8[]" if isinstance(column.type, sa.BigInteger) else "text[]"


def _psycopg(connection: sa.Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _quarantine(connection: sa.Connection, place: Place, changes: Changes) -> None:
    where = {"ledger": place.ledger, "model": place.model, "generation": place.generation}
    for found in changes.quarantined.values():
        connection.execute(sa.insert(quarantine).values(**where, **vars(found)))
    c = quarantine.c
    for position, until in changes.healed.items():
        connection.execute(
            sa.update(quarantine)
            .where(*(c[name] == value for name, value in where.items()), c.position == position)
            .values(until=until)
        )
