"""One ledger, empty or furnished, who records in it, and a clock that is moved by hand."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from service.ledger.application import Ledger
from service.ledger.recorder import Recorder, create_ledger
from tests.ledger.cast import LEDGER, Clock
from tests.ledger.furnished import furnished


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(engine: Engine) -> str:
    """The name of an empty ledger."""
    create_ledger(engine, LEDGER)
    return LEDGER


@pytest.fixture
def office(engine: Engine, ledger: str) -> Ledger:
    """A ledger with some of everything."""
    return furnished(Ledger(engine, ledger))


@pytest.fixture
def recorder(engine: Engine, ledger: str, clock: Clock) -> Recorder:
    return Recorder(engine, ledger, clock)


@pytest.fixture
def another(engine: Engine, ledger: str, clock: Clock) -> Recorder:
    """A second recorder of the same ledger, as another process has one."""
    return Recorder(engine, ledger, clock)
