"""What is written with the records and what is read back: rows, as far as others see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Self

from eventsourcing.persistence import Notification

from service.ledger.trees import Frontier

Completed = tuple[int, int, bytes, bytes]
"""A subtree that was completed: its level, its number, and its root in both trees."""


@dataclass(frozen=True, slots=True)
class Head:
    """台账末端: how far a ledger has come, when, and both trees there."""

    size: int
    recorded_at: datetime | None
    """When the last record was made; nothing is recorded before it. None while there is none."""
    sha256: Frontier
    sm3: Frontier

    def growth(
        self, recorded_at: datetime, sha256: Sequence[bytes], sm3: Sequence[bytes]
    ) -> tuple[Self, list[Completed]]:
        """The head after more records, of which these are the leaf hashes; what they complete."""
        (one, its), (other, others) = self.sha256.growth(sha256), self.sm3.growth(sm3)
        completed = [(*a, b.root) for a, b in zip(its, others, strict=True)]
        return type(self)(one.size, recorded_at, one, other), completed


@dataclass(frozen=True, slots=True)
class RequestRow:
    """受理: what a principal asked for under a key, and the answer for ever."""

    principal: str
    key: str
    salt: bytes
    digest: bytes
    body: bytes
    outcome: str
    positions: tuple[int, ...] = ()
    """Where its records are; the ledger fills it in."""
    records: tuple[int, ...] = field(default=(), compare=False)
    """Which of the records appended with it are its own; all, if it does not say."""

    @property
    def seal(self) -> bytes:
        """What its records say of it, so that nothing of this row changes unnoticed."""
        return seal(self.salt, self.digest, self.outcome, self.body)


def seal(salt: bytes, digest: bytes, outcome: str, body: bytes) -> bytes:
    """The SHA-256 of a request's row: what was asked, and with what outcome. Of a line of a file
    that could not be read there is no body, only the digest.
    """
    return sha256(b"%b%b%b\n%b" % (salt, digest, outcome.encode(), body)).digest()


@dataclass(frozen=True, slots=True)
class ObservedKey:
    """来源行: one revision of one row of another system, recorded once and never again."""

    system: str
    source_table: str
    row_id: str
    revision: str
    record: int = field(default=0, compare=False)
    """Which of the records appended with it is about it."""
    first: int | None = field(default=None, compare=False)
    """Where the decision found the row recorded first, in whatever revision; None if nowhere."""

    @property
    def row(self) -> SourceName:
        """The row, whatever its revision."""
        return self.system, self.source_table, self.row_id

    @property
    def names(self) -> tuple[str, str, str, str]:
        """What makes it unique in its ledger."""
        return self.system, self.source_table, self.row_id, self.revision


SourceName = tuple[str, str, str]
"""A row of another system, whatever its revision: system, table and row."""

Revisions = list[tuple[ObservedKey, int]]
"""What is recorded of a source row, and where; the first of them first."""


@dataclass(frozen=True, slots=True)
class CommittedValue:
    """承诺值: a personal value that a record knows by digest only, so that it can be withheld."""

    digest: bytes
    salt: bytes
    value: str


@dataclass(frozen=True)
class Stored(Notification):
    """在册记录: a record as it is stored; what no column holds is read from its entry."""

    entry: bytes

    @property
    def recorded_at(self) -> datetime:
        return datetime.fromisoformat(self.entry.split(b"\n", 4)[3].decode())

    @property
    def salt(self) -> bytes:
        return bytes.fromhex(self.entry.split(b"\n", 8)[7].decode())


def stored(position: int, stream: str, version: int, topic: str, entry: bytes) -> Stored:
    """A record from its row, without the detour by which frozen classes set each field."""
    record = object.__new__(Stored)
    vars(record).update(
        id=position,
        originator_id=stream,
        originator_version=version,
        topic=topic,
        state=entry.split(b"\n", 8)[8],
        entry=entry,
    )
    return record
