"""A ledger in memory: records in the order of their positions, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aggregates.base import Actor, Breach, Envelope, Fact, Record, RecordCorrected, Replacement

DAY = date(2021, 3, 1)
BEGAN = datetime(2021, 3, 1, 1, 0, tzinfo=UTC)
SOMEBODY = Actor("zhang", "performance_section", "科员", "财政局")


@dataclass
class Source:
    """What a read model needs of a ledger."""

    slug: str = "yunnan"
    kept: list[Record[Any]] = field(default_factory=list)

    def add(
        self,
        stream: str,
        fact: Fact[Any],
        on: date = DAY,
        by: Actor = SOMEBODY,
        breaches: Iterable[Breach] = (),
    ) -> int:
        """Record a fact; its position."""
        position = len(self.kept) + 1
        versions = Counter(record.stream for record in self.kept)
        envelope = Envelope("token", by, on, "told", breaches=tuple(breaches))
        at = BEGAN + timedelta(minutes=position)
        version = versions[stream] + 1
        self.kept.append(Record(stream, version, envelope, fact, position, at))
        return position

    def correct(self, position: int, replacement: Fact[Any] | None, stream: str = "") -> int:
        """Correct a record, or withdraw it."""
        put = None if replacement is None else Replacement(replacement)
        told = RecordCorrected(position, "录入有误", put)
        return self.add(stream or self.kept[position - 1].stream, told)

    def upto(self, position: int) -> Source:
        """The ledger as it was when it had so many records."""
        return Source(self.slug, self.kept[:position])

    def records(self, after: int, limit: int) -> list[Record[Any]]:
        return self.kept[after : after + limit]

    def history(self, stream: str, as_of: int | None) -> list[Record[Any]]:
        last = len(self.kept) if as_of is None else as_of
        return [record for record in self.kept[:last] if record.stream == stream]

    def head_position(self) -> int:
        return len(self.kept)
