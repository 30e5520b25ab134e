"""核验: is every record where it was put, as it was put there, and is everything there that was?

Whoever changes a stored record, one of its columns, the row of a request or of another system, a
committed value or the head behind the service's back is found out: the first record concerned is
named, and what is wrong with it. Whoever changes everything together, entries, hashes and head, is
found out by a checkpoint that is not in his hands; that is what the trees are for.

A verification may go on from where an earlier one ended, for who can tell what it found: then it
looks at what was added, and leaves what is kept beside the earlier records uncounted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import sqlalchemy as sa
from eventsourcing.persistence import PersistenceError

from service.clock import Clock, utc_now
from service.ledger.commitments import Held, commits, held_in
from service.ledger.errors import UnknownLedger
from service.ledger.examiners import examined, worth
from service.ledger.findings import UNREADABLE, Unsound, bad_record, earliest
from service.ledger.hashes import ALGORITHMS
from service.ledger.recorder import every_ledger, storage
from service.ledger.stretch import STRETCH, Said, Stretch, is_damage, said_in, span
from service.ledger.trees import TILE, TILE_HEIGHT, Frontier
from service.ledger.verifications import Verdict, Verification

SNAPSHOT = """
    SELECT size, recorded_at, sha256_frontier, sm3_frontier,
           (SELECT count(*) FROM record WHERE ledger = head.ledger AND position > known),
           (SELECT count(*) FROM request WHERE ledger = head.ledger AND known < 0),
           (SELECT count(*) FROM observed WHERE ledger = head.ledger AND known < 0),
           (SELECT count(*) FROM committed_value WHERE ledger = head.ledger AND known < 0),
           (SELECT count(*) FROM subtree WHERE ledger = head.ledger AND known < 0)
    FROM (SELECT * FROM ledger_head WHERE ledger = ?) AS head,
         (SELECT CAST(? AS BIGINT) AS known) AS beginning"""
ENTRY = "SELECT entry FROM record WHERE ledger = ? AND position = ?"
ORDER = "SELECT position, topic, entry FROM record WHERE ledger = ? AND position = ?"

REQUESTS = (
    "SELECT principal, key, positions FROM request WHERE ledger = ?"
    " AND (principal, key) > (?, ?) ORDER BY principal, key LIMIT 1000"
)
OBSERVED = (
    "SELECT system, source_table, row_id, revision, position FROM observed WHERE ledger = ?"
    " AND (system, source_table, row_id, revision) > (?, ?, ?, ?)"
    " ORDER BY system, source_table, row_id, revision LIMIT 1000"
)
RECORDS = (
    "SELECT position, topic, entry FROM record WHERE ledger = ?"
    " AND position > ? ORDER BY position LIMIT 1000"
)
VALUES = (
    "SELECT digest, salt, value, withheld_by FROM committed_value WHERE ledger = ?"
    " AND digest > ? ORDER BY digest LIMIT 1000"
)

SUBTREES = (
    "SELECT sha256, sm3 FROM subtree WHERE ledger = ? AND level = ? AND number BETWEEN ? AND ?"
    " ORDER BY number"
)

BESIDE = {
    "record": "records",
    "request": "requests",
    "observed": "source rows",
    "committed_value": "committed values",
    "subtree": "subtrees",
    "checkpoint": "checkpoints",
    "cosignature": "cosignatures",
}
"""The tables whose rows are a ledger's, and what is said of them."""

NAMED = " UNION ".join(
    f"""
    SELECT ledger FROM (
        WITH RECURSIVE named (ledger) AS (
            SELECT min(ledger) FROM {table}
            UNION ALL
            SELECT (SELECT min(ledger) FROM {table} WHERE ledger > named.ledger)
            FROM named WHERE ledger IS NOT NULL
        )
        SELECT ledger FROM named WHERE ledger IS NOT NULL
    ) AS in_{table}"""  # noqa: S608 - the names are ours
    for table in ("ledger_head", *BESIDE)
)
"""From each name straight to the next, along the indexes."""

NOTHING = -(2**63)
"""What is known of a ledger of which nothing is: its records are counted from any position on."""

MOST_VALUES = 100_000
"""How many committed values are held in memory to find one that is nobody's."""

Told = Callable[[int, int], None]
"""Is told how far it has come, and of how much."""

Further = Callable[["Whole"], None]
"""Looks at more than the ledger itself, and raises ``Unsound`` where it should."""


def every_name(engine: sa.Engine) -> list[str]:
    """The names of all ledgers, and whatever else there are rows of: their heads may be gone.

    Where those cannot all be read, of all that have a head: to verify them tells what is wrong.
    """
    try:
        with engine.connect() as connection:
            return sorted(map(str, connection.exec_driver_sql(NAMED).scalars()))
    except sa.exc.DatabaseError:
        return every_ledger(engine)


