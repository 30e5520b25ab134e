"""核验: every record examined, beside only reading the rows and hashing each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlalchemy as sa

from service.ledger.application import Ledger
from service.ledger.hashes import ALGORITHMS, SHA256, Algorithm
from service.ledger.recorder import storage
from service.ledger.verifications import Verdict
from service.ledger.verify import verify
from tests.bench.ground import SLUG, Ground, opened
from tests.bench.matter import recorded, requested
from tests.bench.measuring import Line, Rates, Side, alternately, compared, watched

RECORDS = 80_000
PORTION = 8_192
ROWS = (
    "SELECT position, stream, version, topic, entry, sha256, sm3 FROM record"
    " WHERE ledger = ? AND position > ? ORDER BY position LIMIT ?"
)
PEER = "read:reading the rows, hashing once"
BOTH = "both:reading the rows, hashing once by each algorithm"


def on_both(ground: Ground) -> Iterator[Line]:
    """On PostgreSQL and SQLite: the records alone, and, as information, each with its request."""
    rates = measured(ground, ground.postgresql(), recorded)
    yield compared("records on PostgreSQL, as the command does", rates, "all", PEER, 0.5)
    yield compared("records on PostgreSQL, by one process", rates, "one", PEER)
    yield compared("records on PostgreSQL, as the command does", rates, "all", BOTH)
    rates = measured(ground, ground.sqlite(), recorded)
    yield compared("records on SQLite, as the command does", rates, "all", PEER, 0.5)
    yield compared("records on SQLite, by one process", rates, "one", PEER)
    yield compared("records on SQLite, as the command does", rates, "all", BOTH)
    rates = measured(ground, ground.postgresql(), requested)
    yield compared("records and a request each, as the command does", rates, "all", PEER)


def measured(ground: Ground, url: str, fill: Callable[[Ledger, int], None]) -> Rates:
    number = ground.effort.of(RECORDS)
    with opened(url) as engine:
        fill(Ledger(engine, SLUG), number)
        return alternately(
            ground.effort.rounds,
            {
                "all": verified(engine, number, processes=0),
                "one": verified(engine, number, processes=1),
                "read": read_and_hashed(engine, number, SHA256),
                "both": read_and_hashed(engine, number, *ALGORITHMS),
            },
        )


def verified(engine: sa.Engine, number: int, processes: int) -> Side:
    """All that is checked: columns, order, both hashes, both trees, the head, what is beside."""

    def side() -> float:
        with watched() as watch:
            found = verify(engine, SLUG, processes=processes)
        assert (found.verdict, found.size) == (Verdict.TRUE, number), found
        return watch.rate(number)

    return side


def read_and_hashed(engine: sa.Engine, number: int, *algorithms: Algorithm) -> Side:
    """The least that can be done: every row read, every entry hashed by these."""
    kept = storage(engine, SLUG)

    def side() -> float:
        last = 0
        with watched() as watch, kept.connected() as connection:
            while rows := kept.rows(connection, ROWS, SLUG, last, PORTION):
                for algorithm in algorithms:
                    for _, _, _, _, entry, _, _ in rows:
                        algorithm.leaf(entry)
                last = rows[-1][0]
        assert last == number
        return watch.rate(number)

    return side
