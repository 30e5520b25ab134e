"""Arrays for PostgreSQL, written by hand: psycopg looks at every element twice, and it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import Struct

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

ELEMENTS: Mapping[str, tuple[int, Callable[..., bytes]]] = {
    "text": (25, str.encode),
    "bytea": (17, bytes),
    "int8": (20, Struct("!q").pack),
}
"""How each type is numbered, and how its values are sent."""

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


def pack(kind: str, values: Sequence[object]) -> Packed:
    """An array of one dimension."""
    number, encode = ELEMENTS[kind]
    length, parts = LENGTH.pack, [HEADER.pack(1, 1, number, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(NULL)
        else:
            encoded = encode(value)
            parts += (length(len(encoded)), encoded)
    return Packed(b"".join(parts))


def teach(connection: Connection[object]) -> None:
    """Let a connection send packed arrays."""
    connection.adapters.register_dumper(Packed, PackedDumper)
