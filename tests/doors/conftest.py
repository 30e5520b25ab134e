"""One application per test, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregates.project import Project
from aggregates.roles import Role
from aggregates.unit import Unit
from service.http.app import Wenxiao
from service.ledger.recorder import create_ledger
from tests.doors.asking import LEDGER, AtTheOffice, Caller, Clock, served
from tests.doors.cast import CULTURE, EDUCATION, SCHOOL, goal, reserved


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


@pytest.fixture
def register(office: AtTheOffice) -> AtTheOffice:
    """The bureau of education with a school below it, and the bureau of culture beside it."""
    office.given(Unit, EDUCATION, code="105")
    office.given(Unit, SCHOOL, code="105001")
    office.given(Unit, CULTURE, code="106")
    office.given(Project, reserved("105001"), goal(1_000_000_05), code="school")
    office.given(Project, reserved("106"), code="museum")
    return office


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
