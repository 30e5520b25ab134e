"""Deciding what is recorded: insertions that wait together, each judged on its own.

Nothing here touches a database. What was found there at a head is a `Found`; what follows from it
is a `Batch`, which holds if and only if the ledger is still at that head when it is written.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from eventsourcing.persistence import PersistenceError, StoredEvent

from service.ledger.entry import (
    LARGEST_NUMBER,
    LAYOUT,
    LIMIT,
    SALT_SIZE,
    MalformedEntry,
    name,
    require,
    timestamp,
    utf8,
)
from service.ledger.errors import (
    ClockBehind,
    EntryTooLarge,
    ObservedRepeated,
    RecordConflict,
    RequestRepeated,
    RowConflict,
)
from service.ledger.hashes import SHA256, SM3
from service.ledger.rows import CommittedValue, Completed, Head, ObservedKey, RequestRow
from service.ledger.tables import CLOCK_CORRECTED

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far the clock may be behind the ledger's last record."""

NEXT = 0
"""As a record's version: the next one of its stream, whatever that is."""


class Event(NamedTuple):
    """One record of an insertion, as far as it is known before its place is."""

    stream: str
    version: int
    topic: str
    body: bytes


class Insertion:
    """录入: what one call wants recorded, all of it or nothing."""

    __slots__ = ("events", "observed", "reads", "requests", "size", "values", "withheld")

    def __init__(
        self,
        events: Sequence[StoredEvent],
        reads: Mapping[str, int] | None = None,
        requests: Sequence[RequestRow] = (),
        observed: Sequence[ObservedKey] = (),
        values: Sequence[CommittedValue] = (),
        withheld: Mapping[bytes, int] | None = None,
    ) -> None:
        """Checked at once, by whoever calls: a faulty call must not trouble its neighbours."""
        require(events, "what is kept beside records needs a record")
        self.events = list(map(_event, events))
        self.reads = reads or {}
        self.requests = requests
        self.observed = observed
        self.values = values
        self.withheld = withheld or {}
        self.size = sum(map(len, [event.body for event in self.events]))
        self._check_beside()

    @property
    def corrects_clock(self) -> bool:
        return any(event.topic == CLOCK_CORRECTED for event in self.events)

    def streams(self) -> Iterable[str]:
        """The histories whose versions must be known."""
        return chain([event.stream for event in self.events], self.reads)

    def _check_beside(self) -> None:
        sources = (key.names for key in self.observed)
        asked = ((request.principal, request.key) for request in self.requests)
        for text in chain(self.reads, *asked, *sources):
            name(text)
        for text in (value.value for value in self.values):
            require(b"\0" not in utf8(text), "a NUL in a value")
        own = chain.from_iterable(request.records for request in self.requests)
        seen = (key.record for key in self.observed)
        for index in chain(own, seen, self.withheld.values()):
            require(0 <= index < len(self.events), f"no record {index} among {len(self.events)}")


def _event(event: StoredEvent) -> Event:
    stream, version, topic = str(event.originator_id), event.originator_version, event.topic
    if not NEXT <= version <= LARGEST_NUMBER:
        raise MalformedEntry(f"no version: {version}")
    name(stream)
    name(topic)
    return Event(stream, version, topic, bytes(event.state))


@dataclass(slots=True)
class Found:
    """What the database holds at a head, of all that a batch must know."""

    head: Head
    versions: dict[str, int]
    requests: dict[tuple[str, str], RequestRow] = field(default_factory=dict)
    observed: dict[ObservedKey, tuple[ObservedKey, int]] = field(default_factory=dict)
    """Of each source row that is to be recorded, every revision."""
    clock_excused: bool = False
    """The office has confirmed its clock since the last record's time."""


class Row(NamedTuple):
    """One record, ready to be stored."""

    position: int
    stream: str
    version: int
    topic: str
    entry: bytes


Outcome = list[Row] | PersistenceError
"""The records that an insertion has become, or why it has not."""


