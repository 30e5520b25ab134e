"""实际发生: a history as it reads with its corrections, and in the order of what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Generic, TypeVar

from aggregates.base import Record, RecordCorrected

R = TypeVar("R")


def as_known(history: Iterable[Record[Any]]) -> Iterator[Record[Any]]:
    """A history as it reads with the corrections among it: facts replaced, records withdrawn."""
    records = list(history)
    facts = {record.fact.position: record.fact for record in records if corrects_earlier(record)}
    for record in records:
        correction = facts.get(record.position)
        if correction is None:
            yield record
        elif correction.replacement is not None:
            yield replace(record, fact=correction.replacement.fact)


def corrects_earlier(record: Record[Any]) -> bool:
    """It corrects a record before itself, as every correction should."""
    return isinstance(record.fact, RecordCorrected) and record.fact.position < record.position


@dataclass(frozen=True)
class Late:
    """迟录: a record of something that happened before what its history already told.

    ``days`` lie between it and the latest day told before.
    """

    record: Record[Any]
    days: int


@dataclass(frozen=True)
class Happened(Generic[R]):
    """One stream's rows in the order of what happened, and the records that came late to it.

    ``frozen_at`` is the position of the first that could not be taken in; the rows are as they were
    before it.
    """

    rows: tuple[R, ...]
    late: tuple[Late, ...]
    frozen_at: int | None = None


def late(known: Iterable[Record[Any]]) -> Iterator[Late]:
    """The records of a history that tell of a day before what it already told."""
    latest = date.min
    for record in known:
        day = record.envelope.occurred_on
        if day < latest:
            yield Late(record, (latest - day).days)
        latest = max(latest, day)
