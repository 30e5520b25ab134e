"""What every test may ask for: above all, an empty migrated database on each kind of server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings

from tests.postgres import TempPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

Databases = Callable[[], AbstractContextManager[str]]
"""Gives a fresh migrated database's URL, as often as it is asked; removes it afterwards."""

# Explaining a failure takes hypothesis minutes and adds nothing to the shrunk story.
QUICKLY = [phase for phase in Phase if phase is not Phase.explain]
settings.register_profile("quick", deadline=None, phases=QUICKLY, max_examples=50)
settings.register_profile("ci", settings.get_profile("quick"), derandomize=True, database=None)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "quick")
)


@pytest.hookimpl(trylast=True)  # after they have been shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that are given more time than others, while there is enough beside them."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[TempPostgres]:
    """The PostgreSQL of this worker. Who wants to stop or kill one starts a `TempPostgres`."""
    with TempPostgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    folder = tmp_path_factory.mktemp("sqlite")
    template = folder / "template.sqlite"
    with migrated(f"sqlite:///{template}"):
        pass
    numbers = count(1)

    @contextmanager
    def fresh() -> Iterator[str]:
        path = folder / f"{next(numbers)}.sqlite"
        shutil.copyfile(template, path)
        yield f"sqlite:///{path}"
        for leftover in folder.glob(f"{path.name}*"):
            leftover.unlink()

    return fresh


@pytest.fixture(scope="session")
def postgres_databases(postgres: TempPostgres) -> Databases:
    postgres.run("CREATE DATABASE migrated")
    with migrated(postgres.uri("migrated")):
        pass
    numbers = count(1)

    @contextmanager
    def fresh() -> Iterator[str]:
        name = f"fresh_{next(numbers)}"
        postgres.run(f"CREATE DATABASE {name} TEMPLATE migrated")
        yield postgres.uri(name)
        postgres.run(f"DROP DATABASE {name}")  # fails where a test left a connection open

    return fresh


@pytest.fixture(
    scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def databases(request: pytest.FixtureRequest) -> Databases:
    """Fresh databases on SQLite, then on PostgreSQL; for tests that need many, such as laws."""
    kind = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}[request.param]
    found: Databases = request.getfixturevalue(kind)
    return found


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """One fresh migrated database, on each kind of server in turn."""
    with databases() as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on one fresh migrated database, on each kind of server in turn."""
    with opened(database_url) as engine:
        yield engine


@pytest.fixture
def sqlite_engine(sqlite_databases: Databases) -> Iterator[Engine]:
    with sqlite_databases() as url, opened(url) as engine:
        yield engine


@pytest.fixture
def postgres_engine(postgres_databases: Databases) -> Iterator[Engine]:
    with postgres_databases() as url, opened(url) as engine:
        yield engine


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """The service's own engine on a database, closed at the end."""
    from service.ledger.engine import make_engine

    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def migrated(url: str) -> Iterator[Engine]:
    """An engine on a database that has just been brought to the newest schema."""
    from service.ledger.migrations import migrate

    with opened(url) as engine:
        migrate(engine)
        yield engine
