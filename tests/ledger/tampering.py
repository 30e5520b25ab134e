"""How somebody who owns the database changes it behind the service's back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from service.ledger.entry import Entry
from service.ledger.hashes import ALGORITHMS
from service.ledger.tables import metadata

TABLES = tuple(table.name for table in metadata.sorted_tables)


@dataclass(frozen=True)
class Stored:
    """One row as it is stored, and where."""

    table: str
    place: Any
    values: dict[str, Any]


def unguard(engine: Engine) -> None:
    """Take the triggers away that refuse changes."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            for table in TABLES:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            names = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).scalars()
            for name in list(names):
                connection.exec_driver_sql(f"DROP TRIGGER {name}")


def rows(engine: Engine, table: str, which: str = "1 = 1") -> Sequence[Stored]:
    """Rows of a table, always in the same order."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            f"SELECT {_place(engine)} AS place, {table}.* FROM {table} WHERE {which}"
        )
        stored = [
            Stored(table, row["place"], {k: v for k, v in row.items() if k != "place"})
            for row in found.mappings()
        ]
    return sorted(stored, key=lambda row: repr(row.values))


def record(engine: Engine, position: int) -> Stored:
    """The row of the record at a position."""
    (found,) = rows(engine, "record", f"position = {position}")
    return found


@contextmanager
def changed(engine: Engine, row: Stored, **values: object) -> Iterator[None]:
    """Some values of one row are others for a while; text may be given as whatever bytes."""
    before = {column: row.values[column] for column in values}
    place = _write(engine, row, values)
    try:
        yield
    finally:
        _write(engine, replace(row, place=place), before)


@contextmanager
def rewritten(engine: Engine, position: int, **changes: Any) -> Iterator[None]:
    """One record is another for a while, and everything in its row fits it."""
    row = record(engine, position)
    entry = replace(Entry.parse(bytes(row.values["entry"])), **changes)
    leaves = {algorithm.name: algorithm.leaf(bytes(entry)) for algorithm in ALGORITHMS}
    with changed(engine, row, version=entry.version, entry=bytes(entry), **leaves):
        yield


def execute(engine: Engine, statement: str, **values: object) -> None:
    """Change whatever a statement changes, for good."""
    with engine.begin() as connection:
        connection.execute(sa.text(statement), values)


def _place(engine: Engine) -> str:
    return "ctid" if engine.dialect.name == "postgresql" else "rowid"


def _write(engine: Engine, row: Stored, values: Mapping[str, object]) -> Any:
    """Where the row is now."""
    is_postgresql = engine.dialect.name == "postgresql"
    as_text = "convert_from(:{0}, 'UTF8')" if is_postgresql else "CAST(:{0} AS TEXT)"
    which = "ctid = CAST(:place_ AS tid)" if is_postgresql else "rowid = :place_"
    forms = {c: as_text if isinstance(row.values[c], str) else ":{0}" for c in values}
    told = {c: v.encode() if isinstance(v, str) else v for c, v in values.items()}
    new = ", ".join(f"{column} = {form.format(column)}" for column, form in forms.items())
    statement = f"UPDATE {row.table} SET {new} WHERE {which} RETURNING {_place(engine)}"
    with engine.begin() as connection:
        return connection.execute(sa.text(statement), {**told, "place_": row.place}).scalar_one()


Backup = dict[str, list[dict[str, Any]]]
"""All rows of all tables of the ledger."""


def backup(engine: Engine) -> Backup:
    """Copy a ledger's tables as they are."""
    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in metadata.sorted_tables
        }


def restore(engine: Engine, copied: Backup) -> None:
    """Put a copy in the place of what is there, as an administrator restores a backup."""
    unguard(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(sa.delete(table))
            if copied[table.name]:
                connection.execute(sa.insert(table), copied[table.name])
