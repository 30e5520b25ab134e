"""One application per test, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregates.roles import Role
from service.http.app import Wenxiao
from service.ledger.recorder import create_ledger
from tests.conftest import Databases
from tests.doors.asking import LEDGER, AtTheOffice, Caller, Clock, served
from tests.doors.cast import registered


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


@pytest.fixture(scope="module")
def quiet_office(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AtTheOffice]:
    """One office for all on a page who only ask: whatever they ask, nothing is added to it."""
    clock, custody = Clock(), str(tmp_path_factory.mktemp("custody"))
    with databases() as url, served(url, clock, wait_seconds=0.2, custody=custody) as app:
        create_ledger(app.engine, LEDGER)
        yield AtTheOffice(app, clock)


@pytest.fixture
def register(office: AtTheOffice) -> AtTheOffice:
    return registered(office)


@pytest.fixture
def auditor(register: AtTheOffice) -> Caller:
    found = register.somebody(Role.AUDITOR)
    register.projected()
    return found


@pytest.fixture
def education(register: AtTheOffice) -> Caller:
    found = register.somebody(Role.UNIT_HEAD, unit="105")
    register.projected()
    return found
