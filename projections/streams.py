"""读模型, history by history: rows that belong to streams of one kind.

Such a read model is a file: what a row holds, one method per fact that it listens to, and its
queries::

    @dataclass
    class Tokens(Row):
        issued: int = 0

    class TokenCount(StreamModel[Tokens], name="token_count", of=Office):
        def issued(self, rows: Rows[Tokens], it: Record[TokenIssued]) -> None:
            rows.only.issued += 1

A method says only what the row looks like afterwards. The machinery compares before and after, and
closes and opens rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args, get_origin, get_type_hints

import sqlalchemy as sa

from aggregates.base import KINDS, Aggregate, Fact, Record, RecordCorrected
from projections.base import History, ReadModel, Records, Row
from projections.changes import Changes, Key, Rows, Tracked, Values, Version
from projections.happened import Happened, as_known, late
from projections.places import Place, in_quarantine, missing

R = TypeVar("R", bound=Row)

Handler = Callable[[Any, Rows[Any], Record[Any]], None]


class StreamModel(ReadModel[R]):
    """A read model whose rows belong to streams of one kind.

    A record that a method cannot take in is put into quarantine, and its stream's rows stay as they
    were before it: a state that was true once, instead of one that never was. They move again after
    a correction with which the whole history can be read.
    """

    OF: ClassVar[type[Aggregate]]
    handlers: ClassVar[Mapping[type[Fact[Any]], Handler]] = {}

    def __init_subclass__(cls, name: str = "", of: type[Aggregate] | None = None) -> None:
        cls.handlers = {**cls.handlers, **dict(_handlers(cls))}
        if of is not None:
            (cls.ROW,) = get_args(cls.__orig_bases__[0])  # type: ignore[attr-defined]
            cls.NAME, cls.OF, cls.IDENTITY = name, of, ("stream", *cls.ROW.KEY)

    def __init__(self) -> None:
        super().__init__()
        kinds = (name for name, kind in KINDS.items() if issubclass(kind, self.OF))
        self._prefixes = tuple(f"{name}/" for name in kinds)

    def key_of(self, values: Values) -> Key:
        """What tells a stored row apart from the others of its stream."""
        return values[1 : len(self.IDENTITY)]

    def apply(self, rows: Rows[R], record: Record[Any]) -> None:
        """Let a record change its stream's rows; a fact that nobody listens to changes nothing."""
        handler = self.handlers.get(type(record.fact))
        if handler is not None:
            handler(self, rows, record)

    def fold(self, stream: str, history: Iterable[Record[Any]]) -> Rows[R]:
        """A stream's rows after these records."""
        rows = Rows(self.ROW, stream)
        for record in history:
            self.apply(rows, record)
        return rows

    def changes(
        self,
        connection: sa.Connection,
        place: Place,
        batch: Sequence[Record[Any]],
        history: History,
    ) -> Changes:
        mine = [record for record in batch if self._concerns(record)]
        if not mine:
            return Changes()
        standing = self._tracked(connection, place, mine)
        passing = _Passing(self, standing, missing(connection, place))
        for record in mine:
            if isinstance(record.fact, RecordCorrected):
                passing.correct(record, history(record.stream, record.position))
            else:
                passing.take(record)
        return passing.finished()

    def _concerns(self, record: Record[Any]) -> bool:
        listens = type(record.fact) in self.handlers or isinstance(record.fact, RecordCorrected)
        return listens and record.stream.startswith(self._prefixes)

    def _tracked(
        self, connection: sa.Connection, place: Place, mine: Sequence[Record[Any]]
    ) -> dict[str, Tracked[R]]:
        """The rows of all streams of a batch as they stand, asked for at once."""
        streams = sorted({record.stream for record in mine})
        c = self.table.c
        asked = self.select().where(self.of(place), c.until.is_(None), c.stream.in_(streams))
        standing: dict[str, list[Version]] = {stream: [] for stream in streams}
        for since, _, *stored in connection.execute(asked):
            values = self.values(self.row(tuple(stored)))
            standing[values[0]].append(Version(values, since))
        return {stream: Tracked(self, stream, found) for stream, found in standing.items()}

    def as_happened(
        self, source: Records, stream: str, as_of: int | None = None, on: date | None = None
    ) -> Happened[R]:
        """实际发生顺序: one stream in the order in which things happened, with all that is known.

        Known is what had been recorded as of a position; ``on`` looks at the end of that day.
        """
        known = list(as_known(source.history(stream, as_of)))
        happened = sorted(known, key=lambda it: (it.envelope.occurred_on, it.position))
        seen = [it for it in happened if on is None or it.envelope.occurred_on <= on]
        rows, frozen_at = self._as_far_as_it_goes(stream, seen)
        return Happened(tuple(rows), tuple(late(known)), frozen_at)

    def _as_far_as_it_goes(
        self, stream: str, records: Sequence[Record[Any]]
    ) -> tuple[Rows[R], int | None]:
        """A stream's rows before the first record that cannot be taken in, and where that is."""
        rows = Rows(self.ROW, stream)
        for number, record in enumerate(records):
            try:
                self.apply(rows, record)
            except Exception:  # noqa: BLE001 - see `_Passing.take`
                return self.fold(stream, records[:number]), record.position
        return rows, None


