"""问责链: every record of every history, who did what when, on which grounds, against which rules.

It asks nothing of the facts but their sentence, so a new one appears here by being written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import sqlalchemy as sa

from aggregates.base import Breach, Record, RecordCorrected
from aggregates.ledger import Refusals
from aggregates.payments import Payments
from aggregates.project import Project
from aggregates.values import business_day
from projections.base import History, Page, ReadModel, Row
from projections.changes import Changes, Values, Version
from projections.happened import corrects_earlier
from projections.places import Place, meeting
from projections.project_status import PROJECTS
from projections.unit_status import UNITS


@dataclass
class Trace(Row):
    """留痕: one record as people read it.

    ``subject`` is the history that it concerns: a payment concerns its project, a refusal what was
    refused. ``days_late`` counts from the day it happened to the day it was recorded.
    ``corrected_by`` is the position of the correction through which it reads as it does here.
    """

    position: int
    version: int
    subject: str
    recorded_at: datetime
    occurred_on: date
    days_late: int
    topic: str
    title: str
    sentence: str
    person: str
    role: str
    post: str
    organisation: str
    on_behalf_of: str
    is_asserted: bool
    via: str
    act: str
    rule_set: int
    breaches: tuple[Breach, ...]
    rules: str
    """The ids of the rules broken, each between spaces."""
    document: str
    is_observed: bool
    is_opening: bool
    corrected_by: int | None = None
    is_withdrawn: bool = False


@dataclass(frozen=True)
class TraceFilter:
    """Which records are asked for; what is not said does not matter.

    ``unit`` is the unit that answers for the subject, ``within`` a unit with all below it;
    ``recorded_from`` and ``recorded_until`` are positions (both included), ``occurred_from`` and
    ``occurred_until`` days; ``breached``: any rule was broken; ``days_late``: at least so many.
    ``seen_from`` is the unit from which somebody looks, as in `StatusFilter`.
    """

    stream: str | None = None
    subject: str | None = None
    unit: str | None = None
    within: str | None = None
    person: str | None = None
    topic: str | None = None
    rule: str | None = None
    breached: bool | None = None
    recorded_from: int | None = None
    recorded_until: int | None = None
    occurred_from: date | None = None
    occurred_until: date | None = None
    days_late: int | None = None
    seen_from: str | None = None


EVERYTHING = TraceFilter()


class Accountability(ReadModel[Trace]):
    """问责链: one row per record, which only a correction ever replaces."""

    NAME = "accountability"
    ROW = Trace
    IDENTITY = ("position",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("subject", "position"),
        ("person", "position"),
        ("topic", "position"),
    )

    def __init__(self) -> None:
        super().__init__()
        c = self.table.c
        broken = self._broke_a_rule()
        sa.Index(
            "accountability_with_breaches",
            c.ledger,
            c.generation,
            c.position,
            postgresql_where=broken,
            sqlite_where=broken,
        )

    def changes(
        self,
        connection: sa.Connection,
        place: Place,
        batch: Sequence[Record[Any]],
        history: History,
    ) -> Changes:
        """A row for each record; one replaced for each record that is corrected."""
        changes = Changes()
        told = {
            it.position: Version(self.values(trace(it)), it.position, is_stored=False)
            for it in batch
        }
        corrections = [it for it in batch if corrects_earlier(it)]
        told.update(self._stored(connection, place, [it.fact.position for it in corrections]))
        for it in corrections:
            before = told.get(it.fact.position)
            if before and self.row(before.values).stream == it.stream:
                changes.end(self, before, it.position)
                told[it.fact.position] = self._corrected(before, it)
        changes.keep(self, told.values())
        return changes

    def _stored(
        self, connection: sa.Connection, place: Place, positions: Sequence[int]
    ) -> dict[int, Version]:
        """The rows of earlier records, as far as they are in the database."""
        if not positions:
            return {}
        c = self.table.c
        asked = self.select().where(
            self.of(place), c.until.is_(None), c.position.in_(sorted(set(positions)))
        )
        rows = self.rows(connection, asked)
        return {row.position: Version(self.values(row), row.since) for row in rows}

    def _corrected(self, before: Version, it: Record[RecordCorrected]) -> Version:
        """How a record reads after its correction; one that is withdrawn keeps its words."""
        row, replacement = self.row(before.values), it.fact.replacement
        if replacement is None:
            row = replace(row, corrected_by=it.position, is_withdrawn=True)
        else:
            fact = replacement.fact
            row = replace(
                row,
                topic=fact.TOPIC,
                title=fact.TITLE,
                sentence=fact.sentence(),
                corrected_by=it.position,
                is_withdrawn=False,
            )
        return Version(self.values(row), it.position, is_stored=False)

    def query(
        self,
        connection: sa.Connection,
        ledger: str,
        as_of: int | None = None,
        filters: TraceFilter = EVERYTHING,
        after: Values | None = None,
        limit: int = 100,
    ) -> Page[Trace]:
        """Records in the order of their positions, as they read as of one, a page of them."""
        place, projects, units = meeting(
            connection, ledger, (self.NAME, PROJECTS.NAME, UNITS.NAME), as_of
        )
        conditions = [
            *self._conditions(filters),
            *self._of_units(filters, projects, units),
            *self._seen(connection, ledger, filters.seen_from),
        ]
        return self.page_of(connection, place, conditions, after, limit)

    def _conditions(self, filters: TraceFilter) -> Iterator[sa.ColumnElement[bool]]:
        c = self.table.c
        for name in ("stream", "subject", "person", "topic"):
            value = getattr(filters, name)
            if value is not None:
                yield c[name] == value
        if filters.stream is not None:
            yield c.subject == subject_of(filters.stream)  # which has an index
        if filters.rule is not None:
            yield self._broke_a_rule()
            yield c.rules.contains(f" {filters.rule} ", autoescape=True)
        if filters.breached is not None:
            yield self._broke_a_rule() if filters.breached else ~self._broke_a_rule()
        for column, lowest, highest in (
            (c.position, filters.recorded_from, filters.recorded_until),
            (c.occurred_on, filters.occurred_from, filters.occurred_until),
            (c.days_late, filters.days_late, None),
        ):
            if lowest is not None:
                yield column >= lowest
            if highest is not None:
                yield column <= highest

    def _broke_a_rule(self) -> sa.ColumnElement[bool]:
        """Few did: they have an index of their own, which a literal finds and a parameter not."""
        return self.table.c.rules != sa.literal_column("''")

    def _of_units(
        self, filters: TraceFilter, projects: Place, units: Place
    ) -> Iterator[sa.ColumnElement[bool]]:
        """What concerns these units themselves, or a project for which one of them answers."""
        if filters.unit is None and filters.within is None:
            return
        asked = filters.unit, filters.within
        subject = self.table.c.subject
        yield sa.or_(
            subject.in_(UNITS.streams(units, units, *asked)),
            subject.in_(PROJECTS.streams(projects, units, *asked)),
        )

    def _seen(
        self, connection: sa.Connection, ledger: str, unit: str | None
    ) -> Iterator[sa.ColumnElement[bool]]:
        """What concerns histories that may be seen from a unit."""
        if unit is not None:
            subject = self.table.c.subject
            yield sa.or_(
                *(subject.in_(m.seen_from(connection, ledger, unit)) for m in (UNITS, PROJECTS))
            )


def trace(it: Record[Any]) -> Trace:
    """A record as people read it."""
    envelope, fact, actor = it.envelope, it.fact, it.envelope.actor
    recorded_at = it.recorded_at or datetime.min.replace(tzinfo=UTC)
    document = envelope.document.number if envelope.document else ""
    return Trace(
        stream=it.stream,
        position=it.position,
        version=it.version,
        subject=subject_of(it.stream),
        recorded_at=recorded_at,
        occurred_on=envelope.occurred_on,
        days_late=(business_day(recorded_at) - envelope.occurred_on).days,
        topic=fact.TOPIC,
        title=fact.TITLE,
        sentence=fact.sentence(),
        person=actor.person,
        role=actor.role,
        post=actor.post,
        organisation=actor.organisation,
        on_behalf_of=actor.on_behalf_of,
        is_asserted=actor.asserted,
        via=envelope.via,
        act=envelope.act,
        rule_set=envelope.rule_set,
        breaches=envelope.breaches,
        rules="".join(f" {breach.rule} " for breach in envelope.breaches),
        document=document,
        is_observed=envelope.observed,
        is_opening=envelope.opening,
    )


def subject_of(stream: str) -> str:
    """The history that a record concerns: its own, or the one that its own stands beside."""
    kind, _, code = stream.partition("/")
    if kind == Refusals.KIND:
        return subject_of(code)
    if kind == Payments.KIND:
        return Project.stream(Payments.of(code).project)
    return stream


ACCOUNTABILITY = Accountability()
