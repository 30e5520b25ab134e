"""One demonstration, shared by whoever looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from service.demo.database import prepare, url_of
from service.demo.offices import OFFICES
from service.demo.player import Come
from service.demo.stage import Performance, perform


@dataclass(frozen=True)
class Demonstration:
    engine: Engine
    performances: tuple[Performance, ...]


@contextmanager
def unseen(_name: str, _steps: int) -> Iterator[Come]:
    """Nobody follows how far it has come."""
    yield lambda _: None


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    engine = prepare(url_of(str(path)), [office.slug for office in OFFICES])
    yield Demonstration(engine, tuple(perform(each, engine, unseen) for each in OFFICES))
    engine.dispose()
