"""The ledger as an application of the eventsourcing library: all records of one office, in order.

Of the library it uses the application, the mapper, the repository, the recorder protocols and the
notification log. Not its ``Aggregate`` and ``@event``: their bodies run again on replay and their
stored names are module paths (see ``DECISIONS.md``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar, cast

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import ApplicationRecorder, Mapper
from eventsourcing.utils import Environment
from sqlalchemy import Engine

from aggregates.base import Aggregate, Record, fold
from service.clock import Clock, utc_now
from service.ledger.body import BodyMapper, record_of
from service.ledger.recorder import Recorder

A = TypeVar("A", bound=Aggregate)

REMEMBERED = 2_000
"""How many aggregates a process keeps in memory."""


class Ledger(Application[str]):
    """台账: one office's records, its aggregates folded from them, and the way to add more."""

    def __init__(self, engine: Engine, slug: str, clock: Clock = utc_now) -> None:
        self.engine, self.slug, self.clock = engine, slug, clock
        self._known: dict[str, Aggregate] = {}
        self._lock = Lock()
        super().__init__()

    def construct_env(self, name: str, env: Any = None) -> Environment:
        """Nothing is taken from the process's environment: the engine is given."""
        return Environment(name, {})

    def construct_mapper(self) -> Mapper[str]:
        return BodyMapper()

    def construct_recorder(self) -> ApplicationRecorder:
        return Recorder(self.engine, self.slug, clock=self.clock)

    @property
    def records_in(self) -> Recorder:
        """The recorder, by its own type."""
        return cast("Recorder", self.recorder)

    def head_position(self) -> int:
        """How many records there are."""
        return self.records_in.head().size

    def position_at(self, time: datetime) -> int:
        """The last position recorded at or before a time."""
        return self.records_in.position_at(time)

    def records(self, after: int = 0, limit: int = 1_000) -> list[Record[Any]]:
        """The records after a position, oldest first."""
        stored = self.records_in.select_notifications(after, limit, inclusive_of_start=False)
        return [record_of(each) for each in stored]

    def every_record(self, after: int = 0, until: int | None = None) -> Iterator[Record[Any]]:
        """All records of an interval, read in portions so that memory stays flat."""
        last = self.head_position() if until is None else until
        while after < last:
            portion = self.records(after, min(1_000, last - after))
            if not portion:
                return
            yield from portion
            after = portion[-1].position

    def record_at(self, position: int) -> Record[Any] | None:
        """The record at a position, if there is one."""
        return next(iter(self.records(position - 1, 1)), None) if position > 0 else None

    def records_at(self, positions: Iterable[int]) -> tuple[Record[Any], ...]:
        """The records at these positions, as far as there are any."""
        found = map(self.record_at, positions)
        return tuple(record for record in found if record is not None)

    def history(self, stream: str, as_of: int | None = None) -> list[Record[Any]]:
        """One stream's records, oldest first, as far as they were recorded at a position."""
        found = (record_of(each) for each in self.recorder.select_events(stream))
        return [each for each in found if as_of is None or each.position <= as_of]

    def fold(self, kind: type[A], code: str, as_of: int | None = None) -> A:
        """An aggregate folded anew, with the corrections known at a position."""
        return fold(kind.of(code), self.history(kind.stream(code), as_of))

    def recall(self, kind: type[A], code: str) -> A:
        """An aggregate from memory, maybe behind; whoever appends has its version checked there.

        It is shared between threads: read it, never apply a fact to it.
        """
        stream = kind.stream(code)
        with self._lock:
            known = self._known.pop(stream, None)
            if known is not None:
                self._known[stream] = known
        return cast("A", known) if known is not None else self.load(kind, code)

    def load(self, kind: type[A], code: str) -> A:
        """An aggregate as it stands now."""
        stream = kind.stream(code)
        with self._lock:
            known = self._known.get(stream)
        if known is not None and self.records_in.version_of(stream) == known.version:
            return cast("A", known)
        found = self._folded(kind, code)
        with self._lock:
            self._known[stream] = found
            while len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
        return found

    def _folded(self, kind: type[A], code: str) -> A:
        def project(_: object, history: Iterable[Any]) -> Any:
            return fold(kind.of(code), history)

        try:
            return cast("A", self.repository.get(kind.stream(code), projector_func=project))
        except AggregateNotFoundError:
            return kind.of(code)

    def forget(self, streams: Iterable[str]) -> None:
        """Drop aggregates from memory: their streams have moved on."""
        with self._lock:
            for stream in streams:
                self._known.pop(stream, None)

    def append(self, records: Sequence[Record[Any]], **beside: Any) -> list[Record[Any]]:
        """Record all of these or none; what goes with them is as ``Recorder.append`` has it.

        A record of version 0 takes the next place of its stream. Raises as the recorder does.
        """
        drafts = [self.mapper.to_stored_event(cast("Any", record)) for record in records]
        stored = self.records_in.append(drafts, **beside)
        self.forget({record.stream for record in records})
        return [record_of(each) for each in stored]
