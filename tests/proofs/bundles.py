"""A small ledger, its evidence bundles and its tiles, made from the definitions.

Nothing here is what the service hands them out by: the trees are RFC 9162 word for word, so that
whoever reads bundles and tiles is held to the formats, not to our way of writing them.
"""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.ledger.entry import Entry
from service.ledger.hashes import ALGORITHMS, SHA256, SM3, Algorithm
from service.proofs.checkpoints import Checkpoint
from service.proofs.notes import Kind, Note, Signer
from service.proofs.roster import Listed, Roster

Members = dict[str, bytes]
"""A bundle before it is packed: by name, what is in it."""

ORIGIN = "wenxiao.example/shizong"
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
SEEN = 1_780_000_000

PROJECT, PERSON, OTHER = "project/2021-017", "person/zhang", "unit/江滨街道"
NAME, TELEPHONE, SALT = "张三", "13800000000", bytes(range(16))
PAPER, NUMBER = sha256(b"scan").hexdigest(), '豫财〔2021〕"7"号'


def signer(name: str = ORIGIN, kind: Kind = Kind.LOG, nth: int = 0) -> Signer:
    seed = sha256(f"{name} {kind} {nth}".encode()).digest()
    return Signer(name, kind, Ed25519PrivateKey.from_private_bytes(seed))


LOG = signer()
WITNESSES = tuple(signer(f"audit.example/w{n}", Kind.WITNESS) for n in (1, 2))
POLICY = f"""\
log {LOG.public}
witness 审计局 {WITNESSES[0].public}
witness 人大 {WITNESSES[1].public}
group seen any 审计局 人大
quorum seen
"""


