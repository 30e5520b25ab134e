"""读模型: rows that people read, kept from records, and exact at every position.

Each row carries the positions ``since`` and ``until`` (half-open, ``None`` while it stands). So
every question takes ``as_of``, a position, and is answered exactly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from operator import attrgetter
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_type_hints

import msgspec
import sqlalchemy as sa

from aggregates.base import Record
from projections.changes import Changes, Key, Values
from projections.columns import Column, Name, as_it_is, clean, column_of
from projections.places import Place, metadata, reached

R = TypeVar("R", bound="Row")
T = TypeVar("T")

History = Callable[[str, int], list[Record[Any]]]
"""One stream's records, oldest first, as far as they were recorded at a position."""


class Records(Protocol):
    """Where records come from: one ledger, in the order of its positions."""

    @property
    def slug(self) -> str: ...

    def records(self, after: int, limit: int) -> list[Record[Any]]: ...

    def history(self, stream: str, as_of: int | None) -> list[Record[Any]]: ...

    def head_position(self) -> int: ...


@dataclass
class Row:
    """One row: a stream's only one, or one of several, which ``KEY`` then tells apart.

    The fields of the key (numbers, text or codes) come first and have no default; all others have
    one. ``since`` and ``until`` are the machinery's: when the row came to be as it is, and when it
    no longer was.
    """

    KEY: ClassVar[tuple[str, ...]] = ()

    stream: str
    since: int = field(default=0, kw_only=True, compare=False)
    until: int | None = field(default=None, kw_only=True, compare=False)

    @property
    def code(self) -> str:
        """The code of the history that the row is about."""
        return self.stream.partition("/")[2]

    @property
    def key(self) -> Key:
        """What tells it apart from the other rows of its stream."""
        return tuple(getattr(self, name) for name in self.KEY)


@dataclass(frozen=True)
class Page(Generic[T]):
    """一页: some answers in their order, and behind which of them the next page begins."""

    rows: tuple[T, ...]
    as_of: int
    next: Values | None


