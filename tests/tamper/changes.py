"""What somebody may do to a database who owns it, at random, but the same for the same seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from service.ledger.commitments import held_in
from service.ledger.entry import Entry
from service.ledger.hashes import ALGORITHMS
from service.ledger.tables import metadata
from service.ledger.trees import Frontier
from tests.proofs.cast import SLUG

EVIDENCE = {table.name: table for table in metadata.sorted_tables if table.name != "witnessed"}
"""The tables that are evidence of a ledger; what a witness has seen is of other ledgers."""

PAGE = 4_096
"""Bytes of a page of an SQLite file."""

Row = dict[str, Any]
Damage = Callable[[Path, Random], None]
Edit = Callable[[sa.Connection, Random], None]


def flip(file: Path, random: Random) -> None:
    """Turn one bit of a file round."""
    with file.open("r+b") as opened:
        at = random.randrange(file.stat().st_size)
        opened.seek(at)
        (byte,) = opened.read(1)
        opened.seek(at)
        opened.write(bytes([byte ^ 1 << random.randrange(8)]))


def lose_a_page(file: Path, random: Random) -> None:
    """A page of a file is empty, as after a torn write."""
    pages = in_pages(file)
    pages[random.randrange(len(pages))] = bytes(PAGE)
    file.write_bytes(b"".join(pages))


def swap_pages(file: Path, random: Random) -> None:
    """Two pages of a file have each other's place."""
    pages = in_pages(file)
    one, other = (random.randrange(len(pages)) for _ in range(2))
    pages[one], pages[other] = pages[other], pages[one]
    file.write_bytes(b"".join(pages))


def in_pages(file: Path) -> list[bytes]:
    data = file.read_bytes()
    return [data[at : at + PAGE] for at in range(0, len(data), PAGE)]


DAMAGES: Mapping[str, tuple[Damage, int]] = {
    "a bit of the file turned": (flip, 20),
    "a page of the file lost": (lose_a_page, 1),
    "two pages of the file swapped": (swap_pages, 1),
}
"""What is done to an SQLite file, and how often in comparison."""


def change_a_value(connection: sa.Connection, random: Random) -> None:
    """One column of one row says something else."""
    table = a_table(random)
    row = a_row(connection, table, random)
    column = random.choice([*table.columns])
    value = row[column.name]
    if value is None:
        value = column.type.python_type()
    update(connection, table, row, {column.name: another(value, random)})


def delete_rows(connection: sa.Connection, random: Random) -> None:
    """One row is gone, or some."""
    table = a_table(random)
    for _ in range(min(random.choice([1, 1, 1, 2, 5]), length(connection, table))):
        row = a_row(connection, table, random)
        connection.execute(sa.delete(table).where(named(table, row)))


def swap_rows(connection: sa.Connection, random: Random) -> None:
    """Two rows change places: each says under its name what the other said."""
    table = a_table(random, at_least=2)
    one, other = (a_row(connection, table, random) for _ in range(2))
    keys = {column.name for column in table.primary_key}
    for row, taken in ((one, other), (other, one)):
        said = {name: value for name, value in taken.items() if name not in keys}
        if table.name == "record":
            said |= {"stream": f"moved/{row['position']}"}
        update(connection, table, row, said)


def add_a_row(connection: sa.Connection, random: Random) -> None:
    """A row that is like another one, under another name."""
    table = a_table(random)
    row = a_row(connection, table, random)
    (*_, last) = table.primary_key
    made = row | {last.name: another(row[last.name], random)}
    if table.name == "record":
        made |= {"version": row["version"] + 1_000}
    connection.execute(sa.insert(table).values(made))


def rewrite_a_record(connection: sa.Connection, random: Random) -> None:
    """A record says something else, and its hashes, the subtrees and the head all fit it."""
    record = EVIDENCE["record"]
    row = a_row(connection, record, random)
    entry = Entry.parse(row["entry"])
    text = entry.body.decode()
    told = random.choice([*{word for word in text.split('"') if len(word) > 1 and word != "fact"}])
    body = text.replace(told, another(told, random), 1).encode()
    changed = bytes(
        replace(entry, body=body)
        if random.random() < 0.7
        else replace(entry, recorded_at=entry.recorded_at + timedelta(microseconds=1))
    )
    leaves = {algorithm.name: algorithm.leaf(changed) for algorithm in ALGORITHMS}
    update(connection, record, row, {"entry": changed, **leaves})
    fit(connection)


