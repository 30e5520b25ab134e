"""项目与单位现状: what the state of a project and of a unit have in common, and how both are asked.

What belongs to the whole of it, its items above all, is a row of ``project_status`` or
``unit_status``; what belongs to one budget year is a row of ``year_status``; read together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlalchemy as sa

from aggregates.base import Record
from aggregates.item import ItemCause, ItemState
from aggregates.rectification import (
    RecoveryRecorded,
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
    RectificationReported,
    RectificationVerified,
)
from aggregates.values import Fen
from projections.base import Page, Row
from projections.changes import Rows, Values
from projections.places import Place, frozen, meeting
from projections.streams import StreamModel
from projections.year_status import ANY_YEAR, YEARS, YearFilter, YearStatus

if TYPE_CHECKING:
    from projections.unit_status import UnitStatusModel

R = TypeVar("R", bound="AccountableRow")


@dataclass(frozen=True)
class ItemStatus:
    """整改事项现状: one problem, who has to put it right by when, and how far that has come."""

    responsible: str
    problem: str
    cause: ItemCause
    due: date
    state: ItemState = ItemState.OPEN
    ordered: Fen = Fen(0)
    outstanding: Fen = Fen(0)

    @property
    def is_open(self) -> bool:
        return self.state != ItemState.CLOSED

    @property
    def awaits_report(self) -> bool:
        """The day that it is due still matters."""
        return self.state in (ItemState.OPEN, ItemState.REJECTED)


@dataclass
class AccountableRow(Row):
    """What a project and a unit have in common: rectification items.

    ``next_due`` is the earliest day by which something still has to be reported: it is overdue on
    any later day.
    """

    items: dict[str, ItemStatus] = field(default_factory=dict)
    open_items: int = 0
    next_due: date | None = None

    def item_changed(self, id: str, **changes: Any) -> None:
        """An item that was ordered has come further; of any other there is nothing to say."""
        if id in self.items:
            self.put_item(id, replace(self.items[id], **changes))

    def put_item(self, id: str, item: ItemStatus) -> None:
        self.items[id] = item
        items = self.items.values()
        self.open_items = sum(each.is_open for each in items)
        self.next_due = min((each.due for each in items if each.awaits_report), default=None)


@dataclass(frozen=True)
class Standing(Generic[R]):
    """现状: the row of a project or unit, and those of its budget years.

    ``frozen_at`` is the record since which they stand still, where it could not be taken in.
    """

    status: R
    years: tuple[YearStatus, ...]
    frozen_at: int | None = None


@dataclass(frozen=True)
class StatusFilter:
    """Which projects or units are asked for; what is not said does not matter.

    ``unit`` is the unit that answers, ``within`` a unit with all below it; ``overdue_on``:
    something is overdue on that day. ``seen_from`` is the unit from which somebody looks, who sees
    what it and all below it answer for today, of whatever time the question is.
    """

    unit: str | None = None
    within: str | None = None
    open_items: bool | None = None
    overdue_on: date | None = None
    seen_from: str | None = None
    of_year: YearFilter = ANY_YEAR


EVERY_ONE = StatusFilter()


class StandingModel(StreamModel[R]):
    """Projects or units: items are kept the same way, questions are answered the same way."""

    def ordered(self, rows: Rows[R], it: Record[RectificationOrdered]) -> None:
        told = it.fact
        item = ItemStatus(
            told.responsible,
            told.problem,
            told.cause,
            told.due,
            ordered=told.amount,
            outstanding=told.amount,
        )
        rows.only.put_item(told.item, item)

    def reported(self, rows: Rows[R], it: Record[RectificationReported]) -> None:
        rows.only.item_changed(it.fact.item, state=ItemState.REPORTED)

    def rejected(self, rows: Rows[R], it: Record[RectificationRejected]) -> None:
        rows.only.item_changed(it.fact.item, state=ItemState.REJECTED)

    def verified(self, rows: Rows[R], it: Record[RectificationVerified]) -> None:
        rows.only.item_changed(it.fact.item, state=ItemState.VERIFIED)

    def closed(self, rows: Rows[R], it: Record[RectificationClosed]) -> None:
        rows.only.item_changed(it.fact.item, state=ItemState.CLOSED)

    def recovered(self, rows: Rows[R], it: Record[RecoveryRecorded]) -> None:
        rows.only.item_changed(it.fact.item, outstanding=it.fact.outstanding)

    def find(
        self, connection: sa.Connection, ledger: str, code: str, as_of: int | None = None
    ) -> Standing[R] | None:
        """One project or unit as of a position, if it was known then."""
        place, years = meeting(connection, ledger, (self.NAME, YEARS.NAME), as_of)
        asked = self.select().where(
            self.visible(place), self.table.c.stream == self.OF.stream(code)
        )
        rows = self.rows(connection, asked)
        return next(self._with_years(connection, place, years, rows), None)

    def query(
        self,
        connection: sa.Connection,
        ledger: str,
        as_of: int | None = None,
        filters: StatusFilter = EVERY_ONE,
        after: Values | None = None,
        limit: int = 100,
    ) -> Page[Standing[R]]:
        """A list by code as of a position, one page of it."""
        names = (self.NAME, YEARS.NAME, "unit_status")
        place, years, units = meeting(connection, ledger, names, as_of)
        conditions = [
            *self._conditions(filters),
            *self.of_units(units, filters.unit, filters.within),
            *self._seen(connection, ledger, filters.seen_from),
            *YEARS.conditions(years, self.table.c.stream, filters.of_year),
        ]
        page = self.page_of(connection, place, conditions, after, limit)
        rows = tuple(self._with_years(connection, place, years, page.rows))
        return Page(rows, page.as_of, page.next)

    @property
    @abstractmethod
    def register(self) -> UnitStatusModel:
        """The read model that knows which unit stands above which."""

    @abstractmethod
    def answered_by(self, units: sa.Select[tuple[str]]) -> sa.ColumnElement[bool]:
        """Those for which one of these units answers, each named by its code."""

    def of_units(
        self, units: Place, unit: str | None, within: str | None
    ) -> Iterator[sa.ColumnElement[bool]]:
        """Those of one unit, and those of a unit and all below it."""
        if unit is not None:
            yield self.answered_by(sa.select(sa.literal(unit)))
        if within is not None:
            yield self.answered_by(self.register.below(units, within))

    def _seen(
        self, connection: sa.Connection, ledger: str, unit: str | None
    ) -> Iterator[sa.ColumnElement[bool]]:
        """Those that may be seen from a unit."""
        if unit is not None:
            yield self.table.c.stream.in_(self.seen_from(connection, ledger, unit))

    def seen_from(self, connection: sa.Connection, ledger: str, unit: str) -> sa.Select[tuple[str]]:
        """The names of the histories for which a unit and all below it answer now."""
        now, units = meeting(connection, ledger, (self.NAME, self.register.NAME))
        return self.streams(now, units, None, unit)

    def streams(
        self, place: Place, units: Place, unit: str | None, within: str | None
    ) -> sa.Select[tuple[str]]:
        """The names of their histories as of a place."""
        asked = sa.select(self.table.c.stream).where(self.visible(place))
        return asked.where(*self.of_units(units, unit, within))

    def _conditions(self, filters: StatusFilter) -> Iterator[sa.ColumnElement[bool]]:
        c = self.table.c
        if filters.open_items is not None:
            yield (c.open_items > 0) == filters.open_items
        if filters.overdue_on is not None:
            yield c.next_due < filters.overdue_on

    def _with_years(
        self, connection: sa.Connection, place: Place, years: Place, rows: Iterable[R]
    ) -> Iterator[Standing[R]]:
        """Rows with those of their budget years, which are asked for at once."""
        rows = list(rows)
        streams = [row.stream for row in rows]
        asked = YEARS.select().where(YEARS.visible(years), YEARS.table.c.stream.in_(streams))
        frozen_at = frozen(connection, (place, years), streams)
        found: dict[str, list[YearStatus]] = {row.stream: [] for row in rows}
        for year in YEARS.rows(connection, asked.order_by(*YEARS.name_columns)):
            found[year.stream].append(year)
        for row in rows:
            yield Standing(row, tuple(found[row.stream]), frozen_at.get(row.stream))