class Batch:
    """一批: the insertions that are recorded together, and those that are refused."""

    def __init__(
        self, ledger: str, found: Found, now: datetime, insertions: Sequence[Insertion]
    ) -> None:
        """Judge the insertions, an earlier one before a later one."""
        self.found, self.now = found, now
        self.recorded_at = max(now, found.head.recorded_at or now)
        self.at = timestamp(self.recorded_at)
        self.rows: list[Row] = []
        self.requests: list[RequestRow] = []
        self.observed: list[tuple[ObservedKey, int]] = []
        self.values: dict[bytes, tuple[bytes, bytes | None, str | None, int | None]] = {}
        self.withheld: dict[bytes, int] = {}
        self.outcomes: dict[Insertion, Outcome] = {}
        self._first = firsts(found.observed.values())
        self._ledger = ledger.encode()
        self._stopped = is_behind(now, found.head) and not found.clock_excused
        self._salts = salts(sum(len(insertion.events) for insertion in insertions))
        for insertion in insertions:
            self._judge(insertion)
        self.leaves = leaves(self.rows)
        self.head, self.subtrees = self._grown()

    @property
    def size(self) -> int:
        """The ledger's size once this batch is recorded."""
        return self.found.head.size + len(self.rows)

    def _grown(self) -> tuple[Head, list[Completed]]:
        if not self.rows:
            return self.found.head, []
        return self.found.head.growth(self.recorded_at, *self.leaves)

    def _judge(self, insertion: Insertion) -> None:
        try:
            self._take(insertion)
        except PersistenceError as refusal:
            self.outcomes[insertion] = refusal.with_traceback(None)  # another thread raises it

    def _take(self, insertion: Insertion) -> None:
        self._refuse_repetition(insertion)
        self._refuse_backward_clock(insertion)
        versions = self._versions(insertion)
        placed = enumerate(zip(insertion.events, versions, strict=True), self.size + 1)
        rows = [self._row(position, event, version) for position, (event, version) in placed]
        self.rows += rows
        self.outcomes[insertion] = rows
        self._keep(insertion, rows)

    def _refuse_repetition(self, insertion: Insertion) -> None:
        for request in insertion.requests:
            if known := self.found.requests.get((request.principal, request.key)):
                raise RequestRepeated(known)
        for key in insertion.observed:
            if repeated := self.found.observed.get(key):
                raise ObservedRepeated(*repeated)
        for key in insertion.observed:
            if (first := self._first.get(key.row)) != key.first:
                raise RowConflict(key, first)

    def _refuse_backward_clock(self, insertion: Insertion) -> None:
        if self._stopped and not insertion.corrects_clock:
            raise ClockBehind(self.now, self.recorded_at, CLOCK_TOLERANCE)

    def _versions(self, insertion: Insertion) -> list[int]:
        """The version of each record, if nothing that was written or read has moved on."""
        found = self.found.versions
        moved = {
            stream: (expected, found[stream])
            for stream, expected in insertion.reads.items()
            if found[stream] != expected
        }
        own: dict[str, int] = {}
        versions: list[int] = []
        for event in insertion.events:
            version = own.get(event.stream, found[event.stream]) + 1
            if event.version not in (NEXT, version):
                moved.setdefault(event.stream, (event.version - 1, version - 1))
            own[event.stream] = version
            versions.append(version)
        if moved:
            raise RecordConflict(moved)
        return versions

    def _row(self, position: int, event: Event, version: int) -> Row:
        stream, _, topic, body = event
        names = name(stream), version, name(topic)
        entry = LAYOUT % (self._ledger, position, self.at, *names, next(self._salts), body)
        if len(entry) > LIMIT:
            raise EntryTooLarge(len(entry), LIMIT, position - self.size - 1)
        return Row(position, stream, version, topic, entry)

    def _keep(self, insertion: Insertion, rows: Sequence[Row]) -> None:
        """Remember what was taken in, for the insertions after it and for the database."""
        for row in rows:
            self.found.versions[row.stream] = row.version
        for request in insertion.requests:
            own = [rows[index] for index in request.records] or rows
            answered = replace(request, positions=tuple(row.position for row in own))
            self.requests.append(answered)
            self.found.requests[request.principal, request.key] = answered
        for key in insertion.observed:
            kept = key, rows[key.record].position
            self.observed.append(kept)
            self.found.observed[key] = kept
            self._first.setdefault(key.row, kept[1])
        self._keep_values(insertion, rows)

    def _keep_values(self, insertion: Insertion, rows: Sequence[Row]) -> None:
        for value in insertion.values:
            self.values.setdefault(value.digest, (value.digest, value.salt, value.value, None))
        for digest, index in insertion.withheld.items():
            position = self.withheld[digest] = rows[index].position
            if digest in self.values:
                self.values[digest] = (digest, None, None, position)


def firsts(observed: Iterable[tuple[ObservedKey, int]]) -> dict[tuple[str, str, str], int]:
    """Where each source row is recorded first, of all its revisions."""
    first: dict[tuple[str, str, str], int] = {}
    for key, position in observed:
        first[key.row] = min(position, first.get(key.row, position))
    return first


def is_behind(now: datetime, head: Head) -> bool:
    """Is the clock further behind the last record than clocks are?"""
    return head.recorded_at is not None and head.recorded_at - now > CLOCK_TOLERANCE


def salts(count: int) -> Iterator[bytes]:
    """So many salts, as entries write them, drawn all at once."""
    drawn, width = secrets.token_hex(count * SALT_SIZE).encode(), 2 * SALT_SIZE
    return (drawn[i : i + width] for i in range(0, len(drawn), width))


def leaves(rows: Sequence[Row]) -> tuple[list[bytes], list[bytes]]:
    """The leaf hashes of records, in either algorithm."""
    entries = [row.entry for row in rows]
    return list(map(SHA256.leaf, entries)), list(map(SM3.leaf, entries))
