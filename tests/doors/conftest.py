"""One application per test, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.http.app import Wenxiao
from service.ledger.recorder import create_ledger
from tests.doors.asking import LEDGER, AtTheOffice, Clock, served


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(database_url: str, clock: Clock, tmp_path: Path) -> Iterator[Wenxiao]:
    with served(database_url, clock, wait_seconds=0.2, custody=str(tmp_path)) as app:
        create_ledger(app.engine, LEDGER)
        yield app


@pytest.fixture
def office(app: Wenxiao, clock: Clock) -> AtTheOffice:
    return AtTheOffice(app, clock)