class ReadModel(ABC, Generic[R]):
    """A table of rows with their versions, and the questions that every such table answers."""

    NAME: ClassVar[str] = ""
    IDENTITY: ClassVar[tuple[str, ...]]
    """The columns that name a row, and by which lists are ordered."""
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = ()
    METADATA: ClassVar[sa.MetaData] = metadata
    ROW: type[R]

    def __init__(self) -> None:
        hints = get_type_hints(self.ROW)
        names = [f.name for f in fields(self.ROW) if f.name not in {"since", "until"}]
        ordered = [*self.IDENTITY, *(name for name in names if name not in self.IDENTITY)]
        self.columns = [column_of(name, hints[name]) for name in ordered]
        self.table = _table(self)
        self._held = attrgetter(*ordered)
        self._dumps = [(n, c.dump) for n, c in enumerate(self.columns) if c.dump is not as_it_is]
        self._loads = [(n, c.load) for n, c in enumerate(self.columns) if c.load is not as_it_is]
        self._texts = [n for n, c in enumerate(self.columns) if c.is_text]
        self._order = [ordered.index(name) for name in names]

    @abstractmethod
    def changes(
        self,
        connection: sa.Connection,
        place: Place,
        batch: Sequence[Record[Any]],
        history: History,
    ) -> Changes:
        """What the records after a place change; writes nothing."""

    def values(self, row: R) -> Values:
        """A row as it is stored, without its positions."""
        values = list(self._held(row))
        for place, dump in self._dumps:
            values[place] = dump(values[place])
        if "\0" in "".join([values[place] or "" for place in self._texts]):
            values = [clean(value) if isinstance(value, str) else value for value in values]
        return tuple(values)

    def row(self, values: Values, since: int = 0, until: int | None = None) -> R:
        """The row that was stored."""
        held = list(values)
        for place, load in self._loads:
            held[place] = load(held[place])
        return self.ROW(*[held[place] for place in self._order], since=since, until=until)

    def whole(self, values: Values, since: int, until: int | None) -> Values:
        """All that is stored of a row, in the order of the table's columns from its name on."""
        named = len(self.IDENTITY)
        return (*values[:named], since, until, *values[named:])

    def at(self, connection: sa.Connection, ledger: str, as_of: int | None = None) -> Place:
        """What people read as of a position, by default as far as the model has read.

        Raises ``Behind`` where it has not read so far.
        """
        return reached(connection, ledger, self.NAME, as_of)

    def visible(self, place: Place) -> sa.ColumnElement[bool]:
        """The rows that stood at a place."""
        c = self.table.c
        return sa.and_(
            self.of(place),
            c.since <= place.position,
            sa.or_(c.until.is_(None), c.until > place.position),
        )

    def of(self, place: Place) -> sa.ColumnElement[bool]:
        """The rows of a generation, whenever they stood."""
        c = self.table.c
        return sa.and_(c.ledger == place.ledger, c.generation == place.generation)

    @property
    def name_columns(self) -> list[sa.Column[Any]]:
        return [self.table.c[name] for name in self.IDENTITY]

    def select(self) -> sa.Select[Any]:
        """A question for rows, still without a condition."""
        c = self.table.c
        return sa.select(c.since, c.until, *(c[column.name] for column in self.columns))

    def rows(self, connection: sa.Connection, asked: sa.Select[Any]) -> list[R]:
        """The rows that answer a question."""
        return [self.row(tuple(v), since, until) for since, until, *v in connection.execute(asked)]

    def page_of(
        self,
        connection: sa.Connection,
        place: Place,
        conditions: Iterable[sa.ColumnElement[bool]],
        after: Values | None,
        limit: int,
    ) -> Page[R]:
        """The rows behind ``after`` that stood at a place and meet all conditions."""
        asked = self.select().where(self.visible(place), *conditions)
        if after is not None:
            asked = asked.where(sa.tuple_(*self.name_columns) > sa.tuple_(*after))
        found = self.rows(connection, asked.order_by(*self.name_columns).limit(limit + 1))
        rows = tuple(found[:limit])
        more = len(found) > limit
        return Page(
            rows, place.position, self.values(rows[-1])[: len(self.IDENTITY)] if more else None
        )

    def versions(
        self, connection: sa.Connection, place: Place
    ) -> Iterator[tuple[int, int | None, Values]]:
        """All rows there had ever been up to a place, as they were known there, in order.

        Each comes with its ``since`` and ``until``; however many there are, few are in memory.
        """
        c = self.table.c
        asked = self.select().where(self.of(place), c.since <= place.position)
        asked = asked.order_by(*self.name_columns, c.since).execution_options(yield_per=1_000)
        for since, until, *values in connection.execute(asked):
            ended = until if until is not None and until <= place.position else None
            yield since, ended, tuple(values)

    def digest(self, connection: sa.Connection, place: Place) -> str:
        """摘要: SHA-256 over the rows that stood at a place, in their order.

        A row is a line of JSON: what names it, its ``since``, its other columns. So the digest is
        the same however often the rows were rebuilt, and on every database.
        """
        c = self.table.c
        told = [c.since, *(c[column.name] for column in self.columns[len(self.IDENTITY) :])]
        asked = sa.select(*self.name_columns, *told).where(self.visible(place))
        asked = asked.order_by(*self.name_columns).execution_options(yield_per=1_000)
        digest, encode = sha256(), msgspec.json.Encoder().encode_lines
        for portion in connection.execute(asked).partitions():
            digest.update(encode([tuple(line) for line in portion]))
        return digest.hexdigest()


def _table(model: ReadModel[Any]) -> sa.Table:
    """The table of a read model: whose rows, which row, from when to when, and what it holds."""
    named = len(model.IDENTITY)
    table = sa.Table(
        model.NAME,
        model.METADATA,
        sa.Column("ledger", Name, primary_key=True),
        sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
        *(_column(c, primary_key=True) for c in model.columns[:named]),
        sa.Column("since", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("until", sa.BigInteger),
        *(_column(c) for c in model.columns[named:]),
        comment=(model.__doc__ or "").partition("\n")[0],
    )
    for first, *rest in model.INDEXES:
        # Behind the first column, or who knows only ledger and generation might think it useful.
        chosen = [table.c[name] for name in (first, "ledger", "generation", *rest)]
        sa.Index(f"{model.NAME}_by_{first}", *chosen)
    return table


def _column(column: Column, *, primary_key: bool = False) -> sa.Column[Any]:
    return sa.Column(
        column.name,
        column.type,
        primary_key=primary_key,
        autoincrement=False,
        nullable=column.nullable,
    )
