"""入账: records batches at the head of one ledger, by compare-and-swap on what is known of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from time import monotonic
from typing import Generic

from eventsourcing.persistence import PersistenceError

from service.ledger.batch import Batch, Found, Insertion, Outcome, is_behind
from service.ledger.engine import guard_of
from service.ledger.errors import OutcomeUnknown, StorageUnavailable, UnknownLedger
from service.ledger.rows import Head
from service.ledger.storage import C, Storage

MOST_LOSSES = 3
"""How often a batch may find the head moved before it locks it."""

FRESH_SECONDS = 1.0
"""For how long the head is taken to be where it was last seen, until a write tells otherwise."""

MOST_STREAMS = 20_000


class Appender(Generic[C]):
    """Remembers the head and the versions of streams there; never trusts them without the swap."""

    def __init__(self, storage: Storage[C], clock: Callable[[], datetime]) -> None:
        self._storage, self._clock = storage, clock
        self._guard = guard_of(storage.engine, storage.ledger)
        self.forget()

    def forget(self) -> None:
        """Know nothing any more: the ledger has moved on without us, or we cannot tell."""
        self._head: Head | None = None
        self._seen = 0.0
        self._versions: OrderedDict[str, int] = OrderedDict()

    def settle(self, insertions: Sequence[Insertion]) -> dict[Insertion, Outcome]:
        """Record what can be recorded; an answer for each, whatever happens."""
        try:
            batch = self._storage.ask(lambda connection: self._recorded(connection, insertions))
        except (StorageUnavailable, OutcomeUnknown, UnknownLedger) as fault:
            return {insertion: same(fault) for insertion in insertions}
        except PersistenceError as fault:
            if len(insertions) == 1:
                return {insertions[0]: fault}
            # One of them cannot be stored; each alone, so that its neighbours can.
            return {i: outcome for each in insertions for i, outcome in self.settle([each]).items()}
        return batch.outcomes

    def _recorded(self, connection: C, insertions: Sequence[Insertion]) -> Batch:
        try:
            batch = self._swapped(connection, insertions) or self._locked(connection, insertions)
        except BaseException:
            self.forget()
            raise
        self._learn(batch)
        return batch

    def _swapped(self, connection: C, insertions: Sequence[Insertion]) -> Batch | None:
        """Write without a lock, if the head stays where it is for long enough."""
        for _ in range(MOST_LOSSES if self._storage.optimistic else 0):
            if monotonic() - self._seen > FRESH_SECONDS:
                self._look(connection)
            batch = self._judged(connection, insertions)
            if self._holds(connection, batch):
                return batch
            self.forget()
        return None

    def _holds(self, connection: C, batch: Batch) -> bool:
        """Write it; or, where all is refused, see that it was refused for what is still so."""
        if batch.rows:
            return self._storage.write(connection, batch)
        return self._storage.size(connection) == batch.found.head.size

    def _locked(self, connection: C, insertions: Sequence[Insertion]) -> Batch:
        """Write while nobody else can."""
        with self._storage.locked(connection):
            self._look(connection)
            batch = self._judged(connection, insertions)
            if not self._holds(connection, batch):
                raise PersistenceError("the head moved under its lock")
        if batch.withheld:
            self._storage.sweep(connection)
        return batch

    def _look(self, connection: C) -> None:
        """Keep what is known if it is known of the head as it is."""
        if self._head is None or self._storage.size(connection) != self._head.size:
            self.forget()
            self._head = self._found(connection)

    def _found(self, connection: C) -> Head:
        head = self._storage.head(connection)
        self._guard(self._storage, head)
        return head

    def _judged(self, connection: C, insertions: Sequence[Insertion]) -> Batch:
        if self._head is None:
            self._head = self._found(connection)
        now = self._clock()
        found = Found(self._head, self._known_versions(connection, insertions))
        if keys := [(r.principal, r.key) for i in insertions for r in i.requests]:
            found.requests = self._storage.requests(connection, keys)
        if sources := [key for i in insertions for key in i.observed]:
            found.observed = self._storage.observed(connection, sources)
        if is_behind(now, self._head):
            confirmed = self._storage.clock_confirmed_at(connection)
            found.clock_excused = confirmed == self._head.recorded_at
        return Batch(self._storage.ledger, found, now, insertions)

    def _known_versions(self, connection: C, insertions: Iterable[Insertion]) -> dict[str, int]:
        wanted: set[str] = set().union(*(insertion.streams() for insertion in insertions))
        known = {stream: self._versions[stream] for stream in wanted & self._versions.keys()}
        if unknown := wanted - known.keys():
            known |= self._storage.versions(connection, unknown)
        return known

    def _learn(self, batch: Batch) -> None:
        """What was judged on, and written, is how things are at the new head."""
        self._head, self._seen = batch.head, monotonic()
        for stream, version in batch.found.versions.items():
            self._versions[stream] = version
            self._versions.move_to_end(stream)
        while len(self._versions) > MOST_STREAMS:
            self._versions.popitem(last=False)


def same(fault: PersistenceError) -> PersistenceError:
    """The same fault for another caller, who raises it with a traceback of its own."""
    again = type(fault)(*fault.args)
    again.__cause__ = fault
    return again
