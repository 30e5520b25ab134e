"""What a database says as evidence, and which changes of it ``verify`` cannot see."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from service.ledger.migrations import newest_revision
from tests.conftest import opened
from tests.tamper.changes import EVIDENCE
from tests.tamper.ground import STRANGER

Row = tuple[str, ...]
Content = dict[str, list[Row]]
"""All rows of each table that is evidence; values as they are written down, with their types."""

REVISION = "SELECT version_num FROM alembic_version"
AT_NEWEST = [(("text", str(newest_revision()).encode()),)]

UNSIGNED = {
    ("checkpoint", "sealed_at"): "when a checkpoint was kept is signed by nobody",
}
"""Columns that say nothing that anybody vouches for."""

GONE = "a cosignature is gone: who has it still shows it"
STRANGE = "a cosignature is by a witness whom no policy names"


def content(url: str) -> Content | None:
    """What there is; None where it cannot be read, or does not say any more in which schema."""
    engine_of = sa.make_url(url)
    try:
        if engine_of.get_backend_name() == "sqlite":
            return _of_file(str(engine_of.database))
        return _of_server(url)
    except (sqlite3.DatabaseError, sa.exc.DatabaseError, UnicodeDecodeError):
        return None


def _of_file(path: str) -> Content | None:
    """Row by row from the tables themselves, past every index."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = lambda data: ("text", data)
        if connection.execute(REVISION).fetchall() != AT_NEWEST:
            return None
        return {
            name: _in_order(connection.execute(f"SELECT {_columns(table)} FROM {name} NOT INDEXED"))
            for name, table in EVIDENCE.items()
        }


def _of_server(url: str) -> Content:
    with opened(url) as engine, engine.connect() as connection:
        return {
            name: _in_order(connection.execute(sa.select(table)))
            for name, table in EVIDENCE.items()
        }


def _columns(table: sa.Table) -> str:
    return ", ".join(table.columns.keys())


def _in_order(rows: Any) -> list[Row]:
    return sorted(tuple(map(repr, row)) for row in rows)


def unseen(before: Content, after: Content) -> str:
    """Why ``verify`` cannot see what has changed; empty where it should."""
    (table, *others) = [name for name in EVIDENCE if before[name] != after[name]]
    if others:
        return ""
    was, now = {*before[table]}, {*after[table]}
    for (name, column), why in UNSIGNED.items():
        if table == name:
            at = EVIDENCE[name].columns.keys().index(column)
            if _without(was, at) == _without(now, at):
                return why
    if table == "cosignature":
        by = EVIDENCE[table].columns.keys().index("witness")
        strange = [row for row in was ^ now if STRANGER.name in row[by]]
        if now < was:
            return GONE
        if len(strange) == len(was ^ now):
            return STRANGE
    return ""


def _without(rows: set[Row], at: int) -> list[Row]:
    return sorted(row[:at] + row[at + 1 :] for row in rows)
