"""How far each read model has read, in which generation of its rows, and what it could not read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from aggregates.base import Record
from projections.columns import Name, clean

LONGEST_REASON = 500

metadata = sa.MetaData()


class State(StrEnum):
    """世代: what a generation of rows is for.

    People read the live one; a shadow is being filled beside it; one is kept to go back to; what is
    dropped is being deleted.
    """

    LIVE = "live"
    SHADOW = "shadow"
    KEPT = "kept"
    DROPPED = "dropped"


progress = sa.Table(
    "read_model_progress",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("model", Name, primary_key=True),
    sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("state", Name, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    comment="读到何处: how far each generation of a read model has read its ledger",
)
sa.Index(
    "read_model_one_live",
    progress.c.ledger,
    progress.c.model,
    unique=True,
    postgresql_where=progress.c.state == State.LIVE,
    sqlite_where=progress.c.state == State.LIVE,
)

quarantine = sa.Table(
    "read_model_quarantine",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("model", Name, primary_key=True),
    sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stream", Name, nullable=False),
    sa.Column("topic", Name, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger),
    comment="隔离: records that a read model could not take in, until a correction heals it",
)


@dataclass(frozen=True)
class Place:
    """One generation of a read model in one ledger, and the position that it has read up to."""

    ledger: str
    model: str
    generation: int = 1
    position: int = 0
    state: State = State.LIVE


@dataclass(frozen=True)
class Quarantined:
    """隔离: a record that a read model could not take in, and why.

    Where rows belong to streams, the stream's rows stay as they were before it, which was true
    then, until a correction (at ``until``) lets the stream be read again.
    """

    position: int
    stream: str
    topic: str
    reason: str
    until: int | None = None


def in_quarantine(record: Record[Any], error: Exception) -> Quarantined:
    """A record that could not be taken in."""
    return Quarantined(record.position, record.stream, record.fact.TOPIC, reason_of(error))


def reason_of(error: Exception) -> str:
    """What went wrong, as far as it is worth telling."""
    return clean(f"{type(error).__name__}: {error}"[:LONGEST_REASON])


class Behind(Exception):
    """A read model has not read as far as it is asked about; wait, or ask again."""

    def __init__(self, model: str, asked: int, read: int) -> None:
        super().__init__(f"{model} has read up to position {read}, not yet to {asked}")
        self.model, self.asked, self.read = model, asked, read


def places(connection: sa.Connection, ledger: str, model: str) -> list[Place]:
    """All generations of a read model, the newest first."""
    c = progress.c
    found = connection.execute(
        sa.select(c.generation, c.position, c.state)
        .where(c.ledger == ledger, c.model == model)
        .order_by(c.generation.desc())
    )
    return [Place(ledger, model, g, p, State(s)) for g, p, s in found]


def live_places(connection: sa.Connection, ledger: str, models: Iterable[str]) -> dict[str, Place]:
    """The generations that people read, of those models that have begun to read."""
    c = progress.c
    found = connection.execute(
        sa.select(c.model, c.generation, c.position).where(
            c.ledger == ledger, c.model.in_(list(models)), c.state == State.LIVE
        )
    )
    return {model: Place(ledger, model, g, position) for model, g, position in found}


def reached(connection: sa.Connection, ledger: str, model: str, as_of: int | None) -> Place:
    """What people read as of a position, by default as far as the model has read.

    Raises ``Behind`` where it has not read so far: an answer is exact or it is none.
    """
    (place,) = meeting(connection, ledger, (model,), as_of)
    return place


def meeting(
    connection: sa.Connection, ledger: str, models: Iterable[str], as_of: int | None = None
) -> list[Place]:
    """Several read models as of one position, by default as far as all of them have read."""
    names = list(models)
    begun = live_places(connection, ledger, names)
    found = [begun.get(name, Place(ledger, name)) for name in names]
    if as_of is None:
        as_of = min(place.position for place in found)
    for place in found:
        if as_of > place.position:
            raise Behind(place.model, as_of, place.position)
    return [replace(place, position=as_of) for place in found]


def positions(connection: sa.Connection, ledger: str, models: Iterable[str]) -> dict[str, int]:
    """How far each of these models has read, as people see it."""
    names = list(models)
    begun = live_places(connection, ledger, names)
    return {name: begun[name].position if name in begun else 0 for name in names}


def quarantined(
    connection: sa.Connection, ledger: str, model: str | None = None
) -> list[tuple[str, Quarantined]]:
    """What the live generations could not take in and still miss, with the model's name."""
    c = quarantine.c
    of_live = sa.and_(
        progress.c.ledger == c.ledger,
        progress.c.model == c.model,
        progress.c.generation == c.generation,
        progress.c.state == State.LIVE,
    )
    asked = (
        sa.select(c.model, c.position, c.stream, c.topic, c.reason, c.until)
        .join(progress, of_live)
        .where(c.ledger == ledger, c.until.is_(None))
        .order_by(c.model, c.position)
    )
    if model is not None:
        asked = asked.where(c.model == model)
    return [(name, Quarantined(*rest)) for name, *rest in connection.execute(asked)]


def missing(connection: sa.Connection, place: Place) -> dict[int, str]:
    """What a generation could not take in and still misses: positions, the earliest first.

    Each comes with its stream, which is empty where nobody could read the record.
    """
    c = quarantine.c
    found = connection.execute(
        sa.select(c.position, c.stream)
        .where(
            c.ledger == place.ledger,
            c.model == place.model,
            c.generation == place.generation,
            c.until.is_(None),
        )
        .order_by(c.position)
    )
    return {row.position: row.stream for row in found}


def frozen(
    connection: sa.Connection, at: Iterable[Place], streams: Iterable[str]
) -> dict[str, int]:
    """The histories of which the rows at any of these places stand still, and since which record.

    A correction lets a history go on, but what was read before it stays as it was: as of a position
    between the record and its correction the rows stand still for ever.
    """
    c = quarantine.c
    still = (
        sa.and_(
            c.ledger == place.ledger,
            c.model == place.model,
            c.generation == place.generation,
            c.position <= place.position,
            sa.or_(c.until.is_(None), c.until > place.position),
        )
        for place in at
    )
    found = connection.execute(
        sa.select(c.stream, sa.func.min(c.position).label("since"))
        .where(sa.or_(*still), c.stream.in_(list(streams)))
        .group_by(c.stream)
    )
    return {row.stream: row.since for row in found}


def healed(connection: sa.Connection, place: Place) -> dict[str, list[tuple[int, int]]]:
    """Where the rows of each stream once stood still: from a record until its correction."""
    c = quarantine.c
    found = connection.execute(
        sa.select(c.stream, c.position, c.until).where(
            c.ledger == place.ledger,
            c.model == place.model,
            c.generation == place.generation,
            c.until.is_not(None),
        )
    )
    spans: dict[str, list[tuple[int, int]]] = {}
    for stream, position, until in found:
        spans.setdefault(stream, []).append((position, until))
    return spans