def defined_root(algorithm: Algorithm, leaves: Sequence[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return algorithm.empty
    if len(leaves) == 1:
        return leaves[0]
    half = largest_power_below(len(leaves))
    halves = leaves[:half], leaves[half:]
    return algorithm.node(*(defined_root(algorithm, each) for each in halves))


def largest_power_below(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def committed(value: str) -> str:
    return sha256(SALT + value.encode()).hexdigest()


def kept(position: int, field: str, value: str) -> dict[str, object]:
    """A line for a committed value: where its digest stands, and what it was made of."""
    place = {"position": position, "field": field, "digest": committed(value)}
    return place | {"salt": SALT.hex(), "value": value}


@dataclass(frozen=True)
class Book:
    """账本: entries from position 1 on, and all that follows from them."""

    entries: list[bytes] = field(default_factory=list)

    def write(
        self, stream: str, topic: str = "project.reported", *, paper: str = "", **fact: object
    ) -> int:
        """One more record, which rests on a paper of this digest if one is given; its position."""
        envelope = {"document": {"number": NUMBER, "digest": paper} if paper else None}
        position = len(self.entries) + 1
        said = [entry for entry in map(Entry.parse, self.entries) if entry.stream == stream]
        entry = Entry.make(
            ledger="shizong",
            position=position,
            recorded_at=BEGUN + timedelta(hours=position),
            stream=stream,
            version=len(said) + 1,
            topic=topic,
            salt=sha256(b"%d" % position).digest()[:16],
            body=json.dumps({"envelope": envelope, "fact": fact}, ensure_ascii=False).encode(),
        )
        self.entries.append(bytes(entry))
        return position

    def of(self, stream: str) -> list[int]:
        """Where a stream's records stand."""
        return [entry.position for entry in self.parsed if entry.stream == stream]

    @cached_property
    def parsed(self) -> list[Entry]:
        return [Entry.parse(entry) for entry in self.entries]

    @cached_property
    def leaves(self) -> dict[Algorithm, list[bytes]]:
        return {each: [each.leaf(entry) for entry in self.entries] for each in ALGORITHMS}

    def roster(self, size: int) -> Roster:
        last = {entry.stream: entry for entry in self.parsed[:size]}
        listed = (Listed(name, entry.version, entry.position) for name, entry in last.items())
        return Roster(listed)

    def checkpoint(self, size: int = 0) -> Checkpoint:
        size = size or len(self.entries)
        trees = [defined_root(each, self.leaves[each][:size]) for each in ALGORITHMS]
        rosters = [*map(self.roster(size).root, ALGORITHMS)]
        return Checkpoint(
            origin=ORIGIN,
            size=size,
            sha256=trees[0],
            sm3=trees[1],
            roster_sha256=rosters[0],
            roster_sm3=rosters[1],
            previous=size - 1,
        )

    def subtrees(self, algorithm: Algorithm, positions: Collection[int]) -> bytes:
        """Roots of what lies between these positions, as a bundle has them."""
        leaves = self.leaves[algorithm]

        def lines(begin: int, end: int) -> Iterator[str]:
            size = end - begin
            is_complete = size & (size - 1) == 0
            is_there = any(begin < position <= end for position in positions)
            if is_complete and not is_there:
                root = base64.b64encode(defined_root(algorithm, leaves[begin:end])).decode()
                yield f"{size.bit_length() - 1} {begin // size} {root}\n"
            elif size > 1:
                middle = begin + largest_power_below(size)
                yield from lines(begin, middle)
                yield from lines(middle, end)

        return "".join(lines(0, len(leaves))).encode()


def signed(
    checkpoint: Checkpoint, log: Signer = LOG, witnesses: Iterable[Signer] = WITNESSES[:1]
) -> bytes:
    """A checkpoint as it is handed out."""
    text = checkpoint.text
    seen = (each.sign(text, SEEN) for each in witnesses)
    return str(Note(text, (log.sign(text), *seen))).encode()


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def bundle(
    book: Book,
    records: Iterable[int],
    streams: Sequence[str] = (),
    ranges: Sequence[tuple[int, int]] = (),
    values: Sequence[Mapping[str, Any]] = (),
    attachments: Sequence[Mapping[str, Any]] = (),
) -> Members:
    """An honest bundle."""
    positions = sorted({*records})
    checkpoint = book.checkpoint()
    manifest = {
        "format": "wenxiao-bundle/1",
        "ledger": "shizong",
        "origin": ORIGIN,
        "size": checkpoint.size,
        "made_at": "2026-11-21T15:20:00+08:00",
        "records": positions,
        "complete": {"streams": streams, "ranges": ranges},
    }
    members = {
        "manifest.json": as_json(manifest),
        "checkpoint": signed(checkpoint),
        "policy": POLICY.encode(),
        "roster.json": as_json([rostered(book, stream) for stream in streams]),
        "values.json": as_json(values),
        "attachments.json": as_json(attachments),
        "cover.html": "<p>证据</p>".encode(),
    }
    members |= {f"tree.{each.name}": book.subtrees(each, positions) for each in ALGORITHMS}
    return members | {f"records/{n}": book.entries[n - 1] for n in positions}


def rostered(book: Book, stream: str) -> dict[str, object]:
    """What the roster says of a stream, as a bundle has it."""
    roster = book.roster(len(book.entries))
    proofs = {each: roster.proof(stream, each) for each in ALGORITHMS}
    found = proofs[SHA256].found
    paths = {
        each.name: [base64.b64encode(hashed).decode() for hashed in proof.path]
        for each, proof in proofs.items()
    }
    listed = found and {"stream": found.stream, "length": found.length, "last": found.last}
    return {"stream": stream, "found": listed, **paths}


def changed(members: Members, name: str, change: Callable[[Any], object]) -> Members:
    """The same bundle, with something else in one of its JSON members."""
    said = json.loads(members[name])
    change(said)
    return members | {name: as_json(said)}


def packed(members: Mapping[str, bytes], path: Path) -> Path:
    """The bundle as it is handed over."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tiles(book: Book, directory: Path, size: int = 0) -> Path:
    """The ledger as a directory of tiles, as it was at that size."""
    size = size or len(book.entries)
    files = {"checkpoint": signed(book.checkpoint(size))}
    for number in range(-(-size // 256)):
        entries = book.entries[number * 256 : min(size, number * 256 + 256)]
        files[f"tile/entries/{tile(number, len(entries))}"] = b"".join(
            len(entry).to_bytes(2) + entry for entry in entries
        )
    for algorithm, prefix in ((SHA256, ""), (SM3, "sm3/")):
        level, hashes = 0, book.leaves[algorithm][:size]
        while hashes:
            for at in range(0, len(hashes), 256):
                piece = hashes[at : at + 256]
                files[f"{prefix}tile/{level}/{tile(at // 256, len(piece))}"] = b"".join(piece)
            whole = range(0, len(hashes) - len(hashes) % 256, 256)
            hashes = [defined_root(algorithm, hashes[at : at + 256]) for at in whole]
            level += 1
    for name, data in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory


def tile(number: int, width: int) -> str:
    """Where a tile stands; small numbers are enough here."""
    return f"{number:03d}" if width == 256 else f"{number:03d}.p/{width}"


@cache
def sample() -> Book:
    """A hundred records: a project of 37, a person of whom one value is withheld, and others."""
    book = Book()
    for n in range(1, 101):
        if n == 5:
            both = {"name": committed(NAME), "telephone": committed(TELEPHONE)}
            book.write(PERSON, "person.registered", **both)
        elif n == 50:
            book.write(PERSON, "person.value_withheld", digest=committed(TELEPHONE))
        elif n == 60:
            book.write(OTHER, "unit.named", paper=PAPER, said=OTHER)
        elif n % 8 in (0, 3, 7):
            book.write(PROJECT, said=n)
        else:
            book.write(f"project/2021-{n % 4}", said=n)
    return book


def evidence() -> Members:
    """An honest bundle of it, with everything that a bundle may have."""
    book = sample()
    return bundle(
        book,
        [*book.of(PROJECT), *book.of(PERSON), 13, 60],
        [PROJECT, PERSON, "project/none"],
        [(13, 13)],
        [
            kept(5, "name", NAME),
            {"position": 5, "field": "telephone"}
            | {"digest": committed(TELEPHONE), "withheld_by": 50},
        ],
        [{"position": 60, "digest": PAPER, "number": NUMBER}],
    )


def altered(name: str, nth: int, **change: object) -> Members:
    """The honest bundle, with something else in one line of a JSON member."""
    return changed(evidence(), name, lambda said: said[nth].update(change))
