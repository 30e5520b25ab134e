"""对比: what two generations of a read model say, row by row, and where they differ."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from projections.base import ReadModel, Row
from projections.changes import Values
from projections.places import Place, healed

R = TypeVar("R", bound=Row)

Span = tuple[int, int]
"""From the position of a record that could not be taken in to that of its correction."""

SHOWN = 20
"""How many differences are shown in full; all are counted."""


@dataclass(frozen=True)
class Difference(Generic[R]):
    """一行对比: what each generation says of a row that began at a position.

    ``is_frozen``: of its name they say the same wherever neither stood still.
    """

    name: Values
    since: int
    live: R | None
    shadow: R | None
    is_frozen: bool = False

    @property
    def stream(self) -> str:
        """The history that the row is about."""
        return (self.live or self.shadow or Row("")).stream

    @property
    def is_none(self) -> bool:
        """Both say the same, also about when it ended."""
        return self.live == self.shadow and _until(self.live) == _until(self.shadow)


def _until(row: Row | None) -> int | None:
    return row.until if row else None


@dataclass
class Report(Generic[R]):
    """重建报告: both generations' digests at one position, and where their histories differ.

    ``frozen`` counts, apart from those that differ, rows of which both generations say the same but
    where one of them stood still, and says so: between a record that it could not take in and the
    correction that let it go on.
    """

    model: str
    position: int
    live_digest: str
    shadow_digest: str
    rows: int = 0
    differing: int = 0
    frozen: int = 0
    differences: list[Difference[R]] = field(default_factory=list)

    def count(self, found: Difference[R]) -> None:
        self.rows += 1
        if found.is_none:
            return
        if found.is_frozen:
            self.frozen += 1
        else:
            self.differing += 1
            self.differences = [*self.differences, found][:SHOWN]

    @property
    def is_equal(self) -> bool:
        alike = self.live_digest == self.shadow_digest
        return (alike or self.frozen > 0) and not self.differing

    @property
    def is_of_nothing(self) -> bool:
        """No record had been read: that both are equal says nothing."""
        return self.position == 0


def compared(
    connection: sa.Connection, model: ReadModel[R], both: Sequence[Place]
) -> Iterator[Difference[R]]:
    """Every row that either of two generations has had by one position, with what each says."""
    spans: dict[str, list[Span]] = {}
    for stream, found in chain.from_iterable(healed(connection, at).items() for at in both):
        spans.setdefault(stream, []).extend(found)
    versions = _paired(connection, model, both)
    for _, alike in groupby(versions, key=attrgetter("name")):
        same_name = list(alike)
        stood_still = spans.get(same_name[0].stream, [])
        is_frozen = bool(stood_still) and _is_said_alike(same_name, stood_still, both[0].position)
        yield from (replace(each, is_frozen=is_frozen) for each in same_name)


def _paired(
    connection: sa.Connection, model: ReadModel[R], both: Iterable[Place]
) -> Iterator[Difference[R]]:
    sides = [_told(connection, model, place, side) for side, place in enumerate(both)]
    named = len(model.IDENTITY)
    for name, alike in groupby(heapq.merge(*sides, key=_name), key=_name):
        said = {side: model.row(values, name[named], until) for _, side, until, values in alike}
        yield Difference(name[:named], name[named], said.get(0), said.get(1))


def _is_said_alike(found: Sequence[Difference[R]], spans: Sequence[Span], last: int) -> bool:
    """Do both say the same of one name, up to a position, wherever neither stands still?"""
    live = [each.live for each in found if each.live]
    shadow = [each.shadow for each in found if each.shadow]
    edges = {edge for row in (*live, *shadow) for edge in (row.since, row.until)}
    edges.update(until for _, until in spans)
    moving = (
        at
        for at in edges
        if at is not None and at <= last and not any(since <= at < until for since, until in spans)
    )
    return all(_at(live, at) == _at(shadow, at) for at in moving)


def _at(rows: Iterable[R], position: int) -> R | None:
    """The row that stood at a position."""
    return next((r for r in rows if r.since <= position and not _ended(r, position)), None)


def _ended(row: Row, position: int) -> bool:
    return row.until is not None and row.until <= position


def _name(told: tuple[Values, int, int | None, Values]) -> Values:
    return told[0]


def _told(
    connection: sa.Connection, model: ReadModel[Any], place: Place, side: int
) -> Iterator[tuple[Values, int, int | None, Values]]:
    """A generation's rows in order of their names and beginnings, ready to be merged."""
    named = len(model.IDENTITY)
    for since, until, values in model.versions(connection, place):
        yield (*values[:named], since), side, until, values
