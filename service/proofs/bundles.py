"""证据包: records, and everything that proves them to somebody who has nothing of ours.

One zip file; `wenxiao_verify.py` checks it on a laptop without a network. What is in it:

    manifest.json          what this is, which records, and which streams and ranges are complete
    checkpoint             the signed note, with the witnesses' signatures
    policy                 whose keys the office says they are; believe them only from elsewhere
    retired                keys that were retired, each with the last size at which it was good
    records/<position>     an entry, byte for byte
    tree.sha256  tree.sm3  the roots of the largest subtrees without one of these records: a line
                           for each, its height, its number and its hash; with the records' own
                           hashes they make the root of the checkpoint
    roster.json            of each stream that is said to be complete, how many records it has
    values.json            personal values, each with the record and the field of its fact that
                           knows it by digest; or who withheld it
    attachments.json       digests of the papers that the records name
    cover.html             a cover sheet, to be printed
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from service.clock import Clock, shown, utc_now
from service.ledger.commitments import Held, commits, held_in
from service.ledger.entry import FIELDS
from service.ledger.errors import HistoryMissing
from service.ledger.findings import UNREADABLE, Unsound
from service.ledger.hashes import ALGORITHMS, SHA256
from service.ledger.storage import Storage
from service.proofs.checkpoints import base64_of
from service.proofs.custody import Sealed
from service.proofs.merkle import peaks, split
from service.proofs.pages import cover_page
from service.proofs.roster import Listed
from service.proofs.sealing import roster_of
from service.proofs.tiles import Tiles, Tree

FORMAT = "wenxiao-bundle/1"
PORTION = 500
MOST_RECORDS = 100_000
"""How many records a bundle may hold."""
MOST_COMPLETE = 1_000
"""How many streams, and how many ranges, a bundle may have all records of."""
MOST_BYTES = 256 << 20
"""How long the entries of a bundle may be together; whoever reads one takes 512 MiB in all."""

OF_STREAM = (
    "SELECT position FROM record WHERE ledger = ? AND stream = ? AND position <= ?"
    " ORDER BY version LIMIT ?"
)
END_OF_STREAM = (
    "SELECT version, position FROM record WHERE ledger = ? AND stream = ?"
    " ORDER BY version DESC LIMIT 1"
)
ENTRIES = "SELECT position, topic, entry, sha256 FROM record WHERE ledger = ? AND position IN ({})"
VALUE = "SELECT salt, value, withheld_by FROM committed_value WHERE ledger = ? AND digest = ?"

Range = tuple[int, int]
Told = Callable[[int, int], None]
"""Is told how many records are written, and of how many."""


class BadQuestion(ValueError):
    """所请不当: nothing is asked for, or something that makes no sense."""


class NotCovered(BadQuestion):
    """未在其中: the checkpoint does not cover what is asked for."""


class NotRecorded(NotCovered):
    """尚无此条: nor does the ledger have it, so that no later checkpoint would either."""


class TooMuch(BadQuestion):
    """过多: more than one bundle holds."""


@dataclass(frozen=True)
class Wanted:
    """所请: single records by position, whole streams, and whole ranges of positions.

    Raises ``BadQuestion`` where that is nothing, or a range that is none.
    """

    positions: tuple[int, ...] = ()
    streams: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()

    def __post_init__(self) -> None:
        if not (self.positions or self.streams or self.ranges):
            raise BadQuestion("nothing is asked for")
        for first, last in self.ranges:
            if not first <= last:
                raise BadQuestion(f"{first}-{last} is no range")
        for name in ("streams", "ranges"):
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))


@dataclass(frozen=True)
class Contents:
    """内容: what a bundle says of itself."""

    ledger: str
    origin: str
    size: int
    made_at: str
    records: Sequence[int]
    wanted: Wanted
    absent: Sequence[str] = ()
    """Of the wanted streams those that do not exist, which the bundle proves."""

    def manifest(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "format": FORMAT,
            "ledger": self.ledger,
            "origin": self.origin,
            "size": self.size,
            "made_at": self.made_at,
            "records": self.records,
            "complete": {"streams": self.wanted.streams, "ranges": self.wanted.ranges},
        }


@dataclass(frozen=True)
class Trust:
    """所信: what a bundle hands on of keys: a policy, and the keys that were retired."""

    policy: str
    retired: str = ""


@dataclass
class Written:
    """已写: the records that a bundle holds by now, and what they speak of."""

    positions: set[int] = field(default_factory=set)
    held: list[Held] = field(default_factory=list)
    papers: list[dict[str, Any]] = field(default_factory=list)
    length: int = 0

    def add(self, rows: Sequence[tuple[int, str, bytes]]) -> None:
        """Some more, by position, topic and entry. Raises ``TooMuch`` and ``HistoryMissing``."""
        for position, _, entry in rows:
            self.positions.add(position)
            self.papers += papers_of(position, entry)
            self.length += len(entry)
        try:
            self.held += (held for held in held_in(rows) if not held.is_order)
        except Unsound as unsound:
            raise HistoryMissing(f"{unsound}: see wenxiao verify") from unsound
        if self.length > MOST_BYTES:
            raise TooMuch(f"more than {MOST_BYTES >> 20} MiB of entries")


class Bundler:
    """Makes bundles of one ledger."""

    def __init__(self, storage: Storage[Any], trust: Trust, clock: Clock = utc_now) -> None:
        self._storage, self._trust, self._clock = storage, trust, clock
        self._tiles = Tiles(storage)

    def write(
        self, wanted: Wanted, sealed: Sealed, out: IO[bytes], told: Told | None = None
    ) -> Contents:
        """Write a bundle of what is wanted as of a checkpoint, and say what is in it.

        A record that orders a value to be withheld goes with those that hold its digest. Raises
        ``BadQuestion``, and ``HistoryMissing`` where the database lacks what was sealed.
        """
        size = sealed.checkpoint.size
        positions = self._positions(wanted, size)
        written = Written()
        with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=1) as zipped:
            self._write_records(zipped, positions, written, told)
            values = list(self._values(written.held, size))
            orders = {it["withheld_by"] for it in values if "withheld_by" in it}
            self._write_records(zipped, sorted(orders - written.positions), written, told)
            rosters = list(self._rosters(wanted.streams, sealed))
            contents = Contents(
                self._storage.ledger,
                sealed.checkpoint.origin,
                size,
                shown(self._clock()),
                sorted(written.positions),
                wanted,
                [it["stream"] for it in rosters if not is_found(it)],
            )
            for name, said in self._beside(contents, sealed):
                zipped.writestr(name, said)
            zipped.writestr("roster.json", text(rosters))
            zipped.writestr("values.json", text(values))
            zipped.writestr("attachments.json", text(written.papers))
        return contents

    def _positions(self, wanted: Wanted, size: int) -> list[int]:
        """Where the wanted records are, each once and in order."""
        if max(len(wanted.streams), len(wanted.ranges)) > MOST_COMPLETE:
            raise TooMuch(f"more than {MOST_COMPLETE} streams or ranges")
        found: set[int] = set()
        for some in self._wanted(wanted, size):
            if some and not 1 <= some[0] <= some[-1] <= size:
                raise self._not_covered(some[-1], size)
            if len(some) <= MOST_RECORDS:
                found.update(some)
            if max(len(some), len(found)) > MOST_RECORDS:
                raise TooMuch(f"more than {MOST_RECORDS} records")
        return sorted(found)

    def _not_covered(self, position: int, size: int) -> NotCovered:
        asked = f"record {position} is asked for"
        if position > (there := self._storage.ask(self._storage.size)):
            return NotRecorded(f"{asked}, ledger {self._storage.ledger} ends at {there}")
        return NotCovered(f"{asked}, the checkpoint covers 1 to {size}")

    def _wanted(self, wanted: Wanted, size: int) -> Iterator[Sequence[int]]:
        """Positions, each time in order."""
        yield sorted(wanted.positions)
        yield from (range(first, last + 1) for first, last in wanted.ranges)
        for stream in wanted.streams:
            yield self._of_stream(stream, size)

    def _of_stream(self, stream: str, size: int) -> list[int]:
        """All positions of a stream. Raises ``NotCovered`` where it has come farther than this.

        A bundle would prove that it was shorter, or that there was none: true then, not now.
        """
        its = (self._storage.ledger, stream)
        with self._storage.connected() as connection:
            end = self._storage.rows(connection, END_OF_STREAM, *its)
            rows = self._storage.rows(connection, OF_STREAM, *its, size, MOST_RECORDS + 1)
        for length, last in end:
            if last > size:
                raise NotCovered(
                    f"stream {stream} has {length} records, the last of them at {last};"
                    f" the checkpoint covers 1 to {size}"
                )
        return [position for (position,) in rows]

    def _write_records(
        self, zipped: ZipFile, positions: Sequence[int], written: Written, told: Told | None
    ) -> None:
        """Add entries, and note what they speak of."""
        for begin in range(0, len(positions), PORTION):
            rows = self._entries(positions[begin : begin + PORTION])
            for position, _, entry in rows:
                zipped.writestr(f"records/{position}", entry)
            written.add(rows)
            if told:
                told(begin + len(rows), len(positions))

    def _entries(self, positions: Sequence[int]) -> list[tuple[int, str, bytes]]:
        marks = ", ".join("?" * len(positions))
        with self._storage.connected() as connection:
            asked = ENTRIES.replace("{}", marks)
            rows = self._storage.rows(connection, asked, self._storage.ledger, *positions)
        for position, _, entry, leaf in rows:
            require_hashed(self._storage.ledger, position, entry, leaf)
        found = {row[0]: row[:3] for row in rows}
        if missing := [n for n in positions if n not in found]:
            raise self._missing(f"record {missing[0]}")
        return [found[n] for n in positions]

    def _beside(self, contents: Contents, sealed: Sealed) -> Iterator[tuple[str, str]]:
        """What is neither a record nor told by records, by name."""
        yield "checkpoint", str(sealed.note)
        yield "policy", self._trust.policy
        if self._trust.retired:
            yield "retired", self._trust.retired
        for algorithm in ALGORITHMS:
            tree = self._tiles.tree(algorithm, contents.size)
            yield f"tree.{algorithm.name}", pruned(tree, contents.records)
        yield "manifest.json", text(contents.manifest())
        yield "cover.html", cover_page(contents, sealed)

    def _rosters(self, streams: Sequence[str], sealed: Sealed) -> Iterator[dict[str, Any]]:
        """What both rosters say of streams."""
        if not streams:
            return
        roster = roster_of(self._storage, sealed)
        for stream in streams:
            proofs = {each.name: roster.proof(stream, each) for each in ALGORITHMS}
            paths = {name: list(map(base64_of, proof.path)) for name, proof in proofs.items()}
            yield {"stream": stream, "found": listed_told(proofs["sha256"].found), **paths}

    def _values(self, helds: Iterable[Held], size: int) -> Iterator[dict[str, Any]]:
        """The values behind digests; of one that was withheld later than this, nothing."""
        for held in helds:
            digest = held.digest.hex()
            with self._storage.connected() as connection:
                rows = self._storage.rows(connection, VALUE, self._storage.ledger, held.digest)
            if not rows:
                raise self._missing(f"value {digest}")
            salt, value, withheld_by = rows[0]
            told = {"position": held.position, "field": held.field, "digest": digest}
            if withheld_by is None and commits(held.digest, salt, value):
                yield told | {"salt": salt.hex(), "value": value}
            elif not isinstance(withheld_by, int):
                raise self._missing(f"what value {digest} was")
            elif withheld_by <= size:
                yield told | {"withheld_by": withheld_by}

    def _missing(self, what: str) -> HistoryMissing:
        return HistoryMissing(f"{what} of {self._storage.ledger} is missing: see wenxiao verify")


def require_hashed(ledger: str, position: int, entry: object, leaf: object) -> None:
    """Raises ``HistoryMissing`` where an entry is not the one that the trees were made of."""
    if not isinstance(entry, bytes) or SHA256.leaf(entry) != leaf:
        raise HistoryMissing(
            f"record {position} of {ledger} is not what was hashed: see wenxiao verify"
        )


def pruned(tree: Tree, positions: Sequence[int]) -> str:
    """The roots that take a tree's root to follow from these records."""
    places = gaps(positions, tree.size)
    return "".join(f"{h} {n} {base64_of(tree.complete(h, n))}\n" for h, n in places)