def verify(
    engine: sa.Engine,
    ledger: str,
    *,
    processes: int = 0,
    facts: bool = False,
    told: Told | None = None,
    clock: Clock = utc_now,
    known: Whole | None = None,
    further: Further | None = None,
) -> Verification:
    """Verify a ledger as far as it has come.

    ``processes``: as many as there are processors, if it does not say. ``facts``: read each fact as
    this release understands it, too. ``known``: what is true of its beginning; it is grown.
    ``further``: what is to be looked at once all this is true. Raises ``UnknownLedger``, and as the
    storage does where the database cannot be reached.
    """
    began_at, verifier, whole = clock(), Verifier(engine, ledger), known or Whole()
    size, finding = 0, ""
    try:
        now = verifier.snapshot(whole.begin)
        size = now.size
        verifier.grow(whole, now, processes, told or _nobody, facts=facts)
        verifier.compare(now, whole)
        verifier.values()
        verifier.subtrees(now, whole.begin)
        if further:
            further(whole)
    except Unsound as unsound:
        finding = str(unsound)
    except PersistenceError as error:
        if not is_damage(error):
            raise
        finding = f"database cannot be read: {error}"
    verdict = Verdict.FAILED if finding else Verdict.TRUE if size else Verdict.INCONCLUSIVE
    return Verification(ledger, began_at, verdict, size, finding)


@dataclass(frozen=True)
class Snapshot:
    """The head, and how much there is of everything, all at one moment.

    What is kept beside the records is counted only where all of them are looked at.
    """

    size: int
    recorded_at: str | None
    sha256: bytes
    sm3: bytes
    records: int
    requests: int
    observed: int
    values: int
    subtrees: int

    @property
    def last(self) -> int:
        """The last record to look at: if one is missing, the first that is."""
        return min(self.size, self.records + 1)


@dataclass
class Whole:
    """The stretches put together in order, and what reaches across their borders."""

    begin: int = 0
    """How many records, a whole number of stretches, were known before."""
    size: int = 0
    trees: tuple[Frontier, ...] = tuple(map(Frontier, ALGORITHMS))
    """Over the roots of complete stretches."""
    rest: tuple[tuple[bytes, ...], ...] = ((), ())
    """The peaks of the last stretch, which is not complete."""
    ended_at: bytes = b""
    versions: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    observed: int = 0
    values: int = 0

    def add(self, stretch: Stretch) -> None:
        """Take the next stretch in. Raises ``Unsound`` for the first record that is not."""
        found = earliest([stretch.unsound, self._late(stretch), *self._jumps(stretch)])
        if found is not None:
            raise found
        self.size += stretch.size
        self.versions.update(stretch.ended)
        self.ended_at = stretch.ended_at
        self.requests += stretch.requests
        self.observed += stretch.observed
        self.values += stretch.values
        if stretch.size == STRETCH:
            grown = (tree.grown(root) for tree, root in zip(self.trees, stretch.peaks, strict=True))
            self.trees = tuple(grown)
        else:
            self.rest = stretch.peaks

    def frontiers(self) -> list[Frontier]:
        """Both trees."""
        both = zip(self.trees, self.rest, strict=True)
        return [Frontier(t.algorithm, self.size, (*t.peaks, *rest)) for t, rest in both]

    def _late(self, stretch: Stretch) -> Unsound | None:
        if stretch.began_at and stretch.began_at < self.ended_at:
            return bad_record(stretch.first, "was recorded before the record before it")
        return None

    def _jumps(self, stretch: Stretch) -> Iterator[Unsound]:
        """Streams that do not go on where they ended."""
        for stream, (version, position) in stretch.began.items():
            known = self.versions.get(stream, 0)
            if version != known + 1:
                yield bad_record(position, f"is number {version} of {stream}, after number {known}")


