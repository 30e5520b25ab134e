"""One application per test, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.http.app import Wenxiao, create_app
from service.ledger.recorder import create_ledger
from service.settings import Settings
from tests.doors.asking import LEDGER, AtTheOffice, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Wenxiao]:
    app = create_app(Settings(database_url=database_url, wait_seconds=0.2), clock)
    create_ledger(app.engine, LEDGER)
    yield app
    app.engine.dispose()


@pytest.fixture
def office(app: Wenxiao, clock: Clock) -> AtTheOffice:
    return AtTheOffice(app, clock)