def _handlers(model: type[StreamModel[Any]]) -> Iterator[tuple[type[Fact[Any]], Handler]]:
    """The public methods that take a record, by the facts that their annotation names."""
    for name, method in vars(model).items():
        if callable(method) and not isinstance(method, type) and not name.startswith("_"):
            for hint in get_type_hints(method).values():
                if get_origin(hint) is Record:
                    for fact in _facts(hint):
                        yield fact, cast("Handler", method)


def _facts(hint: Any) -> Iterator[type[Fact[Any]]]:
    """``Record[A]`` and ``Record[A | B]`` name one fact and two; ``Record[Any]`` none."""
    (named,) = get_args(hint)
    for each in get_args(named) or (named,):
        if isinstance(each, type) and issubclass(each, Fact):
            yield each


class _Passing(Generic[R]):
    """A batch on its way through a model: streams as they stand, and what has changed so far."""

    def __init__(
        self, model: StreamModel[R], streams: dict[str, Tracked[R]], missing: dict[int, str]
    ) -> None:
        self.model, self.streams, self.missing = model, streams, missing
        self.stopped = {stream for stream in missing.values() if stream}
        self.changes = Changes()

    def take(self, record: Record[Any]) -> None:
        """The next record of a stream."""
        if record.stream in self.stopped:
            return
        stream = self.streams[record.stream]
        try:
            self.model.apply(stream.rows, record)
        except Exception as error:  # noqa: BLE001 - whatever it is, it stops one stream only
            self._stop(record, error)
        else:
            stream.settle(record.position, self.changes)

    def correct(self, record: Record[Any], history: list[Record[Any]]) -> None:
        """A correction: the stream is read again from its beginning."""
        stream = self.streams[record.stream]
        try:
            rows = self.model.fold(record.stream, as_known(history))
        except Exception as error:  # noqa: BLE001 - see `take`
            if record.stream not in self.stopped:
                self._stop(record, error)
        else:
            self._heal(record, history)
            stream.replace(rows)
            stream.settle(record.position, self.changes)

    def finished(self) -> Changes:
        for stream in self.streams.values():
            stream.finish(self.changes)
        return self.changes

    def _heal(self, record: Record[Any], history: list[Record[Any]]) -> None:
        """Nothing of this history is missing any longer, however much of it was."""
        for position in self.missing.keys() & {it.position for it in history}:
            del self.missing[position]
            self.changes.healed[position] = record.position
        self.stopped.discard(record.stream)

    def _stop(self, record: Record[Any], error: Exception) -> None:
        self.missing[record.position] = record.stream
        self.stopped.add(record.stream)
        self.changes.quarantine(in_quarantine(record, error))
