"""What all subjects stand on: one PostgreSQL that keeps its promises, and fresh databases on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from sqlalchemy import Engine

from service.ledger.engine import make_engine
from service.ledger.migrations import migrate
from service.ledger.recorder import create_ledger
from tests.bench.measuring import Effort
from tests.postgres import TempPostgres

SLUG = "bench"


@dataclass
class Ground:
    """Where it is measured, and how much."""

    server: TempPostgres
    folder: Path
    effort: Effort
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def empty(self) -> str:
        """The name of an empty PostgreSQL database."""
        name = f"bench_{next(self._numbers)}"
        self.server.run(f"CREATE DATABASE {name}")
        return name

    def postgresql(self, *ledgers: str) -> str:
        """The address of a migrated PostgreSQL database with ledgers in it."""
        return prepared(self.server.uri(self.empty()), ledgers)

    def sqlite(self, *ledgers: str) -> str:
        """The address of a migrated SQLite file with ledgers in it."""
        return prepared(f"sqlite:///{self.folder}/{next(self._numbers)}.sqlite", ledgers)


def prepared(url: str, ledgers: tuple[str, ...]) -> str:
    with opened(url) as engine:
        migrate(engine)
        for slug in ledgers or (SLUG,):
            create_ledger(engine, slug)
    return url


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """The service's own engine on a database, closed at the end."""
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
