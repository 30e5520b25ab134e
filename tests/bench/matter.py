"""What is recorded: one kind of record, as it comes every day, with a body of about 400 bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from itertools import count, islice
from typing import Any, Generic, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.persistence import StoredEvent

from aggregates.base import Actor, Envelope, Record
from aggregates.project import Project
from aggregates.reserve import ProjectReserved
from aggregates.roles import Role
from aggregates.values import Fen, ProjectClass
from service.ledger.application import Ledger
from service.ledger.body import encode

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
        request=f"k-{number}",
        request_digest=f"{number:064x}",
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


def portions(these: Iterable[T], size: int = 1_000) -> Iterator[list[T]]:
    """Lists of so many, the last one maybe shorter."""
    remaining = iter(these)
    while portion := list(islice(remaining, size)):
        yield portion
