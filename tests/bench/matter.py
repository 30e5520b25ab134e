"""What is recorded: one kind of record, as it comes every day, with a body of about 400 bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from hashlib import sha256
from itertools import count, islice
from typing import Any, Generic, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from eventsourcing.persistence import StoredEvent

from aggregates.base import Actor, Document, Envelope, Record
from aggregates.project import Project
from aggregates.reserve import ProjectReserved
from aggregates.roles import Role
from aggregates.values import Fen, ProjectClass
from service.ledger.application import Ledger
from service.ledger.body import encode
from service.ledger.rows import RequestRow

RESERVE = {
    "name": "农村公路养护",
    "unit": "101001",
    "project_class": "specific_target",
    "first_year": 2021,
    "last_year": 2023,
    "is_new": True,
    "is_major": True,
    "demanded": "1262820.70",
}
"""项目入储备, as it is asked for."""

CLERK = Actor("wang", Role.UNIT_CLERK)

N = TypeVar("N", str, UUID)
T = TypeVar("T")


def record(number: int, stream: str, version: int = 0) -> Record[Any]:
    """One record; without a version it is the next one of its history."""
    envelope = Envelope(
        via="t-101001",
        actor=CLERK,
        occurred_on=date(2021, 3, 1 + number % 28),
        act="reserve_project",
        document=Document(f"云公路〔2021〕{number}号", date(2021, 2, 26), f"{number:064x}"),
        rule_set=3,
    )
    fact = ProjectReserved(
        name=f"农村公路养护 {number}",
        unit="101001",
        project_class=ProjectClass.SPECIFIC_TARGET,
        first_year=2021,
        last_year=2023,
        is_new=True,
        is_major=False,
        demanded=Fen(number * 100),
    )
    return Record(stream, version, envelope, fact)


def records(number: int, streams: int = 200) -> Iterator[Record[Any]]:
    """So many records, spread among histories."""
    return (record(n, Project.stream(f"2021-{n % streams:05d}")) for n in range(number))


@cache
def body() -> bytes:
    """The bytes of one such body, the same for every recorder."""
    typical = record(123_456, "")
    return encode(typical.envelope, typical.fact)


class Events(Generic[N]):
    """事件: one after the other, each with its place: histories in turn, versions without a gap."""

    def __init__(self, names: Sequence[N]) -> None:
        self._places: Iterator[tuple[N, int]] = (
            (name, version) for version in count(1) for name in names
        )

    def take(self, number: int) -> list[StoredEvent]:
        """The next events."""
        topic, state, places = ProjectReserved.TOPIC, body(), islice(self._places, number)
        return [StoredEvent(name, version, topic, state) for name, version in places]


def names(group: str, streams: int = 200) -> list[str]:
    """Histories that nobody else writes to."""
    return [Project.stream(f"{group}-{number:05d}") for number in range(streams)]


def uuids(group: str, streams: int = 200) -> list[UUID]:
    """The same as the library names them by default."""
    return [uuid5(NAMESPACE_URL, name) for name in names(group, streams)]


def recorded(ledger: Ledger, number: int) -> None:
    """Record so many, a thousand at a time."""
    for portion in portions(records(number)):
        ledger.append(portion)


def requested(ledger: Ledger, number: int) -> None:
    """Record so many, each with the row of a request of its own."""
    for portion in portions(enumerate(records(number))):
        pairs = [with_its_request(n, record) for n, record in portion]
        rows = [replace(row, records=(index,)) for index, (_, row) in enumerate(pairs)]
        ledger.append([record for record, _ in pairs], requests=rows)


def with_its_request(number: int, record: Record[Any]) -> tuple[Record[Any], RequestRow]:
    """A record, made to vouch for the row of the request that it answers."""
    key, salt, body = f"k-{number}", b"\0" * 16, msgspec.json.encode(RESERVE)
    row = RequestRow(record.envelope.via, key, salt, sha256(body).digest(), body, "recorded")
    told = replace(record.envelope, request=key, request_digest=row.seal.hex())
    return replace(record, envelope=told), row


def portions(these: Iterable[T], size: int = 1_000) -> Iterator[list[T]]:
    """Lists of so many, the last one maybe shorter."""
    remaining = iter(these)
    while portion := list(islice(remaining, size)):
        yield portion
