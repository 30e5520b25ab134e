"""投影器: follows a ledger and keeps the read models of it, batch by batch.

What a batch changes is found out beside the database; only then a short transaction writes it, with
how far was read. Nobody who appends waits for more than that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from threading import Event
from typing import Any

import sqlalchemy as sa

from projections.base import ReadModel, Records
from projections.models import MODELS
from projections.places import Place, live_places, positions, progress
from service.ledger.engine import writing
from service.logs import logger
from service.projector.bulk import Overtaken
from service.projector.taking import BATCH, UNAVAILABLE, Taking

SHORTEST_LOOK, LONGEST_LOOK = 0.02, 0.5
"""Seconds between two looks at the head: soon after a record, rarer while nothing comes."""

Models = Sequence[ReadModel[Any]]
Report = Callable[[int, int], None]
"""Is told how far it has come, and of how much."""


class Projector:
    """Keeps the read models of one ledger. Several may work on one; each record counts once."""

    def __init__(
        self, engine: sa.Engine, source: Records, models: Models = MODELS, batch: int = BATCH
    ) -> None:
        self.engine, self.source, self.models = engine, source, models
        self._taking = Taking(engine, source, batch)

    def step(self, upto: int | None = None) -> bool:
        """Take in the next batch; says whether there was one."""
        places = self.places()
        last = self.source.head_position() if upto is None else upto
        if min(place.position for place in places.values()) >= last:
            return False
        try:
            self._taking.take(places, last)
        except Overtaken:
            logger().debug("overtaken", ledger=self.source.slug)
        return True

    def catch_up(self, upto: int | None = None, report: Report | None = None) -> int:
        """Read up to a position, by default to the end as it is now; how far that was."""
        last = self.source.head_position() if upto is None else upto
        while self.step(last):
            if report is not None:
                report(self.position(), last)
        return self.position()

    def position(self) -> int:
        """How far all models have read."""
        return min(place.position for place in self.places().values())

    def places(self) -> dict[ReadModel[Any], Place]:
        """How far each model has read; what is new begins at the beginning."""
        names = [model.NAME for model in self.models]
        with self.engine.connect() as connection:
            found = live_places(connection, self.source.slug, names)
        if len(found) < len(names):
            register(self.engine, self.source.slug, names)
            return self.places()
        return {model: found[model.NAME] for model in self.models}


def register(engine: sa.Engine, ledger: str, models: Iterable[str]) -> None:
    """Begin to keep these read models of a ledger, where nobody has begun."""
    for model in models:
        with suppress(sa.exc.IntegrityError), writing(engine) as connection:
            connection.execute(sa.insert(progress).values(vars(Place(ledger, model))))


def follow(projectors: Iterable[Projector], stop: Event) -> None:
    """Keep read models up to date until told to stop, whatever happens to the database.

    The projectors are asked for again at every turn: there may be more of them by then.
    """
    pause = SHORTEST_LOOK
    while not stop.is_set():
        if sum(_stepped(projector) for projector in projectors):
            pause = SHORTEST_LOOK
        else:
            stop.wait(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)


def _stepped(projector: Projector) -> bool:
    try:
        return projector.step()
    except UNAVAILABLE as error:
        logger().warning("projector_waits", ledger=projector.source.slug, error=error)
        return False


def wait_for(
    engine: sa.Engine, ledger: str, position: int, timeout: float, models: Models = MODELS
) -> bool:
    """Wait until people can read these models as of a position; says whether they can."""
    deadline = time.monotonic() + timeout
    while lowest(engine, ledger, models) < position:
        if time.monotonic() >= deadline:
            return False
        time.sleep(SHORTEST_LOOK / 2)
    return True


def lowest(engine: sa.Engine, ledger: str, models: Models = MODELS) -> int:
    """How far all of these models have been read for people."""
    with engine.connect() as connection:
        return min(positions(connection, ledger, [model.NAME for model in models]).values())


def lag(engine: sa.Engine, source: Records, models: Models = MODELS) -> dict[str, int]:
    """How many records each model has not read yet."""
    with engine.connect() as connection:
        read = positions(connection, source.slug, [model.NAME for model in models])
    head = source.head_position()
    return {name: max(head - position, 0) for name, position in read.items()}
