"""Arrays for PostgreSQL, written by hand: psycopg looks at every element twice, and it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from struct import Struct

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

HEADER = Struct("!5i")
"""Dimensions, whether there may be nulls, type of the elements, how many, number of the first."""

LENGTH = Struct("!i")
NULL = LENGTH.pack(-1)


class Packed(bytes):
    """An array as PostgreSQL receives it."""

    __slots__ = ()


class PackedDumper(Dumper):
    """Sends what is packed as it is; the statement says of which type it is."""

    format = Format.BINARY

    def dump(self, obj: Packed) -> Buffer:
        return obj


def blob(value: bytes) -> bytes:
    """An element: its length, then itself."""
    return LENGTH.pack(len(value)) + value


def text(value: str) -> bytes:
    return blob(value.encode())


ELEMENTS: Mapping[str, tuple[int, Callable[..., bytes]]] = {
    "bytea": (17, blob),
    "int8": (20, partial(Struct("!iq").pack, 8)),
    "text": (25, text),
}
"""By what number PostgreSQL knows a type, and how an element of it is sent."""


def pack(kind: str, values: Sequence[object]) -> Packed:
    """An array of one dimension."""
    number, element = ELEMENTS[kind]
    elements = [NULL if value is None else element(value) for value in values]
    return Packed(HEADER.pack(1, 1, number, len(values), 1) + b"".join(elements))


def teach(connection: Connection[object]) -> None:
    """Let a connection send packed arrays."""
    connection.adapters.register_dumper(Packed, PackedDumper)
