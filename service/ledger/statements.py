"""Statements that PostgreSQL is sent again and again: prepared, and all values in binary.

psycopg finds out the type of every value and of every element of an array anew. Where the types are
known, that is most of what a small batch costs; so these few statements go straight to libpq, which
psycopg exposes, and come back as its errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from struct import Struct
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGresult

Connection = psycopg.Connection[tuple[Any, ...]]

Encode = Callable[..., bytes]
INT8 = Struct("!q")
LENGTH = Struct("!i")
NULL = LENGTH.pack(-1)
ARRAY = Struct("!5i")
"""Dimensions, whether there may be nulls, type of the elements, how many, number of the first."""

TYPES: Mapping[str, tuple[int, Encode, Callable[[bytes], Any]]] = {
    "bytea": (17, bytes, bytes),
    "int8": (20, INT8.pack, lambda value: INT8.unpack(value)[0]),
    "text": (25, str.encode, bytes.decode),
}
"""By what number PostgreSQL knows a type, and how its values are sent and read."""

DECODE = {number: decode for number, _, decode in TYPES.values()}
PARAMETER = re.compile(r"\?::(\w+)(\[\])?")

_names = count(1)
_prepared: WeakKeyDictionary[Connection, set[Statement]] = WeakKeyDictionary()


class Statement:
    """One statement, in which every value says its type: ``?::text``, ``?::bytea[]``."""

    def __init__(self, text: str) -> None:
        numbers = count(1)
        self._text = PARAMETER.sub(lambda mark: f"${next(numbers)}::{mark[1]}{mark[2] or ''}", text)
        self._encode = [encoder(*mark.groups()) for mark in PARAMETER.finditer(text)]
        self._formats = [Format.BINARY] * len(self._encode)
        self._name = f"wenxiao_{next(_names)}".encode()

    def run(self, connection: Connection, *values: object) -> list[tuple[Any, ...]]:
        """The rows it gives. Raises psycopg's errors."""
        self.prepare(connection)
        sent: list[Any] = [
            None if value is None else encode(value)
            for encode, value in zip(self._encode, values, strict=True)
        ]
        result = connection.pgconn.exec_prepared(self._name, sent, self._formats, Format.BINARY)
        return rows(answered(result))

    def prepare(self, connection: Connection) -> None:
        """Make it known to a connection, once."""
        known = _prepared.setdefault(connection, set())
        if self not in known:
            answered(connection.pgconn.prepare(self._name, self._text.encode()))
            known.add(self)


def encoder(kind: str, array: str | None) -> Encode:
    """How values of a type, or arrays of it, are sent."""
    number, encode, _ = TYPES[kind]
    return partial(packed, number, encode) if array else encode


def packed(number: int, encode: Encode, values: Sequence[object]) -> bytes:
    """An array of one dimension."""

    def element(value: object) -> bytes:
        encoded = encode(value)
        return LENGTH.pack(len(encoded)) + encoded

    elements = [NULL if value is None else element(value) for value in values]
    return ARRAY.pack(1, 1, number, len(values), 1) + b"".join(elements)


def answered(result: PGresult) -> PGresult:
    """The result, unless it is an error."""
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return result
    state = result.error_field(DiagnosticField.SQLSTATE)
    said = result.error_field(DiagnosticField.MESSAGE_PRIMARY) or result.error_message
    error = errors.lookup(state.decode()) if state else psycopg.OperationalError
    raise error(said.decode(errors="replace").strip())


def rows(result: PGresult) -> list[tuple[Any, ...]]:
    """The rows of a result."""
    columns = [(column, DECODE[result.ftype(column)]) for column in range(result.nfields)]
    return [
        tuple(read(result.get_value(row, column), decode) for column, decode in columns)
        for row in range(result.ntuples)
    ]


def read(value: bytes | None, decode: Callable[[bytes], Any]) -> Any:
    return None if value is None else decode(value)
