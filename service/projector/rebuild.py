"""重建: fills a read model anew beside the one that people read, compares both, and changes over.

A generation is a number in every row, so a shadow stands in the same tables, is invisible until the
change, and needs no right to alter tables. One that was cut off is dropped by the next rebuild.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from projections.base import ReadModel, Records, Row
from projections.places import Place, State, places, progress, quarantine
from service.ledger.engine import writing
from service.projector.bulk import Overtaken, move
from service.projector.comparison import Report, compared
from service.projector.projector import Report as Told
from service.projector.projector import register
from service.projector.taking import Taking

R = TypeVar("R", bound=Row)

BATCH = 1_000


class NothingKept(LookupError):
    """There is no earlier generation to go back to."""


class Generation:
    """A generation that stands beside the live one: it follows the ledger, and may take over."""

    def __init__(
        self, engine: sa.Engine, source: Records, model: ReadModel[Any], place: Place
    ) -> None:
        self.engine, self.source, self.model, self.place = engine, source, model, place
        self._taking = Taking(engine, source, BATCH)

    def follow(self, told: Told | None = None) -> None:
        """Read to the end of the ledger. Raises ``Overtaken`` where it has been dropped."""
        head = self.source.head_position()
        while self.place.position < head:
            self._taking.take({self.model: self.place}, head)
            self.place = self._reread()
            if told is not None:
                told(self.place.position, head)
            head = self.source.head_position()

    def take_over(self) -> None:
        """Become what people read; what they read until now is kept, what was kept is dropped.

        Nobody sees a position that he has seen already disappear: it follows until it is level.
        """
        self.follow()
        while not self._took_over():
            self.follow()
        sweep(self.engine, self.model, self.place.ledger)

    def _took_over(self) -> bool:
        """In one transaction, unless the live one is further by now."""
        with writing(self.engine) as connection:
            _restate(connection, self.place, State.KEPT, State.DROPPED)
            level = progress.c.position <= self.place.position
            if not _restate(connection, self.place, State.LIVE, State.KEPT, level):
                connection.rollback()
                return False
            move(connection, self.place, replace(self.place, state=State.LIVE))
            return True

    def _reread(self) -> Place:
        with self.engine.connect() as connection:
            for place in places(connection, self.place.ledger, self.model.NAME):
                if (place.generation, place.state) == (self.place.generation, self.place.state):
                    return place
        raise Overtaken(f"generation {self.place.generation} of {self.model.NAME} was dropped")


class Rebuild(Generic[R]):
    """One read model of one ledger, built anew::

        rebuild = Rebuild(engine, ledger, PROJECTS)
        report = rebuild.fill()
        rebuild.switch()

    A rebuild that begins later drops this one, which then raises ``Overtaken``.
    """

    def __init__(self, engine: sa.Engine, source: Records, model: ReadModel[R]) -> None:
        register(engine, source.slug, [model.NAME])
        self.engine, self.source, self.model = engine, source, model
        self.shadow = Generation(engine, source, model, _begun(engine, source.slug, model))
        sweep(engine, model, source.slug)

    def fill(self, told: Told | None = None) -> Report[R]:
        """Read the whole ledger into a new generation, and compare it with the live one."""
        self.shadow.follow(told)
        return self.compare()

    def compare(self) -> Report[R]:
        """Live and shadow at the last position that both have read."""
        with self.engine.connect() as connection:
            live = self.model.at(connection, self.source.slug)
            position = min(live.position, self.shadow.place.position)
            both = [replace(place, position=position) for place in (live, self.shadow.place)]
            live_digest, shadow_digest = (self.model.digest(connection, each) for each in both)
            report = Report[R](self.model.NAME, position, live_digest, shadow_digest)
            for found in compared(connection, self.model, both):
                report.count(found)
        return report

    def switch(self) -> None:
        """Let people read the new generation; the one before is kept."""
        self.shadow.take_over()

    def drop(self) -> None:
        """Leave what people read as it is, and delete what was built."""
        place = self.shadow.place
        with writing(self.engine) as connection:
            move(connection, place, replace(place, state=State.DROPPED))
        sweep(self.engine, self.model, place.ledger)


def rollback(engine: sa.Engine, source: Records, model: ReadModel[Any]) -> tuple[int, int]:
    """Go back to the generation before, caught up. Done twice, it goes forth again.

    Says which generation people read until now, and which from here on. Raises ``NothingKept``
    where there is none before.
    """
    with engine.connect() as connection:
        found = places(connection, source.slug, model.NAME)
    by_state = {place.state: place for place in found}
    if State.KEPT not in by_state:
        raise NothingKept(f"{model.NAME} has no earlier generation to go back to")
    live, kept = by_state[State.LIVE], by_state[State.KEPT]
    Generation(engine, source, model, kept).take_over()
    return live.generation, kept.generation


def sweep(engine: sa.Engine, model: ReadModel[Any], ledger: str) -> None:
    """Delete the rows of generations that were dropped, a portion at a time."""
    with engine.connect() as connection:
        found = places(connection, ledger, model.NAME)
    for place in found:
        if place.state is State.DROPPED:
            while _swept(engine, model, place):
                pass
            _forget(engine, place)


def _begun(engine: sa.Engine, ledger: str, model: ReadModel[Any]) -> Place:
    """A new shadow; any other there was is dropped."""
    with writing(engine) as connection:
        _restate(connection, Place(ledger, model.NAME), State.SHADOW, State.DROPPED)
        newest = places(connection, ledger, model.NAME)[0].generation
        shadow = Place(ledger, model.NAME, newest + 1, 0, State.SHADOW)
        connection.execute(sa.insert(progress).values(vars(shadow)))
    return shadow


def _restate(
    connection: sa.Connection,
    but: Place,
    state: State,
    to: State,
    *conditions: sa.ColumnElement[bool],
) -> int:
    """Let generations in one state, but for this one, be in another; says how many there were."""
    c = progress.c
    changed = connection.execute(
        sa.update(progress)
        .where(c.ledger == but.ledger, c.model == but.model, c.generation != but.generation)
        .where(c.state == state, *conditions)
        .values(state=to)
    )
    return changed.rowcount


def _swept(engine: sa.Engine, model: ReadModel[Any], place: Place) -> bool:
    """Delete about a batch of rows; says whether there may be more."""
    (first, *_) = model.name_columns
    with writing(engine) as connection:
        nth = sa.select(first).where(model.of(place)).order_by(first).offset(BATCH).limit(1)
        last = connection.execute(nth).scalar()
        gone = sa.delete(model.table).where(model.of(place))
        connection.execute(gone if last is None else gone.where(first <= last))
    return last is not None


def _forget(engine: sa.Engine, place: Place) -> None:
    with writing(engine) as connection:
        for table in (quarantine, progress):
            c = table.c
            connection.execute(
                sa.delete(table).where(
                    c.ledger == place.ledger,
                    c.model == place.model,
                    c.generation == place.generation,
                )
            )
