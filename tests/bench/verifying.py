"""核验: every record examined, beside only reading the rows and hashing each once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import sqlalchemy as sa

from service.ledger.application import Ledger
from service.ledger.hashes import SHA256
from service.ledger.verifications import Verdict
from service.ledger.verify import verify
from tests.bench.ground import SLUG, Ground, opened
from tests.bench.matter import recorded
from tests.bench.measuring import Line, Side, alternately, compared, watched

RECORDS = 80_000
PORTION = 8_192
ROWS = """SELECT position, stream, version, topic, entry, sha256, sm3 FROM record
    WHERE ledger = %s AND position > %s ORDER BY position LIMIT %s"""


def on_postgresql(ground: Ground) -> Iterator[Line]:
    """As the command does it, with a process for each processor; and with one."""
    number = ground.effort.of(RECORDS)
    with (
        opened(ground.postgresql()) as engine,
        psycopg.connect(str(engine.url.set(drivername="postgresql"))) as connection,
    ):
        recorded(Ledger(engine, SLUG), number)
        rates = alternately(
            ground.effort.rounds,
            {
                "all": verified(engine, number, processes=0),
                "one": verified(engine, number, processes=1),
                "read": read_and_hashed(connection, number),
            },
        )
    peer = "read:reading the rows, hashing once"
    yield compared("verify, as the command does", rates, "all", peer, 0.5)
    yield compared("verify, by one process", rates, "one", peer)


def verified(engine: sa.Engine, number: int, processes: int) -> Side:
    """All that is checked of records: columns, order, both hashes, both trees, the head."""

    def side() -> float:
        with watched() as watch:
            found = verify(engine, SLUG, processes=processes)
        assert (found.verdict, found.size) == (Verdict.TRUE, number), found
        return watch.rate(number)

    return side


def read_and_hashed(connection: psycopg.Connection[Any], number: int) -> Side:
    """The least that can be done: every row read, every entry hashed by one algorithm."""
    select = partial(connection.execute, ROWS, binary=True)

    def side() -> float:
        last = 0
        with watched() as watch:
            while rows := select((SLUG, last, PORTION)).fetchall():
                for _, _, _, _, entry, _, _ in rows:
                    SHA256.leaf(entry)
                last = rows[-1][0]
        assert last == number
        return watch.rate(number)

    return side
