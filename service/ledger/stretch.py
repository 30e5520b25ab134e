"""区段: consecutive records, examined one by one, and the little of them that is compared later.

A stretch holds a power of two of records, so that each is one complete subtree. What it leaves is
small: the root of its subtree, the first and last version of each stream, how many requests and
source rows are its own. So stretches can be examined by several processes, in memory that does not
grow with the ledger; what reaches across their borders is compared afterwards, in order.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, groupby
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
from eventsourcing.persistence import PersistenceError

from aggregates.base import Source
from aggregates.ledger import ActRefused, LineUnplaced
from service.ledger.body import decode
from service.ledger.commitments import KEPT, held_in
from service.ledger.entry import FIELDS, LAYOUT, LIMIT, SALT_SIZE, Entry, name, timestamp
from service.ledger.errors import StorageUnavailable, UnknownLedger
from service.ledger.findings import UNREADABLE, Unsound, bad_record, earliest, failure_of
from service.ledger.hashes import ALGORITHMS
from service.ledger.rows import seal
from service.ledger.storage import Storage
from service.ledger.trees import TILE, Frontier, Subtree

STRETCH = 4_096
"""The records of a stretch; a power of two."""

PORTION = 400

RECORDS = (
    "SELECT position, stream, version, topic, entry, sha256, sm3 FROM record"
    " WHERE ledger = ? AND position BETWEEN ? AND ? ORDER BY position"
)
SUBTREES = (
    "SELECT number, sha256, sm3 FROM subtree"
    " WHERE ledger = ? AND level = 1 AND number BETWEEN ? AND ?"
)
REQUESTS = (
    "SELECT key, salt, digest, outcome, body, positions FROM request"
    " WHERE ledger = ? AND principal = ? AND key IN ({})"
)
OBSERVED = (
    "SELECT row_id, revision, position FROM observed"
    " WHERE ledger = ? AND system = ? AND source_table = ?"
    " AND row_id IN ({}) AND revision IN ({})"
)
TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
HEXADECIMAL = b"0123456789abcdef"
REFUSALS = frozenset({ActRefused.TOPIC, LineUnplaced.TOPIC})

Row = tuple[int, str, int, str, bytes, bytes, bytes]
"""Position, stream, version, topic, entry, and both leaf hashes."""


class Said(msgspec.Struct, gc=False):
    """What an envelope says of what is kept beside its record."""

    via: str
    request: str = ""
    request_digest: str = ""
    source: Source | None = None

    @property
    def row(self) -> tuple[str, str, str, str] | None:
        """The row of another system, in its revision, that was seen."""
        seen = self.source
        return (seen.system, seen.table, seen.row, seen.revision) if seen else None


class Body(msgspec.Struct, gc=False):
    """A record's body, its fact unread."""

    envelope: Said
    fact: msgspec.Raw


request_of = attrgetter("request", "via", "request_digest")
fact_of = itemgetter(0, 3, 4)
"""Of a row: position, topic and entry."""
read_body = msgspec.json.Decoder(Body).decode


class Asked(msgspec.Struct, gc=False):
    """One request's records, as far as they are in one stretch."""

    first: int
    last: int
    topic: str
    said: Said

    @property
    def row(self) -> tuple[str, str, str, str] | None:
        """The row of another system, in its revision, that is recorded hereby."""
        return None if self.topic in REFUSALS else self.said.row

    def unsound(self, reason: str) -> Unsound:
        return Unsound(self.first, f"request {self.said.via}/{self.said.request}", reason)