def cut_off(connection: sa.Connection, random: Random) -> None:
    """The last records are gone with all that came with them, as if they had never been."""
    size = random.randrange(1, connection.scalar(sa.select(EVIDENCE["ledger_head"].c.size)) or 2)
    request, value = EVIDENCE["request"], EVIDENCE["committed_value"]
    for table, column in (
        ("record", "position"),
        ("observed", "position"),
        ("checkpoint", "size"),
        ("cosignature", "size"),
    ):
        connection.execute(sa.delete(EVIDENCE[table]).where(EVIDENCE[table].c[column] > size))
    for row in connection.execute(sa.select(request)).mappings().all():
        if json.loads(row["positions"])[-1] > size:
            connection.execute(sa.delete(request).where(named(request, dict(row))))
    c = EVIDENCE["record"].c
    kept = connection.execute(sa.select(c.position, c.topic, c.entry)).all()
    held = {each.digest for each in held_in((n, topic, bytes(entry)) for n, topic, entry in kept)}
    connection.execute(sa.delete(value).where(value.c.digest.not_in(held)))
    fit(connection)


def fit(connection: sa.Connection) -> None:
    """Make subtrees and head of the records there are."""
    record, subtree, head = (EVIDENCE[name] for name in ("record", "subtree", "ledger_head"))
    c = record.c
    rows = connection.execute(sa.select(c.sha256, c.sm3, c.entry).order_by(c.position)).all()
    *leaves, entries = zip(*rows, strict=True)
    grown = [Frontier(a).growth(each) for a, each in zip(ALGORITHMS, leaves, strict=True)]
    (sha256, ours), (sm3, theirs) = grown
    connection.execute(sa.delete(subtree))
    for a, b in zip(ours, theirs, strict=True):
        values = {"level": a.level, "number": a.number, "sha256": a.root, "sm3": b.root}
        connection.execute(sa.insert(subtree).values(ledger=SLUG, **values))
    connection.execute(
        sa.update(head).values(
            size=len(rows),
            recorded_at=bytes(entries[-1]).split(b"\n", 4)[3].decode(),
            sha256_frontier=bytes(sha256),
            sm3_frontier=bytes(sm3),
        )
    )


EDITS: Mapping[str, tuple[Edit, int]] = {
    "a value changed": (change_a_value, 10),
    "rows deleted": (delete_rows, 4),
    "two rows swapped": (swap_rows, 3),
    "a row added": (add_a_row, 3),
    "a record rewritten, all fitting": (rewrite_a_record, 3),
    "the end cut off, all fitting": (cut_off, 2),
}
"""What is done with SQL, and how often in comparison."""


def a_table(random: Random, at_least: int = 1) -> sa.Table:
    """Each as often as another, however many rows it has; but of heads there is one only."""
    names = [name for name in EVIDENCE if at_least == 1 or name != "ledger_head"]
    return EVIDENCE[random.choice(names)]


def a_row(connection: sa.Connection, table: sa.Table, random: Random) -> Row:
    nth = random.randrange(length(connection, table))
    asked = sa.select(table).order_by(*table.primary_key).offset(nth).limit(1)
    return dict(connection.execute(asked).mappings().one())


def length(connection: sa.Connection, table: sa.Table) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def update(connection: sa.Connection, table: sa.Table, row: Row, values: Row) -> None:
    connection.execute(sa.update(table).where(named(table, row)).values(values))


def named(table: sa.Table, row: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == row[column.name] for column in table.primary_key))


def another(value: Any, random: Random) -> Any:
    """Another value of the same type; sometimes hardly another."""
    if isinstance(value, int):
        return random.choice([value + 1, value - 1, -value - 1, value + 10**6, 0])
    if isinstance(value, str):
        at = random.randrange(len(value) + 1)
        return random.choice(["", value[:at] + value[at + 1 :], f"{value[:at]}x{value[at:]}"])
    data = bytes(value)
    at = random.randrange(len(data) or 1)
    byte = bytes([data[at] ^ 1 << random.randrange(8)]) if data else b"x"
    return random.choice([data[:at] + byte + data[at + 1 :], data[:at], bytes(len(data)), b""])
