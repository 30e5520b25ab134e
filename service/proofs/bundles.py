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
    values.json            personal values that the records know by digest, or who withheld them
    attachments.json       digests of the papers that the records name
    cover.html             a cover sheet, to be printed
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from service.clock import Clock, shown, utc_now
from service.ledger.commitments import held_in
from service.ledger.entry import Entry
from service.ledger.hashes import ALGORITHMS
from service.ledger.storage import Storage
from service.proofs.checkpoints import base64_of
from service.proofs.custody import Sealed
from service.proofs.merkle import peaks, split
from service.proofs.pages import cover_page
from service.proofs.roster import Listed, Roster
from service.proofs.sealing import listed_at
from service.proofs.tiles import Tiles

FORMAT = "wenxiao-bundle/1"
PORTION = 500
MOST_RECORDS = 100_000
"""How many records a bundle may hold."""

OF_STREAM = "SELECT position FROM record WHERE ledger = ? AND stream = ? AND position <= ?"
ENTRIES = "SELECT position, topic, entry FROM record WHERE ledger = ? AND position IN ({})"
VALUE = "SELECT salt, value, withheld_by FROM committed_value WHERE ledger = ? AND digest = ?"

Range = tuple[int, int]


class BadQuestion(ValueError):
    """What is asked for is not in the checkpoint, or too much for one bundle."""


@dataclass(frozen=True)
class Wanted:
    """所请: single records by position, whole streams, and whole ranges of positions."""

    positions: tuple[int, ...] = ()
    streams: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True)
class Contents:
    """内容: what a bundle says of itself."""

    ledger: str
    origin: str
    size: int
    made_at: str
    records: Sequence[int]
    wanted: Wanted

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


class Bundler:
    """Makes bundles of one ledger."""

    def __init__(self, storage: Storage[Any], trust: Trust, clock: Clock = utc_now) -> None:
        self._storage, self._trust, self._clock = storage, trust, clock
        self._tiles = Tiles(storage)

    def write(self, wanted: Wanted, sealed: Sealed, out: IO[bytes]) -> Contents:
        """Write a bundle of what is wanted as of a checkpoint. Raises ``BadQuestion``."""
        size = sealed.checkpoint.size
        positions = self._positions(wanted, size)
        contents = Contents(
            self._storage.ledger,
            sealed.checkpoint.origin,
            size,
            shown(self._clock()),
            positions,
            wanted,
        )
        with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=1) as zipped:
            digests, papers = self._write_records(zipped, positions)
            for name, text in self._beside(contents, sealed, digests, papers):
                zipped.writestr(name, text)
        return contents

    def _positions(self, wanted: Wanted, size: int) -> list[int]:
        """Where the wanted records are, each once and in order."""
        found = set(wanted.positions)
        for first, last in wanted.ranges:
            if last - first >= MOST_RECORDS:
                raise BadQuestion(f"{last - first + 1} records, where {MOST_RECORDS} are the limit")
            found.update(range(first, last + 1))
        for stream in wanted.streams:
            with self._storage.connected() as connection:
                asked = (self._storage.ledger, stream, size)
                found.update(n for (n,) in self._storage.rows(connection, OF_STREAM, *asked))
        if not found and not wanted.streams:
            raise BadQuestion("nothing is asked for")
        if len(found) > MOST_RECORDS:
            raise BadQuestion(f"{len(found)} records, where {MOST_RECORDS} are the limit")
        if beyond := [n for n in found if not 1 <= n <= size]:
            raise BadQuestion(f"record {min(beyond)} is not among the {size} of the checkpoint")
        return sorted(found)

    def _write_records(
        self, zipped: ZipFile, positions: Sequence[int]
    ) -> tuple[list[bytes], list[dict[str, Any]]]:
        """The entries; what digests of personal values they hold, and of papers."""
        digests: dict[bytes, None] = {}
        papers: list[dict[str, Any]] = []
        for begin in range(0, len(positions), PORTION):
            rows = self._entries(positions[begin : begin + PORTION])
            for position, _, entry in rows:
                zipped.writestr(f"records/{position}", entry)
                papers += papers_of(position, entry)
            digests |= dict.fromkeys(held.digest for held in held_in(rows))
        return [*digests], papers

    def _entries(self, positions: Sequence[int]) -> list[tuple[int, str, bytes]]:
        marks = ", ".join("?" * len(positions))
        with self._storage.connected() as connection:
            asked = ENTRIES.replace("{}", marks)
            rows = self._storage.rows(connection, asked, self._storage.ledger, *positions)
        found = {row[0]: row for row in rows}
        if missing := [n for n in positions if n not in found]:
            raise BadQuestion(f"record {missing[0]} is missing in the database: see wenxiao verify")
        return [found[n] for n in positions]

    def _beside(
        self,
        contents: Contents,
        sealed: Sealed,
        digests: Iterable[bytes],
        papers: Sequence[dict[str, Any]],
    ) -> Iterator[tuple[str, str]]:
        """Every other member, by name."""
        yield "checkpoint", str(sealed.note)
        yield "policy", self._trust.policy
        if self._trust.retired:
            yield "retired", self._trust.retired
        for algorithm in ALGORITHMS:
            tree = self._tiles.tree(algorithm, contents.size)
            places = gaps(contents.records, contents.size)
            lines = (f"{h} {n} {base64_of(tree.complete(h, n))}\n" for h, n in places)
            yield f"tree.{algorithm.name}", "".join(lines)
        yield "roster.json", text(list(self._rosters(contents.wanted.streams, contents.size)))
        yield "values.json", text([self._value(digest) for digest in digests])
        yield "attachments.json", text(papers)
        yield "manifest.json", text(contents.manifest())
        yield "cover.html", cover_page(contents, sealed)

    def _rosters(self, streams: Sequence[str], size: int) -> Iterator[dict[str, Any]]:
        """What both rosters say of streams."""
        if not streams:
            return
        listed = listed_at(self._storage, size)
        rosters = {each.name: Roster(each, listed) for each in ALGORITHMS}
        for stream in streams:
            proofs = {name: roster.proof(stream) for name, roster in rosters.items()}
            paths = {name: list(map(base64_of, proof.path)) for name, proof in proofs.items()}
            yield {"stream": stream, "found": told(proofs["sha256"].found), **paths}

    def _value(self, digest: bytes) -> dict[str, Any]:
        with self._storage.connected() as connection:
            rows = self._storage.rows(connection, VALUE, self._storage.ledger, digest)
        for salt, value, withheld_by in rows:
            if withheld_by is not None:
                return {"digest": digest.hex(), "withheld_by": withheld_by}
            return {"digest": digest.hex(), "salt": salt.hex(), "value": value}
        raise BadQuestion(f"value {digest.hex()} is missing in the database: see wenxiao verify")


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
    """The paper that a record names, if it names one with its digest."""
    document = json.loads(Entry.parse(entry).body)["envelope"].get("document") or {}
    if digest := document.get("digest"):
        yield {"position": position, "digest": digest, "number": document.get("number", "")}


def told(listed: Listed | None) -> dict[str, Any] | None:
    """A stream as the roster lists it."""
    if listed is None:
        return None
    return {"stream": listed.stream, "length": listed.length, "last": listed.last}


def text(value: object) -> str:
    """JSON that a person can read, too."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