def gaps(positions: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """The largest complete subtrees without one of these records, by height and number."""
    leaves = [position - 1 for position in positions]

    def between(begin: int, end: int) -> Iterator[tuple[int, int]]:
        here = bisect_left(leaves, begin)
        if here == len(leaves) or leaves[here] >= end:
            yield from peaks(begin, end)
        elif end - begin > 1:
            middle = begin + split(end - begin)
            yield from between(begin, middle)
            yield from between(middle, end)

    return between(0, size)


def papers_of(position: int, entry: bytes) -> Iterator[dict[str, Any]]:
    """The paper that a record names, if it can be read and names one with its digest."""
    try:
        document = json.loads(entry.split(b"\n", FIELDS)[FIELDS])["envelope"]["document"]
        if digest := document["digest"]:
            yield {"position": position, "digest": digest, "number": document["number"]}
    except UNREADABLE:
        return


def listed_told(listed: Listed | None) -> dict[str, Any] | None:
    """A stream as the roster lists it."""
    if listed is None:
        return None
    return {"stream": listed.stream, "length": listed.length, "last": listed.last}


def is_found(told: dict[str, Any]) -> bool:
    """Is what the roster has in a stream's place the stream itself?"""
    return bool(told["found"]) and told["found"]["stream"] == told["stream"]


def text(value: object) -> str:
    """JSON that a person can read, too."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