class Verifier:
    """One ledger under verification."""

    def __init__(self, engine: sa.Engine, ledger: str) -> None:
        self.ledger = ledger
        self.storage = storage(engine, ledger)

    def snapshot(self, begin: int) -> Snapshot:
        """How things stand now. Raises ``UnknownLedger`` where nothing ever stood."""
        for row in self._select(SNAPSHOT, begin or NOTHING):
            now = Snapshot(*row)
            if type(now.size) is not int or now.size < 0:
                raise Unsound(0, "head", f"says that there are {now.size!r} records")
            return replace(now, records=begin + now.records)
        for table, rows in BESIDE.items():
            if self._select(f"SELECT 1 FROM {table} WHERE ledger = ? LIMIT 1"):  # noqa: S608 - ours
                raise Unsound(0, "head", f"is gone, though there are {rows}")
        raise UnknownLedger(self.ledger)

    def grow(self, whole: Whole, now: Snapshot, processes: int, told: Told, *, facts: bool) -> None:
        """Examine every record that is not known yet."""
        at_work = processes or worth(now.last - whole.begin)
        bounds = (whole.begin + 1, now.last)
        with examined(self.storage, bounds, at_work, facts=facts) as stretches:
            for stretch in stretches:
                whole.add(stretch)
                told(min(stretch.first + STRETCH - 1, now.last), now.last)

    def compare(self, now: Snapshot, whole: Whole) -> None:
        """The head says what the records say, and nothing is beside them that they do not name."""
        if now.records != now.size:
            raise bad_record(now.size + 1, f"is there, though the head says {now.size}")
        ended_at = whole.ended_at.decode() or None
        if now.recorded_at != ended_at:
            raise Unsound(0, "head", f"says {now.recorded_at}, and the last record {ended_at}")
        for kept, made in zip((now.sha256, now.sm3), whole.frontiers(), strict=True):
            if kept != bytes(made):
                name = made.algorithm.name
                raise Unsound(0, "head", f"has another {name} tree than the records make")
        if whole.begin:
            return
        if now.requests != whole.requests:
            raise self._stray_request(now.size)
        if now.observed != whole.observed:
            raise self._stray_row(now.size)
        if now.values != whole.values:
            raise self._stray_value()

    def values(self) -> None:
        """Each committed value hashes to its digest, or is withheld by a record's order."""
        unsound = set(islice(self._unsound_values(), MOST_VALUES))
        if unsound:
            holding = (each for each in held_in(self._pages(RECORDS, 0)) if each.digest in unsound)
            first = next(holding, Held(0, min(unsound)))
            what = f"value {first.digest.hex()}"
            raise Unsound(first.position, what, "is not the one that was committed to")

    def _unsound_values(self) -> Iterator[bytes]:
        for digest, salt, value, withheld_by in self._pages(VALUES, b""):
            if salt is None and value is None and withheld_by is not None:
                ordered = held_in(self._select(ORDER, withheld_by))
                is_sound = any(each.is_order and each.digest == digest for each in ordered)
            else:
                is_sound = withheld_by is None and commits(digest, salt, value)
            if not is_sound:
                yield digest

    def subtrees(self, now: Snapshot, begin: int) -> None:
        """The roots above the first level are those of the ones below, and there are no others."""
        level, number_of = 2, now.size // TILE
        expected = number_of
        while number_of := number_of // TILE:
            for number in range(begin >> level * TILE_HEIGHT, number_of):
                first = number * TILE
                below = self._select(SUBTREES, level - 1, first, first + TILE - 1)
                made = tuple(
                    Frontier(algorithm).grown(roots).root
                    for algorithm, roots in zip(ALGORITHMS, zip(*below, strict=True), strict=True)
                )
                if [tuple(row) for row in self._select(SUBTREES, level, number, number)] != [made]:
                    what = f"subtree {number} of level {level}"
                    raise Unsound(0, what, "is not kept as those below it make it")
            level, expected = level + 1, expected + number_of
        if not begin and now.subtrees != expected:
            raise Unsound(0, "subtrees", f"are {now.subtrees}, and the records make {expected}")

    def _stray_request(self, size: int) -> Unsound:
        """A request that no record was made for."""
        for principal, key, text in self._pages(REQUESTS, "", ""):
            said = self._said(text, size)
            if said is not None and (said.via, said.request) != (principal, key):
                return Unsound(
                    0, f"request {principal}/{key}", "has no record that was made for it"
                )
        return Unsound(0, "requests", "are not as many as the records name")

    def _stray_row(self, size: int) -> Unsound:
        """A row of another system that no record came from."""
        for *row, position in self._pages(OBSERVED, "", "", "", ""):
            said = self._said(f"[{position}]", size)
            if said is not None and said.row != tuple(row):
                return Unsound(0, f"source row {'/'.join(row)}", "has no record that came from it")
        return Unsound(0, "source rows", "are not as many as the records name")

    def _stray_value(self) -> Unsound:
        """A value that no record commits to; looked for among so many at a time."""
        values = self._pages(VALUES, b"")
        while strays := {digest for digest, *_ in islice(values, MOST_VALUES)}:
            strays.difference_update(each.digest for each in held_in(self._pages(RECORDS, 0)))
            if strays:
                return Unsound(0, f"value {min(strays).hex()}", "has no record that commits to it")
        return Unsound(0, "values", "are not as many as the records commit to")

    def _said(self, positions: str, size: int) -> Said | None:
        """What the first of these records says; None where it is younger than this verification."""
        try:
            first = span(positions)[0]
            if first > size:
                return None
            ((entry,),) = self._select(ENTRY, first)
            return said_in(entry)
        except UNREADABLE:
            return Said("")

    def _select(self, statement: str, *values: object) -> list[Any]:
        with self.storage.connected() as connection:
            return self.storage.rows(connection, statement, self.ledger, *values)

    def _pages(self, statement: str, *after: object) -> Iterator[tuple[Any, ...]]:
        """All rows of a table in order of its key, a page at a time."""
        while page := self._select(statement, *after):
            yield from page
            after = page[-1][: len(after)]


def _nobody(done: int, of: int) -> None:
    """Nobody wants to know how far it has come."""