@dataclass
class Stretch:
    """What is left of a stretch once it has been examined."""

    first: int
    size: int = 0
    peaks: tuple[tuple[bytes, ...], ...] = ()
    """The frontier of either tree."""
    began_at: bytes = b""
    ended_at: bytes = b""
    began: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The first version of each stream, and its position."""
    ended: dict[str, int] = field(default_factory=dict)
    """The last version of each stream."""
    requests: int = 0
    observed: int = 0
    values: int = 0
    unsound: Unsound | None = None


def examine(storage: Storage[Any], first: int, last: int, *, facts: bool = False) -> Stretch:
    """Look at the records from one position to another, and at what is kept beside them.

    ``facts``: read each fact as this release understands it, too.
    """
    try:
        with storage.connected() as connection:
            return Examination(storage, connection, first, last).result(facts=facts)
    except PersistenceError as error:
        if not is_damage(error):
            raise
        if first == last:
            return Stretch(first, unsound=bad_record(first, f"cannot be read: {error}"))
        middle = (first + last) // 2
        left = examine(storage, first, middle, facts=facts)
        return left if left.unsound else examine(storage, middle + 1, last, facts=facts)


def is_damage(error: PersistenceError) -> bool:
    """Was the database reached, and cannot read what it holds?"""
    name_of_cause = str(getattr(error.__cause__, "sqlite_errorname", ""))
    torn = name_of_cause.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
    return torn or not isinstance(error, StorageUnavailable | UnknownLedger)


class Examination:
    """One stretch under examination. Each check stops at the first record that fails it."""

    def __init__(self, storage: Storage[Any], connection: Any, first: int, last: int) -> None:
        self.storage, self.connection = storage, connection
        self.first, self.last = first, last
        self.rows: list[Row] = self._select(RECORDS, first, last)
        self.said: list[Said] = []
        """What the envelopes say of all records before the first that is not sound."""
        self.begun: list[Asked] = []
        """The requests whose first record is here."""
        self.stretch = Stretch(first)

    def result(self, *, facts: bool) -> Stretch:
        checks = [self._records, self._leaves, self._requests, self._observed, self._values]
        found = [failure_of(check) for check in (*checks, *([self._facts] if facts else []))]
        self.stretch.unsound = earliest(found)
        self.stretch.began_at = _time(self.rows[0]) if self.said else b""
        return self.stretch

    def _select(self, statement: str, *values: object) -> list[Any]:
        return self.storage.rows(self.connection, statement, self.storage.ledger, *values)

    def _select_among(
        self, statement: str, names: Sequence[tuple[object, ...]], *values: str
    ) -> Iterator[Any]:
        """Rows by their names; a portion at a time, for a statement takes only so many values."""
        for begin in range(0, len(names), PORTION):
            columns = list(zip(*names[begin : begin + PORTION], strict=True))
            marks = ", ".join("?" * len(columns[0]))
            asked = statement.replace("{}", marks)
            yield from self._select(asked, *values, *chain(*columns))

    def _records(self) -> None:
        """Columns make the entry again; positions, times and versions follow one another."""
        ledger, before = self.storage.ledger.encode(), b""
        began, ended, said = self.stretch.began, self.stretch.ended, self.said
        for expected, row in enumerate(self.rows, self.first):
            position, stream, version, topic, entry, _, _ = row
            try:
                _, _, _, at, _, _, _, salt, body = entry.split(b"\n", FIELDS)
                if stream not in ended and name(stream):
                    began[stream], ended[stream] = (version, position), version - 1
                is_sound = (
                    position == expected
                    and version == ended[stream] + 1
                    and entry == again(ledger, row, at, salt, body)
                    and (at == before or is_next(at, before))
                    and len(salt) == 2 * SALT_SIZE
                    and not salt.strip(HEXADECIMAL)
                    and name(topic)
                    and len(entry) <= LIMIT
                )
                envelope = read_body(body).envelope
            except UNREADABLE:
                is_sound = False
            if not is_sound:
                raise bad_record(expected, self._reason(row, expected, before))
            said.append(envelope)
            ended[stream], before = version, at
        if len(self.rows) <= self.last - self.first:
            raise bad_record(self.first + len(self.rows), "is missing")
        self.stretch.ended_at = before

    def _reason(self, row: Row, expected: int, before: bytes) -> str:
        """In which way a record is not as it was recorded."""
        position, stream, version, topic, entry, _, _ = row
        if type(position) is not int:
            return f"has {position!r} for its position"
        if position != expected:
            return "is missing" if position > expected else "is there twice"
        try:
            told = Entry.parse(entry)
        except (AttributeError, TypeError, ValueError, PersistenceError) as error:
            return f"has no entry that can be read: {error}"
        columns = {"position": position, "stream": stream, "version": version, "topic": topic}
        for column, value in {"ledger": self.storage.ledger, **columns}.items():
            if value != getattr(told, column):
                return f"has {value!r} for its {column}, and {getattr(told, column)!r} in its entry"
        if timestamp(told.recorded_at) < before:
            return "was recorded before the record before it"
        if version != self.stretch.ended[stream] + 1:
            return f"is number {version} of {stream}, after number {self.stretch.ended[stream]}"
        return "has a body that cannot be read"

    def _leaves(self) -> None:
        """The leaf hashes are those of the entries, and make the tree."""
        if not self.said:
            return
        _, _, _, _, entries, *stored = zip(*self.rows[: len(self.said)], strict=True)
        leaves = [tuple(map(algorithm.leaf, entries)) for algorithm in ALGORITHMS]
        if leaves != stored:
            pairs = zip(zip(*leaves, strict=True), zip(*stored, strict=True), strict=True)
            wrong = next(n for n, (made, kept) in enumerate(pairs, self.first) if made != kept)
            raise bad_record(wrong, "has an entry that does not hash to what is stored of it")
        grown = [Frontier(a).growth(each) for a, each in zip(ALGORITHMS, leaves, strict=True)]
        self.stretch.size = len(entries)
        self.stretch.peaks = tuple(tree.peaks for tree, _ in grown)
        self._subtrees(list(zip(*(completed for _, completed in grown), strict=True)))

    def _subtrees(self, made: Sequence[Sequence[Subtree]]) -> None:
        """The roots of complete subtrees are kept as the records make them."""
        first = (self.first - 1) // TILE
        kept = {
            number: roots for number, *roots in self._select(SUBTREES, first, first + len(made) - 1)
        }
        for number, pair in enumerate(made, first):
            if kept.get(number) != [subtree.root for subtree in pair]:
                reason = "is not kept as its records make it"
                raise Unsound(number * TILE + 1, f"subtree {number} of level 1", reason)

    def _requests(self) -> None:
        """Each request that records name is there, as they say, and names them."""
        asked = list(self._asked())
        keys: dict[str, list[tuple[str]]] = defaultdict(list)
        for each in asked:
            keys[each.said.via].append((each.said.request,))
        rows = {
            (principal, key): row
            for principal, named in keys.items()
            for key, *row in self._select_among(REQUESTS, named, principal)
        }
        for each in asked:
            self._request(each, rows.get((each.said.via, each.said.request)))
        self.stretch.requests = len(self.begun)

    def _asked(self) -> Iterator[Asked]:
        """The requests that the records were made for, in order."""
        first = self.first
        for (key, _, _), group in groupby(self.said, key=request_of):
            said, *others = group
            if key:
                topic = self.rows[first - self.first][3]
                yield Asked(first, first + len(others), topic, said)
            first += 1 + len(others)

    def _request(self, asked: Asked, row: list[Any] | None) -> None:
        if row is None:
            raise asked.unsound("is gone, though records were made for it")
        *told, text = row
        try:
            is_sealed = seal(*told).hex() == asked.said.request_digest
            is_here = text == written(asked.first, asked.last) or self._is_begun(asked, span(text))
        except UNREADABLE as error:
            raise asked.unsound(f"cannot be read: {error}") from error
        if not is_sealed:
            raise asked.unsound("is not the one that its records were made for")
        if is_here:
            self.begun.append(asked)

    def _is_begun(self, asked: Asked, named: range) -> bool:
        """Does a request that reaches over the borders begin here? What is here must be its own."""
        here = range(max(named[0], self.first), min(named[-1], self._end) + 1)
        if here != range(asked.first, asked.last + 1):
            raise asked.unsound(f"names other records: {written(named[0], named[-1])}")
        return named[0] == asked.first

    @property
    def _end(self) -> int:
        """The last record found sound."""
        return self.first + len(self.said) - 1

    def _observed(self) -> None:
        """Each row of another system that records name is there, with the first of them."""
        recorded = {each.row: each for each in self.begun if each.row is not None}
        named: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for system, table, row_id, revision in recorded:
            named[system, table].append((row_id, revision))
        rows = {
            (*table, row_id, revision): position
            for table, seen in named.items()
            for row_id, revision, position in self._select_among(OBSERVED, seen, *table)
        }
        for row, asked in recorded.items():
            if rows.get(row) != asked.first:
                raise Unsound(asked.first, f"source row {'/'.join(row)}", "is not kept as recorded")
        self.stretch.observed = len(recorded)

    def _values(self) -> None:
        """Each personal value that records hold the digest of is there, or gone by their order."""
        sound = self.rows[: len(self.said)]
        held = list(held_in(map(fact_of, sound)))
        asked = [(each.digest,) for each in held]
        kept = {digest: row for digest, *row in self._select_among(KEPT, asked)}
        for each in held:
            each.compare(kept.get(each.digest))
        self.stretch.values = sum(each.is_commitment for each in held)

    def _facts(self) -> None:
        """This release can read what was recorded."""
        for position, row in enumerate(self.rows[: len(self.said)], self.first):
            try:
                decode(row[3], row[4].split(b"\n", FIELDS)[FIELDS])
            except Exception as error:
                raise bad_record(position, f"has a fact that cannot be read: {error!r}") from error


def again(ledger: bytes, row: Row, at: bytes, salt: bytes, body: bytes) -> bytes:
    """The entry that the columns of a row make."""
    position, stream, version, topic, _, _, _ = row
    return LAYOUT % (ledger, position, at, stream.encode(), version, topic.encode(), salt, body)


def is_next(at: bytes, before: bytes) -> bool:
    """Is this a time, and none before the one before it?"""
    if not TIME.fullmatch(at) or at < before:
        return False
    return bool(datetime.fromisoformat(at.decode()))


def written(first: int, last: int) -> str:
    """Consecutive positions as a request's row has them."""
    if first == last:
        return f"[{first}]"
    return f"[{', '.join(map(str, range(first, last + 1)))}]"


def span(text: str) -> range:
    """The positions of a request's row, which are consecutive, and written in one way only."""
    positions = json.loads(text)
    first, last = positions[0], positions[0] + len(positions) - 1
    if text != written(first, last):
        raise ValueError(f"these are no consecutive positions: {text}")
    return range(first, last + 1)


def said_in(entry: bytes) -> Said:
    """What an entry's envelope says of what is kept beside it."""
    return read_body(entry.split(b"\n", FIELDS)[FIELDS]).envelope


def _time(row: Row) -> bytes:
    return row[4].split(b"\n", 4)[3]
